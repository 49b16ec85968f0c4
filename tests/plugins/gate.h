/* gate.h: the plugin's side of fixture_gate: its thread asks before each piece of work, so a test decides when it is
 * done. */
#ifndef WEIR_TESTS_GATE_H
#define WEIR_TESTS_GATE_H
#include "fixture.h"

/* A new instance: the gate is closed, nothing was let through. */
void gate_reset(void);
/* Blocks until a piece of work may be done. 0: no more, the plugin is going. */
int gate_pass(void);
/* The piece is done. */
void gate_passed(void);
/* From now on gate_pass() gives 0. */
void gate_shut(void);

extern const fixture_gate gate_table;

#endif
