/* planted.c: see planted.h. What the runtime calls as `f` arrives here as __wrap_f; without a planted bug it goes on to __real_f. */
#include "planted.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "checks.h"
#include "batch/ledger.h"
#include "batch/partition.h"
#include "cluster.h"
#include "fiber.h"
#include "host/assignment.h"
#include "host/control_inside.h"
#include "kafka/committer.h"
#include "kafka/delivery.h"
#include "kafka/producer_inside.h"
#include "pipeline/runner_inside.h"
#include "plugin/setup.h"
#include "process.h"

enum bug {
  HIGHEST_ACKED,
  CONTIGUOUS,
  ONE_TOO_MANY,
  WATERMARK_KEPT,
  UNBOUNDED,
  STOP_SETTLES_REST,
  EPOCH_IGNORED,
  COMMIT_AFTER_LOST,
  DRAIN_SKIPPED,
  COMMIT_SKIPPED,
  HOLD_UNMARKED,
  RETRY_FORGOTTEN,
  STOP_PASSED_OVER,
  REJECTED_GOES_ON,
  FIRST_SINK_COUNTS,
  CHILDREN_UNCOUNTED,
  UNORDERED,
  DEAD_LETTER_EARLY,
  REPORT_UNREAD,
  PURGE_IS_REFUSAL,
  OVERTAKEN,
  ABSENT_BELIEVED,
  UNCONFIRMED,
  BUGS
};

const struct planted planted_bugs[] = {
    [HIGHEST_ACKED] = {"highest-acked", "I1: what lies below a settled batch counts as settled"},
    [CONTIGUOUS] = {"contiguous", "I1: a gap between offsets is waited for"},
    [ONE_TOO_MANY] = {"one-too-many", "I3: a commit is one above what may be committed"},
    [WATERMARK_KEPT] = {"watermark-kept", "I2: a new assignment goes on where the last one's deliveries ended"},
    [UNBOUNDED] = {"unbounded", "I4: batches are opened however much is not committed"},
    [STOP_SETTLES_REST] = {"stop-settles-rest", "I9: a batch that stops half-way counts as a whole"},
    [EPOCH_IGNORED] = {"epoch-ignored", "I2: what comes late of an older epoch settles a range of the new one"},
    [COMMIT_AFTER_LOST] = {"commit-after-lost",
        "I12: what was not committed of a partition that went is committed later"},
    [DRAIN_SKIPPED] = {"drain-skipped", "I12: a partition is committed and given up before it is drained"},
    [COMMIT_SKIPPED] = {"commit-skipped", "I12: a partition goes without a last commit"},
    [HOLD_UNMARKED] = {"hold-unmarked", "I10: the end of a hold does not mark the partition ready"},
    [RETRY_FORGOTTEN] = {"retry-forgotten", "I6: what asks for another attempt is done"},
    [STOP_PASSED_OVER] = {"stop-passed-over", "I9: a record that stops its partition is passed over"},
    [REJECTED_GOES_ON] = {"rejected-goes-on", "I6: a rejected record goes on unprocessed"},
    [FIRST_SINK_COUNTS] = {"first-sink-counts", "I5: the first sink's acknowledgement counts for all"},
    [CHILDREN_UNCOUNTED] = {"children-uncounted", "I5: emitted records are not waited for"},
    [UNORDERED] = {"unordered", "I7: records go on when they are done, whatever is before them"},
    [DEAD_LETTER_EARLY] = {"dead-letter-early", "I8: a dead letter counts when it is handed over"},
    [REPORT_UNREAD] = {"report-unread", "I1: every delivery report is an acknowledgement"},
    [PURGE_IS_REFUSAL] = {"purge-is-refusal", "I13: a record that the transport lost has failed"},
    [OVERTAKEN] = {"overtaken", "I7: a producer made anew gets new records before the lost ones"},
    [ABSENT_BELIEVED] = {"absent-believed", "rule 3: no answer is taken for 'nothing committed'"},
    [UNCONFIRMED] = {"unconfirmed", "I15: at_most_once does not wait for its commit"},
};
const size_t planted_count = BUGS;
const struct planted *planted;

static bool is_in_place(enum bug bug) { return planted == &planted_bugs[bug]; }

/* --- the ledger --- */

/* What a life of a worker knows of a partition. */
static struct knowledge {
  uint32_t life;
  int64_t expected;                 /* delivered up to, when it went */
  int64_t owed;                     /* may be committed and is not, when it went; -1: nothing */
  uint64_t late;                    /* a range that was given up, 0: none */
  const struct ledger *late_ledger; /* its own */
} known[PROCESSES_MAX][PARTITIONS_MAX];

static struct knowledge *knowledge_of(int32_t number) {
  const struct process *process = fiber_process();
  struct knowledge *knowledge = &known[process->slot][number];
  if (knowledge->life != process->life) *knowledge = (struct knowledge){.life = process->life, .owed = -1};
  return knowledge;
}

static struct partition *partition_of(struct ledger *ledger) {
  return (struct partition *)(void *)((char *)ledger - offsetof(struct partition, ledger));
}

static bool is_settled(const struct ledger *ledger, uint64_t id) {
  return id < ledger->head || ledger->ranges[id % LIMIT_LEDGER_RANGES].settled;
}

bool __real_ledger_settle(struct ledger *ledger, uint64_t epoch, uint64_t id);
bool __wrap_ledger_settle(struct ledger *ledger, uint64_t epoch, uint64_t id);
bool __wrap_ledger_settle(struct ledger *ledger, uint64_t epoch, uint64_t id) {
  bool loose = is_in_place(HIGHEST_ACKED) || is_in_place(EPOCH_IGNORED);
  if (loose && ledger->epoch == epoch && is_settled(ledger, id)) return true;
  bool all_below = is_in_place(HIGHEST_ACKED) && ledger->epoch == epoch;
  for (uint64_t lower = ledger->head; all_below && lower < id; lower++) {
    struct ledger_range *range = &ledger->ranges[lower % LIMIT_LEDGER_RANGES];
    range->settled = true;
    range->progress = range->next;
  }
  bool settled = __real_ledger_settle(ledger, epoch, id);
  if (is_in_place(UNCONFIRMED) && rules.at_most_once) ledger->confirmed = ledger->committable;
  return settled;
}

bool __real_ledger_progress(struct ledger *ledger, uint64_t epoch, uint64_t id, int64_t offset);
bool __wrap_ledger_progress(struct ledger *ledger, uint64_t epoch, uint64_t id, int64_t offset);
bool __wrap_ledger_progress(struct ledger *ledger, uint64_t epoch, uint64_t id, int64_t offset) {
  if (is_in_place(HIGHEST_ACKED) || (is_in_place(EPOCH_IGNORED) && is_settled(ledger, id))) return true;
  return __real_ledger_progress(ledger, epoch, id, offset);
}

uint64_t __real_ledger_open(struct ledger *ledger, uint64_t epoch, int64_t first, int64_t next, uint32_t count);
uint64_t __wrap_ledger_open(struct ledger *ledger, uint64_t epoch, int64_t first, int64_t next, uint32_t count);
uint64_t __wrap_ledger_open(struct ledger *ledger, uint64_t epoch, int64_t first, int64_t next, uint32_t count) {
  struct knowledge *knowledge = knowledge_of(partition_of(ledger)->view.partition);
  if (is_in_place(CONTIGUOUS) && first > ledger->expected && ledger_may_open(ledger, epoch, INT64_MAX))
    __real_ledger_open(ledger, epoch, ledger->expected, first, 0);
  uint64_t id = __real_ledger_open(ledger, epoch, first, next, count);
  if (is_in_place(EPOCH_IGNORED) && id && id == knowledge->late && ledger != knowledge->late_ledger) {
    knowledge->late = 0;
    __real_ledger_settle(ledger, epoch, id);
  }
  return id;
}

bool __real_ledger_may_open(const struct ledger *ledger, uint64_t epoch, int64_t uncommitted_max);
bool __wrap_ledger_may_open(const struct ledger *ledger, uint64_t epoch, int64_t uncommitted_max);
bool __wrap_ledger_may_open(const struct ledger *ledger, uint64_t epoch, int64_t uncommitted_max) {
  return __real_ledger_may_open(ledger, epoch, is_in_place(UNBOUNDED) ? INT64_MAX : uncommitted_max);
}

struct partition *__real_partition_create(const char *topic, int32_t number, uint64_t epoch, int64_t start);
struct partition *__wrap_partition_create(const char *topic, int32_t number, uint64_t epoch, int64_t start);
struct partition *__wrap_partition_create(const char *topic, int32_t number, uint64_t epoch, int64_t start) {
  struct partition *partition = __real_partition_create(topic, number, epoch, start);
  struct knowledge *knowledge = knowledge_of(number);
  knowledge->owed = -1;
  if (is_in_place(WATERMARK_KEPT) && knowledge->expected > start) partition->ledger.committable = knowledge->expected;
  return partition;
}

void __real_partition_destroy(struct partition *partition);
void __wrap_partition_destroy(struct partition *partition);
void __wrap_partition_destroy(struct partition *partition) {
  struct knowledge *knowledge = knowledge_of(partition->view.partition);
  const struct ledger *ledger = &partition->ledger;
  knowledge->expected = ledger->expected;
  if (ledger->committable > ledger->confirmed) knowledge->owed = ledger->committable;
  __real_partition_destroy(partition);
}

void __real_batch_pool_give(struct batch_pool *pool, struct batch *batch);
void __wrap_batch_pool_give(struct batch_pool *pool, struct batch *batch);
void __wrap_batch_pool_give(struct batch_pool *pool, struct batch *batch) {
  struct knowledge *knowledge = knowledge_of(batch->partition->view.partition);
  if (batch->settled[OUTCOME_ABANDONED]) {
    knowledge->late = batch->range;
    knowledge->late_ledger = &batch->partition->ledger;
  }
  __real_batch_pool_give(pool, batch);
}

int64_t __real_batch_lowest_open(const struct batch *batch);
int64_t __wrap_batch_lowest_open(const struct batch *batch);
int64_t __wrap_batch_lowest_open(const struct batch *batch) {
  return is_in_place(STOP_SETTLES_REST) ? batch->next : __real_batch_lowest_open(batch);
}

/* --- commits, partitions that go --- */

bool __real_committer_send(struct committer *committer, const struct commit *commits, size_t count, struct error *err);
bool __wrap_committer_send(struct committer *committer, const struct commit *commits, size_t count, struct error *err);
bool __wrap_committer_send(struct committer *committer, const struct commit *commits, size_t count, struct error *err) {
  if (!is_in_place(ONE_TOO_MANY)) return __real_committer_send(committer, commits, count, err);
  struct commit more[PARTITIONS_MAX];
  must(count <= PARTITIONS_MAX);
  memcpy(more, commits, count * sizeof *more);
  for (size_t i = 0; i < count; i++) more[i].offset++;
  return __real_committer_send(committer, more, count, err);
}

typedef void on_commit(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *);
rd_kafka_resp_err_t __real_rd_kafka_commit_queue(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
    rd_kafka_queue_t *queue, on_commit *call, void *opaque);
rd_kafka_resp_err_t __wrap_rd_kafka_commit_queue(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
    rd_kafka_queue_t *queue, on_commit *call, void *opaque);
rd_kafka_resp_err_t __wrap_rd_kafka_commit_queue(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
    rd_kafka_queue_t *queue, on_commit *call, void *opaque) {
  if (!is_in_place(COMMIT_AFTER_LOST)) return __real_rd_kafka_commit_queue(client, list, queue, call, opaque);
  rd_kafka_topic_partition_list_t *more = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
  for (int i = 0; i < list->cnt; i++) {
    rd_kafka_topic_partition_t *line =
        rd_kafka_topic_partition_list_add(more, list->elems[i].topic, list->elems[i].partition);
    line->offset = list->elems[i].offset;
    line->metadata = strdup(list->elems[i].metadata);
    line->metadata_size = list->elems[i].metadata_size;
  }
  for (int32_t i = 0; i < cluster.partitions; i++) {
    struct knowledge *knowledge = knowledge_of(i);
    if (knowledge->owed < 0 || rd_kafka_topic_partition_list_find(list, topic_names[TOPIC_IN], i)) continue;
    rd_kafka_topic_partition_t *line = rd_kafka_topic_partition_list_add(more, topic_names[TOPIC_IN], i);
    line->offset = knowledge->owed;
    line->metadata = strdup("");
    knowledge->owed = -1;
  }
  rd_kafka_resp_err_t code = __real_rd_kafka_commit_queue(client, more, queue, call, opaque);
  rd_kafka_topic_partition_list_destroy(more);
  return code;
}

void __real_drain_assignments(struct control *control, struct assignment **assignments, size_t count);
void __wrap_drain_assignments(struct control *control, struct assignment **assignments, size_t count);
void __wrap_drain_assignments(struct control *control, struct assignment **assignments, size_t count) {
  if (!is_in_place(DRAIN_SKIPPED)) {
    __real_drain_assignments(control, assignments, count);
    return;
  }
  for (size_t i = 0; i < count; i++) assignment_fence(assignments[i]);
  commit_all(control, control_now(control) + 1000);
}

bool __real_commit_all(struct control *control, int64_t deadline_ms);
bool __wrap_commit_all(struct control *control, int64_t deadline_ms);
bool __wrap_commit_all(struct control *control, int64_t deadline_ms) {
  return is_in_place(COMMIT_SKIPPED) || __real_commit_all(control, deadline_ms);
}

void __real_assignment_mark(void *assignment);
void __wrap_assignment_mark(void *assignment);
void __wrap_assignment_mark(void *assignment) {
  if (!is_in_place(HOLD_UNMARKED)) __real_assignment_mark(assignment);
}

rd_kafka_resp_err_t __real_rd_kafka_committed(
    rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms);
rd_kafka_resp_err_t __wrap_rd_kafka_committed(
    rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms);
rd_kafka_resp_err_t __wrap_rd_kafka_committed(
    rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
  rd_kafka_resp_err_t code = __real_rd_kafka_committed(client, list, timeout_ms);
  return is_in_place(ABSENT_BELIEVED) ? RD_KAFKA_RESP_ERR_NO_ERROR : code;
}

/* --- records on their way --- */

static void count_as(struct runner *runner, struct portion *whole, uint32_t index, enum outcome outcome) {
  whole->verdicts[index] = DECIDED_ELSEWHERE;
  whole->all_pass = false;
  station_ended(station_of(runner, whole), whole, index, outcome);
}

void __real_failure_retry(struct runner *runner, struct portion *portion, uint32_t count);
void __wrap_failure_retry(struct runner *runner, struct portion *portion, uint32_t count);
void __wrap_failure_retry(struct runner *runner, struct portion *portion, uint32_t count) {
  if (!is_in_place(RETRY_FORGOTTEN) || portion->whole) {
    __real_failure_retry(runner, portion, count);
    return;
  }
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    if (portion->verdicts[i] == TO_TRY_AGAIN) count_as(runner, portion, i, OUTCOME_FILTERED);
}

void __real_failure_final(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason);
void __wrap_failure_final(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason);
void __wrap_failure_final(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason) {
  const struct station *station = station_of(runner, whole);
  if (is_in_place(STOP_PASSED_OVER) && station->step->policy.on_failure == FAIL_STOP)
    count_as(runner, whole, index, OUTCOME_DISCARDED);
  else if (is_in_place(REJECTED_GOES_ON) && !station->is_sink)
    whole->verdicts[index] = WEIR_PASS;
  else
    __real_failure_final(runner, whole, index, reason);
}

void __real_station_ended(struct station *station, struct portion *whole, uint32_t index, enum outcome outcome);
void __wrap_station_ended(struct station *station, struct portion *whole, uint32_t index, enum outcome outcome);
void __wrap_station_ended(struct station *station, struct portion *whole, uint32_t index, enum outcome outcome) {
  if (is_in_place(FIRST_SINK_COUNTS) && station->is_sink && whole->fan) {
    struct record *record = &whole->fan->records[whole->records[index].place];
    if (!record->sinks_open) return;
    record->sinks_open = 1;
  }
  __real_station_ended(station, whole, index, outcome);
}

void __real_batch_born(struct batch *batch, uint32_t origin, uint32_t more);
void __wrap_batch_born(struct batch *batch, uint32_t origin, uint32_t more);
void __wrap_batch_born(struct batch *batch, uint32_t origin, uint32_t more) {
  if (!is_in_place(CHILDREN_UNCOUNTED)) __real_batch_born(batch, origin, more);
}

uint32_t __real_setup_traits(const struct setup *setup);
uint32_t __wrap_setup_traits(const struct setup *setup);
uint32_t __wrap_setup_traits(const struct setup *setup) {
  return __real_setup_traits(setup) | (is_in_place(UNORDERED) ? (uint32_t)WEIR_UNORDERED : 0);
}

/* --- the producer --- */

enum write_result __real_writing_write(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err);
enum write_result __wrap_writing_write(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err);
enum write_result __wrap_writing_write(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err) {
  const struct kafka_writer *writer = ctx;
  if (!is_in_place(DEAD_LETTER_EARLY) || strcmp(writer->name, "topic dead") != 0)
    return __real_writing_write(ctx, outgoing, delivery, err);
  struct shipment *nobody = calloc(1, sizeof *nobody); /* with the process */
  struct delivery *unread = calloc(1, sizeof *unread);
  atomic_init(&nobody->open, UINT32_MAX);
  unread->shipment = nobody;
  enum write_result result = __real_writing_write(ctx, outgoing, unread, err);
  if (result != WRITE_ACCEPTED) return result;
  delivery->state = DELIVERY_CONFIRMED;
  shipment_close_one(delivery->shipment);
  return result;
}

void __real_reports_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);
void __wrap_reports_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);
void __wrap_reports_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  rd_kafka_message_t believed = *message;
  if (is_in_place(REPORT_UNREAD)) believed.err = RD_KAFKA_RESP_ERR_NO_ERROR;
  __real_reports_on_delivery(handle, &believed, opaque);
}

enum delivery_state __real_delivery_of(rd_kafka_resp_err_t code, bool own_topic);
enum delivery_state __wrap_delivery_of(rd_kafka_resp_err_t code, bool own_topic);
enum delivery_state __wrap_delivery_of(rd_kafka_resp_err_t code, bool own_topic) {
  enum delivery_state state = __real_delivery_of(code, own_topic);
  return is_in_place(PURGE_IS_REFUSAL) && state == DELIVERY_LOST ? DELIVERY_REFUSED : state;
}

uint64_t __real_writing_number(void *ctx);
uint64_t __wrap_writing_number(void *ctx);
uint64_t __wrap_writing_number(void *ctx) { return is_in_place(OVERTAKEN) ? 1 : __real_writing_number(ctx); }
