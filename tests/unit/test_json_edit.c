/* test_json_edit.c: plugins/common/json.h: edits made by splicing. */
#include "json_play.h"

/* edits: "+path=raw" sets, "-path" removes, separated by ';'. Result NULL: refused, with `sentence`. */
struct edit {
  const char *text, *edits, *result, *sentence;
};

static const struct edit edit_cases[] = {
    {"{\"a\":1,\"b\":2}", "+a=5", "{\"a\":5,\"b\":2}", NULL},
    {" { \"a\" : 1 ,\n \"b\" : 2 } ", "+b={\"x\":1}", " { \"a\" : 1 ,\n \"b\" : {\"x\":1} } ", NULL},
    {"{\"a\":1}", "+b=2", "{\"a\":1,\"b\":2}", NULL},
    {"{ \"a\":1 }", "+b=2;+c=3", "{ \"a\":1,\"b\":2,\"c\":3 }", NULL},
    {"{}", "+a=1", "{\"a\":1}", NULL},
    {"{ }", "+a=1;+b=2", "{\"a\":1,\"b\":2 }", NULL},
    {"{\"a\":1,\"b\":2,\"c\":3}", "-a", "{\"b\":2,\"c\":3}", NULL},
    {"{\"a\":1, \"b\":2 , \"c\":3}", "-b", "{\"a\":1, \"c\":3}", NULL},
    {"{\"a\":1, \"b\":2 , \"c\":3 }", "-c", "{\"a\":1, \"b\":2 }", NULL},
    {"{ \"a\":1, \"b\":2 , \"c\":3 }", "-a;-b;-c", "{  }", NULL},
    {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-b;-c", "{\"a\":1,\"d\":4}", NULL},
    {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-a;-c", "{\"b\":2,\"d\":4}", NULL},
    {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-c;-d;+e=5", "{\"a\":1,\"b\":2,\"e\":5}", NULL},
    {"{\"a\":1,\"b\":2}", "-a;-b;+c=3", "{\"c\":3}", NULL},
    {"{\"a\":1,\"b\":2}", "-x;-a.b;-b.c.d", NULL, NULL},
    {"{\"a\":{\"b\":{\"c\":1,\"d\":2}}}", "-a.b.c;+a.b.e=3", "{\"a\":{\"b\":{\"d\":2,\"e\":3}}}", NULL},
    {"{\"a\":1}", "+x.y.z=1;+x.w=2", "{\"a\":1,\"x\":{\"y\":{\"z\":1},\"w\":2}}", NULL},
    {"{\"x\":null}", "+x.y=1", "{\"x\":{\"y\":1}}", NULL},
    {"{\"x\":null}", "-x.y", NULL, NULL},
    {"{\"x\":5}", "+x.y=1", NULL, "byte 5: 'x' is a number, not an object"},
    {"{\"x\":\"s\"}", "+x.y=1", NULL, "byte 5: 'x' is a string, not an object"},
    {"{\"x\":true}", "+x.y=1", NULL, "byte 5: 'x' is a boolean, not an object"},
    {"[1]", "+x=1", NULL, "byte 0: the value is an array, not an object"},
    {"5", "+x=1", NULL, "byte 0: the value is a number, not an object"},
    {"5", "+=[1]", "[1]", NULL},
    {"[1,2,3]", "+[1]=9", "[1,9,3]", NULL},
    {"[1,2,3]", "+[3]=4;+[4]=5", "[1,2,3,4,5]", NULL},
    {"[]", "+[0]=1", "[1]", NULL},
    {"[1]", "+[2]=1", NULL, "byte 0: the value is an array with fewer elements"},
    {"[1, 2, 3]", "-[0]", "[2, 3]", NULL},
    {"[1, 2, 3]", "-[2]", "[1, 2]", NULL},
    {"[1,2,3,4]", "-[0];-[0]", "[3,4]", NULL},
    {"[1,2,3,4]", "-[1];+[1]=9", "[1,9,4]", NULL},
    {"{\"l\":[{\"a\":1},{\"a\":2}]}", "+l.1.a=7;-l.0.a", "{\"l\":[{},{\"a\":7}]}", NULL},
    {"{}", "+l[0]=1;+l[1]=2", "{\"l\":[1,2]}", NULL},
    {"{}", "+l[1]=1", NULL, "byte 1: 'l' is an array with fewer elements"},
    {"{\"0\":1}", "+0=2", "{\"0\":2}", NULL},
    {"{\"0\":1}", "+[0]=2", NULL, "byte 0: the value is an object, not an array"},
    {"{\"a\":1}", "+a=2;+a=3", "{\"a\":3}", NULL},
    {"{\"a\":1}", "+a={\"b\":1};+a.c=2", "{\"a\":{\"b\":1,\"c\":2}}", NULL},
    {"{\"a\":1,\"b\":2}", "-a;+a=3", "{\"b\":2,\"a\":3}", NULL},
    {"{\"a\":1}", "-a;+a.b=3;+a.b.c=1", NULL, "byte 10: 'b' is a number, not an object"},
    {"{\"a\":1}", "+x=2;-x", "{\"a\":1}", NULL},
    {"{}", "+x.y=2;-x.y", "{\"x\":{}}", NULL},
    {"{\"a\":{\"b\":1}}", "+a.b=2;+a=3", "{\"a\":3}", NULL},
    {"{\"a\":5}", "+a.b=1;+a=2", NULL, "byte 5: 'a' is a number, not an object"},
    {"{\"a\":{\"b\":1}}", "+a.b=2;-a", "{}", NULL},
    {"{\"a\":1,\"b\":2,\"a\":3}", "+a=0", "{\"a\":0,\"b\":2,\"a\":0}", NULL},
    {"{\"a\":1,\"b\":2,\"a\":3}", "-a", "{\"b\":2}", NULL},
    {"{\"a\":{\"s\":1},\"a\":{\"s\":2,\"t\":3}}", "-a.s", "{\"a\":{},\"a\":{\"t\":3}}", NULL},
    {"{\"n\\u0061me\":1}", "+name=2", "{\"n\\u0061me\":2}", NULL},
    {"{\"n\\u0061me\":1,\"x\":0}", "-name", "{\"x\":0}", NULL},
    {"{}", "+'quo\"te\\'=1", "{\"quo\\\"te\\\\\":1}", NULL},
    {"{\"a\":nope,\"b\":1}", "+b=2", "{\"a\":nope,\"b\":2}", NULL},
    {"{\"a\":1,\"b\" 1}", "+a=2", NULL, "byte 11: expected ':', found '1'"},
    {"{\"a\":1}{}", "+a=2", NULL, "byte 7: expected nothing behind the value, found '{'"},
    {"{\"a\":{\"b\":1}", "+a.b=2", NULL, "byte 12: expected ',' or '}', found the end"},
};

static void add_edits(struct play *play, char *edits) {
  struct json_step steps[JSON_STEPS_MAX];
  json_edits_clear(play->edits);
  for (char *edit = strtok(edits, ";"); edit; edit = strtok(NULL, ";")) {
    char *raw = strchr(edit, '=');
    if (raw) *raw++ = 0;
    uint32_t count = steps_of(edit + 1, steps);
    if (*edit == '+') {
      assert_true(json_edits_set(play->edits, steps, count, weir_text(raw)));
    } else {
      assert_true(json_edits_remove(play->edits, steps, count));
    }
  }
}

static void check_edit(struct play *play, const struct edit *edit) {
  size_t size;
  uint8_t out[512];
  if (!json_open(play->reader, weir_text(edit->text), &play->err)) {
    assert_non_null(edit->sentence);
    return;
  }
  enum json_answer answer = json_edits_apply(play->edits, play->reader, &size, &play->err);
  if (edit->sentence) {
    assert_int_equal(answer, JSON_BAD);
    if (strcmp(play->err.text, edit->sentence) != 0) fail_msg("%s %s: %s", edit->text, edit->edits, play->err.text);
    return;
  }
  if (answer == JSON_BAD) fail_msg("%s %s: %s", edit->text, edit->edits, play->err.text);
  if (answer != (edit->result ? JSON_FOUND : JSON_ABSENT)) fail_msg("%s %s: %d", edit->text, edit->edits, answer);
  assert_true(size <= sizeof out);
  json_edits_write(play->edits, out);
  assert_span(weir_bytes(out, size), edit->result ? edit->result : edit->text);
}

static void edits_change_nothing_else(void **state) {
  struct play *play = *state;
  for (size_t i = 0; i < sizeof edit_cases / sizeof *edit_cases; i++) {
    char edits[128];
    snprintf(edits, sizeof edits, "%s", edit_cases[i].edits);
    add_edits(play, edits);
    check_edit(play, &edit_cases[i]);
    check_edit(play, &edit_cases[i]); /* the list stays as it is */
  }
}

static void a_list_of_edits_has_limits(void **state) {
  struct play *play = *state;
  struct json_step steps[JSON_STEPS_MAX + 1];
  for (size_t i = 0; i <= JSON_STEPS_MAX; i++) steps[i] = (struct json_step){weir_text("a"), JSON_NO_INDEX};
  assert_false(json_edits_set(play->edits, steps, JSON_STEPS_MAX + 1, weir_text("1")));
  json_edits_clear(play->edits);
  assert_true(json_edits_set(play->edits, steps, JSON_STEPS_MAX, weir_text("1")));
  json_edits_clear(play->edits);
  steps[0].key = weir_text("\xFF");
  assert_false(json_edits_set(play->edits, steps, 1, weir_text("1")));
}

static void no_edits_change_nothing(void **state) {
  struct play *play = *state;
  size_t size;
  json_edits_clear(play->edits);
  open_text(play, "{\"a\":1}");
  assert_int_equal(json_edits_apply(play->edits, play->reader, &size, &play->err), JSON_ABSENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(edits_change_nothing_else, begin, end),
      cmocka_unit_test_setup_teardown(a_list_of_edits_has_limits, begin, end),
      cmocka_unit_test_setup_teardown(no_edits_change_nothing, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
