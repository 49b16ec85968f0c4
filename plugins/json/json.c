/* json.c: the json stage: keeps the records that meet all conditions, then sets and removes fields. Everything else
 * of a value stays byte for byte as it was. What it touches and is not JSON is rejected with the byte; a tombstone
 * passes. */
#include "condition.h"
#include "pattern.h"
#include "rules.h"
#include <common/must.h>
#include <string.h>

/* One lane's instance. */
struct stage {
  const weir_host *host;
  const struct rules *rules;
  struct json_reader *reader;
  struct json_edits *edits;
  struct pattern **patterns; /* one a condition, NULL where it is no `matches` */
};

/* What became of one record. */
struct outcome {
  weir_verdict verdict;
  const char *code; /* NULL: no reason to give */
  struct json_error err;
};

static void destroy(void *self) {
  struct stage *stage = self;
  for (uint32_t i = 0; stage->patterns && i < stage->rules->condition_count; i++) pattern_destroy(stage->patterns[i]);
  free(stage->patterns);
  json_edits_destroy(stage->edits);
  json_reader_destroy(stage->reader);
  free(stage);
}

static bool make_patterns(struct stage *stage) {
  char error[PATTERN_ERROR_TEXT];
  const struct rules *rules = stage->rules;
  stage->patterns = calloc(rules->condition_count + 1, sizeof(struct pattern *));
  if (!stage->patterns) return false;
  for (uint32_t i = 0; i < rules->condition_count; i++) {
    const struct condition *condition = &rules->conditions[i];
    if (condition->comparison != COMPARE_MATCHES) continue;
    stage->patterns[i] = pattern_create(condition->operands[0].text, error);
    if (!stage->patterns[i]) return false;
  }
  return true;
}

static bool make_edits(struct stage *stage) {
  stage->edits = json_edits_create();
  if (!stage->edits) return false;
  for (uint32_t i = 0; i < stage->rules->edit_count; i++) {
    const struct rule_edit *edit = &stage->rules->edits[i];
    bool added = edit->raw.data ? json_edits_set(stage->edits, edit->field.steps, edit->field.count, edit->raw)
                                : json_edits_remove(stage->edits, edit->field.steps, edit->field.count);
    if (!added) return false;
  }
  return true;
}

static int32_t create(const weir_host *host, const weir_config *options, void *shared, void **self) {
  (void)options;
  struct stage *stage = calloc(1, sizeof *stage);
  if (!stage) return host->fail(host, NULL, weir_text("no memory"));
  stage->host = host;
  stage->rules = shared;
  stage->reader = json_reader_create();
  if (!stage->reader || !make_patterns(stage) || !make_edits(stage)) {
    destroy(stage);
    return host->fail(host, NULL, weir_text("no memory"));
  }
  *self = stage;
  return 0;
}

/* ---- One record ---- */

static bool give(struct outcome *outcome, weir_verdict verdict, const char *code) {
  outcome->verdict = verdict;
  outcome->code = code;
  return false;
}

static bool give_fault(struct outcome *outcome) {
  switch (outcome->err.fault) {
  case JSON_NO_MEMORY: return give(outcome, WEIR_RETRY, "no_memory");
  case JSON_NOT_OBJECT: return give(outcome, WEIR_REJECT, "not_object");
  default: return give(outcome, WEIR_REJECT, "not_json");
  }
}

/* False: the outcome is no PASS. */
static bool meets_all(struct stage *stage, const struct json_value *root, struct outcome *outcome) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < stage->rules->condition_count; i++) {
    const struct condition *condition = &stage->rules->conditions[i];
    switch (condition_met(condition, stage->patterns[i], stage->reader, root, &bytes, &outcome->err)) {
    case MET_YES: break;
    case MET_NO: return give(outcome, WEIR_DROP, NULL);
    case MET_NOT_JSON: return give_fault(outcome);
    case MET_TOO_LONG:
      snprintf(outcome->err.text, sizeof outcome->err.text, "`matches` reads at most %d bytes, the field has %zu",
          PATTERN_VALUE_MAX, bytes);
      return give(outcome, WEIR_REJECT, "too_long");
    }
  }
  return true;
}

/* A batch whose memory is spent comes again in smaller pieces, but a record that is too large for all of it would
 * for ever. */
static bool give_too_large(struct outcome *outcome, uint32_t index, size_t size) {
  snprintf(outcome->err.text, sizeof outcome->err.text, "no memory left in this batch for a value of %zu bytes", size);
  return give(outcome, index == 0 ? WEIR_REJECT : WEIR_RETRY, "too_large");
}

static bool edit(struct stage *stage, const weir_batch *batch, uint32_t index, struct outcome *outcome) {
  size_t size;
  enum json_answer answer = json_edits_apply(stage->edits, stage->reader, &size, &outcome->err);
  if (answer == JSON_BAD) return give_fault(outcome);
  if (answer == JSON_ABSENT) return true;
  uint8_t *value = stage->host->alloc(stage->host, batch, size);
  if (!value) return give_too_large(outcome, index, size);
  json_edits_write(stage->edits, value);
  stage->host->set_value(stage->host, batch, index, weir_bytes(value, size));
  return true;
}

static bool process_record(struct stage *stage, const weir_batch *batch, uint32_t index, struct outcome *outcome) {
  const weir_record *record = weir_record_at(batch, index);
  struct json_value root;
  if (!record->value.data) return true; /* a tombstone */
  if (!json_open(stage->reader, record->value, &outcome->err)) return give_fault(outcome);
  if (stage->rules->validate_all && !json_validate(stage->reader, &outcome->err)) return give_fault(outcome);
  if (!json_root(stage->reader, &root, &outcome->err)) return give_fault(outcome);
  if (!meets_all(stage, &root, outcome)) return false;
  return stage->rules->edit_count == 0 || edit(stage, batch, index, outcome);
}

/* ---- A batch ---- */

static void settle(const struct stage *stage, const weir_batch *batch, uint32_t index, const struct outcome *outcome) {
  weir_reason why = weir_because(outcome->code, weir_text(outcome->err.text));
  stage->host->settle(stage->host, batch, index, 1, outcome->verdict, &why);
}

static weir_result process(void *self, const weir_batch *batch) {
  struct stage *stage = self;
  uint32_t dropped = 0; /* in a row, up to the record at hand */
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct outcome outcome;
    bool passes = process_record(stage, batch, i, &outcome);
    if (!passes && outcome.verdict == WEIR_DROP) {
      dropped++;
      continue;
    }
    if (dropped > 0) stage->host->settle(stage->host, batch, i - dropped, dropped, WEIR_DROP, NULL);
    dropped = 0;
    if (!passes) settle(stage, batch, i, &outcome);
  }
  if (dropped > 0) stage->host->settle(stage->host, batch, batch->record_count - dropped, dropped, WEIR_DROP, NULL);
  return WEIR_DONE;
}

/* ---- The plugin ---- */

static int32_t prepare(const weir_host *host, const weir_config *options, void **shared) {
  *shared = rules_create(host, options);
  return *shared ? 0 : -1;
}

static void release(void *shared) { rules_destroy(shared); }

static const weir_option options[] = {
    {.name = "where",
        .type = WEIR_OPTION_TREE,
        .help =
            "conditions that a record must meet to stay, all of them: [{field: a.b, equals: VALUE}]; also not_equals, "
            "at_least, at_most, above, below, in, exists, matches"},
    {.name = "set", .type = WEIR_OPTION_TREE, .help = "fields to set, with their values: {a.b: VALUE}"},
    {.name = "remove", .type = WEIR_OPTION_LIST, .help = "fields to remove"},
    {.name = "validate",
        .type = WEIR_OPTION_ENUM,
        .fallback = "touched",
        .choices = "touched|full",
        .help = "how much of a value must be JSON: what the stage touches, or all of it"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "json",
    .version = "0.1.0",
    .summary = "filters records by fields of their JSON value, sets and removes fields",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .prepare = prepare,
    .release = release,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
