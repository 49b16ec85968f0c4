/* descriptor.h: reads what a library offers, believing nothing that it has not checked. [main] */
#ifndef WEIR_PLUGIN_DESCRIPTOR_H
#define WEIR_PLUGIN_DESCRIPTOR_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"
#include "plugin/options.h"

/* Everything that 1.0 asks of a table. It is read only as far as its own size says. The sentence begins with `file`. */
bool descriptor_check(const char *file, const weir_plugin *table, struct error *err);

struct option_list descriptor_options(const weir_plugin *table);

#endif
