/* summary.c: see summary.h. */
#include "host/summary.h"
#include "base/check.h"
#include "base/text.h"
#include "base/trouble.h"
#include <string.h>
#include <sys/resource.h>

enum { FAILURES_SHOWN = 10, PARTITIONS_SHOWN = 32 };

static const char *const outcome_names[OUTCOMES] = {[OUTCOME_FILTERED] = "filtered",
    [OUTCOME_DELIVERED] = "delivered",
    [OUTCOME_DISCARDED] = "discarded",
    [OUTCOME_DEAD_LETTERED] = "dead-lettered",
    [OUTCOME_ABANDONED] = "abandoned"};
static const char *const outcome_keys[OUTCOMES] = {[OUTCOME_FILTERED] = "filtered",
    [OUTCOME_DELIVERED] = "delivered",
    [OUTCOME_DISCARDED] = "discarded",
    [OUTCOME_DEAD_LETTERED] = "dead_lettered",
    [OUTCOME_ABANDONED] = "abandoned"};

/* tally_in_flight() already aborts when more came out than went in. */
static void check_sum(const struct tally *tally) {
  uint64_t sum = tally_in_flight(tally);
  for (int outcome = OUTCOME_OPEN + 1; outcome < OUTCOMES; outcome++) sum += tally->settled[outcome];
  must(sum == tally->in);
}

int64_t summary_peak_bytes(void) {
  struct rusage usage;
  must(getrusage(RUSAGE_SELF, &usage) == 0);
  return (int64_t)usage.ru_maxrss * 1024;
}

static int64_t rate(const struct summary *summary) {
  uint64_t settled = summary->tally.in - tally_in_flight(&summary->tally);
  return summary->took_ms > 0 ? (int64_t)settled * 1000 / summary->took_ms : 0;
}

/* --- for people --- */

static void print_sum(const struct summary *summary, FILE *out) {
  static const enum outcome order[] = {
      OUTCOME_DELIVERED, OUTCOME_FILTERED, OUTCOME_DISCARDED, OUTCOME_DEAD_LETTERED, OUTCOME_ABANDONED};
  char count[TEXT_MAX];
  fprintf(out, "  records in       %s\n", text_of_count(count, (int64_t)summary->tally.in));
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    fprintf(out, "    %c %-15s%s\n", i ? '+' : '=', outcome_names[order[i]],
        text_of_count(count, (int64_t)summary->tally.settled[order[i]]));
  fprintf(out, "    + in flight      %s\n", text_of_count(count, (int64_t)tally_in_flight(&summary->tally)));
}

static void print_failures(const struct failures *failures, FILE *out) {
  char count[TEXT_MAX];
  if (failures->count) fprintf(out, "  failures, by stage and reason\n");
  for (size_t i = 0; i < failures->count && i < FAILURES_SHOWN; i++) {
    const struct failure *failure = &failures->kinds[i];
    fprintf(out, "    %s %s: %s %s\n", failure->label, failure->code[0] ? failure->code : "(no code)",
        text_of_count(count, (int64_t)failure->count), outcome_names[failure->outcome]);
  }
  uint64_t others = failures->others;
  for (size_t i = FAILURES_SHOWN; i < failures->count; i++) others += failures->kinds[i].count;
  if (others) fprintf(out, "    and %s of other kinds\n", text_of_count(count, (int64_t)others));
}

static void print_troubles(FILE *out) {
  char count[TEXT_MAX];
  bool any = false;
  for (int kind = 0; kind < TROUBLES; kind++) {
    uint64_t times = trouble_counted((enum trouble_kind)kind);
    if (!times) continue;
    if (!any) fprintf(out, "  trouble outside, and how often\n");
    any = true;
    fprintf(out, "    %-17s%s\n", trouble_name((enum trouble_kind)kind), text_of_count(count, (int64_t)times));
  }
}

static void print_partition(const struct account *account, FILE *out) {
  char committed[TEXT_MAX], lag[TEXT_MAX];
  fprintf(out, "    %s/%d  committed %s, lag %s%s\n", account->topic, account->partition,
      account->committed < 0 ? "unknown" : text_of_count(committed, account->committed),
      text_of_count(lag, account_lag(account)), account->stopped ? ", STOPPED" : "");
}

static void print_partitions(const struct accounts *accounts, FILE *out) {
  if (accounts->count) fprintf(out, "  partitions\n");
  for (size_t i = 0; i < accounts->count && i < PARTITIONS_SHOWN; i++) print_partition(&accounts->all[i], out);
  if (accounts->count > PARTITIONS_SHOWN)
    fprintf(out, "    and %zu more; --json has all\n", accounts->count - PARTITIONS_SHOWN);
}

void summary_print(const struct summary *summary, FILE *out) {
  char took[TEXT_MAX], per_second[TEXT_MAX], peak[TEXT_MAX];
  check_sum(&summary->tally);
  fprintf(out, "weir: pipeline %s, group %s: %s\n", summary->pipeline, summary->group, summary->end);
  print_sum(summary, out);
  print_failures(&summary->failures, out);
  print_troubles(out);
  print_partitions(summary->accounts, out);
  fprintf(out, "  time             %s, %s records/s\n", text_of_duration(took, summary->took_ms),
      text_of_count(per_second, rate(summary)));
  fprintf(out, "  memory           %s at the most\n", text_of_size(peak, summary->peak_bytes));
}

/* --- for machines --- */

static void print_string(const char *text, FILE *out) {
  fputc('"', out);
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at == '"' || *at == '\\')
      fprintf(out, "\\%c", *at);
    else if (*at < 0x20)
      fprintf(out, "\\u%04x", *at);
    else
      fputc(*at, out);
  }
  fputc('"', out);
}

static void print_json_failures(const struct failures *failures, FILE *out) {
  fputs(",\"failures\":[", out);
  for (size_t i = 0; i < failures->count; i++) {
    const struct failure *failure = &failures->kinds[i];
    fprintf(out, "%s{\"stage\":", i ? "," : "");
    print_string(failure->label, out);
    fputs(",\"code\":", out);
    print_string(failure->code, out);
    fprintf(
        out, ",\"outcome\":\"%s\",\"count\":%llu}", outcome_keys[failure->outcome], (unsigned long long)failure->count);
  }
  fprintf(out, "],\"failures_not_listed\":%llu", (unsigned long long)failures->others);
}

/* All of them, so that whoever reads it need not know which may be missing. */
static void print_json_troubles(FILE *out) {
  fputs(",\"trouble\":{", out);
  for (int kind = 0; kind < TROUBLES; kind++)
    fprintf(out, "%s\"%s\":%llu", kind ? "," : "", trouble_name((enum trouble_kind)kind),
        (unsigned long long)trouble_counted((enum trouble_kind)kind));
  fputc('}', out);
}

static void print_json_partitions(const struct accounts *accounts, FILE *out) {
  fputs(",\"partitions\":[", out);
  for (size_t i = 0; i < accounts->count; i++) {
    const struct account *account = &accounts->all[i];
    fprintf(out, "%s{\"topic\":", i ? "," : "");
    print_string(account->topic, out);
    fprintf(out, ",\"partition\":%d,\"committed\":%lld,\"end\":%lld,\"lag\":%lld,\"stopped\":%s}", account->partition,
        (long long)account->committed, (long long)account->high, (long long)account_lag(account),
        account->stopped ? "true" : "false");
  }
  fputc(']', out);
}

void summary_print_json(const struct summary *summary, FILE *out) {
  check_sum(&summary->tally);
  fputs("{\"pipeline\":", out);
  print_string(summary->pipeline, out);
  fputs(",\"group\":", out);
  print_string(summary->group, out);
  fputs(",\"end\":", out);
  print_string(summary->end, out);
  fprintf(out, ",\"exit_code\":%d,\"in\":%llu", summary->exit_code, (unsigned long long)summary->tally.in);
  for (int outcome = OUTCOME_OPEN + 1; outcome < OUTCOMES; outcome++)
    fprintf(out, ",\"%s\":%llu", outcome_keys[outcome], (unsigned long long)summary->tally.settled[outcome]);
  fprintf(out, ",\"in_flight\":%llu", (unsigned long long)tally_in_flight(&summary->tally));
  print_json_failures(&summary->failures, out);
  print_json_troubles(out);
  print_json_partitions(summary->accounts, out);
  fprintf(out, ",\"took_ms\":%lld,\"records_per_second\":%lld,\"peak_memory_bytes\":%lld}\n",
      (long long)summary->took_ms, (long long)rate(summary), (long long)summary->peak_bytes);
}
