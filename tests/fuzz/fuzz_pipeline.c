/* fuzz_pipeline.c: any bytes as a pipeline file. It must end without a crash, refuse with at least one sentence, and what it
 * takes must read back from its own print as the same pipeline. */
#include "base/check.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Opens these bytes as a file. NULL: refused. */
static struct pipeline_file *open_bytes(const void *data, size_t size) {
  char path[64];
  struct report report;
  int descriptor = memfd_create("pipeline", MFD_CLOEXEC);
  must(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  report_init(&report);
  struct pipeline_file *file = pipeline_file_open(path, NULL, &report);
  must((file != NULL) == report_is_empty(&report));
  report_fini(&report);
  close(descriptor);
  return file;
}

static char *print(const struct pipeline_file *file, size_t *size) {
  char *text = NULL;
  FILE *out = open_memstream(&text, size);
  must(out != NULL);
  pipeline_file_print(file, out, NULL, NULL);
  must(fclose(out) == 0);
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pipeline_file *file = open_bytes(data, size);
  if (!file) return 0;
  size_t first_size = 0, again_size = 0;
  char *first = print(file, &first_size);
  pipeline_file_close(file);
  if (!strstr(first, "***")) { /* a secret does not read back */
    file = open_bytes(first, first_size);
    must(file != NULL);
    char *again = print(file, &again_size);
    must(first_size == again_size && memcmp(first, again, first_size) == 0);
    pipeline_file_close(file);
    free(again);
  }
  free(first);
  return 0;
}
