/* fake_outcome.c: what a test reads of a batch whose outcomes stand. */
#include "fake_internal.h"

static const struct fake_record *record_at(const struct fake_batch *batch, uint32_t index) {
  fake_rule(batch->ran && !batch->public, "the test reads outcomes that do not stand yet");
  fake_rule(index < batch->record_count, "the test asks for record %u of %u", index, batch->record_count);
  return &batch->records[index];
}

weir_verdict fake_batch_verdict(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->verdict;
}
const char *fake_batch_code(const struct fake_batch *batch, uint32_t index) { return record_at(batch, index)->code; }
const char *fake_batch_text(const struct fake_batch *batch, uint32_t index) { return record_at(batch, index)->text; }

int64_t fake_batch_retry_after(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->retry_after_ms;
}

const char *fake_batch_value(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->shown.value;
}
const char *fake_batch_key(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->shown.key;
}
const char *fake_batch_topic(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->shown.topic;
}
int64_t fake_batch_time(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->now.timestamp_ms;
}

const char *fake_batch_headers(const struct fake_batch *batch, uint32_t index) {
  return record_at(batch, index)->shown.headers;
}

uint32_t fake_batch_emitted_count(const struct fake_batch *batch) {
  fake_rule(batch->ran && !batch->public, "the test reads outcomes that do not stand yet");
  return batch->emitted_count;
}

const struct fake_emitted *fake_batch_emitted(const struct fake_batch *batch, uint32_t index) {
  fake_rule(index < fake_batch_emitted_count(batch), "the test asks for emitted record %u", index);
  return &batch->emitted[index];
}
