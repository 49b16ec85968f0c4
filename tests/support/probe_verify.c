/* probe_verify.c: reads the topics and puts what it found before history.c. */
#include "history.h"
#include "probe.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CONTAINS_MAX = 8, LAST_LOOK = -1 };

/* One topic being read into the history. */
struct verification {
  struct history *history;
  bool bytes; /* key, value, headers and timestamp must be the source's */
  const char *contains[CONTAINS_MAX + 1];
  enum history_place place;
  int32_t topic; /* which of the outputs */
};

static bool parse_id(const char *text, size_t size, uint64_t *id) {
  size_t at = 0;
  *id = 0;
  for (; at < size && isdigit((unsigned char)text[at]); at++) *id = *id * 10 + (uint64_t)(text[at] - '0');
  return at > 0;
}

static bool id_of_header(const rd_kafka_message_t *message, uint64_t *id) {
  rd_kafka_headers_t *headers;
  const void *value;
  size_t size;
  if (rd_kafka_message_headers(message, &headers)) return false;
  if (rd_kafka_header_get_last(headers, "probe-id", &value, &size) || !value) return false;
  return parse_id(value, size, id);
}

/* The number behind the first "id": of the value. */
static bool id_of_value(const rd_kafka_message_t *message, uint64_t *id) {
  const char *end = (const char *)message->payload + message->len;
  const char *at = message->len ? memmem(message->payload, message->len, "\"id\":", 5) : NULL;
  if (!at) return false;
  for (at += 5; at < end && *at == ' '; at++) {
  }
  return parse_id(at, (size_t)(end - at), id);
}

static uint64_t mix(uint64_t digest, const void *data, size_t size) {
  const unsigned char *bytes = data;
  uint64_t length = data ? size : UINT64_MAX; /* null is not empty, and "a","b" is not "ab","" */
  for (size_t i = 0; i < sizeof length; i++) digest = (digest ^ (length >> 8 * i & 0xff)) * UINT64_C(0x100000001b3);
  for (size_t i = 0; data && i < size; i++) digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
  return digest;
}

static uint64_t digest_of(const rd_kafka_message_t *message) {
  uint64_t digest = UINT64_C(0xcbf29ce484222325);
  digest = mix(digest, message->key, message->key_len);
  digest = mix(digest, message->payload, message->len);
  int64_t timestamp_ms = rd_kafka_message_timestamp(message, NULL);
  digest = mix(digest, &timestamp_ms, sizeof timestamp_ms);
  rd_kafka_headers_t *headers;
  if (rd_kafka_message_headers(message, &headers)) return digest;
  const char *name;
  const void *value;
  size_t size;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++) {
    digest = mix(digest, name, strlen(name));
    digest = mix(digest, value, size);
  }
  return digest;
}

static bool has_texts(const struct verification *verification, const rd_kafka_message_t *message) {
  for (const char *const *text = verification->contains; *text; text++)
    if (message->len == 0 || !memmem(message->payload, message->len, *text, strlen(*text))) return false;
  return true;
}

static void take(void *ctx, const rd_kafka_message_t *message) {
  struct verification *verification = ctx;
  uint64_t in_header = 0, in_value = 0;
  bool header = id_of_header(message, &in_header), value = id_of_value(message, &in_value);
  /* A dead letter carries more headers than its record did. */
  bool compare = verification->bytes && verification->place != HISTORY_DEAD;
  struct sighting sighting = {
      .topic = verification->topic,
      .partition = message->partition,
      .offset = message->offset,
      .known = header || value,
      .processed = verification->place != HISTORY_OUTPUT || has_texts(verification, message),
      .id = header ? in_header : in_value,
      .inner = header && value ? in_value + 1 : 0,
      .digest = compare ? digest_of(message) | 1 : 0,
  };
  history_add(verification->history, verification->place, &sighting);
}

static void print(const struct findings *findings) {
  printf("source %" PRIu64 ", output %" PRIu64 ", dead letters %" PRIu64 ", filtered %" PRIu64 "; lost %" PRIu64
         ", repeated %" PRIu64 ", reordered %" PRIu64 ", corrupt %" PRIu64 ", phantom %" PRIu64 "\n",
      findings->source, findings->output, findings->dead, findings->filtered, findings->lost, findings->repeated,
      findings->reordered, findings->corrupt, findings->phantom);
  if (findings->waiting) printf("neither out nor committed: %" PRIu64 "\n", findings->waiting);
}

/* --- what it is held against --- */

static void expect(const struct arguments *arguments, struct expectation *expectation) {
  *expectation = (struct expectation){
      .filtered_every = (uint64_t)arguments_int(arguments, "--filtered-every", 0),
      .exactly_once = arguments_text(arguments, "--exactly-once", NULL) != NULL,
      .uncommitted = arguments_int(arguments, "--uncommitted", 0),
      .incidents = arguments_int(arguments, "--incidents", 0),
      .overlapping = arguments_text(arguments, "--overlapping", NULL) != NULL,
  };
  while (arguments_nth(arguments, "--output", expectation->outputs)) expectation->outputs++;
  if (expectation->outputs > HISTORY_OUTPUTS_MAX) probe_fail(EXIT_USAGE, "more than %d outputs", HISTORY_OUTPUTS_MAX);
  const char *text;
  for (int i = 0; (text = arguments_nth(arguments, "--standing", i)); i++)
    expectation->standing |= UINT64_C(1) << (strtol(text, NULL, 10) & 63);
  if (arguments_text(arguments, "--incidents", NULL) && !expectation->uncommitted)
    probe_fail(EXIT_USAGE, "--incidents needs --uncommitted, the records that one may repeat of a partition");
}

static int judge(const struct verification *verification, const struct arguments *arguments) {
  struct findings findings;
  struct expectation expectation;
  expect(arguments, &expectation);
  if (!history_judge(verification->history, &expectation, stdout, &findings)) return EXIT_USAGE;
  print(&findings);
  int64_t repeated_max = arguments_int(arguments, "--duplicates-max", INT64_MAX);
  bool too_often = findings.repeated > (uint64_t)repeated_max;
  if (too_often)
    printf("DUPLICATE: %" PRIu64 " repeated, at most %lld allowed\n", findings.repeated, (long long)repeated_max);
  return findings_faults(&findings) || too_often ? EXIT_WRONG : EXIT_FINE;
}

/* --- what it reads --- */

static void add_end(void *ctx, enum history_place place, int32_t topic, int32_t partition, int64_t offset) {
  history_end(ctx, place, topic, partition, offset);
}

static void add_commit(void *ctx, int32_t partition, int64_t offset) {
  history_commit(ctx, LAST_LOOK, partition, offset);
}

/* What the group has committed now is the last word. */
static void read_commits(struct verification *verification, const struct arguments *arguments, const char *source) {
  const char *path = arguments_text(arguments, "--commits", NULL), *group = arguments_text(arguments, "--group", NULL);
  if (path) watch_read(path, verification->history);
  if (!group) return;
  struct looker *looker = looker_open(arguments, group, source);
  const struct look_events events = {verification->history, add_end, add_commit};
  for (int64_t deadline_us = now_us() + PATIENCE_MS * INT64_C(1000); !looker_look(looker, true, &events);)
    if (now_us() > deadline_us) probe_fail(EXIT_WRONG, "group %s: its offsets could not be read", group);
  looker_close(looker);
}

static void read_records(struct verification *verification, const struct arguments *arguments) {
  struct reading reading = {
      .until_end = true,
      .partition = -1,
      .committed_only = strcmp(arguments_text(arguments, "--isolation", ""), "read_committed") == 0,
  };
  const char *const options[] = {
      [HISTORY_SOURCE] = "--source", [HISTORY_OUTPUT] = "--output", [HISTORY_DEAD] = "--dead"};
  for (int i = 0; i < 3; i++) {
    const char *topic;
    verification->place = (enum history_place)i;
    for (verification->topic = 0; (topic = arguments_nth(arguments, options[i], verification->topic));
         verification->topic++)
      read_topic(arguments, topic, &reading, take, verification);
  }
}

int command_verify(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv,
      (const char *const[]){"--source=", "--output=", "--dead=", "--duplicates-max=", "--filtered-every=", "--bytes",
          "--contains=", "--isolation=", "--exactly-once", "--uncommitted=", "--incidents=", "--overlapping",
          "--commits=", "--group=", "--standing=", NULL});
  struct verification verification = {.bytes = arguments_text(&arguments, "--bytes", NULL) != NULL};
  for (int i = 0; (verification.contains[i] = arguments_nth(&arguments, "--contains", i)); i++)
    if (i == CONTAINS_MAX - 1) break;
  const char *source = arguments_text(&arguments, "--source", NULL);
  if (!source || !arguments_text(&arguments, "--output", NULL))
    probe_fail(EXIT_USAGE, "verify needs --source TOPIC and --output TOPIC");
  if (arguments_nth(&arguments, "--source", 1) || arguments_nth(&arguments, "--dead", 1))
    probe_fail(EXIT_USAGE, "verify takes one --source and one --dead; --output may come several times");
  verification.history = history_create();
  read_records(&verification, &arguments);
  read_commits(&verification, &arguments, source);
  int status = judge(&verification, &arguments);
  history_destroy(verification.history);
  return status;
}
