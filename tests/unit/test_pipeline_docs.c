/* docs/PIPELINE.md says what is so: each of its pipelines is taken, or is refused with the sentences that stand below it. A block that
 * starts with "- " is a stage. */
#include "base/file.h"
#include "unit/config_play.h"

struct block {
  char kind[16]; /* "yaml", "text" */
  char text[4096];
};

/* The next fenced block at or behind *at, which moves behind it. False: there is none. */
static bool next_block(const char **at, struct block *block) {
  const char *open = strstr(*at, "\n```");
  if (!open) return false;
  const char *line_end = strchr(open + 4, '\n'), *close = strstr(line_end, "\n```");
  assert_true(line_end && close);
  snprintf(block->kind, sizeof block->kind, "%.*s", (int)(line_end - open - 4), open + 4);
  snprintf(block->text, sizeof block->text, "%.*s\n", (int)(close - line_end - 1), line_end + 1);
  *at = close + 4;
  return true;
}

/* A stage becomes a pipeline, indented below `stages`. */
static const char *whole(const struct block *block) {
  static char text[8192];
  if (strncmp(block->text, "- ", 2) != 0) return block->text;
  strcpy(text, PLAY_FINE "stages:\n");
  char lines[4096], *rest = lines;
  strcpy(lines, block->text);
  for (char *line; (line = strsep(&rest, "\n")) && *line;) {
    strcat(text, "  ");
    strcat(text, line);
    strcat(text, "\n");
  }
  return text;
}

static void expect_taken(const struct block *block) {
  struct pipeline_file *file = play_open(whole(block), NULL);
  if (!file) print_error("%s", block->text);
  assert_non_null(file);
  pipeline_file_close(file);
}

static void expect_refused(const struct block *block, const char *sentences) {
  const char *said = NULL;
  assert_null(play_open(whole(block), &said));
  if (strncmp(sentences, "p.yaml:", 7) == 0)
    assert_string_equal(said, sentences);
  else
    play_expect(said, sentences);
}

static void every_example_is_true(void **state) {
  (void)state;
  char *page = NULL;
  size_t size = 0;
  struct block block, next;
  int taken = 0, refused = 0;
  assert_true(file_read(TEST_SOURCE_DIR "/docs/PIPELINE.md", 1 << 20, &page, &size, NULL));
  const char *at = page;
  bool more = next_block(&at, &block);
  while (more) {
    assert_string_equal(block.kind, "yaml");
    more = next_block(&at, &next);
    bool has_answer = more && strcmp(next.kind, "text") == 0;
    if (has_answer)
      expect_refused(&block, next.text);
    else
      expect_taken(&block);
    if (has_answer) more = next_block(&at, &next);
    refused += has_answer;
    taken += !has_answer;
    block = next;
  }
  assert_true(taken >= 4 && refused >= 8);
  free(page);
}

/* Every key of the file has a row in a table of the page. */
static void every_key_is_told(void **state) {
  (void)state;
  char *page = NULL;
  size_t size = 0;
  assert_true(file_read(TEST_SOURCE_DIR "/docs/PIPELINE.md", 1 << 20, &page, &size, NULL));
  static const char *const keys[] = {"pipeline", "kafka.brokers", "kafka.properties", "source.topics", "source.group",
      "source.start", "source.instance", "delivery", "order", "lanes", "batch.records", "batch.bytes", "batch.wait",
      "commit.every", "commit.records", "commit.uncommitted", "drain", "shutdown", "memory", "stages", "sinks",
      "dead_letter.topic", "plugin", "lua", "keep", "each", "name", "options", "when", "retry.attempts",
      "retry.backoff", "on_failure", "deadline", "topic", "partitioner", "partition", "routes"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    char row[64];
    snprintf(row, sizeof row, "\n| `%s` |", keys[i]);
    play_expect(page, row);
  }
  free(page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_example_is_true),
      cmocka_unit_test(every_key_is_told),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
