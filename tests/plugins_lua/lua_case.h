/* lua_case.h: one Lua stage and one record at a time, with its outcome in one line, as docs/LUA.md writes them:
 * "same", a new value, "tombstone", "drop CODE", "retry CODE", "reject CODE TEXT"; then " to TOPIC", then " + VALUE"
 * for each emitted one. */
#ifndef WEIR_TESTS_LUA_CASE_H
#define WEIR_TESTS_LUA_CASE_H
#include <stdbool.h>
#include "support/fake_host.h"

/* A started stage; `yaml` is the plugin's options. Ends the test with the failure when it does not start. */
struct fake_host *lua_case_open(const char *yaml);
/* The same with each: (or keep:, when:) and a block of code. */
struct fake_host *lua_case_code(const char *form, const char *code);
/* The same with a script of that text in a folder of its own, which lua_case_close() removes. `options` is YAML for
 * `options:`, or NULL. */
struct fake_host *lua_case_script(const char *script, const char *options);
void lua_case_close(struct fake_host *fake);
/* Why a stage with these options does not start; ends the test when it does. The text lives until the next call. */
const char *lua_case_refusal(const char *yaml);
const char *lua_case_script_refusal(const char *script, const char *options);

/* The outcome of a record with this value, "tombstone": none. Lives until the next call. */
const char *lua_case_outcome(struct fake_host *fake, const char *value);
const char *lua_case_outcome_of(struct fake_batch *batch, uint32_t index, const char *value);
/* Opens, asks for one outcome, compares, closes. */
void lua_case_expect(const char *form, const char *code, const char *value, const char *outcome);
void lua_case_each(const char *code, const char *value, const char *outcome);

/* The folder of weir.load, require and scripts; made at the first call, removed at the end of the program. */
const char *lua_case_folder(void);
void lua_case_file(const char *path, const char *text);

#endif
