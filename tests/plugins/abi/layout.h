/* layout.h: sizes and offsets of plugin interface 1.0, frozen, for 64-bit Linux (x86-64 and aarch64 lay structs out alike).
 * A line here is never changed: new fields go behind the last one, and get lines of their own. */
#ifndef WEIR_TESTS_LAYOUT_H
#define WEIR_TESTS_LAYOUT_H
#include <weir/ext/worker.h>
#include <weir/plugin.h>

#ifdef __cplusplus
#define LAYOUT_ASSERT(condition) static_assert(condition, #condition)
#else
#define LAYOUT_ASSERT(condition) _Static_assert(condition, #condition)
#endif
/* Frozen structs have exactly this size, growing ones at least. */
#define SIZE(type, bytes) LAYOUT_ASSERT(sizeof(type) == (bytes))
#define SIZE_AT_LEAST(type, bytes) LAYOUT_ASSERT(sizeof(type) >= (bytes))
#define AT(type, field, bytes) LAYOUT_ASSERT(offsetof(type, field) == (bytes))

SIZE(weir_span, 16);
AT(weir_span, size, 8);
SIZE(weir_header, 32);
AT(weir_header, value, 16);
SIZE(weir_verdict, 4);
SIZE(weir_result, 4);
SIZE(weir_level, 4);
SIZE(weir_metric_kind, 4);
SIZE(weir_ticket, 8);

SIZE_AT_LEAST(weir_partition, 32);
AT(weir_partition, size, 0);
AT(weir_partition, partition, 4);
AT(weir_partition, topic, 8);
AT(weir_partition, epoch, 24);

SIZE_AT_LEAST(weir_record, 80);
AT(weir_record, key, 0);
AT(weir_record, value, 16);
AT(weir_record, topic, 32);
AT(weir_record, offset, 48);
AT(weir_record, timestamp_ms, 56);
AT(weir_record, timestamp_type, 64);
AT(weir_record, child, 68);
AT(weir_record, attempt, 72);
AT(weir_record, flags, 76);

SIZE_AT_LEAST(weir_batch, 40);
AT(weir_batch, size, 0);
AT(weir_batch, record_count, 4);
AT(weir_batch, record_stride, 8);
AT(weir_batch, flags, 12);
AT(weir_batch, records, 16);
AT(weir_batch, from, 24);
AT(weir_batch, state, 32);

SIZE_AT_LEAST(weir_reason, 48);
AT(weir_reason, size, 0);
AT(weir_reason, flags, 4);
AT(weir_reason, code, 8);
AT(weir_reason, text, 24);
AT(weir_reason, retry_after_ms, 40);

SIZE_AT_LEAST(weir_draft, 80);
AT(weir_draft, size, 0);
AT(weir_draft, flags, 4);
AT(weir_draft, key, 8);
AT(weir_draft, value, 24);
AT(weir_draft, topic, 40);
AT(weir_draft, headers, 56);
AT(weir_draft, header_count, 64);
AT(weir_draft, reserved, 68);
AT(weir_draft, timestamp_ms, 72);

SIZE_AT_LEAST(weir_option, 40);
AT(weir_option, name, 0);
AT(weir_option, type, 8);
AT(weir_option, flags, 12);
AT(weir_option, fallback, 16);
AT(weir_option, choices, 24);
AT(weir_option, help, 32);

SIZE_AT_LEAST(weir_host, 272);
AT(weir_host, size, 0);
AT(weir_host, abi_major, 4);
AT(weir_host, abi_minor, 6);
AT(weir_host, ctx, 8);
AT(weir_host, name, 16);
AT(weir_host, role, 32);
AT(weir_host, lane, 36);
AT(weir_host, lanes, 40);
AT(weir_host, reserved, 44);
AT(weir_host, log, 48);
AT(weir_host, fail, 56);
AT(weir_host, config_get, 64);
AT(weir_host, config_count, 72);
AT(weir_host, config_at, 80);
AT(weir_host, config_kind, 88);
AT(weir_host, config_text, 96);
AT(weir_host, config_int, 104);
AT(weir_host, config_number, 112);
AT(weir_host, config_where, 120);
AT(weir_host, metric, 128);
AT(weir_host, measure, 136);
AT(weir_host, alloc, 144);
AT(weir_host, settle, 152);
AT(weir_host, set_key, 160);
AT(weir_host, set_value, 168);
AT(weir_host, set_topic, 176);
AT(weir_host, set_timestamp, 184);
AT(weir_host, headers, 192);
AT(weir_host, set_headers, 200);
AT(weir_host, emit, 208);
AT(weir_host, defer, 216);
AT(weir_host, complete, 224);
AT(weir_host, resume, 232);
AT(weir_host, wake, 240);
AT(weir_host, now_ms, 248);
AT(weir_host, wall_ms, 256);
AT(weir_host, extension, 264);

SIZE_AT_LEAST(weir_plugin, 144);
AT(weir_plugin, size, 0);
AT(weir_plugin, abi_major, 4);
AT(weir_plugin, abi_minor, 6);
AT(weir_plugin, name, 8);
AT(weir_plugin, version, 16);
AT(weir_plugin, summary, 24);
AT(weir_plugin, roles, 32);
AT(weir_plugin, traits, 36);
AT(weir_plugin, options, 40);
AT(weir_plugin, option_count, 48);
AT(weir_plugin, option_stride, 52);
AT(weir_plugin, prepare, 56);
AT(weir_plugin, release, 64);
AT(weir_plugin, more_options, 72);
AT(weir_plugin, create, 80);
AT(weir_plugin, destroy, 88);
AT(weir_plugin, assigned, 96);
AT(weir_plugin, revoked, 104);
AT(weir_plugin, process, 112);
AT(weir_plugin, wake, 120);
AT(weir_plugin, flush, 128);
AT(weir_plugin, extension, 136);

SIZE_AT_LEAST(weir_worker, 72);
AT(weir_worker, size, 0);
AT(weir_worker, reserved, 4);
AT(weir_worker, pipeline, 8);
AT(weir_worker, group, 24);
AT(weir_worker, instance, 40);
AT(weir_worker, directory, 56);

/* Numbers that travel. */
LAYOUT_ASSERT(WEIR_UNSETTLED == 0 && WEIR_PASS == 1 && WEIR_DROP == 2 && WEIR_RETRY == 3 && WEIR_REJECT == 4);
LAYOUT_ASSERT(WEIR_DONE == 0 && WEIR_LATER == 1 && WEIR_BROKEN == 2);
LAYOUT_ASSERT(WEIR_DEBUG == 0 && WEIR_INFO == 1 && WEIR_WARN == 2 && WEIR_ERROR == 3);
LAYOUT_ASSERT(WEIR_COUNTER == 1 && WEIR_GAUGE == 2 && WEIR_HISTOGRAM == 3);
LAYOUT_ASSERT(WEIR_TIME_UNKNOWN == 0 && WEIR_TIME_CREATED == 1 && WEIR_TIME_APPENDED == 2);
LAYOUT_ASSERT(WEIR_TRANSFORM == 1 && WEIR_SINK == 2);
LAYOUT_ASSERT(WEIR_ASYNC == 1 && WEIR_UNORDERED == 2 && WEIR_STATEFUL == 4);
LAYOUT_ASSERT(WEIR_FLUSH_REVOKE == 1 && WEIR_FLUSH_STOP == 2 && WEIR_FLUSH_FULL == 3 && WEIR_FLUSH_COMMIT == 4);
LAYOUT_ASSERT(WEIR_REVOKED == 1 && WEIR_LOST == 2);
LAYOUT_ASSERT(WEIR_OPTION_STRING == 1 && WEIR_OPTION_INT == 2 && WEIR_OPTION_NUMBER == 3 && WEIR_OPTION_BOOL == 4);
LAYOUT_ASSERT(WEIR_OPTION_DURATION == 5 && WEIR_OPTION_SIZE == 6 && WEIR_OPTION_LIST == 7 && WEIR_OPTION_MAP == 8);
LAYOUT_ASSERT(WEIR_OPTION_SECRET == 9 && WEIR_OPTION_ENUM == 10 && WEIR_OPTION_TREE == 11);
LAYOUT_ASSERT(WEIR_REQUIRED == 1 && WEIR_KEEP_HEADERS == 1);
LAYOUT_ASSERT(WEIR_NODE_NULL == 0 && WEIR_NODE_PLAIN == 1 && WEIR_NODE_TEXT == 2);
LAYOUT_ASSERT(WEIR_NODE_LIST == 3 && WEIR_NODE_MAP == 4);
LAYOUT_ASSERT(WEIR_ABI_MAJOR == 1 && WEIR_ABI_MINOR == 0);

#endif
