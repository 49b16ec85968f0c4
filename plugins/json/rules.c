/* rules.c: the options into rules. Whatever is wrong in them is told here, at its place in the file, before a record
 * is read. */
#include "rules.h"
#include "pattern.h"
#include <common/must.h>
#include <string.h>

struct rules_block {
  struct rules_block *next;
  max_align_t bytes[];
};

static const char *const words[COMPARE_COUNT] = {[COMPARE_EQUALS] = "equals",
    [COMPARE_NOT_EQUALS] = "not_equals",
    [COMPARE_AT_LEAST] = "at_least",
    [COMPARE_AT_MOST] = "at_most",
    [COMPARE_ABOVE] = "above",
    [COMPARE_BELOW] = "below",
    [COMPARE_IN] = "in",
    [COMPARE_EXISTS] = "exists",
    [COMPARE_MATCHES] = "matches"};

#define ALL_WORDS "equals, not_equals, at_least, at_most, above, below, in, exists, matches"

void *rules_alloc(struct rules *rules, size_t size) {
  struct rules_block *block = calloc(1, sizeof *block + size);
  if (!block) return NULL;
  block->next = rules->blocks;
  rules->blocks = block;
  return block->bytes;
}

void rules_destroy(struct rules *rules) {
  if (!rules) return;
  while (rules->blocks) {
    struct rules_block *block = rules->blocks;
    rules->blocks = block->next;
    free(block);
  }
  free(rules);
}

static int32_t fail(const weir_host *host, const weir_config *node, const char *sentence) {
  return host->fail(host, node, weir_text(sentence));
}

static int32_t no_memory(const weir_host *host) { return fail(host, NULL, "no memory for the options"); }

static int32_t read_path(
    const weir_host *host, const weir_config *node, weir_span text, struct rules *rules, struct path *path) {
  char error[160];
  return path_parse(rules, text, path, error) ? 0 : fail(host, node, error);
}

/* ---- Operands ---- */

/* Decodes what node_to_json() wrote. */
static int32_t read_operand(
    const weir_host *host, const weir_config *node, struct rules *rules, struct operand *operand) {
  int32_t kind = host->config_kind(host, node);
  if (kind == WEIR_NODE_LIST || kind == WEIR_NODE_MAP)
    return fail(host, node, "expected a single value to compare with");
  if (node_to_json(host, node, rules, &operand->raw) != 0) return -1;
  struct json_reader *reader = json_reader_create();
  struct json_error err;
  weir_span text;
  if (!reader) return no_memory(host);
  bool read = json_open(reader, operand->raw, &err) && json_root(reader, &operand->value, &err);
  if (read && operand->value.type == JSON_STRING) {
    read = json_string(reader, &operand->value, &text, &err);
    uint8_t *copy = read ? rules_alloc(rules, text.size + 1) : NULL;
    if (copy) memcpy(copy, text.data, text.size);
    operand->text = weir_bytes(copy, text.size);
    read = copy != NULL;
  }
  json_reader_destroy(reader);
  return read ? 0 : no_memory(host);
}

static int32_t read_list(
    const weir_host *host, const weir_config *node, struct rules *rules, struct condition *condition) {
  uint32_t count = host->config_count(host, node);
  if (host->config_kind(host, node) != WEIR_NODE_LIST || count == 0) {
    return fail(host, node, "expected a list of values: in: [a, b]");
  }
  condition->operands = rules_alloc(rules, count * sizeof *condition->operands);
  if (!condition->operands) return no_memory(host);
  condition->operand_count = count;
  for (uint32_t i = 0; i < count; i++) {
    if (read_operand(host, host->config_at(host, node, i, NULL), rules, &condition->operands[i]) != 0) return -1;
  }
  return 0;
}

static bool is_number(enum json_type type) {
  return type == JSON_INT || type == JSON_UINT || type == JSON_DOUBLE || type == JSON_HUGE;
}

static int32_t check_pattern(const weir_host *host, const weir_config *node, const struct operand *operand) {
  char error[PATTERN_ERROR_TEXT];
  if (operand->value.type != JSON_STRING) return fail(host, node, "expected a pattern; put it in quotes");
  struct pattern *pattern = pattern_create(operand->text, error);
  if (!pattern) return error[0] ? fail(host, node, error) : no_memory(host);
  pattern_destroy(pattern);
  return 0;
}

static int32_t read_value(
    const weir_host *host, const weir_config *node, struct rules *rules, struct condition *condition) {
  if (condition->comparison == COMPARE_EXISTS) {
    int64_t expected;
    if (host->config_int(host, node, WEIR_OPTION_BOOL, &expected) != 0) return -1;
    condition->expected = expected != 0;
    return 0;
  }
  if (condition->comparison == COMPARE_IN) return read_list(host, node, rules, condition);
  condition->operands = rules_alloc(rules, sizeof *condition->operands);
  if (!condition->operands) return no_memory(host);
  condition->operand_count = 1;
  if (read_operand(host, node, rules, condition->operands) != 0) return -1;
  enum json_type type = condition->operands->value.type;
  if (condition->comparison == COMPARE_MATCHES) return check_pattern(host, node, condition->operands);
  bool ordered = condition->comparison >= COMPARE_AT_LEAST && condition->comparison <= COMPARE_BELOW;
  if (ordered && !is_number(type) && type != JSON_STRING) {
    return fail(host, node, "expected a number, or a text, which is compared byte by byte");
  }
  return 0;
}

/* ---- where ---- */

static bool span_is(weir_span span, const char *word) {
  return span.size == strlen(word) && memcmp(span.data, word, span.size) == 0;
}

static enum comparison comparison_named(weir_span name) {
  uint32_t i = 0;
  while (i < COMPARE_COUNT && !span_is(name, words[i])) i++;
  return (enum comparison)i;
}

static int32_t unknown_key(const weir_host *host, const weir_config *node, weir_span key) {
  char sentence[256];
  int size = key.size > 64 ? 64 : (int)key.size;
  snprintf(sentence, sizeof sentence, "unknown key '%.*s' in a condition; expected field and one of " ALL_WORDS, size,
      (const char *)key.data);
  return fail(host, node, sentence);
}

static int32_t read_condition(
    const weir_host *host, const weir_config *node, struct rules *rules, struct condition *condition) {
  const weir_config *operand = NULL, *field = NULL;
  weir_span key, text;
  if (host->config_kind(host, node) != WEIR_NODE_MAP) {
    return fail(host, node, "expected a condition: {field: NAME, equals: VALUE}");
  }
  for (uint32_t i = 0; i < host->config_count(host, node); i++) {
    const weir_config *entry = host->config_at(host, node, i, &key);
    enum comparison comparison = comparison_named(key);
    if (span_is(key, "field")) {
      field = entry;
    } else if (comparison == COMPARE_COUNT) {
      return unknown_key(host, entry, key);
    } else if (operand) {
      return fail(host, entry, "a second comparison; write it as a condition of its own, all of them must hold");
    } else {
      operand = entry;
      condition->comparison = comparison;
    }
  }
  if (!field) return fail(host, node, "the condition has no `field`");
  if (!operand) return fail(host, node, "the condition has no comparison; expected one of " ALL_WORDS);
  condition->node = operand;
  if (host->config_text(host, field, &text) != 0 || read_path(host, field, text, rules, &condition->field) != 0)
    return -1;
  return read_value(host, operand, rules, condition);
}

static int32_t read_where(const weir_host *host, const weir_config *node, struct rules *rules) {
  if (!node) return 0;
  uint32_t count = host->config_count(host, node);
  if (host->config_kind(host, node) != WEIR_NODE_LIST) {
    return fail(host, node, "expected a list of conditions: [{field: NAME, equals: VALUE}]");
  }
  if (count > RULES_CONDITIONS_MAX) return fail(host, node, "more than 256 conditions");
  rules->conditions = rules_alloc(rules, count * sizeof *rules->conditions);
  if (!rules->conditions) return no_memory(host);
  for (uint32_t i = 0; i < count; i++) {
    if (read_condition(host, host->config_at(host, node, i, NULL), rules, &rules->conditions[i]) != 0) return -1;
    rules->condition_count++;
  }
  return 0;
}

/* ---- set and remove ---- */

static bool same_step(const struct json_step *a, const struct json_step *b) {
  return a->key.size == b->key.size && memcmp(a->key.data, b->key.data, a->key.size) == 0;
}

/* One names what the other names, or something in it. */
static bool overlap(const struct path *a, const struct path *b) {
  uint32_t count = a->count < b->count ? a->count : b->count;
  for (uint32_t i = 0; i < count; i++) {
    if (!same_step(&a->steps[i], &b->steps[i])) return false;
  }
  return true;
}

static int32_t add_edit(
    const weir_host *host, const weir_config *node, weir_span field, weir_span raw, struct rules *rules) {
  struct rule_edit *edit = &rules->edits[rules->edit_count];
  if (read_path(host, node, field, rules, &edit->field) != 0) return -1;
  for (uint32_t i = 0; i < rules->edit_count; i++) {
    if (overlap(&edit->field, &rules->edits[i].field)) {
      return fail(host, node, "this field is set or removed twice: the same one, or one inside the other");
    }
  }
  edit->raw = raw;
  rules->edit_count++;
  return 0;
}

static int32_t read_edits(
    const weir_host *host, const weir_config *set, const weir_config *removed, struct rules *rules) {
  uint32_t set_count = set ? host->config_count(host, set) : 0;
  uint32_t remove_count = removed ? host->config_count(host, removed) : 0;
  weir_span field, raw, none = {NULL, 0};
  if (set && host->config_kind(host, set) != WEIR_NODE_MAP)
    return fail(host, set, "expected fields with their values: {NAME: VALUE}");
  if (set_count + remove_count > RULES_EDITS_MAX)
    return fail(host, set ? set : removed, "more than 1024 fields to set or remove");
  rules->edits = rules_alloc(rules, (set_count + remove_count) * sizeof *rules->edits);
  if (!rules->edits) return no_memory(host);
  for (uint32_t i = 0; i < set_count; i++) {
    const weir_config *node = host->config_at(host, set, i, &field);
    if (node_to_json(host, node, rules, &raw) != 0 || add_edit(host, node, field, raw, rules) != 0) return -1;
  }
  for (uint32_t i = 0; i < remove_count; i++) {
    const weir_config *node = host->config_at(host, removed, i, NULL);
    if (host->config_text(host, node, &field) != 0 || add_edit(host, node, field, none, rules) != 0) return -1;
  }
  return 0;
}

static int32_t read_all(const weir_host *host, const weir_config *options, struct rules *rules) {
  weir_span validate;
  if (host->config_text(host, host->config_get(host, options, "validate"), &validate) != 0) return -1;
  rules->validate_all = span_is(validate, "full");
  if (read_where(host, host->config_get(host, options, "where"), rules) != 0) return -1;
  const weir_config *set = host->config_get(host, options, "set"), *removed = host->config_get(host, options, "remove");
  if (read_edits(host, set, removed, rules) != 0) return -1;
  if (!rules->validate_all && rules->condition_count == 0 && rules->edit_count == 0) {
    return fail(host, options, "nothing to do; give at least one of where, set, remove, validate: full");
  }
  return 0;
}

struct rules *rules_create(const weir_host *host, const weir_config *options) {
  struct rules *rules = calloc(1, sizeof *rules);
  if (!rules) {
    no_memory(host);
    return NULL;
  }
  if (read_all(host, options, rules) == 0) return rules;
  rules_destroy(rules);
  return NULL;
}
