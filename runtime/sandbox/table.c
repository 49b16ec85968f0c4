/* table.c: see table.h. Where a number comes from is said with it: the broker (offsets), the workers (the sums), or the plain consumer. */
#include "sandbox/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/check.h"
#include "base/text.h"
#include "sandbox/feeder.h"
#include "sandbox/keys.h"
#include "sandbox/play.h"
#include "sandbox/survey.h"
#include "sandbox/workers.h"

enum { WORKERS_ABREAST = 5, COLUMN = 10, LOST_SHOWN = 5, RECORD_MAX = 64 << 10, NARROWEST = 40 };

/* Prints with the colours of stdout and collects what is wrong. */
struct table {
  const struct play *play;
  struct ink ink;
  int64_t lost, repeated, left; /* records */
  bool expecting, failed;
};

static void head(const struct table *table, const char *text) {
  printf("\n%s%s%s\n", table->ink.strong, text, table->ink.plain);
}

/* A number that should be 0, in the colour that it deserves. */
static const char *zero_ink(const struct table *table, int64_t number) {
  return number ? table->ink.bad : table->ink.good;
}

/* --- offsets --- */

static void print_offsets(struct table *table) {
  const struct survey *survey = table->play->survey;
  char fed[TEXT_MAX], end[TEXT_MAX], committed[TEXT_MAX], lag[TEXT_MAX];
  head(table, "offsets, as the broker has them");
  printf("  %-24s %12s %12s %8s\n", "partition", "end", "committed", "lag");
  for (size_t i = 0; i < survey_count(survey); i++) {
    const struct survey_partition *partition = survey_at(survey, i);
    char name[300];
    int64_t behind = survey_partition_lag(partition);
    snprintf(name, sizeof name, "%s/%d", partition->topic, partition->number);
    printf("  %-24s %12s %12s %s%8s%s\n", name, text_of_count(end, partition->end),
        partition->committed < 0 ? "-" : text_of_count(committed, partition->committed), zero_ink(table, behind),
        text_of_count(lag, behind), table->ink.plain);
  }
  table->left = survey_lag(survey);
  printf("  fed %s, committed %s, lag %s\n", text_of_count(fed, feeder_fed(table->play->feeder)),
      text_of_count(committed, survey_committed(survey)), text_of_count(lag, table->left));
}

/* --- workers --- */

/* A column of the table each; the order is by number and life. */
struct columns {
  const struct worker_entry *workers[WORKERS_ABREAST];
  int count;
};

static void name_worker(const struct worker_entry *worker, char into[32]) {
  snprintf(into, 32, "%d%s", worker->number, worker->life > 1 ? " again" : "");
}

/* "0 1 2 3", or how many where that is too long. */
static void name_share(const struct worker_entry *worker, char into[32]) {
  size_t count = worker->partitions[0] ? 1 : 0;
  for (const char *at = worker->partitions; *at; at++) count += *at == ' ';
  if (worker->killed)
    snprintf(into, 32, "killed");
  else if (!count)
    snprintf(into, 32, "none");
  else if (strlen(worker->partitions) < COLUMN)
    snprintf(into, 32, "%.*s", COLUMN, worker->partitions);
  else
    snprintf(into, 32, "%zu of them", count);
}

static void print_row(
    const struct columns *columns, const char *head, void (*name)(const struct worker_entry *worker, char into[32])) {
  char text[32];
  printf("  %-17s", head);
  for (int i = 0; i < columns->count; i++) {
    name(columns->workers[i], text);
    printf(" %*s", COLUMN, text);
  }
  putchar('\n');
}

static void print_sum(const struct columns *columns, const char *head, int index) {
  char text[TEXT_MAX];
  printf("  %-17s", head);
  for (int i = 0; i < columns->count; i++) {
    const struct worker_entry *worker = columns->workers[i];
    printf(" %*s", COLUMN, worker->has_summary ? text_of_count(text, (int64_t)worker->counts[index]) : "-");
  }
  putchar('\n');
}

static void print_columns(const struct columns *columns) {
  static const char *const heads[WORKER_COUNTS] = {"records in", "  = delivered", "  + filtered", "  + discarded",
      "  + dead-lettered", "  + abandoned", "  + in flight"};
  print_row(columns, "worker", name_worker);
  print_row(columns, "partitions", name_share);
  for (int i = 0; i < WORKER_COUNTS; i++) print_sum(columns, heads[i], i);
}

static void print_fate(struct table *table, const struct worker_entry *worker) {
  char name[32], fate[WORKER_LINE_MAX];
  bool fine = worker_is_fine(worker);
  if (!fine) table->failed = true;
  if (fine && !worker->killed) return;
  name_worker(worker, name);
  printf("  worker %s: %s%s%s\n", name, fine ? table->ink.doubt : table->ink.bad, worker_fate(worker, fate),
      table->ink.plain);
}

static void print_workers(struct table *table) {
  const struct workers *workers = table->play->workers;
  struct columns columns = {.count = 0};
  head(table, "workers, by their own sums of source records");
  for (int number = 1; number <= table->play->settings->workers; number++)
    for (int i = 0; i < workers->count; i++) {
      if (workers->all[i].number != number) continue;
      columns.workers[columns.count++] = &workers->all[i];
      if (columns.count < WORKERS_ABREAST) continue;
      print_columns(&columns);
      columns.count = 0;
    }
  if (columns.count) print_columns(&columns);
  for (int i = 0; i < workers->count; i++) print_fate(table, &workers->all[i]);
}

/* --- results --- */

static void print_lost_keys(const struct reader_topic *topic) {
  weir_span keys[LOST_SHOWN];
  char text[TEXT_MAX * 4];
  size_t count = reader_lost_keys(topic, keys, LOST_SHOWN);
  for (size_t i = 0; i < count; i++) {
    text_escape(text, sizeof text, keys[i]);
    printf("    lost: %s\n", text);
  }
}

/* What has not come is lost when all was fed and committed; else it may have been on its way. */
static bool is_complete(const struct table *table) {
  return table->left == 0 && feeder_fed(table->play->feeder) == feeder_total(table->play->feeder);
}

static void print_expected(struct table *table, const struct reader_topic *topic) {
  char expected[TEXT_MAX], missing[TEXT_MAX], repeated[TEXT_MAX], wrong[TEXT_MAX];
  int64_t gone = (int64_t)reader_lost(topic);
  table->expecting = true;
  table->repeated += (int64_t)reader_repeated(topic);
  if (topic->unexpected) table->failed = true;
  printf("    of %s expected keys: %s%s %s%s, repeated %s; %snot expected %s%s\n",
      text_of_count(expected, (int64_t)keys_count(topic->expected)), zero_ink(table, gone),
      is_complete(table) ? "lost" : "not there yet", text_of_count(missing, gone), table->ink.plain,
      text_of_count(repeated, (int64_t)reader_repeated(topic)), zero_ink(table, (int64_t)topic->unexpected),
      text_of_count(wrong, (int64_t)topic->unexpected), table->ink.plain);
  if (!is_complete(table)) return;
  table->lost += gone;
  print_lost_keys(topic);
}

static void print_results(struct table *table) {
  const struct reader *reader = table->play->reader;
  char count[TEXT_MAX];
  bool headed = false;
  for (size_t i = 0; i < reader_topic_count(reader); i++) {
    const struct reader_topic *topic = reader_topic_at(reader, i);
    if (topic->dead_letters && !topic->expected && !topic->overwritten) continue;
    if (!headed) head(table, "results, counted by a plain consumer");
    headed = true;
    printf("  %s: %s records\n", topic->name, text_of_count(count, topic->records));
    if (topic->expected) print_expected(table, topic);
    if (!topic->overwritten) continue;
    table->failed = true;
    printf(
        "    %s%s records were overwritten before they could be read: the broker in memory keeps 5 MiB of a partition%s\n",
        table->ink.bad, text_of_count(count, topic->overwritten), table->ink.plain);
  }
}

static void print_dead(struct table *table) {
  const struct reader *reader = table->play->reader;
  const struct reader_reason *reasons;
  char count[TEXT_MAX], again[TEXT_MAX];
  if (!table->play->settings->dead_letter) return;
  head(table, "dead letters");
  printf("  %s: %s", table->play->settings->dead_letter, text_of_count(count, reader_dead(reader)));
  if (reader_dead_repeated(reader)) printf(", repeated %s", text_of_count(again, reader_dead_repeated(reader)));
  putchar('\n');
  size_t kinds = reader_reasons(reader, &reasons);
  for (size_t i = 0; i < kinds; i++)
    printf("  %8s  %s: %s%s%s  %s(%s%s)%s\n            %s\n", text_of_count(count, reasons[i].count), reasons[i].stage,
        table->ink.doubt, reasons[i].code, table->ink.plain, table->ink.faint, reasons[i].count > 1 ? "first: " : "",
        reasons[i].source, table->ink.plain, reasons[i].text);
}

/* --- records --- */

/* Columns of the terminal that stdout is, 0: it is none. */
static size_t columns(void) {
  struct winsize window = {0};
  if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return 0;
  return window.ws_col > NARROWEST ? window.ws_col : NARROWEST;
}

static size_t add_bytes(char *into, size_t used, weir_span bytes) {
  if (used + 8 >= RECORD_MAX) return used;
  if (!bytes.data) return used + (size_t)snprintf(into + used, RECORD_MAX - used, "(null)");
  return used + text_escape(into + used, RECORD_MAX - used, bytes);
}

void table_print_record(const struct reader_record *record) {
  static char line[RECORD_MAX]; /* too large for a stack; only the main thread prints */
  size_t used =
      (size_t)snprintf(line, sizeof line, "%s/%d@%lld ", record->topic, record->partition, (long long)record->offset);
  used = add_bytes(line, used, record->key);
  if (used + 1 < sizeof line) line[used++] = ' ';
  line[used] = 0;
  used = add_bytes(line, used, record->value);
  size_t width = columns();
  if (!width || used <= width) {
    puts(line);
    return;
  }
  char cut[1024];
  text_escape(cut, width - 2 < sizeof cut ? width - 2 : sizeof cut, weir_bytes(line, used));
  printf("%s...\n", cut);
}

/* Rows of `width` columns, the first one begins behind the coordinates. */
static void print_wrapped(const struct table *table, const struct reader_record *record, size_t width) {
  static char text[RECORD_MAX];
  size_t size = add_bytes(text, 0, record->value);
  printf("  %s%s/%d@%lld%s ", table->ink.strong, record->topic, record->partition, (long long)record->offset,
      table->ink.plain);
  char key[READER_TEXT_MAX];
  text_escape(key, sizeof key, record->key.data ? record->key : weir_text("(null)"));
  puts(key);
  for (size_t at = 0; at < size;) {
    size_t end = at;
    for (size_t column = 4; column < width && end < size; column++) {
      size_t bytes = text_utf8(weir_bytes(text + end, size - end));
      end += bytes ? bytes : 1;
    }
    printf("    %.*s\n", (int)(end - at), text + at);
    at = end;
  }
}

/* On a terminal the value goes over as many rows as it needs, below its coordinates. */
static void print_whole(void *ctx, const struct reader_record *record) {
  const struct table *table = ctx;
  char text[READER_TEXT_MAX];
  size_t width = columns();
  if (!width)
    table_print_record(record);
  else
    print_wrapped(table, record, width);
  for (size_t i = 0; i < record->header_count; i++) {
    text_escape(text, sizeof text, record->headers[i].name);
    printf("    %s%s: ", table->ink.faint, text);
    text_escape(text, sizeof text, record->headers[i].value.data ? record->headers[i].value : weir_text("(null)"));
    printf("%s%s\n", text, table->ink.plain);
  }
}

static void print_last(struct table *table) {
  const struct reader *reader = table->play->reader;
  for (size_t i = 0; i < reader_topic_count(reader); i++) {
    const struct reader_topic *topic = reader_topic_at(reader, i);
    if (!topic->last || !topic->records) continue;
    printf("\n%s%s, the last records%s\n", table->ink.strong, topic->name, table->ink.plain);
    reader_print_last(topic, print_whole, table);
  }
}

/* --- the verdict --- */

/* "lost 0, repeated 87, dead letters 3, of 17,073 records fed", as far as each is known. */
static void print_counts_in_all(const struct table *table, bool fine) {
  const struct play *play = table->play;
  char number[TEXT_MAX], again[TEXT_MAX];
  printf("%s%s", table->ink.strong, fine ? table->ink.good : table->ink.bad);
  if (table->expecting && is_complete(table))
    printf("lost %s, repeated %s, ", text_of_count(number, table->lost), text_of_count(again, table->repeated));
  if (play->settings->dead_letter) printf("dead letters %s, ", text_of_count(number, reader_dead(play->reader)));
  printf("not processed %s, of %s records fed%s\n", text_of_count(number, table->left),
      text_of_count(again, feeder_fed(play->feeder)), table->ink.plain);
}

static bool print_verdict(const struct table *table) {
  const struct play *play = table->play;
  bool fine = !table->lost && !table->left && !table->failed && !play->trouble[0];
  putchar('\n');
  print_counts_in_all(table, fine);
  if (play->trouble[0]) printf("%sended early: %s%s\n", table->ink.bad, play->trouble, table->ink.plain);
  if (table->failed) printf("%snot everything went well: see above%s\n", table->ink.bad, table->ink.plain);
  if (fine && table->repeated)
    printf("Repeated: written, and not yet committed when a worker died or partitions moved.\n");
  return fine;
}

bool table_print(const struct play *play) {
  struct table table = {.play = play, .ink = ink_of(stdout)};
  print_offsets(&table);
  print_workers(&table);
  print_results(&table);
  print_dead(&table);
  print_last(&table);
  bool fine = print_verdict(&table);
  printf("%sThe broker was librdkafka's mock: in memory, 5 MiB a partition, no transactions.\n"
         "It shows how a pipeline works; what Kafka guarantees only Kafka shows.%s\n",
      table.ink.faint, table.ink.plain);
  fflush(stdout);
  return fine;
}
