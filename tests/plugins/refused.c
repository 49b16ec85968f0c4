/* refused: plugins that may not be loaded, one per REFUSED_* (see CMakeLists.txt). */
#include <weir/plugin.h>

#if defined(REFUSED_NO_ENTRY)
WEIR_EXPORT int some_function(void);
int some_function(void) { return 0; }
#else

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  (void)host;
  (void)config;
  (void)shared;
  *self = NULL;
  return 0;
}

static void destroy(void *self) { (void)self; }

#if defined(REFUSED_UNRESOLVED)
extern weir_result nobody_has_this(const weir_batch *batch);
#endif

#if !defined(REFUSED_NO_PROCESS)
static weir_result process(void *self, const weir_batch *batch) {
  (void)self;
  (void)batch;
#if defined(REFUSED_UNRESOLVED)
  return nobody_has_this(batch);
#else
  return WEIR_DONE;
#endif
}
#endif

static const weir_option options[] = {
#if defined(REFUSED_BAD_FALLBACK)
    {"wait", WEIR_OPTION_DURATION, 0, "ten seconds", NULL, "how long"},
#elif defined(REFUSED_OPTION_TWICE)
    {"wait", WEIR_OPTION_DURATION, 0, "10s", NULL, "how long"},
    {"wait", WEIR_OPTION_INT, 0, "10", NULL, "how long"},
#elif defined(REFUSED_OPTION_TYPE)
    {"wait", 77, 0, NULL, NULL, "how long"},
#else
    {"wait", WEIR_OPTION_DURATION, 0, "10s", NULL, "how long"},
#endif
};

static const weir_plugin plugin = {
#if defined(REFUSED_OLD_TABLE)
    .size = offsetof(weir_plugin, process),
#elif defined(REFUSED_NO_SIZE)
    .size = 0,
#else
    .size = sizeof plugin,
#endif
#if defined(REFUSED_TABLE_MAJOR)
    .abi_major = 3,
#else
    .abi_major = WEIR_ABI_MAJOR,
#endif
    .abi_minor = WEIR_ABI_MINOR,
#if defined(REFUSED_NAME)
    .name = "Not a Name",
#else
    .name = "refused",
#endif
    .version = "1.0.0",
    .summary = "Is not loaded.",
#if !defined(REFUSED_ROLES)
    .roles = WEIR_TRANSFORM,
#endif
#if defined(REFUSED_TRAITS)
    .traits = 0x40,
#endif
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
#if !defined(REFUSED_NO_PROCESS)
    .process = process,
#endif
};

#if defined(REFUSED_MAJOR)
WEIR_EXPORT const weir_plugin *weir_plugin_v2(uint32_t index);
const weir_plugin *weir_plugin_v2(uint32_t index) { return index == 0 ? &plugin : NULL; }
#elif defined(REFUSED_DUPLICATE)
const weir_plugin *weir_plugin_v1(uint32_t index) { return index < 2 ? &plugin : NULL; }
#elif defined(REFUSED_NOTHING)
const weir_plugin *weir_plugin_v1(uint32_t index) {
  (void)index;
  (void)plugin;
  return NULL;
}
#else
const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
#endif
#endif
