/* guarantee.c: see guarantee.h. A sentence here is a promise: change it together with the code that keeps it. */
#include "host/guarantee.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/kafka_settings.h"
#include "config/pipeline_file.h"
#include "host/memory.h"

static void line(FILE *out, const char *name, const char *text) { fprintf(out, "  %-14s%s\n", name, text); }

static void print_at_least_once(const struct pipeline_file *file, bool whole, FILE *out) {
  char uncommitted[TEXT_MAX], every[TEXT_MAX];
  line(out, "delivery", "at_least_once: an offset is committed when every record below it is settled");
  if (whole)
    line(out, "",
        "settled: acknowledged by every sink that it went to, filtered, discarded on purpose, or confirmed as a dead letter");
  fprintf(out,
      "  %-14sonly after a crash or a lost partition: at most %s records of each partition, usually those of %s\n",
      "repeats", text_of_count(uncommitted, file->commit_uncommitted), text_of_duration(every, file->commit_every_ms));
}

static void print_at_most_once(const struct memory_share *share, const struct pipeline_file *file, FILE *out) {
  char records[TEXT_MAX];
  line(out, "delivery", "at_most_once: an offset is committed before the first stage sees the record");
  line(out, "repeats", "no record is read twice");
  fprintf(out, "  %-14safter a crash: what was committed and not finished, at most %s records\n", "losses",
      text_of_count(records, (int64_t)share->lanes * share->batches * file->batch_records));
}

static const char *repeated_by(const struct pipeline_step *step) {
  return step->kafka ? "is written again only where Kafka did not confirm it"
                     : "repeats the records of a batch that failed";
}

static void print_retries(const struct pipeline_file *file, FILE *out) {
  for (uint32_t i = 0; i < file->sink_count; i++)
    if (file->sinks[i].attempts > 1 || file->sinks[i].kafka)
      fprintf(out, "  %-14sa retry of sink %s %s; other sinks are not asked again\n", "", file->sinks[i].label,
          repeated_by(&file->sinks[i]));
}

static void print_keyless(const struct pipeline_file *file, FILE *out) {
  for (uint32_t i = 0; i < file->sink_count; i++)
    if (file->sinks[i].kafka && !file->sinks[i].kafka->keep_partition)
      fprintf(out,
          "  %-14sat sink %s records without a key have no order across partitions and over a restart, unless it has "
          "`partition: source`\n",
          "", file->sinks[i].label);
}

static void print_exactly_once(const struct pipeline_file *file, FILE *out) {
  for (size_t i = 0; i < file->exactly_once_refused_count; i++)
    fprintf(out, "  %-14s%s\n", i ? "" : "exactly_once", file->exactly_once_refused[i]);
}

void guarantee_print(const struct pipeline_file *file, const struct memory_share *share, bool whole, FILE *out) {
  if (file->delivery == AT_MOST_ONCE)
    print_at_most_once(share, file, out);
  else
    print_at_least_once(file, whole, out);
  if (whole) print_retries(file, out);
  line(out, "order", "partition: records of one partition stay in order, in every stage and at every sink");
  if (whole) print_keyless(file, out);
  if (whole) print_exactly_once(file, out);
}

static void print_parts(const struct memory_share *share, size_t partitions, FILE *out) {
  char part[TEXT_MAX], unit[TEXT_MAX], work[TEXT_MAX];
  fprintf(out, "  %-14sfetched: %zu partitions x %s = %s\n", "", partitions, text_of_size(unit, share->queue),
      text_of_size(part, (int64_t)partitions * share->queue));
  fprintf(out, "  %-14slanes: %u x (%u batches kept: %s + in flight: %s + stages: %s)\n", "", share->lanes,
      share->batches, text_of_size(part, memory_pool(share)), text_of_size(work, memory_work(share, partitions)),
      text_of_size(unit, LIMIT_LANE_BYTES));
  fprintf(out, "  %-14soutgoing: %s; program: %s\n", "", text_of_size(part, share->outgoing),
      text_of_size(unit, share->program));
  fprintf(out, "  %-14sa batch: at most %s of records, and %s for what stages write\n", "",
      text_of_size(unit, share->batch_payload), text_of_size(part, share->batch_arena));
  fprintf(out, "  %-14sup to %u partitions of a lane may wait for a retry before their neighbours wait, too\n", "",
      share->batches - 1);
}

void guarantee_print_memory(const struct memory_share *share, bool whole, FILE *out) {
  char sum[TEXT_MAX], all[TEXT_MAX];
  size_t partitions = LIMIT_EXPECTED_PARTITIONS;
  fprintf(out, "  %-14s%s of %s at the most with %zu partitions; up to %lld fit; %u lane%s, %u batches each\n",
      "memory", text_of_size(sum, memory_sum(share, partitions)), text_of_size(all, share->memory), partitions,
      (long long)share->partitions, share->lanes, share->lanes == 1 ? "" : "s", share->batches);
  if (whole) print_parts(share, partitions, out);
}

void guarantee_print_scripts(const struct memory_share *share, int64_t bytes, uint32_t count, FILE *out) {
  char unit[TEXT_MAX], all[TEXT_MAX];
  if (!count) return;
  fprintf(out, "  %-14son top of it scripts may use %s: %u Lua state%s of a lane, %s in all, x %u lane%s\n", "",
      text_of_size(all, bytes * share->lanes), count, count == 1 ? "" : "s", text_of_size(unit, bytes), share->lanes,
      share->lanes == 1 ? "" : "s");
}
