/* fixture.h: how a test looks into an example plugin and steers its own thread: an extension of the plugin. */
#ifndef WEIR_TESTS_FIXTURE_H
#define WEIR_TESTS_FIXTURE_H
#include <weir/plugin.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The callbacks that ran, in order, as words: "prepare create assigned process ...". */
#define FIXTURE_TRACE "test.trace/1"
typedef struct fixture_trace {
  uint32_t size;
  const char *(*text)(void); /* since the last clear() */
  void (*clear)(void);
} fixture_trace;

/* The plugin's own thread does its next `count` pieces of work, and they are done when this returns. At the start it
 * waits; fixture_gate_open() lets it run freely. */
#define FIXTURE_GATE "test.gate/1"
typedef struct fixture_gate {
  uint32_t size;
  void (*let)(uint32_t count);
  void (*open)(void);
} fixture_gate;

#ifdef __cplusplus
}
#endif
#endif
