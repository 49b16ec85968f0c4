/* stage.h: one instance of the plugin, that is one Lua state of one stage in one lane, and the batch that is before
 * it.
 *
 * Code never holds a pointer of ours: records, batches and JSON values are handles, numbers that are never used
 * twice, in light userdata. A handle from an earlier batch is below the numbers in use, so it is known to be stale
 * for ever; none is allocated. What code wants of a record is noted (struct change) and told to the host when the
 * call that wanted it has succeeded. */
#ifndef WEIR_PLUGINS_LUA_STAGE_H
#define WEIR_PLUGINS_LUA_STAGE_H
#include <stdbool.h>
#include <stdint.h>
#include <lua.h>
#include <weir/plugin.h>
#include "memory.h"
#include "plan.h"
#include "tree.h"

enum {
  STAGE_MAGIC = 0x4c756173,
  STAGE_LOOPS_MAX = 8,               /* loops over one batch inside each other */
  STAGE_TEXT_MAX = 1024,             /* bytes of a message, with the NUL */
  STAGE_PLACE_MAX = LUA_IDSIZE + 32, /* bytes of "file:line: ", with the NUL */
  STAGE_COUNTERS_MAX = 64,
  STAGE_FIELDS = 9, /* fields of a record, and one for none */
};

enum handle_kind { HANDLE_CONSTANT, HANDLE_RECORD, HANDLE_JSON, HANDLE_BATCH };

_Static_assert(sizeof(void *) == 8, "a handle is a 62-bit number and two bits of kind in a pointer");

static inline void *handle_of(enum handle_kind kind, uint64_t serial) {
  return (void *)(uintptr_t)(serial << 2 | kind);
}
static inline enum handle_kind handle_kind(const void *handle) { return (enum handle_kind)((uintptr_t)handle & 3); }
static inline uint64_t handle_serial(const void *handle) { return (uint64_t)(uintptr_t)handle >> 2; }
#define HANDLE_NULL handle_of(HANDLE_CONSTANT, 1) /* weir.null */

enum {
  CHANGED_KEY = 1,
  CHANGED_VALUE = 2,
  CHANGED_TOPIC = 4,
  CHANGED_TIME = 8,
  CHANGED_HEADERS = 16,
  CHANGED_JSON = 32, /* the tree is ahead of the value */
};

struct emission {
  struct emission *next;
  weir_draft draft;
};

/* What code wants of one record. All bytes lie in the batch's memory. */
struct change {
  uint32_t index, changed;
  weir_verdict verdict;
  weir_span code, text;
  int64_t retry_after_ms, timestamp_ms;
  weir_span key, value, topic;
  weir_header *headers;
  uint32_t header_count;
  struct emission *first, *last;
};

/* Of each record that code can reach now; numbers are 0 for none, else one more than the place. */
struct entry {
  uint32_t change, root;
};

/* A loop `for record in batch:records()`. */
struct loop {
  uint32_t index;
  bool at_record;
};

struct counter {
  struct weir_metric *metric;
  int64_t pending;
};

/* Places in Lua's registry; LUA_NOREF: there is none. */
struct references {
  int code; /* inline: the function of a record; script: each or process */
  int self, assigned, revoked, flush, wake;
};

struct lua_stage {
  uint32_t magic;
  const weir_host *host; /* of prepare() in the throw-away state */
  const struct plan *plan;
  bool preparing;
  uint32_t checked; /* rounds of steps that the top level of a script took in prepare() */
  struct memory memory;
  lua_State *L;
  struct references references;
  const char *fields[STAGE_FIELDS]; /* the names of a record's fields, as Lua keeps them */
  bool has_each;                    /* the script has each, not process */

  /* The batch. Handles of records first .. first+count-1 are `serial` and up. */
  const weir_batch *batch;
  uint64_t batch_serial, serial, node_serial;
  uint32_t first, count, at; /* at: the record that inline code or each() is run for */
  struct entry *entries;
  bool *rejected; /* script: records of the batch that an error took out of it */
  uint32_t entry_room, rejected_room;
  struct change *changes;
  uint32_t change_count, change_room;
  struct tree tree;
  struct buffer buffer;

  /* A script's loops over the batch and where an error met them. */
  struct loop loops[STAGE_LOOPS_MAX];
  uint32_t loop_count;
  bool unwinding, failed_in_loop;
  uint32_t failed_index;

  /* An error with a code of its own is known again by its message. */
  const char *coded;
  char coded_message[STAGE_TEXT_MAX];
  size_t coded_text; /* where the text begins in the message, behind the place */

  char refused_at[STAGE_PLACE_MAX]; /* the place of the last allocation that was refused */

  uint64_t absent, absent_sent; /* comparisons with nil since the start; those that the metric has */
  struct counter absent_counter;
  struct counter counters[STAGE_COUNTERS_MAX];
  uint32_t counter_count;
};

static inline struct lua_stage *stage_of(lua_State *L) { return *(struct lua_stage **)lua_getextraspace(L); }

/* ---- stage.c ---- */

/* A state with the sandbox in it and nothing run. NULL: no memory. Lane, or main when `preparing`. */
struct lua_stage *stage_create(const weir_host *host, const struct plan *plan, bool preparing);
/* NULL is accepted. */
void stage_destroy(struct lua_stage *stage);

/* How a protected call ended. */
struct failure {
  const char *code;          /* "lua_error" or the error's own */
  char text[STAGE_TEXT_MAX]; /* with its place */
  bool memory_spent;         /* the batch's: another, smaller one may work */
};

/* Calls the function below `arguments` values on the stack; leaves `results`. False: the stack is as without the
 * function, `failure` says why. Nothing of Lua goes beyond this. */
bool stage_call(struct lua_stage *stage, int arguments, int results, struct failure *failure);
/* stage_call() of a C function with a pointer. */
bool stage_run(struct lua_stage *stage, lua_CFunction function, void *argument, struct failure *failure);

/* Raise an error with the place of the Lua code that runs: "file:line: text". Never return. */
int stage_raise(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
/* The same with what the tree says; its code is not_json where it is that. */
int stage_raise_json(lua_State *L, const struct json_error *err) __attribute__((noreturn));
/* "memory limit of 64MiB reached". */
void stage_memory_text(const struct lua_stage *stage, char *text, size_t text_size);

/* Adds what counters have got since the last time to the host's metrics. */
void stage_count(struct lua_stage *stage);

/* ---- view.c: the batch that code sees ---- */

/* False: no memory. */
bool view_open(struct lua_stage *stage, const weir_batch *batch);
void view_close(struct lua_stage *stage);
/* Code can reach records first .. first+count-1 from now on, and nothing that it reached before; changes are
 * forgotten. */
void view_move(struct lua_stage *stage, uint32_t first, uint32_t count);
static inline void *view_handle(const struct lua_stage *stage, uint32_t index) {
  return handle_of(HANDLE_RECORD, stage->serial + (index - stage->first));
}
/* The record that a handle stands for, or raises "record used after its batch ended". */
uint32_t view_record(lua_State *L, struct lua_stage *stage, const void *handle);
/* The note on a record, made when there is none; raises without memory. Good until the next call. */
struct change *view_change(lua_State *L, struct lua_stage *stage, uint32_t index);
/* NULL: nothing is wanted of it. */
struct change *view_known_change(struct lua_stage *stage, uint32_t index);
/* What the record is now, for code. Without regard to changes of its JSON. */
weir_span view_value(struct lua_stage *stage, uint32_t index);
weir_span view_key(struct lua_stage *stage, uint32_t index);
const weir_header *view_headers(struct lua_stage *stage, uint32_t index, uint32_t *count);
/* A copy in the batch's memory; raises when that is spent. */
weir_span view_keep(lua_State *L, struct lua_stage *stage, weir_span bytes);
void *view_alloc(lua_State *L, struct lua_stage *stage, size_t size);

/* ---- commit.c: telling the host ---- */

/* Does what is noted for a record. Raises; then commit_reject() takes back what was done. */
void commit_record(lua_State *L, struct lua_stage *stage, uint32_t index);
/* commit_record() of first .. first+count-1 of the view; one that fails is rejected. */
void commit_records(struct lua_stage *stage, uint32_t first, uint32_t count);
void commit_reject(struct lua_stage *stage, uint32_t index, const struct failure *failure);

#endif
