/* command_dlq_show.c: `weir dlq show`: all of a dead letter. Bytes that are no text are shown as such, and no more than asked for. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/span.h"
#include "base/text.h"
#include "command_dlq.h"
#include "command_json.h"
#include "config/pipeline_file.h"

enum { SHOWN_LETTERS = 10, SHOWN_BYTES = 4096, HEX_COLUMNS = 16, LINE_MAX_BYTES = 1024 };

struct showing {
  const char *topic;
  int64_t bytes_max;
  int64_t shown;
};

/* --- for people ------------------------------------------------------------------------------------------------------ */

static bool is_text(weir_span bytes) {
  for (size_t i = 0; i < bytes.size; i++)
    if ((bytes.data[i] < 0x20 && !strchr("\t\r\n", bytes.data[i])) || bytes.data[i] == 0x7f) return false;
  return text_whole(bytes, bytes.size) == bytes.size;
}

static void print_hex(weir_span bytes) {
  for (size_t at = 0; at < bytes.size; at += HEX_COLUMNS) {
    printf("    %06zx ", at);
    for (size_t i = at; i < at + HEX_COLUMNS; i++)
      if (i < bytes.size)
        printf(" %02x", bytes.data[i]);
      else
        fputs("   ", stdout);
    fputs("  ", stdout);
    for (size_t i = at; i < at + HEX_COLUMNS && i < bytes.size; i++)
      putchar(bytes.data[i] < 0x7f && isprint(bytes.data[i]) ? bytes.data[i] : '.');
    putchar('\n');
  }
}

static void print_lines(weir_span text) {
  char line[LINE_MAX_BYTES];
  while (text.size) {
    const uint8_t *end = memchr(text.data, '\n', text.size);
    size_t size = end ? (size_t)(end - text.data) : text.size;
    size_t part = size < LINE_MAX_BYTES / 4 ? size : LINE_MAX_BYTES / 4; /* each byte may become four */
    if (part < size) part = text_whole((weir_span){text.data, size}, part);
    text_escape(line, sizeof line, (weir_span){text.data, part});
    printf("    %s\n", line);
    size_t taken = part == size && end ? part + 1 : part;
    text = (weir_span){text.data + taken, text.size - taken};
  }
}

static void print_value(const struct letter *letter, size_t bytes_max) {
  weir_span value = letter->value;
  char size[TEXT_MAX];
  if (!value.data) {
    puts("  value      null");
    return;
  }
  printf("  value      %s", text_of_size(size, (int64_t)value.size));
  if (value.size > bytes_max) printf(", the first %zu bytes", bytes_max);
  putchar('\n');
  if (value.size > bytes_max) value.size = text_whole(value, bytes_max) ? text_whole(value, bytes_max) : bytes_max;
  if (is_text(value))
    print_lines(value);
  else
    print_hex((weir_span){value.data, letter->value.size < bytes_max ? letter->value.size : bytes_max});
}

static void print_text(const char *name, weir_span text) {
  char shown[LINE_MAX_BYTES];
  text_escape(shown, sizeof shown, text);
  printf("  %-10s %s\n", name, text.data ? shown : "null");
}

static void print_failure(const struct letter *letter) {
  char time[TEXT_MAX], source[DLQ_SOURCE_MAX], plugin[128], version[128], size[TEXT_MAX];
  if (!letter->known) {
    printf("  written    %s, not by weir\n", text_of_time(time, letter->written_ms));
    return;
  }
  print_text("pipeline", letter->pipeline);
  print_text("stage", letter->stage);
  text_escape(plugin, sizeof plugin, letter->plugin);
  text_escape(version, sizeof version, letter->version);
  printf("  %-10s %s %s\n", "plugin", plugin, version);
  print_text("code", letter->code);
  print_text("reason", letter->reason);
  printf("  %-10s %s, after %" PRId64 " attempt%s, hop %" PRId64 "\n", "failed at",
      text_of_time(time, letter->failed_ms), letter->attempts, letter->attempts == 1 ? "" : "s", letter->hops);
  printf("  %-10s %s of %s\n", "source", dlq_source_text(source, letter), text_of_time(time, letter->source_ms));
  if (letter->replaced)
    printf("  %-10s the value of %s was too large for this topic; SHA-256 %.*s\n", "replaced",
        text_of_size(size, letter->value_bytes), SPAN_ARGS(letter->sha256));
}

static void print_letter(void *ctx, const struct letter *letter) {
  struct showing *showing = ctx;
  printf("%s%s/%" PRId32 "@%" PRId64 "\n", showing->shown++ ? "\n" : "", showing->topic, letter->partition,
      letter->offset);
  print_failure(letter);
  print_text("key", letter->key);
  for (uint32_t i = 0; i < letter->own_count; i++) {
    char name[256], value[LINE_MAX_BYTES];
    text_escape(name, sizeof name, letter->headers[i].name);
    text_escape(value, sizeof value, letter->headers[i].value);
    printf("  %-10s %s: %s\n", "header", name, letter->headers[i].value.data ? value : "null");
  }
  print_value(letter, (size_t)showing->bytes_max);
}

/* --- for programs ---------------------------------------------------------------------------------------------------- */

static void print_object(void *ctx, const struct letter *letter) {
  const struct showing *showing = ctx;
  size_t most = (size_t)showing->bytes_max;
  dlq_print_json_head(letter);
  json_field("sha256", letter->sha256);
  json_bytes("key", letter->key, most);
  json_bytes("value", letter->value, most);
  printf(",\"value_cut\":%s,\"headers\":[", letter->value.size > most ? "true" : "false");
  for (uint32_t i = 0; i < letter->own_count; i++) {
    printf("%s{\"name\":", i ? "," : "");
    json_text(letter->headers[i].name);
    json_bytes("value", letter->headers[i].value, most);
    putchar('}');
  }
  puts("]}");
}

/* --- the verb -------------------------------------------------------------------------------------------------------- */

static int show(const struct pipeline_file *file, const struct dlq_choice *choice, void *ctx) {
  struct showing *showing = ctx;
  struct error err = {0};
  int64_t count = 0;
  showing->topic = file->dead_letter;
  struct letters *letters = dlq_open(file, choice, NULL, &err);
  if (!letters) return dlq_fail(&err);
  bool fine = dlq_each(file, choice, letters, choice->json ? print_object : print_letter, showing, &count, &err);
  letters_close(letters);
  fflush(stdout);
  if (fine && !count && choice->place_text)
    fine = error_set(&err, "no dead letter of the choice lies at %s or comes from there", choice->place_text);
  if (!fine) return dlq_fail(&err);
  fprintf(stderr, "%" PRId64 " dead letter%s%s\n", count, count == 1 ? "" : "s",
      choice->limit && count == choice->limit ? ", the limit" : "");
  return EXIT_CLEAN;
}

int dlq_show(int argc, char **argv) {
  struct dlq_choice choice;
  struct showing showing = {.bytes_max = SHOWN_BYTES};
  struct argument table[DLQ_OPTIONS + 1];
  dlq_choice_options(&choice, table);
  choice.limit = SHOWN_LETTERS;
  table[DLQ_OPTIONS] = (struct argument){"bytes", ARGUMENT_COUNT, &showing.bytes_max, "N", "of a value; default: 4096"};
  static const char *const operand_names[] = {"FILE", "TOPIC/N@OFFSET"};
  const struct arguments wanted = {.usage = "weir dlq show FILE [TOPIC/N@OFFSET] [options]",
      .summary = "Shows all of a dead letter, by its place in the dead-letter topic or by that of its source record.\n"
                 "Without a place: all that the options choose, at most 10 or --limit.",
      .examples = "  weir dlq show quakes.yaml quakes-dead/0@17    this dead letter\n"
                  "  weir dlq show quakes.yaml quakes/3@118        what became of this record\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operand_names,
      .operands_min = 1,
      .operands_max = 2};
  const char *operands[2] = {NULL, NULL};
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  int status = dlq_choice_check(&wanted, &choice, operands);
  return status == EXIT_CLEAN ? dlq_with_file(&choice, show, &showing) : status;
}
