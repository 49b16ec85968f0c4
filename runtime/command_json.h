/* command_json.h: JSON on stdout, for verbs with --json. [main] */
#ifndef WEIR_COMMAND_JSON_H
#define WEIR_COMMAND_JSON_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>

/* A string in quotes; what is not UTF-8 becomes U+FFFD. */
void json_text(weir_span text);
/* ,"name":"text" or, where data is NULL, ,"name":null */
void json_field(const char *name, weir_span text);
/* ,"name":number, below 0 ,"name":null */
void json_number(const char *name, int64_t number);
/* ,"name":"2026-11-23T17:20:01.123Z", below 0 ,"name":null */
void json_time(const char *name, int64_t time_ms);
/* ,"name":"text" where the bytes are UTF-8, else ,"name_hex":"00ff"; null where data is NULL. Of the first `bytes_max` bytes. */
void json_bytes(const char *name, weir_span bytes, size_t bytes_max);

#endif
