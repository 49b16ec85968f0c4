/* condition.h: whether a record meets a condition. */
#ifndef WEIR_PLUGINS_JSON_CONDITION_H
#define WEIR_PLUGINS_JSON_CONDITION_H
#include "pattern.h"
#include "rules.h"

enum met {
  MET_YES,
  MET_NO,
  MET_NOT_JSON, /* err says where */
  MET_TOO_LONG, /* a text beyond PATTERN_VALUE_MAX for `matches`; *bytes is its size */
};

/* [lane] The text that is open in `reader`, with its root. `pattern` is that of a `matches`. A field that is absent
 * or null meets nothing but `exists: false`, `equals: null` and an `in` with null. */
enum met condition_met(const struct condition *condition, struct pattern *pattern, struct json_reader *reader,
    const struct json_value *root, size_t *bytes, struct json_error *err);

#endif
