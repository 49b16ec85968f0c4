/* record_json.c: record.json and record.value are two views of one thing. The tree is opened at the first look; a
 * change through it marks the value as behind, and whoever needs the bytes brings it up to date. */
#include "handle.h"

static bool is_behind(struct lua_stage *stage, uint32_t index) {
  const struct change *change = view_known_change(stage, index);
  return change && change->changed & CHANGED_JSON;
}

void record_push_json(lua_State *L, struct lua_stage *stage, uint32_t index) {
  struct entry *entry = &stage->entries[index - stage->first];
  if (entry->root) {
    lua_pushlightuserdata(L, handle_of(HANDLE_JSON, stage->node_serial + entry->root - 1));
    return;
  }
  weir_span text = view_value(stage, index);
  if (!text.data) {
    lua_pushnil(L);
    return;
  }
  struct json_error err;
  struct tree_value value;
  if (!tree_open(&stage->tree, text, index, &value, &err)) stage_raise_json(L, &err);
  if (value.kind == TREE_NODE) entry->root = value.as.node + 1;
  json_push(L, stage, &value);
}

void record_forget_json(struct lua_stage *stage, uint32_t index) {
  struct entry *entry = &stage->entries[index - stage->first];
  if (entry->root) tree_kill(&stage->tree, index);
  entry->root = 0;
}

void record_assign_json(lua_State *L, struct lua_stage *stage, uint32_t index) {
  if (lua_isnil(L, -1))
    stage_raise(L, "record.json cannot be nil: record.value = nil makes a tombstone, weir.null writes null");
  if (!view_value(stage, index).data) stage_raise(L, "this record is a tombstone: it has no JSON to write to");
  buffer_clear(&stage->buffer);
  json_encode(L, stage, -1);
  weir_span value = view_keep(L, stage, weir_bytes(stage->buffer.data, stage->buffer.size));
  struct change *change = view_change(L, stage, index);
  change->value = value;
  change->changed = (change->changed | CHANGED_VALUE) & ~(uint32_t)CHANGED_JSON;
  record_forget_json(stage, index);
}

void record_settle_json(lua_State *L, struct lua_stage *stage, uint32_t index) {
  struct json_error err;
  if (!is_behind(stage, index)) return;
  uint32_t root = stage->entries[index - stage->first].root;
  buffer_clear(&stage->buffer);
  if (!tree_write(&stage->tree, root - 1, true, &stage->buffer, &err)) stage_raise_json(L, &err);
  weir_span value = view_keep(L, stage, weir_bytes(stage->buffer.data, stage->buffer.size));
  struct change *change = view_change(L, stage, index);
  change->value = value;
  change->changed = (change->changed | CHANGED_VALUE) & ~(uint32_t)CHANGED_JSON;
}
