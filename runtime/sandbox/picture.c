/* picture.c: see picture.h. */
#include "sandbox/picture.h"
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "sandbox/feeder.h"
#include "sandbox/play.h"
#include "sandbox/reader.h"
#include "sandbox/survey.h"
#include "sandbox/workers.h"

enum { LIVE_EVERY_MS = 100, LINE_EVERY_MS = 2000, PARTITIONS_SHOWN = 12, WIDE = 30, NARROW = 20, LAG_LEAST = 200 };

static const char *const phase_words[] = {[PLAY_JOINING] = "the workers join their group",
    [PLAY_FEEDING] = "feeding",
    [PLAY_FINISHING] = "everything is fed, the rest is worked off",
    [PLAY_ENDING] = "the workers finish",
    [PLAY_READING] = "the results are read to their end",
    [PLAY_OVER] = "over"};

static double seconds(int64_t ms) { return (double)ms / 1000; }

static void draw_sums(struct play *play) {
  struct panel *panel = &play->panel;
  const struct ink *ink = &panel->ink;
  char bar[PANEL_BAR_BYTES], fed[TEXT_MAX], total[TEXT_MAX], committed[TEXT_MAX], lag[TEXT_MAX];
  int64_t all = feeder_total(play->feeder), done = survey_committed(play->survey);
  panel_row(panel, "  fed        %s%s %s of %s", ink->plain, panel_bar(panel, bar, feeder_fed(play->feeder), all, WIDE),
      text_of_count(fed, feeder_fed(play->feeder)), text_of_count(total, all));
  panel_row(panel, "  committed  %s%s%s %s, lag %s", ink->good, panel_bar(panel, bar, done, all, WIDE), ink->plain,
      text_of_count(committed, done), text_of_count(lag, survey_lag(play->survey)));
}

/* The lag of a partition beside that of the others: those of a dead worker grow. */
static void draw_partitions(struct play *play) {
  struct panel *panel = &play->panel;
  char bar[PANEL_BAR_BYTES], name[300], committed[TEXT_MAX], lag[TEXT_MAX];
  int64_t most = survey_lag_most(play->survey);
  if (most < LAG_LEAST) most = LAG_LEAST;
  for (size_t i = 0; i < survey_count(play->survey) && i < PARTITIONS_SHOWN; i++) {
    const struct survey_partition *partition = survey_at(play->survey, i);
    int64_t behind = survey_partition_lag(partition);
    snprintf(name, sizeof name, "%s/%d", partition->topic, partition->number);
    panel_row(panel, "  %-20s committed %8s  %s%s %slag %s", name,
        partition->committed < 0 ? "nothing" : text_of_count(committed, partition->committed), panel->ink.doubt,
        panel_bar(panel, bar, behind, most, NARROW), panel->ink.plain, text_of_count(lag, behind));
  }
}

static void draw_results(struct play *play) {
  char count[TEXT_MAX];
  for (size_t i = 0; i < reader_topic_count(play->reader); i++) {
    const struct reader_topic *topic = reader_topic_at(play->reader, i);
    const char *what = topic->dead_letters ? "dead letter" : "record";
    panel_row(&play->panel, "  %-20s %s %s%s read by a plain consumer", topic->name,
        text_of_count(count, topic->records), what, topic->records == 1 ? "" : "s");
  }
}

static void draw_worker(struct play *play, const struct worker_entry *worker) {
  const struct ink *ink = &play->panel.ink;
  double since = seconds(worker->started_ms - play->opened_ms);
  if (worker->killed)
    panel_row(&play->panel, "  worker %d  %skilled with SIGKILL%s", worker->number, ink->bad, ink->plain);
  else if (worker->ended)
    panel_row(&play->panel, "  worker %d  ended", worker->number);
  else
    panel_row(&play->panel, "  worker %d  %s%s%s since %.1f s, %lld partition%s", worker->number, ink->good,
        worker->life > 1 ? "running again" : "running", ink->plain, since, (long long)worker->owned,
        worker->owned == 1 ? "" : "s");
}

/* Of each worker the newest life. */
static void draw_workers(struct play *play) {
  for (int number = 1; number <= play->settings->workers; number++) {
    const struct worker_entry *newest = NULL;
    for (int i = 0; i < play->workers->count; i++)
      if (play->workers->all[i].number == number) newest = &play->workers->all[i];
    if (newest) draw_worker(play, newest);
  }
}

static void draw_live(struct play *play) {
  struct panel *panel = &play->panel;
  panel_row(panel, "%s", "");
  panel_row(panel, "  %s%s%s  %.1f s  %s", panel->ink.strong, play->settings->pipeline, panel->ink.plain,
      seconds(play->now_ms - play->opened_ms), phase_words[play->phase]);
  panel_row(panel, "%s", "");
  draw_sums(play);
  panel_row(panel, "%s", "");
  draw_partitions(play);
  panel_row(panel, "%s", "");
  draw_results(play);
  draw_workers(play);
  panel_show(panel);
}

static void draw_line(struct play *play) {
  char fed[TEXT_MAX], total[TEXT_MAX], committed[TEXT_MAX], lag[TEXT_MAX];
  panel_say(&play->panel, "%4.0f s  %s: fed %s of %s, committed %s, lag %s", seconds(play->now_ms - play->opened_ms),
      phase_words[play->phase], text_of_count(fed, feeder_fed(play->feeder)),
      text_of_count(total, feeder_total(play->feeder)), text_of_count(committed, survey_committed(play->survey)),
      text_of_count(lag, survey_lag(play->survey)));
}

void picture_draw(struct play *play) {
  bool live = play->panel.live;
  if (play->phase == PLAY_OVER || play->now_ms - play->drawn_ms < (live ? LIVE_EVERY_MS : LINE_EVERY_MS)) return;
  play->drawn_ms = play->now_ms;
  if (live)
    draw_live(play);
  else
    draw_line(play);
}
