/* script.h: a whole script: the table that its file returns, and its functions called for the host. */
#ifndef WEIR_PLUGINS_LUA_SCRIPT_H
#define WEIR_PLUGINS_LUA_SCRIPT_H
#include "stage.h"

/* Runs the file in a throw-away state and reads what it declares into the plan. Main. */
bool script_check(struct lua_stage *stage, struct plan *plan, struct failure *failure);
/* Runs the file and its create(). Lane. False with an empty failure text: host->fail() was called. */
bool script_create(struct lua_stage *stage, const weir_config *config, struct failure *failure);
/* Lane, as in <weir/plugin.h>. */
weir_result script_process(struct lua_stage *stage, const weir_batch *batch);
int32_t script_assigned(struct lua_stage *stage, const weir_partition *partition, void **state);
void script_revoked(struct lua_stage *stage, const weir_partition *partition, void *state, int32_t why);
void script_wake(struct lua_stage *stage, int64_t now_ms);
void script_flush(struct lua_stage *stage, int32_t why);

#endif
