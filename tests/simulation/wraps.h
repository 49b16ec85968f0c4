/* wraps.h: what the linker puts in place of functions of the C library and of weir (--wrap): a call of `f` in the runtime reaches
 * __wrap_f, and __real_f is the original. CMakeLists.txt has the list. */
#ifndef WEIR_SIMULATION_WRAPS_H
#define WEIR_SIMULATION_WRAPS_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
