/* quarantine.c: see quarantine.h. The file of suspects is read, changed and written under a lock on its folder, so the workers of a host do
 * not lose each other's suspicions; `known` is what this worker last read. */
#include "host/quarantine.h"
#include "base/check.h"
#include "base/log.h"
#include "config/pipeline_file.h"
#include "host/crumbs.h"
#include "host/runtime_folder.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUARANTINE_MAGIC = 0x5ea1ed09, PATH_BYTES = 3072, NAME_BYTES = 32 };

struct quarantine {
  uint32_t magic;
  uint32_t after;
  char folder[PATH_BYTES], name[NAME_BYTES], path[PATH_BYTES + NAME_BYTES + 16]; /* path: of the suspects */
  struct crumbs *crumbs;
  struct suspects known;
  bool changed; /* `known` is not what the file says */
  struct log_limit trouble;
};

/* --- where --- */

static bool take_folder(char into[PATH_BYTES], const char *path, size_t size, struct error *err) {
  if (size == 0 || size >= PATH_BYTES) return error_set(err, "the path of the folder for quarantine is too long");
  memcpy(into, path, size);
  into[size] = '\0';
  return mkdir(into, 0700) == 0 || errno == EEXIST || error_errno(err, "%s cannot be made", into);
}

static bool find_folder(char into[PATH_BYTES], const struct pipeline_file *file, struct error *err) {
  const char *state = getenv("STATE_DIRECTORY");
  char runtime[RUNTIME_PATH_MAX];
  if (file->quarantine_folder) {
    char *path = pipeline_file_path(file, file->quarantine_folder);
    bool taken = path ? take_folder(into, path, strlen(path), err) : error_set(err, "no memory");
    free(path);
    return taken;
  }
  if (state && state[0] == '/') return take_folder(into, state, strcspn(state, ":"), err);
  return runtime_folder(runtime, true, err) && take_folder(into, runtime, strlen(runtime), err);
}

static uint64_t hash_text(uint64_t hash, const char *text) {
  do hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
  while (*text++);
  return hash;
}

/* A new release of the same pipeline has the same name, wherever its file lies. */
static void name_it(struct quarantine *quarantine, const struct pipeline_file *file) {
  uint64_t hash = hash_text(0xcbf29ce484222325u, file->pipeline);
  hash = hash_text(hash, file->group);
  hash = hash_text(hash, file->kafka.brokers ? file->kafka.brokers : "");
  snprintf(quarantine->name, sizeof quarantine->name, "%016" PRIx64, hash);
  snprintf(quarantine->path, sizeof quarantine->path, "%s/%s.suspects", quarantine->folder, quarantine->name);
}

/* --- the file of suspects --- */

static int lock(const struct quarantine *quarantine) {
  int descriptor = open(quarantine->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (descriptor >= 0 && flock(descriptor, LOCK_EX) != 0)
    if (errno != EINTR) break;
  return descriptor;
}

static void complain(struct quarantine *quarantine, const struct error *err) {
  log_limited(&quarantine->trouble, LIMIT_TROUBLE_MS, WEIR_WARN, "quarantine",
      "%s; a record that kills the worker may not be found", err->text);
}

static bool begin_change(struct quarantine *quarantine, int *descriptor) {
  struct error err;
  *descriptor = lock(quarantine);
  quarantine->changed = false;
  if (suspects_read(&quarantine->known, quarantine->path, &err)) return true;
  complain(quarantine, &err);
  if (*descriptor >= 0) close(*descriptor);
  return false;
}

static void end_change(struct quarantine *quarantine, int descriptor) {
  struct error err;
  if (quarantine->changed && !suspects_write(&quarantine->known, quarantine->path, &err)) complain(quarantine, &err);
  if (descriptor >= 0) close(descriptor);
}

/* --- judging --- */

static void say_death(
    const struct quarantine *quarantine, const struct crumbs_death *death, const struct suspect *known) {
  char place[PLACE_TEXT_MAX];
  place_text(death->view, place);
  if (known->deaths == 0)
    log_line(WEIR_WARN, "quarantine",
        "a worker died of %s in %s, plugin %s: these records are taken one at a time until they are committed",
        death->how, place, death->view->plugin);
  else
    log_line(WEIR_WARN, "quarantine",
        "a worker died of %s in %s, plugin %s, alone in its batch: %u time%s, quarantine is after %u", death->how,
        place, death->view->plugin, known->deaths, known->deaths == 1 ? "" : "s", quarantine->after);
}

/* "stage price": its label is behind the blank. */
static void take_death(void *ctx, const struct crumbs_death *death) {
  struct quarantine *quarantine = ctx;
  const struct place_view *view = death->view;
  const char *blank = strchr(view->label, ' ');
  struct suspect suspect = {.partition = view->partition, .first = view->first, .last = view->last};
  snprintf(suspect.topic, sizeof suspect.topic, "%.*s", LIMIT_TOPIC_NAME, view->topic);
  snprintf(suspect.label, sizeof suspect.label, "%.*s", LIMIT_LABEL, blank ? blank + 1 : view->label);
  snprintf(suspect.how, sizeof suspect.how, "%s", death->how);
  if (!suspect.label[0]) return;
  const struct suspect *known = suspects_died(&quarantine->known, &suspect, death->alone);
  quarantine->changed = true;
  say_death(quarantine, death, known);
}

static void judge(struct quarantine *quarantine) {
  crumbs_judge(quarantine->folder, quarantine->name, take_death, quarantine);
}

/* --- life --- */

struct quarantine *quarantine_open(const struct pipeline_file *file, uint32_t lanes, struct error *err) {
  must(file->quarantine_after > 0);
  struct quarantine *quarantine = calloc(1, sizeof *quarantine);
  if (!quarantine) {
    error_set(err, "no memory");
    return NULL;
  }
  quarantine->magic = QUARANTINE_MAGIC;
  quarantine->after = file->quarantine_after;
  int descriptor = -1;
  if (find_folder(quarantine->folder, file, err)) {
    name_it(quarantine, file);
    if (begin_change(quarantine, &descriptor)) {
      judge(quarantine);
      end_change(quarantine, descriptor);
    }
    quarantine->crumbs = crumbs_open(quarantine->folder, quarantine->name, lanes, err);
  }
  if (quarantine->crumbs) return quarantine;
  free(quarantine);
  return NULL;
}

struct place *quarantine_place(struct quarantine *quarantine, uint32_t lane) {
  return quarantine ? crumbs_place(quarantine->crumbs, lane) : NULL;
}

void quarantine_asked(struct quarantine *quarantine) {
  if (quarantine) crumbs_asked(quarantine->crumbs);
}

void quarantine_close(struct quarantine *quarantine, bool lanes_live) {
  if (!quarantine) return;
  must_be(quarantine, QUARANTINE_MAGIC);
  crumbs_close(quarantine->crumbs, lanes_live);
  if (lanes_live) return;
  quarantine->magic = 0;
  free(quarantine);
}

/* --- partitions --- */

static struct suspects_view copy_of(const struct suspects *known, const char *topic, int32_t partition) {
  struct suspect *list = calloc(known->count + 1, sizeof *list);
  struct suspects_view view = {list, 0};
  for (size_t i = 0; list && i < known->count; i++)
    if (known->list[i].partition == partition && strcmp(known->list[i].topic, topic) == 0)
      list[view.count++] = known->list[i];
  return view;
}

struct suspects_view quarantine_suspects(
    struct quarantine *quarantine, const char *topic, int32_t partition, int64_t start) {
  int descriptor;
  if (!quarantine) return (struct suspects_view){NULL, 0};
  must_be(quarantine, QUARANTINE_MAGIC);
  if (!begin_change(quarantine, &descriptor)) return (struct suspects_view){NULL, 0};
  judge(quarantine);
  if (suspects_passed(&quarantine->known, topic, partition, start)) quarantine->changed = true;
  end_change(quarantine, descriptor);
  return copy_of(&quarantine->known, topic, partition);
}

void quarantine_confirmed(struct quarantine *quarantine, const char *topic, int32_t partition, int64_t offset) {
  int descriptor;
  if (!quarantine || !suspects_passed(&quarantine->known, topic, partition, offset)) return;
  if (!begin_change(quarantine, &descriptor)) return;
  if (suspects_passed(&quarantine->known, topic, partition, offset)) quarantine->changed = true;
  end_change(quarantine, descriptor);
}
