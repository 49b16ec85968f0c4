/* kafka_settings.c: brokers, properties and sinks out of the tree. */
#include "config/kafka_settings.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "config/kafka_properties.h"
#include "config/node.h"
#include "config/report.h"
#include "config/settings.h"
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char topic_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

const char *kafka_topic_flaw(const char *topic) {
  size_t size = strlen(topic);
  if (!size) return "it is empty";
  if (size > LIMIT_TOPIC_NAME) return "it is longer than 249 bytes";
  if (strcmp(topic, ".") == 0 || strcmp(topic, "..") == 0) return "Kafka takes no topic of this name";
  if (strspn(topic, topic_bytes) != size) return "it has other characters than letters, digits, '.', '_' and '-'";
  return NULL;
}

/* regcomp() doubles what stands before each + (measured: 22 of them in each other take 5 s and all memory), and matching with
 * back references is exponential. */
static const char *expression_flaw(const char *expression) {
  enum { REPEATS_MAX = 8 };
  size_t repeats = 0;
  if (strlen(expression) > LIMIT_TOPIC_NAME) return "it is longer than 249 bytes";
  for (const char *at = expression; *at; at++) {
    if (*at == '{') return "it has a repeat count {n}: write the characters out, or use *";
    if (*at == '\\' && at[1] >= '0' && at[1] <= '9') return "it has a back reference";
    if (*at == '+' && ++repeats > REPEATS_MAX) return "it has more than 8 of +: use * instead";
  }
  regex_t compiled;
  if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB) != 0)
    return "it is not a POSIX extended regular expression";
  regfree(&compiled);
  return NULL;
}

const char *kafka_pattern_flaw(const char *pattern) {
  return pattern[0] == '^' ? expression_flaw(pattern) : kafka_topic_flaw(pattern);
}

bool kafka_pattern_matches(const char *pattern, const char *topic) {
  regex_t compiled;
  if (pattern[0] != '^') return strcmp(pattern, topic) == 0;
  must(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0);
  bool matches = regexec(&compiled, topic, 0, NULL, 0) == 0;
  regfree(&compiled);
  return matches;
}

bool kafka_read_topic(struct report *report, const struct weir_config *node, const char **topic) {
  char shown[NODE_SHOWN_MAX];
  if (!settings_read_text(report, node, topic)) return false;
  const char *flaw = kafka_topic_flaw(*topic);
  if (!flaw) return true;
  return report_add(report, node, "%s cannot be a topic: %s", node_shown(shown, node), flaw);
}

bool kafka_read_patterns(
    struct settings *settings, const char *key, struct arena *arena, const char *const **patterns, size_t *count) {
  char shown[NODE_SHOWN_MAX];
  if (!settings_list(settings, key, LIMIT_TOPICS, arena, patterns, count)) return false;
  const struct weir_config *list = settings_node(settings, key);
  bool ok = true;
  for (size_t i = 0; i < *count; i++) {
    const char *flaw = kafka_pattern_flaw((*patterns)[i]);
    if (flaw)
      ok = report_add(settings->report, list->children[i], "%s cannot be a topic or a pattern of topics: %s",
          node_shown(shown, list->children[i]), flaw);
  }
  if (!ok) *count = 0;
  return ok;
}

/* HOST, HOST:PORT or [IPV6]:PORT, with PROTOCOL:// before it as librdkafka has it. */
static bool is_broker(weir_span broker) {
  const uint8_t *protocol = broker.size ? memmem(broker.data, broker.size, "://", 3) : NULL;
  if (protocol) broker = weir_bytes(protocol + 3, (size_t)(broker.data + broker.size - protocol) - 3);
  const uint8_t *bracket = broker.size ? memrchr(broker.data, ']', broker.size) : NULL;
  const uint8_t *from = bracket ? bracket : broker.data, *end = broker.data + broker.size;
  const uint8_t *colon = broker.size ? memchr(from, ':', (size_t)(end - from)) : NULL;
  int64_t port = 9092;
  if (colon && !text_int(weir_bytes(colon + 1, (size_t)(end - colon) - 1), &port)) return false;
  size_t host = colon ? (size_t)(colon - broker.data) : broker.size;
  for (size_t i = 0; i < host; i++)
    if (broker.data[i] <= ' ' || broker.data[i] == '/') return false;
  return host > 0 && port > 0 && port < 65536;
}

static bool check_brokers(struct report *report, const struct weir_config *node, weir_span rest) {
  while (rest.data) {
    const uint8_t *comma = rest.size ? memchr(rest.data, ',', rest.size) : NULL;
    weir_span broker = weir_bytes(rest.data, comma ? (size_t)(comma - rest.data) : rest.size);
    rest = comma ? weir_bytes(comma + 1, rest.size - broker.size - 1) : weir_bytes(NULL, 0);
    if (is_broker(broker)) continue;
    char shown[NODE_SHOWN_MAX];
    return report_add(
        report, node, "brokers: found %s, expected host:port, several separated by commas", node_shown(shown, node));
  }
  return true;
}

/* A list of brokers is the same as one text with commas. */
static const char *join(struct arena *arena, const struct weir_config *list) {
  size_t size = 0;
  for (uint32_t i = 0; i < list->count; i++) size += list->children[i]->text.size + 1;
  char *joined = arena_alloc(arena, size + 1), *at = joined;
  for (uint32_t i = 0; joined && i < list->count; i++) {
    weir_span text = list->children[i]->text;
    if (i) *at++ = ',';
    memcpy(at, text.data, text.size);
    at += text.size;
  }
  if (joined) *at = 0;
  return joined;
}

static void read_brokers(struct settings *settings, struct arena *arena, struct kafka_settings *kafka) {
  const struct weir_config *node = settings_node(settings, "brokers");
  const char *text = NULL;
  if (!node) return;
  if (node->kind != NODE_LIST || !node->count) {
    if (settings_read_text(settings->report, node, &text) && check_brokers(settings->report, node, node->text))
      kafka->brokers = text;
    return;
  }
  for (uint32_t i = 0; i < node->count; i++)
    if (!settings_read_text(settings->report, node->children[i], &text) ||
        !check_brokers(settings->report, node->children[i], node->children[i]->text))
      return;
  kafka->brokers = join(arena, node);
  if (!kafka->brokers) report_add(settings->report, node, "no memory for the brokers");
}

static bool read_property(struct report *report, const struct weir_config *node, struct kafka_property *property) {
  const char *name = (const char *)node->key.data, *value = NULL, *reason = NULL;
  if (node->kind != NODE_SCALAR) return report_add(report, node, "%s: a property's value is text", name);
  reason = kafka_property_refusal(name, node_text(node));
  if (reason) return report_add_key(report, node, "the property %s cannot be set here: %s", name, reason);
  if (!settings_read_text(report, node, &value)) return false;
  *property = (struct kafka_property){
      .name = name, .value = value, .masked = node->masked || kafka_property_is_secret(name), .node = node};
  return true;
}

static void read_properties(struct settings *settings, struct arena *arena, struct kafka_settings *kafka) {
  const struct weir_config *map = settings_node(settings, "properties");
  char shown[NODE_SHOWN_MAX];
  if (!map || node_is_null(map)) return;
  if (map->kind != NODE_MAP) {
    report_add(settings->report, map, "properties: found %s, expected a map of librdkafka's properties",
        node_shown(shown, map));
    return;
  }
  struct kafka_property *properties = arena_alloc(arena, map->count * sizeof *properties);
  if (!properties) {
    report_add(settings->report, map, "no memory for the properties");
    return;
  }
  for (uint32_t i = 0; i < map->count; i++)
    if (read_property(settings->report, map->children[i], &properties[kafka->property_count])) kafka->property_count++;
  kafka->properties = properties;
}

void kafka_settings_read(struct settings *settings, struct arena *arena, struct kafka_settings *kafka) {
  *kafka = (struct kafka_settings){0};
  read_brokers(settings, arena, kafka);
  read_properties(settings, arena, kafka);
}

const char *kafka_property_value(const struct kafka_settings *kafka, const char *name) {
  for (size_t i = 0; i < kafka->property_count; i++)
    if (strcmp(kafka->properties[i].name, name) == 0) return kafka->properties[i].value;
  return NULL;
}

/* A name as an expression that nothing else matches: only '.' has another meaning there. */
static const char *route_of(struct arena *arena, const char *name) {
  size_t size = 2, dots = 0;
  for (const char *at = name; *at; at++, size++) dots += *at == '.';
  char *route = arena_alloc(arena, size + dots + 1), *out = route;
  if (!route) return NULL;
  *out++ = '^';
  for (const char *at = name; *at; at++) {
    if (*at == '.') *out++ = '\\';
    *out++ = *at;
  }
  *out++ = '$';
  *out = 0;
  return route;
}

static void read_routes(struct settings *settings, struct arena *arena, struct kafka_sink_options *sink) {
  const char *const *patterns = NULL;
  size_t count = 0;
  if (!kafka_read_patterns(settings, "routes", arena, &patterns, &count)) return;
  const char **routes = arena_alloc(arena, count * sizeof *routes);
  for (size_t i = 0; routes && i < count; i++) {
    routes[i] = patterns[i][0] == '^' ? patterns[i] : route_of(arena, patterns[i]);
    if (!routes[i]) routes = NULL;
  }
  if (!routes) report_add(settings->report, settings_node(settings, "routes"), "no memory for the routes");
  sink->routes = routes;
  sink->route_count = routes ? count : 0;
}

static void read_partitioning(struct settings *settings, struct kafka_sink_options *sink) {
  static const char *const partitions[] = {"key", "source", NULL};
  static const char *const partitioners[] = {
      "murmur2_random", "murmur2", "consistent_random", "consistent", "fnv1a_random", "fnv1a", "random", NULL};
  int partition = 0, partitioner = 0;
  settings_choice(settings, "partition", partitions, &partition);
  bool given = settings_choice(settings, "partitioner", partitioners, &partitioner);
  sink->keep_partition = partition == 1;
  sink->partitioner = partitioners[partitioner];
  if (given && sink->keep_partition)
    report_add(settings->report, settings_node(settings, "partitioner"),
        "partitioner has no effect with `partition: source`; remove one of them");
}

const struct kafka_sink_options *kafka_sink_read(
    const struct weir_config *entry, const struct weir_config *options, struct arena *arena, struct report *report) {
  struct settings settings;
  struct kafka_sink_options *sink = arena_alloc(arena, sizeof *sink);
  if (!sink) {
    report_add(report, entry, "no memory for this sink");
    return NULL;
  }
  *sink = (struct kafka_sink_options){.node = options ? options : entry};
  settings_begin(&settings, options, "options", report);
  if (settings_require(&settings, sink->node, "topic", "the topic to write to"))
    kafka_read_topic(report, settings_node(&settings, "topic"), &sink->topic);
  read_partitioning(&settings, sink);
  read_routes(&settings, arena, sink);
  kafka_settings_read(&settings, arena, &sink->kafka);
  settings_end(&settings);
  return sink;
}
