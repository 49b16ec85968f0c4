/* condition.c: comparing what JSON holds. Numbers compare by value whatever their spelling, integers exactly; texts
 * byte by byte; values of different types are different and have no order. */
#include "condition.h"
#include <common/must.h>
#include <string.h>

enum order { LESS = -1, SAME = 0, GREATER = 1, UNORDERED = 2 };

static bool is_number(enum json_type type) {
  return type == JSON_INT || type == JSON_UINT || type == JSON_DOUBLE || type == JSON_HUGE;
}

/* Holds every int64, uint64 and double exactly: 64 bits of mantissa at least on the machines that weir builds for. */
static long double number_of(const struct json_value *value) {
  _Static_assert(sizeof(long double) > sizeof(double), "integers and doubles are compared in a type that holds both");
  if (value->type == JSON_INT) return (long double)value->as.integer;
  if (value->type == JSON_UINT) return (long double)value->as.natural;
  return (long double)value->as.number;
}

static enum order order_of(long double a, long double b) { return a < b ? LESS : a > b ? GREATER : SAME; }

/* Digits only, so a longer one is larger; neither starts with a needless 0. */
static enum order order_huge_integers(weir_span a, weir_span b) {
  bool minus = a.data[0] == '-';
  if (minus != (b.data[0] == '-')) return minus ? LESS : GREATER;
  int order = a.size != b.size ? (a.size < b.size ? -1 : 1) : memcmp(a.data, b.data, a.size);
  if (minus) order = -order;
  return order < 0 ? LESS : order > 0 ? GREATER : SAME;
}

static bool is_integer_text(weir_span raw) {
  return !memchr(raw.data, '.', raw.size) && !memchr(raw.data, 'e', raw.size) && !memchr(raw.data, 'E', raw.size);
}

static enum order order_numbers(const struct operand *a, const struct operand *b) {
  bool huge_a = a->value.type == JSON_HUGE, huge_b = b->value.type == JSON_HUGE;
  if (huge_a && huge_b && is_integer_text(a->raw) && is_integer_text(b->raw))
    return order_huge_integers(a->raw, b->raw);
  enum order order = order_of(number_of(&a->value), number_of(&b->value));
  if (order != SAME || huge_a == huge_b) return order;
  const struct operand *huge = huge_a ? a : b, *other = huge_a ? b : a;
  if (other->value.type == JSON_DOUBLE) return SAME;
  bool minus = huge->raw.data[0] == '-'; /* beyond 64 bits, whatever its nearest double says */
  return huge_a == minus ? LESS : GREATER;
}

static enum order order_texts(weir_span a, weir_span b) {
  size_t size = a.size < b.size ? a.size : b.size;
  int order = size ? memcmp(a.data, b.data, size) : 0;
  if (order == 0) return a.size < b.size ? LESS : a.size > b.size ? GREATER : SAME;
  return order < 0 ? LESS : GREATER;
}

static enum order order_values(const struct operand *a, const struct operand *b) {
  if (is_number(a->value.type) && is_number(b->value.type)) return order_numbers(a, b);
  if (a->value.type != b->value.type) return UNORDERED;
  switch (a->value.type) {
  case JSON_STRING: return order_texts(a->text, b->text);
  case JSON_BOOL: return a->value.as.boolean == b->value.as.boolean ? SAME : UNORDERED;
  case JSON_NULL: return SAME;
  default: return UNORDERED;
  }
}

static bool is_in(const struct operand *found, const struct condition *condition) {
  for (uint32_t i = 0; i < condition->operand_count; i++) {
    if (order_values(found, &condition->operands[i]) == SAME) return true;
  }
  return false;
}

static bool compares(const struct operand *found, const struct condition *condition) {
  enum order order = order_values(found, &condition->operands[0]);
  switch (condition->comparison) {
  case COMPARE_EQUALS: return order == SAME;
  case COMPARE_NOT_EQUALS: return order != SAME && found->value.type != JSON_NULL;
  case COMPARE_AT_LEAST: return order == SAME || order == GREATER;
  case COMPARE_AT_MOST: return order == SAME || order == LESS;
  case COMPARE_ABOVE: return order == GREATER;
  case COMPARE_BELOW: return order == LESS;
  default: must(!"a comparison of its own"); return false;
  }
}

static enum met matches(const struct operand *found, struct pattern *pattern, size_t *bytes) {
  if (found->value.type != JSON_STRING) return MET_NO;
  *bytes = found->text.size;
  if (*bytes > PATTERN_VALUE_MAX) return MET_TOO_LONG;
  return pattern_matches(pattern, found->text) ? MET_YES : MET_NO;
}

enum met condition_met(const struct condition *condition, struct pattern *pattern, struct json_reader *reader,
    const struct json_value *root, size_t *bytes, struct json_error *err) {
  struct operand found = {0};
  enum json_answer answer = json_find(reader, root, condition->field.steps, condition->field.count, &found.value, err);
  if (answer == JSON_BAD) return MET_NOT_JSON;
  if (condition->comparison == COMPARE_EXISTS) {
    bool exists = answer == JSON_FOUND && found.value.type != JSON_NULL;
    return exists == condition->expected ? MET_YES : MET_NO;
  }
  if (answer == JSON_ABSENT) return MET_NO;
  if (found.value.type == JSON_STRING && !json_string(reader, &found.value, &found.text, err)) return MET_NOT_JSON;
  if (found.value.type == JSON_HUGE && !json_raw(reader, &found.value, &found.raw, err)) return MET_NOT_JSON;
  if (condition->comparison == COMPARE_MATCHES) return matches(&found, pattern, bytes);
  bool met = condition->comparison == COMPARE_IN ? is_in(&found, condition) : compares(&found, condition);
  return met ? MET_YES : MET_NO;
}
