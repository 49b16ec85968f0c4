/* explanation.c: see explanation.h. Texts of stages come from strangers: they are escaped. */
#include "host/explanation.h"
#include <inttypes.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"

enum { SHOWN_MAX = 2 * ERROR_TEXT_MAX };

int64_t explanation_lag(const struct explanation *explanation) {
  return explanation->end > explanation->committed ? explanation->end - explanation->committed : 0;
}

/* --- what it is ------------------------------------------------------------------------------------------------------- */

static enum explanation_kind kind_of_holder(const struct holder *holder) {
  switch (holder->kind) {
  case HOLDER_NONE: return EXPLAIN_UP_TO_DATE;
  case HOLDER_RETRY: return EXPLAIN_RETRYING;
  case HOLDER_DEFERRED: return EXPLAIN_DEFERRED;
  case HOLDER_UNCONFIRMED: return EXPLAIN_UNCONFIRMED;
  case HOLDER_NO_ROOM: return EXPLAIN_PRODUCER_FULL;
  case HOLDER_DEAD_LETTER: return EXPLAIN_DEAD_LETTER;
  case HOLDER_TURN: return EXPLAIN_WAITING;
  case HOLDER_CUT: return EXPLAIN_DRAINING;
  }
  must_not_reach();
}

static enum explanation_kind kind_of_hold(enum hold hold) {
  switch (hold) {
  case HOLD_NONE:
  case HOLD_RUNNER: return EXPLAIN_UP_TO_DATE; /* the holder says more */
  case HOLD_BOUND:
  case HOLD_RANGES: return EXPLAIN_UNCOMMITTED;
  case HOLD_POOL:
  case HOLD_MEMORY: return EXPLAIN_NO_ROOM;
  case HOLD_COMMIT: return EXPLAIN_COMMITTING;
  }
  must_not_reach();
}

static enum explanation_kind kind_of_progress(const struct explanation *explanation) {
  if (explanation->committable > explanation->committed) return EXPLAIN_COMMITTING;
  return explanation_lag(explanation) || explanation->in_flight ? EXPLAIN_READING : EXPLAIN_UP_TO_DATE;
}

enum explanation_kind explanation_kind(const struct explanation *explanation) {
  if (explanation->stopped) return EXPLAIN_STOPPED;
  if (!explanation->answered) return EXPLAIN_BUSY;
  enum explanation_kind worst = kind_of_progress(explanation), more = kind_of_holder(&explanation->holder);
  if (more > worst) worst = more;
  more = kind_of_hold(explanation->hold);
  if (more > worst) worst = more;
  return explanation->draining && worst < EXPLAIN_DRAINING ? EXPLAIN_DRAINING : worst;
}

const char *explanation_name(enum explanation_kind kind) {
  static const char *const names[] = {[EXPLAIN_UP_TO_DATE] = "up_to_date",
      [EXPLAIN_READING] = "reading",
      [EXPLAIN_COMMITTING] = "committing",
      [EXPLAIN_UNCONFIRMED] = "unconfirmed",
      [EXPLAIN_DEFERRED] = "deferred",
      [EXPLAIN_WAITING] = "waiting",
      [EXPLAIN_DRAINING] = "draining",
      [EXPLAIN_NO_ROOM] = "no_room",
      [EXPLAIN_UNCOMMITTED] = "uncommitted",
      [EXPLAIN_DEAD_LETTER] = "dead_letter",
      [EXPLAIN_PRODUCER_FULL] = "producer_full",
      [EXPLAIN_RETRYING] = "retrying",
      [EXPLAIN_BUSY] = "busy",
      [EXPLAIN_STOPPED] = "stopped"};
  must(kind <= EXPLAIN_STOPPED);
  return names[kind];
}

/* --- for people ------------------------------------------------------------------------------------------------------- */

static const char *shown(char into[SHOWN_MAX], const char *text) {
  text_escape(into, SHOWN_MAX, span_of(text));
  return into;
}

static void print_headline(
    const struct explanation *explanation, enum explanation_kind kind, const char *file, int64_t now_ms, FILE *out) {
  const struct holder *holder = &explanation->holder;
  char text[SHOWN_MAX], place[PLACE_TEXT_MAX] = "its own loop", wait[TEXT_MAX];
  long long at = (long long)holder->offset;
  switch (kind) {
  case EXPLAIN_UP_TO_DATE: fputs("up to date: everything is committed", out); return;
  case EXPLAIN_READING: fputs("at work: nothing holds it back", out); return;
  case EXPLAIN_COMMITTING: fputs("done, and the commit is on its way", out); return;
  case EXPLAIN_UNCONFIRMED:
    fprintf(out, "%s has sent the record at offset %lld, and the brokers have not confirmed it", holder->label, at);
    return;
  case EXPLAIN_DEFERRED: fprintf(out, "%s has taken the record at offset %lld along", holder->label, at); return;
  case EXPLAIN_WAITING: fprintf(out, "the record at offset %lld waits for its turn at %s", at, holder->label); return;
  case EXPLAIN_DRAINING: fputs("draining: nothing more is read, what is in flight is finished", out); return;
  case EXPLAIN_NO_ROOM:
    fputs(explanation->hold == HOLD_POOL ? "not read: every batch of its lane is in flight"
                                         : "not read: the batches in flight hold its lane's share of `memory`",
        out);
    return;
  case EXPLAIN_UNCOMMITTED:
    fprintf(out, "not read: %s lie between what is committed and what was read",
        explanation->hold == HOLD_BOUND ? "as many offsets as `commit.uncommitted` allows"
                                        : "as many batches as the ledger holds");
    return;
  case EXPLAIN_DEAD_LETTER: fprintf(out, "the dead letter of the record at offset %lld is not confirmed", at); return;
  case EXPLAIN_PRODUCER_FULL:
    fprintf(out, "the producer has no room for the record at offset %lld (%s)", at, holder->label);
    return;
  case EXPLAIN_RETRYING:
    text_of_duration(wait, holder->retry_at_ms > now_ms ? holder->retry_at_ms - now_ms : 0);
    fprintf(out, "retrying the record at offset %lld in %s: attempt %" PRIu32 " of %" PRIu32 " in %s", at,
        holder->label, holder->attempt, holder->attempts, wait);
    return;
  case EXPLAIN_BUSY:
    if (explanation->busy && explanation->place.state == PLACE_CALLING) place_text(&explanation->place, place);
    fprintf(out, "lane %" PRIu32 " does not answer: it is in %s", explanation->lane, place);
    return;
  case EXPLAIN_STOPPED: fprintf(out, "stands still: %s", shown(text, explanation->stop)); break;
  }
  if (explanation->stopped_at >= 0)
    fprintf(out, "; to leave the record at offset %lld out: weir offsets %s --skip %s/%" PRId32 "@%lld --yes",
        (long long)explanation->stopped_at, file, explanation->topic, explanation->partition,
        (long long)explanation->stopped_at);
}

static void print_record(const struct holder *holder, int64_t now_ms, int64_t wall_ms, FILE *out) {
  char age[TEXT_MAX];
  if (holder->kind == HOLDER_NONE) return;
  fprintf(out, "  held back by offset %lld: ", (long long)holder->offset);
  if (holder->has_key)
    fprintf(out, "key hash %016" PRIx64, holder->key_hash);
  else
    fputs("no key", out);
  if (holder->timestamp_ms >= 0 && wall_ms > holder->timestamp_ms)
    fprintf(out, ", written %s ago", text_of_duration(age, wall_ms - holder->timestamp_ms));
  fprintf(out, ", in this worker for %s\n",
      text_of_duration(age, now_ms > holder->begun_ms ? now_ms - holder->begun_ms : 0));
}

/* A ledger knows whole batches; the lane, where it answers, the records in them. */
static uint64_t not_done(const struct explanation *explanation) {
  uint64_t done = explanation->answered ? explanation->holder.done : 0;
  return explanation->in_flight > done ? explanation->in_flight - done : 0;
}

static uint64_t done_beyond(const struct explanation *explanation) {
  return explanation->beyond + (explanation->answered ? explanation->holder.done_beyond : 0);
}

static void print_offsets(const struct explanation *explanation, FILE *out) {
  char end[TEXT_MAX] = "not known", count[2][TEXT_MAX];
  if (explanation->end >= 0) snprintf(end, sizeof end, "%lld", (long long)explanation->end);
  fprintf(out, "  committed %lld, done below %lld, read below %lld, end %s\n", (long long)explanation->committed,
      (long long)explanation->committable, (long long)explanation->delivered, end);
  uint64_t open = not_done(explanation), beyond = done_beyond(explanation);
  if (open || beyond)
    fprintf(out, "  %s record%s not done, %s done beyond the first of them\n", text_of_count(count[0], (int64_t)open),
        open == 1 ? "" : "s", text_of_count(count[1], (int64_t)beyond));
}

/* What the headline does not say. */
static void print_hold(const struct explanation *explanation, enum explanation_kind kind, FILE *out) {
  char count[TEXT_MAX];
  if (kind == EXPLAIN_STOPPED || kind == EXPLAIN_BUSY) return;
  if (explanation->hold == HOLD_BOUND)
    fprintf(out, "  nothing more of it is read: `commit.uncommitted` is %s\n",
        text_of_count(count, explanation->uncommitted_max));
  else if (explanation->hold == HOLD_RUNNER)
    fputs("  nothing more of it is read meanwhile\n", out);
  else if (explanation->hold == HOLD_COMMIT)
    fputs("  what was read waits for its commit (at_most_once)\n", out);
}

void explanation_print(
    const struct explanation *explanation, const char *file, int64_t now_ms, int64_t wall_ms, FILE *out) {
  enum explanation_kind kind = explanation_kind(explanation);
  fprintf(out, "%s/%" PRId32 ": ", explanation->topic, explanation->partition);
  print_headline(explanation, kind, file, now_ms, out);
  fputc('\n', out);
  print_offsets(explanation, out);
  if (explanation->answered) print_record(&explanation->holder, now_ms, wall_ms, out);
  print_hold(explanation, kind, out);
}

/* --- for machines ----------------------------------------------------------------------------------------------------- */

static void print_string(const char *name, const char *text, FILE *out) {
  char safe[SHOWN_MAX];
  text_escape(safe, sizeof safe, span_of(text));
  fprintf(out, ",\"%s\":\"", name);
  for (const char *at = safe; *at; at++) {
    if (*at == '"' || *at == '\\') fputc('\\', out);
    fputc(*at, out);
  }
  fputc('"', out);
}

static void print_json_holder(const struct holder *holder, int64_t now_ms, FILE *out) {
  fprintf(out, ",\"held_by\":{\"offset\":%lld", (long long)holder->offset);
  if (holder->has_key) fprintf(out, ",\"key_hash\":\"%016" PRIx64 "\"", holder->key_hash);
  if (holder->label[0]) print_string("at", holder->label, out);
  if (holder->timestamp_ms >= 0) fprintf(out, ",\"timestamp_ms\":%lld", (long long)holder->timestamp_ms);
  fprintf(out, ",\"age_ms\":%lld", (long long)(now_ms > holder->begun_ms ? now_ms - holder->begun_ms : 0));
  if (holder->kind == HOLDER_RETRY)
    fprintf(out, ",\"attempt\":%" PRIu32 ",\"attempts\":%" PRIu32 ",\"retry_in_ms\":%lld", holder->attempt,
        holder->attempts, (long long)(holder->retry_at_ms > now_ms ? holder->retry_at_ms - now_ms : 0));
  fputc('}', out);
}

void explanation_print_json(const struct explanation *explanation, int64_t now_ms, FILE *out) {
  fprintf(out, "{\"partition\":%" PRId32, explanation->partition);
  print_string("topic", explanation->topic, out);
  print_string("state", explanation_name(explanation_kind(explanation)), out);
  fprintf(out, ",\"committed\":%lld,\"done_below\":%lld,\"read_below\":%lld,\"end\":%lld,\"lag\":%lld",
      (long long)explanation->committed, (long long)explanation->committable, (long long)explanation->delivered,
      (long long)explanation->end, (long long)explanation_lag(explanation));
  fprintf(out, ",\"not_done\":%" PRIu64 ",\"done_beyond\":%" PRIu64 ",\"lane\":%" PRIu32, not_done(explanation),
      done_beyond(explanation), explanation->lane);
  if (explanation->stopped) {
    fprintf(out, ",\"stopped_at\":%lld", (long long)explanation->stopped_at);
    print_string("reason", explanation->stop, out);
  }
  if (explanation->answered && explanation->holder.kind != HOLDER_NONE)
    print_json_holder(&explanation->holder, now_ms, out);
  if (!explanation->answered && explanation->busy && explanation->place.state == PLACE_CALLING) {
    char place[PLACE_TEXT_MAX];
    place_text(&explanation->place, place);
    print_string("busy_in", place, out);
  }
  fputs("}", out);
}
