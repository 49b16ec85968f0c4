/* limits.h: every capacity of the program, with its unit and its reason. A limit that stands elsewhere is a defect. */
#ifndef WEIR_BASE_LIMITS_H
#define WEIR_BASE_LIMITS_H

enum {
  /* Pipeline files: what a person writes is far below; what an attacker writes ends here. */
  LIMIT_FILE_BYTES = 1 << 20,
  LIMIT_YAML_DEPTH = 64,
  LIMIT_YAML_EVENTS = 100000,
  LIMIT_YAML_ANCHORS = 1000,
  LIMIT_TREE_BYTES = 64 << 20,     /* memory of one file's tree, a node being some 200 bytes */
  LIMIT_INCLUDED_BYTES = 64 << 10, /* a value from ${file:} or ${env:} */
  LIMIT_REPORT_ERRORS = 50,        /* errors shown of one file */
  LIMIT_STAGES = 64,               /* stages and sinks of one pipeline, each */
  LIMIT_SINKS = 32,
  LIMIT_TOPICS = 256,     /* names or patterns in source.topics */
  LIMIT_TOPIC_NAME = 249, /* bytes, Kafka's own */
  LIMIT_GROUP_NAME = 255,
  LIMIT_LANES = 64,
  LIMIT_ATTEMPTS = 1000000, /* `retry.attempts` at the most */

  /* Batches. */
  LIMIT_BATCH_RECORDS = 10000,   /* `batch.records` at the most */
  LIMIT_BATCH_EMITTED = 1000000, /* records emitted from one batch in one stage */
  LIMIT_ARENA_CHUNK_BYTES = 256 << 10,
  LIMIT_REASON_CODE = 64, /* bytes, as in <weir/plugin.h> */
  LIMIT_REASON_TEXT = 1024,
  LIMIT_LEDGER_RANGES = 512, /* open ranges of one partition (16 KiB); more means stop reading it */
  LIMIT_LABEL = 64,          /* bytes of a stage's label */

  /* The worker. */
  LIMIT_FAILURES = 128,              /* kinds of failures (stage, code, outcome) counted apart in the summary */
  LIMIT_COMMIT_WAIT_MS = 5000,       /* for the answer to a commit when partitions are revoked */
  LIMIT_TURN_MS = 90000,             /* for one turn of a loop of the worker; at twice that it is aborted */
  LIMIT_SUSPECTS = 256,              /* suspicions of records that killed a worker, of one pipeline on one host */
  LIMIT_CRUMBS = 256,                /* workers of one pipeline on one host that leave traces for the quarantine */
  LIMIT_LANE_STUCK_MS = 1000,        /* for a lane's answer once the drain is over; then it is taken for stuck */
  LIMIT_PROGRAM_BYTES = 16 << 20,    /* code, threads, connections */
  LIMIT_LANE_BYTES = 2 << 20,        /* stages and scripts of a lane, without what scripts are granted on top */
  LIMIT_BATCHES_LEAST = 4,           /* of a lane */
  LIMIT_BATCHES_MOST = 64,           /* more in flight is no faster */
  LIMIT_BATCH_ARENA_MOST = 16 << 20, /* what the stages may write for one batch */
  LIMIT_RECORD_BYTES = 320,          /* what a record in flight costs beside its payload: librdkafka's message, ours */

  LIMIT_PLUGIN_NAME = 64,     /* bytes of a plugin's name, as in <weir/plugin.h> */
  LIMIT_LIBRARY_PLUGINS = 64, /* of one shared object */
  LIMIT_PLUGIN_OPTIONS = 256, /* of one plugin; of one script as many again */
  LIMIT_FAILURE_TEXT = 1024,  /* bytes of fail(), as in <weir/plugin.h> */

  /* Kafka. */
  LIMIT_EXPECTED_PARTITIONS = 8,  /* a worker's share, for sizes that librdkafka takes before it is known */
  LIMIT_QUEUE_KBYTES_LEAST = 256, /* fetched and waiting, of one partition */
  LIMIT_QUEUE_KBYTES_MOST = 2048,
  LIMIT_OUTPUT_MESSAGES_LEAST = 10000, /* waiting in the producer */
  LIMIT_OUTPUT_MESSAGES_MOST = 1000000,
  LIMIT_OUTPUT_KBYTES_LEAST = 4096,
  LIMIT_OUTPUT_TOPICS = 1024,     /* topics that one producer writes to */
  LIMIT_MESSAGE_BYTES = 64 << 20, /* one record to write; Kafka takes requests up to 100 MiB */
  LIMIT_RESOLVE_MS = 60000,       /* to find where the partitions of an assignment start */
  LIMIT_TROUBLE_MS = 10000,       /* between two lines about the same trouble */

  /* Dead letters. */
  LIMIT_DLQ_KINDS = 1000, /* texts counted apart by `weir dlq stats` */

  /* The sandbox. */
  LIMIT_SUPPLY_BYTES = 256 << 20, /* of one file that is fed or that holds expected keys */
  LIMIT_SANDBOX_PARTITIONS = 64,  /* of each topic of the broker in memory, which keeps 5 MiB of each */

  LIMIT_METRICS = 4096,    /* of one process, each set of labels counted */
  LIMIT_METRIC_NAME = 100, /* bytes */
};

#endif
