/* letter.c: see letter.h. The last weir.pipeline begins weir's headers: a record that was a dead letter before may have older ones. */
#include "kafka/letter.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"

static bool find_own_end(const weir_header *headers, uint32_t count, uint32_t *end) {
  for (uint32_t i = count; i-- > 0;)
    if (span_is(headers[i].name, "weir.pipeline")) {
      *end = i;
      return true;
    }
  *end = count;
  return false;
}

static weir_span find(const struct letter *letter, const char *name) {
  for (uint32_t i = letter->header_count; i-- > letter->own_count;)
    if (span_is(letter->headers[i].name, name)) return letter->headers[i].value;
  return (weir_span){0};
}

static int64_t find_number(const struct letter *letter, const char *name) {
  int64_t number = -1;
  weir_span text = find(letter, name);
  return text.data && text_int(text, &number) && number >= 0 ? number : -1;
}

/* Redrive puts one behind the record's own headers, and it is weir's (docs/DEAD_LETTERS.md). */
static void leave_out_hops(struct letter *letter) {
  if (letter->hops > 1 && letter->own_count && span_is(letter->headers[letter->own_count - 1].name, "weir.hops"))
    letter->own_count--;
}

void letter_read(struct letter *letter, const weir_header *headers, uint32_t count) {
  must(letter && (headers || !count));
  letter->headers = headers;
  letter->header_count = count;
  letter->known = find_own_end(headers, count, &letter->own_count);
  letter->pipeline = find(letter, "weir.pipeline");
  letter->stage = find(letter, "weir.stage");
  letter->plugin = find(letter, "weir.plugin");
  letter->version = find(letter, "weir.plugin.version");
  letter->code = find(letter, "weir.reason.code");
  letter->reason = find(letter, "weir.reason");
  letter->attempts = find_number(letter, "weir.attempts");
  letter->source_topic = find(letter, "weir.source.topic");
  letter->source_partition = find_number(letter, "weir.source.partition");
  letter->source_offset = find_number(letter, "weir.source.offset");
  letter->source_ms = find_number(letter, "weir.source.timestamp");
  letter->child = find_number(letter, "weir.child");
  letter->failed_ms = find_number(letter, "weir.failed.at");
  letter->hops = find_number(letter, "weir.hops");
  letter->replaced = span_is(find(letter, "weir.value"), "replaced");
  letter->value_bytes = letter->replaced ? find_number(letter, "weir.value.bytes") : -1;
  letter->sha256 = letter->replaced ? find(letter, "weir.value.sha256") : (weir_span){0};
  leave_out_hops(letter);
}
