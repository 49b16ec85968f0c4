/* admin.h: a group's offsets as an outsider reads and sets them, for `weir offsets`. [main] Calls block up to some seconds each, and
 * fail with a sentence. */
#ifndef WEIR_KAFKA_ADMIN_H
#define WEIR_KAFKA_ADMIN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct admin;
struct pipeline_file;

/* One partition of the pipeline's topics. */
struct admin_partition {
  const char *topic; /* as long as the admin */
  int32_t partition;
  int32_t of;         /* partitions of its topic */
  int64_t first, end; /* of the records that are there: first .. end-1; -1: it has no leader now */
  int64_t committed;  /* -1: nothing */
  int64_t
      start;   /* where a worker would begin: at `committed`, else as `start` says; -1: not known, or `start: error` */
  bool is_new; /* it came into being while the group was at work, so it starts at its beginning */
};

/* One member of the group. Strings live until the next admin_members(). */
struct admin_member {
  const char *id, *client, *host;
  const char *instance; /* group.instance.id, NULL: dynamic */
};

struct admin_group {
  bool known;        /* the cluster answered; librdkafka's mock does not */
  const char *state; /* "Stable", "Empty", "Dead": static */
  const struct admin_member *members;
  size_t member_count;
};

/* What is to be committed. */
struct admin_change {
  const struct admin_partition *partition;
  int64_t offset;
};

struct admin *admin_open(const struct pipeline_file *file, struct error *err);
void admin_close(struct admin *admin); /* NULL is fine */

/* Reads all partitions of the pipeline's topics, sorted by topic and number, in memory that lives until the next call. A topic that is missing
 * is an error with near names. */
bool admin_read(struct admin *admin, const struct admin_partition **partitions, size_t *count, struct error *err);
/* The first offset at or after the time, in `offsets` (one for each of the `count` partitions, which come from admin_read()); -1: no record is that
 * late. */
bool admin_at_time(struct admin *admin, const struct admin_partition *const *partitions, size_t count, int64_t time_ms,
    int64_t *offsets, struct error *err);
bool admin_members(struct admin *admin, struct admin_group *group, struct error *err);
/* Which member has a partition; `client` NULL: none. Strings live until the next call of this or of admin_members(). */
struct admin_owner {
  const char *client, *host, *instance;
};
bool admin_find_owner(
    struct admin *admin, const char *topic, int32_t partition, struct admin_owner *owner, struct error *err);
/* Groups that read a topic: with members that have a partition of it, or with offsets committed there. */
struct admin_reader {
  const char *group, *state; /* state: static */
  size_t member_count;       /* those with a partition of the topic */
};
struct admin_readers {
  bool known; /* the cluster answered; librdkafka's mock does not */
  const struct admin_reader *readers;
  size_t count;
  size_t hidden; /* groups that this user may not look into */
};
/* Strings live until the next admin_readers(). */
bool admin_readers(
    struct admin *admin, const char *topic, int32_t partitions, struct admin_readers *readers, struct error *err);
/* How long a topic keeps records; -1: for ever, or not known. */
int64_t admin_retention_ms(struct admin *admin, const char *topic);
/* Partitions of a topic; -1: err. */
int32_t admin_partitions(struct admin *admin, const char *topic, struct error *err);
/* Commits as an outsider, which the broker refuses while the group has members. All or, where the broker fails in between, a sentence that names
 * the first that failed. */
bool admin_commit(struct admin *admin, const struct admin_change *changes, size_t count, struct error *err);

#endif
