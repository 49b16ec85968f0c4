/* view.c: which records code can reach, and what it has asked for. A handle is good while its number is one of the
 * view's. */
#include "stage.h"
#include <string.h>
#include "common/must.h"

bool view_open(struct lua_stage *stage, const weir_batch *batch) {
  must(!stage->batch && batch->record_count > 0);
  uint32_t count = batch->record_count;
  if (!memory_grow(&stage->memory, (void **)&stage->entries, &stage->entry_room, count, sizeof *stage->entries))
    return false;
  if (!memory_grow(&stage->memory, (void **)&stage->rejected, &stage->rejected_room, count, sizeof *stage->rejected))
    return false;
  memset(stage->rejected, 0, count * sizeof *stage->rejected);
  stage->batch = batch;
  stage->batch_serial++;
  stage->count = 0;
  view_move(stage, 0, 0);
  return true;
}

/* A batch can leave a large tree behind: its room is given back, so that one large record does not hold it for ever. */
static void trim(struct lua_stage *stage) {
  enum { KEEP = 1 << 20 };
  if (stage->change_room * sizeof *stage->changes <= KEEP) return;
  memory_resize(&stage->memory, stage->changes, stage->change_room * sizeof *stage->changes, 0);
  stage->changes = NULL;
  stage->change_room = 0;
}

void view_close(struct lua_stage *stage) {
  view_move(stage, 0, 0);
  stage->batch = NULL;
  stage->batch_serial++;
  buffer_clear(&stage->buffer);
  trim(stage);
}

void view_move(struct lua_stage *stage, uint32_t first, uint32_t count) {
  must(count == 0 || first + count <= stage->batch->record_count);
  stage->serial += stage->count;
  stage->node_serial += stage->tree.node_count;
  stage->first = stage->at = first;
  stage->count = count;
  stage->change_count = 0;
  stage->loop_count = 0;
  stage->failed_in_loop = false;
  if (count == 1)
    stage->entries[0] = (struct entry){0};
  else if (count)
    memset(stage->entries, 0, count * sizeof *stage->entries);
  tree_reset(&stage->tree, stage->host, stage->batch);
}

uint32_t view_record(lua_State *L, struct lua_stage *stage, const void *handle) {
  uint64_t place = handle_serial(handle) - stage->serial;
  if (place >= stage->count) stage_raise(L, "record used after its batch ended");
  return stage->first + (uint32_t)place;
}

struct change *view_known_change(struct lua_stage *stage, uint32_t index) {
  uint32_t change = stage->entries[index - stage->first].change;
  return change ? &stage->changes[change - 1] : NULL;
}

struct change *view_change(lua_State *L, struct lua_stage *stage, uint32_t index) {
  struct change *known = view_known_change(stage, index);
  if (known) return known;
  if (!memory_grow(&stage->memory, (void **)&stage->changes, &stage->change_room, stage->change_count + 1,
          sizeof *stage->changes)) {
    struct json_error err = {.fault = JSON_NO_MEMORY};
    stage->tree.spent = false;
    stage_raise_json(L, &err);
  }
  struct change *change = &stage->changes[stage->change_count++];
  *change = (struct change){.index = index, .verdict = WEIR_PASS};
  stage->entries[index - stage->first].change = stage->change_count;
  return change;
}

weir_span view_value(struct lua_stage *stage, uint32_t index) {
  const struct change *change = view_known_change(stage, index);
  if (change && change->changed & CHANGED_VALUE) return change->value;
  return weir_record_at(stage->batch, index)->value;
}

weir_span view_key(struct lua_stage *stage, uint32_t index) {
  const struct change *change = view_known_change(stage, index);
  if (change && change->changed & CHANGED_KEY) return change->key;
  return weir_record_at(stage->batch, index)->key;
}

const weir_header *view_headers(struct lua_stage *stage, uint32_t index, uint32_t *count) {
  const struct change *change = view_known_change(stage, index);
  if (!change || !(change->changed & CHANGED_HEADERS))
    return stage->host->headers(stage->host, stage->batch, index, count);
  *count = change->header_count;
  return change->headers;
}

void *view_alloc(lua_State *L, struct lua_stage *stage, size_t size) {
  void *block = stage->host->alloc(stage->host, stage->batch, size ? size : 1);
  if (block) return block;
  struct json_error err = {.fault = JSON_NO_MEMORY};
  stage->tree.spent = true;
  stage_raise_json(L, &err);
}

weir_span view_keep(lua_State *L, struct lua_stage *stage, weir_span bytes) {
  uint8_t *copy = view_alloc(L, stage, bytes.size);
  if (bytes.size) memcpy(copy, bytes.data, bytes.size);
  return weir_bytes(copy, bytes.size);
}
