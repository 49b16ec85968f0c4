/* Many post, one takes: nothing is lost, and each poster's messages stay in order. */
#include "base/inbox.h"
#include <pthread.h>
#include "unit/cmocka_all.h"

enum { POSTERS = 4, MESSAGES = 20000 };

struct message {
  int poster, number;
  struct inbox_node node;
};

static struct message messages[POSTERS][MESSAGES];

static void taking_turns_the_stack_over(void **state) {
  (void)state;
  struct inbox inbox = {0};
  struct message m[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
  assert_true(inbox_empty(&inbox));
  assert_null(inbox_take(&inbox));
  assert_true(inbox_post(&inbox, &m[0].node));
  assert_false(inbox_post(&inbox, &m[1].node));
  assert_false(inbox_post(&inbox, &m[2].node));
  assert_false(inbox_empty(&inbox));
  int number = 0;
  for (struct inbox_node *node = inbox_take(&inbox); node; node = node->next)
    assert_int_equal(inbox_message(node, struct message, node)->number, number++);
  assert_int_equal(number, 3);
  assert_true(inbox_empty(&inbox));
  assert_true(inbox_post(&inbox, &m[0].node));
}

struct poster {
  struct inbox *inbox;
  int number;
  long woken;
};

static void *post_all(void *ctx) {
  struct poster *poster = ctx;
  for (int i = 0; i < MESSAGES; i++) {
    struct message *message = &messages[poster->number][i];
    message->poster = poster->number;
    message->number = i;
    poster->woken += inbox_post(poster->inbox, &message->node);
  }
  return NULL;
}

static void nothing_is_lost_between_threads(void **state) {
  (void)state;
  struct inbox inbox = {0};
  struct poster posters[POSTERS];
  pthread_t threads[POSTERS];
  for (int i = 0; i < POSTERS; i++) {
    posters[i] = (struct poster){&inbox, i, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
  }
  int next[POSTERS] = {0}, taken = 0;
  long takes = 0, woken = 0;
  while (taken < POSTERS * MESSAGES) {
    struct inbox_node *node = inbox_take(&inbox);
    takes += node != NULL;
    for (; node; node = node->next, taken++) {
      struct message *message = inbox_message(node, struct message, node);
      assert_int_equal(message->number, next[message->poster]++);
    }
  }
  for (int i = 0; i < POSTERS; i++) {
    pthread_join(threads[i], NULL);
    woken += posters[i].woken;
  }
  assert_int_equal(woken, takes); /* each time that there was something, exactly one poster was told to wake */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(taking_turns_the_stack_over),
      cmocka_unit_test(nothing_is_lost_between_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
