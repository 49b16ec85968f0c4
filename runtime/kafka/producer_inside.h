/* producer_inside.h: the producer as its own files see it: producer.c (life), outputs.c (topics), writing.c (lanes), reports.c (the
 * reporting thread).
 *
 * The librdkafka handle may be made anew while lanes write: whoever uses it outside the reporting thread goes through the gate
 * (producer_enter, producer_leave), and the reporting thread shuts the gate and waits until nobody is inside. */
#ifndef WEIR_KAFKA_PRODUCER_INSIDE_H
#define WEIR_KAFKA_PRODUCER_INSIDE_H
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/limits.h"
#include "base/log.h"
#include "kafka/client.h"
#include "kafka/producer.h"

enum { PRODUCER_MAGIC = 0x4c7d21ae, WRITER_MAGIC = 0x6a10f3d9, OUTPUT_SLOTS = LIMIT_OUTPUT_TOPICS * 2 };

/* A topic that is written to. Lives as long as the producer; its handle as long as the producer's. */
struct output {
  char *name, *partitioner;
  bool own;                         /* of a writer; else a record named it */
  rd_kafka_topic_t *_Atomic handle; /* made at first use */
};

struct kafka_writer {
  struct writer writer;
  uint32_t magic;
  struct producer *producer;
  struct output *output;
  bool any_topic;
  char name[LIMIT_TOPIC_NAME + 8];
  struct kafka_writer *next;
};

/* A lane that waits for room. */
struct waiting {
  void (*notify)(void *ctx);
  void *ctx;
};

struct producer {
  struct client client;
  uint32_t magic;
  const struct pipeline_file *file;
  const struct kafka_settings *settings; /* of a sink, NULL: the pipeline's alone */
  int64_t message_bytes_max;             /* message.max.bytes. Behind the gate */

  rd_kafka_t *handle; /* behind the gate */
  rd_kafka_queue_t *queue;
  _Atomic bool open;
  _Atomic uint32_t inside;

  pthread_t thread;
  _Atomic bool stopping;
  _Atomic bool broken;  /* make the handle anew */
  _Atomic int room_at;  /* messages in the queue at which there is room again */
  _Atomic bool missing; /* a topic may not be there: look once a second */
  _Atomic bool paused;  /* writes are refused for now, by something that time may mend */
  int64_t made_ms;      /* [reporting thread] when the handle was made anew, 0: never */
  int64_t batch_bytes;  /* batch.size of the handle; 0: not made yet. Behind the gate */
  uint64_t number;      /* of handles made so far. Behind the gate */
  _Atomic int64_t batch_bytes_wanted;

  pthread_mutex_t lock;
  struct waiting *waiting; /* per lane; under lock */
  uint32_t lanes;
  _Atomic uint32_t waiting_count;
  struct output *_Atomic outputs[OUTPUT_SLOTS]; /* open addressing; added to under lock, read without */
  uint32_t output_count;
  struct kafka_writer *writers; /* [main] */
  struct log_limit trouble, missing_told;
};

/* Any thread: false while the handle is being made anew. */
bool producer_enter(struct producer *producer);
void producer_leave(struct producer *producer);
/* Makes handle and queue. False: err. */
bool producer_make(struct producer *producer, struct error *err);
/* Destroys them. must(the gate is shut and nobody came in before, no message is left in it). */
void producer_unmake(struct producer *producer);
/* [any, inside the gate or the reporting thread] Wakes the reporting thread. */
void producer_nudge(struct producer *producer);

/* --- outputs.c --- */
/* The topic's entry, made when it is new; `partitioner` counts then. NULL: err. Any thread. */
struct output *outputs_at(
    struct producer *producer, weir_span topic, const char *partitioner, bool own, struct error *err);
/* Its handle. Inside the gate. NULL: err. */
rd_kafka_topic_t *output_handle(struct producer *producer, struct output *output, struct error *err);
const struct output *outputs_find(const struct producer *producer, weir_span topic);
/* Destroys the topics' handles; with the gate shut. */
void outputs_unmake(struct producer *producer);
void outputs_free(struct producer *producer);

/* --- writing.c --- */
bool writing_begin(void *ctx);
void writing_end(void *ctx);
uint64_t writing_number(void *ctx);
enum write_result writing_write(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err);
void writing_when_room(void *ctx, uint32_t lane, void (*notify)(void *ctx), void *notify_ctx);

/* --- reports.c --- */
void *reports_run(void *producer);
void reports_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);
void reports_on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque);
/* Calls every lane that waits. */
void reports_call_waiting(struct producer *producer);
/* Half of what was in the queue when it was full has gone, whether messages or bytes had filled it. Inside the gate or on the reporting thread. */
bool reports_have_room(struct producer *producer);
/* Reports everything that is still open as it ends within `flush_ms`, the rest as lost. With the reporting thread gone, or on it. */
void reports_finish(struct producer *producer, int flush_ms);

#endif
