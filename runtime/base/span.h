/* span.h: helpers on the public weir_span. A span never owns; data NULL is Kafka's null, size 0 with data is empty. */
#ifndef WEIR_BASE_SPAN_H
#define WEIR_BASE_SPAN_H
#include <stdbool.h>
#include <string.h>
#include <weir/plugin.h>

/* For printf: printf("%.*s", SPAN_ARGS(span)). */
#define SPAN_ARGS(span) (int)(span).size, (span).data ? (const char *)(span).data : ""

static inline weir_span span_of(const char *text) {
  return (weir_span){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool span_equal(weir_span a, weir_span b) {
  return a.size == b.size && (a.data == NULL) == (b.data == NULL) &&
         (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool span_is(weir_span span, const char *text) {
  return span.data && span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

#endif
