/* weir/ext/worker.h: what a stage may know of the worker that runs it. Host extension "weir.worker/1".
 *
 * All spans live as long as the host table that gave the extension; [any]. */
#ifndef WEIR_EXT_WORKER_H
#define WEIR_EXT_WORKER_H
#include <weir/plugin.h>
#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_EXT_WORKER "weir.worker/1"

typedef struct weir_worker {
  uint32_t size, reserved;
  weir_span pipeline;  /* `pipeline:` of the file */
  weir_span group;     /* the consumer group */
  weir_span instance;  /* --instance, else `source.instance`, else "host-pid": differs per worker on one machine */
  weir_span directory; /* absolute folder of the pipeline file, without a slash at the end: relative paths start here */
} weir_worker;

#ifdef __cplusplus
}
#endif
#endif
