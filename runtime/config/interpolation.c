/* interpolation.c: one pass from left to right over the text as it was written; what is put in goes straight to the result. */
#include "config/interpolation.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/span.h"
#include "config/node.h"
#include "config/report.h"
#include <stdlib.h>
#include <string.h>

/* One scalar on its way. */
struct work {
  const struct interpolation *with;
  struct weir_config *node;
  char *result;
  size_t size, room;
};

bool interpolation_is_secret(const char *name) {
  static const char *const words[] = {"password", "passwd", "secret", "token", "credential", "private_key"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasestr(name, words[i])) return true;
  return false;
}

static bool append(struct work *work, weir_span part) {
  if (part.size > LIMIT_FILE_BYTES - work->size)
    return report_add(work->with->report, work->node, "the value becomes larger than %d bytes", LIMIT_FILE_BYTES);
  if (work->size + part.size + 1 > work->room) {
    size_t room = 2 * (work->size + part.size + 1);
    char *larger = realloc(work->result, room);
    if (!larger) return report_add(work->with->report, work->node, "no memory for this value");
    work->result = larger;
    work->room = room;
  }
  if (part.size) memcpy(work->result + work->size, part.data, part.size);
  work->size += part.size;
  return true;
}

static bool is_name(weir_span name) {
  if (!name.size) return false;
  for (size_t i = 0; i < name.size; i++) {
    uint8_t byte = name.data[i], letter = byte | 0x20;
    if (byte != '_' && !(byte >= '0' && byte <= '9') && !(letter >= 'a' && letter <= 'z')) return false;
  }
  return true;
}

/* `name` and `fallback` out of "NAME:-default". */
static weir_span split_fallback(weir_span rest, weir_span *fallback) {
  const uint8_t *at = rest.size ? memmem(rest.data, rest.size, ":-", 2) : NULL;
  *fallback = at ? weir_bytes(at + 2, (size_t)(rest.data + rest.size - at) - 2) : weir_bytes(NULL, 0);
  return weir_bytes(rest.data, at ? (size_t)(at - rest.data) : rest.size);
}

static bool put_variable(struct work *work, weir_span rest) {
  weir_span fallback, name_span = split_fallback(rest, &fallback);
  char name[128];
  if (!is_name(name_span) || name_span.size >= sizeof name)
    return report_add(work->with->report, work->node,
        "${env:%.*s}: a variable's name is letters, digits and _; write ${env:NAME} or ${env:NAME:-default}",
        SPAN_ARGS(rest));
  memcpy(name, name_span.data, name_span.size);
  name[name_span.size] = 0;
  const char *value = work->with->variable(name);
  if (fallback.data && (!value || !*value)) return append(work, fallback);
  if (!value)
    return report_add(work->with->report, work->node,
        "the environment variable %s is not set; set it, or write ${env:%s:-default}", name, name);
  if (strlen(value) > LIMIT_INCLUDED_BYTES)
    return report_add(work->with->report, work->node, "the environment variable %s is larger than %d bytes", name,
        LIMIT_INCLUDED_BYTES);
  work->node->masked |= interpolation_is_secret(name);
  return append(work, span_of(value));
}

/* The line's end that editors and `echo` put at the end of a file is no part of a secret. */
static size_t without_line_end(const char *bytes, size_t size) {
  if (size && bytes[size - 1] == '\n') size--;
  if (size && bytes[size - 1] == '\r') size--;
  return size;
}

static bool put_file(struct work *work, weir_span rest) {
  struct error err;
  char *name = strndup((const char *)rest.data, rest.size), *path = name ? file_join(work->with->folder, name) : NULL;
  char *bytes = NULL;
  size_t size = 0;
  bool ok = false;
  work->node->masked = true;
  if (!path)
    report_add(work->with->report, work->node, "no memory for this value");
  else if (!rest.size)
    report_add(work->with->report, work->node, "${file:} names no file; write ${file:path}");
  else if (!file_read(path, LIMIT_INCLUDED_BYTES, &bytes, &size, &err))
    report_add(work->with->report, work->node, "${file:%s}: %s", name, err.text);
  else if (memchr(bytes, 0, size))
    report_add(work->with->report, work->node, "${file:%s}: it has a NUL byte in it", name);
  else
    ok = append(work, weir_bytes(bytes, without_line_end(bytes, size)));
  if (bytes) explicit_bzero(bytes, size);
  free(bytes);
  free(path);
  free(name);
  return ok;
}

/* What stands between ${ and }. */
static bool put_reference(struct work *work, weir_span inside) {
  enum { SCHEME = 4 };
  if (inside.size >= SCHEME && memcmp(inside.data, "env:", SCHEME) == 0)
    return put_variable(work, weir_bytes(inside.data + SCHEME, inside.size - SCHEME));
  if (inside.size > SCHEME && memcmp(inside.data, "file:", SCHEME + 1) == 0)
    return put_file(work, weir_bytes(inside.data + SCHEME + 1, inside.size - SCHEME - 1));
  if (is_name(inside))
    return report_add(work->with->report, work->node, "${%.*s} is unknown; did you mean ${env:%.*s}?",
        SPAN_ARGS(inside), SPAN_ARGS(inside));
  return report_add(work->with->report, work->node,
      "${%.*s} is unknown; there are ${env:NAME}, ${env:NAME:-default} and ${file:path}, and $${ for ${ itself",
      SPAN_ARGS(inside));
}

/* From the next $ on. `*rest` moves behind what was taken. */
static bool put_next(struct work *work, weir_span *rest) {
  weir_span at = *rest;
  if (at.size >= 3 && memcmp(at.data, "$${", 3) == 0) {
    *rest = weir_bytes(at.data + 3, at.size - 3);
    return append(work, weir_bytes(at.data + 1, 2));
  }
  if (at.size >= 2 && at.data[1] == '{') {
    const uint8_t *end = memchr(at.data, '}', at.size);
    if (!end) return report_add(work->with->report, work->node, "${ has no } behind it; write $${ for ${ itself");
    *rest = weir_bytes(end + 1, (size_t)(at.data + at.size - end) - 1);
    return put_reference(work, weir_bytes(at.data + 2, (size_t)(end - at.data) - 2));
  }
  *rest = weir_bytes(at.data + 1, at.size - 1);
  return append(work, weir_bytes(at.data, 1));
}

static bool put_all(struct work *work, weir_span rest) {
  while (rest.size) {
    const uint8_t *dollar = memchr(rest.data, '$', rest.size);
    size_t before = dollar ? (size_t)(dollar - rest.data) : rest.size;
    if (!append(work, weir_bytes(rest.data, before))) return false;
    rest = weir_bytes(rest.data + before, rest.size - before);
    if (rest.size && !put_next(work, &rest)) return false;
  }
  return true;
}

static bool keep(struct work *work) {
  char *text = arena_copy(work->with->arena, work->result, work->size);
  if (!text) return report_add(work->with->report, work->node, "no memory for this value");
  work->node->text = weir_bytes(text, work->size);
  return true;
}

static void apply_scalar(const struct interpolation *interpolation, struct weir_config *node) {
  if (!node->raw.size || !memchr(node->raw.data, '$', node->raw.size)) return;
  struct work work = {.with = interpolation, .node = node};
  node->broken = !put_all(&work, node->raw) || !keep(&work);
  if (work.result) explicit_bzero(work.result, work.size);
  free(work.result);
}

void interpolation_apply(const struct interpolation *interpolation, struct weir_config *node) {
  must(interpolation->folder && interpolation->variable);
  if (node->interpolated) return;
  node->interpolated = true;
  if (node->kind == NODE_SCALAR) apply_scalar(interpolation, node);
  for (uint32_t i = 0; i < node->count; i++) interpolation_apply(interpolation, node->children[i]);
}
