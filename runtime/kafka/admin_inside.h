/* admin_inside.h: the administrator as admin.c (offsets) and admin_members.c (the group) see it. */
#ifndef WEIR_KAFKA_ADMIN_INSIDE_H
#define WEIR_KAFKA_ADMIN_INSIDE_H
#include <librdkafka/rdkafka.h>
#include "kafka/admin.h"
#include "kafka/client.h"

enum { ADMIN_MAGIC = 0x39b5c4d7, ADMIN_CONNECT_MS = 5000, ADMIN_ASK_MS = 10000, ADMIN_LIMIT_MS = 2000 };

struct admin {
  struct client client;
  uint32_t magic;
  const struct pipeline_file *file;
  rd_kafka_t *handle;
  char **topics;
  size_t topic_count;
  struct admin_partition *partitions;
  size_t count;
  rd_kafka_event_t *group; /* the last answer; the members' strings are its */
  struct admin_member *members;
  struct admin_reader *readers; /* of admin_readers(); names are its own */
  size_t reader_count;
};

void admin_forget_group(struct admin *admin);
void admin_forget_readers(struct admin *admin);
/* The cluster can be asked for groups: admin_members.c has why. */
bool admin_can_describe(struct admin *admin);

#endif
