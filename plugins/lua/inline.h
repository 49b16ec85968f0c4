/* inline.h: keep, each and when: a function of one record, and a script's each(self, record). */
#ifndef WEIR_PLUGINS_LUA_INLINE_H
#define WEIR_PLUGINS_LUA_INLINE_H
#include "stage.h"

/* The code of a stage as it is loaded: a function of the record, on its own line numbers. malloc'ed; NULL: no memory.
 * `line`: of the file where the code begins. With `bare` the code by itself, to see whether it is whole. */
char *inline_wrap(enum plan_form form, const char *code, size_t size, uint32_t line, bool bare, size_t *wrapped_size);
/* Loads plan->code into the stage. Lane. */
bool inline_create(struct lua_stage *stage, const weir_config *config, struct failure *failure);
/* Runs references.code for every record of the batch. */
weir_result inline_process(struct lua_stage *stage, const weir_batch *batch);

#endif
