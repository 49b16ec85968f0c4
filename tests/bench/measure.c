/* measure.c: runs a command and prints one line of what it cost: "wall_s cpu_s peak_mib status". The command's own output goes to
 * stderr, so that the line stands alone. `--until` is for one that never ends: when TOPIC holds COUNT records the clock is stopped,
 * and the command is ended by SIGTERM, whatever it makes of that.
 *
 *   bench-measure [--until BROKERS TOPIC COUNT] COMMAND [ARGUMENT...] */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ASK_MS = 5000, PATIENCE_S = 300, LOOK_MS = 20 };

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "bench-measure: %s: %s\n", what, why);
  exit(1);
}

static pid_t start(char **command) {
  pid_t child = fork();
  if (child == 0) {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  if (child < 0) die("fork", "the machine has no room for a process");
  return child;
}

static rd_kafka_t *open_handle(const char *brokers) {
  char text[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text)) die("brokers", text);
  rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (!handle) die("librdkafka", text);
  return handle;
}

static int partitions_of(rd_kafka_t *handle, const char *name) {
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, name, NULL);
  rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 0, topic, &metadata, ASK_MS);
  if (code) die(name, rd_kafka_err2str(code));
  int partitions = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  if (partitions == 0) die(name, "no such topic");
  return partitions;
}

static long long held(rd_kafka_t *handle, const char *topic, int partitions) {
  long long sum = 0;
  for (int i = 0; i < partitions; i++) {
    int64_t low = 0, high = 0;
    if (rd_kafka_query_watermark_offsets(handle, topic, i, &low, &high, ASK_MS) == 0) sum += high;
  }
  return sum;
}

/* When the topic has got them; 0: the command ended before, or nothing more came. */
static double wait_for(const char *brokers, const char *topic, long long count, pid_t child) {
  rd_kafka_t *handle = open_handle(brokers);
  int partitions = partitions_of(handle, topic);
  double until = now() + PATIENCE_S, at = 0;
  siginfo_t ended = {0};
  while (at == 0 && now() < until && ended.si_pid == 0) {
    if (held(handle, topic, partitions) >= count)
      at = now();
    else
      rd_kafka_poll(handle, LOOK_MS); /* or until something happens to it */
    if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) break;
  }
  rd_kafka_destroy(handle);
  return at;
}

int main(int argc, char **argv) {
  int command = argc > 1 && strcmp(argv[1], "--until") == 0 ? 5 : 1;
  if (argc <= command) die("usage", "bench-measure [--until BROKERS TOPIC COUNT] COMMAND [ARGUMENT...]");
  double began = now(), ended = 0;
  pid_t child = start(argv + command);
  if (command > 1) {
    ended = wait_for(argv[2], argv[3], strtoll(argv[4], NULL, 10), child);
    kill(child, SIGTERM);
  }
  int status = 0;
  struct rusage used;
  if (wait4(child, &status, 0, &used) != child) die("wait", "the command is not there");
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (command > 1) code = ended == 0;
  printf("%.3f %.3f %.1f %d\n", (ended > 0 ? ended : now()) - began, seconds(used.ru_utime) + seconds(used.ru_stime),
      (double)used.ru_maxrss / 1024, code);
  return code ? 1 : 0;
}
