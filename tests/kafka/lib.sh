# shellcheck shell=bash
# lib.sh: the little language of the integration tests, so that a test reads as a play: a broker, topics, workers by name,
# and what must be true in the end. Sourced by tests/kafka/test_*.sh.
#
#   it 'keeps what it promises' a_function    runs the function in a subshell; the first thing that fails ends it
#   finish                                    at the end of the file: the closing line and the exit status
#
# Invariants: no blind sleep, every wait has a condition and a limit; only processes that this test started are signalled.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${WEIR_BUILD:-$root/build/release}
case $build in /*) ;; *) build=$root/$build ;; esac
weir=$build/weir
probe=$build/weir-probe
play=$(basename "$0" .sh)
stage=$(mktemp -d "${TMPDIR:-/tmp}/weir-$play.XXXXXX") # everything that the test writes
broker_name=$play-$$
passed=0 failed=0 late=0 broker_kind=none
out_of_time=75 # EX_TEMPFAIL
sink_options='' # of the kafka sink in pass_through, besides the topic
scale=1 # times that a patient wait is longer: sanitizers are slow
case $build in *asan | *tsan) scale=4 ;; esac
export XDG_RUNTIME_DIR=$stage # the workers' sockets
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$root/tests/support/tsan.supp}
exec {nap}<> <(:) # nothing ever comes: a read from it with a time limit is a pause

if ! [ -x "$weir" ] || ! [ -x "$probe" ]; then
  echo "$play: $weir is not built: ./dev build" >&2
  exit 1
fi

# --- the frame --------------------------------------------------------------------------------------------------------

it() { # SENTENCE FUNCTION
  local sentence=$1 function=$2 began=$SECONDS status
  folder=$stage/$function
  mkdir -p "$folder"
  (set -e; cd "$folder"; "$function") >"$folder/said" 2>&1
  status=$?
  end_workers "$folder"
  if [ $status = 0 ]; then
    passed=$((passed + 1))
    printf 'ok %d - %s: %s (%d s)\n' $((passed + failed)) "$play" "$sentence" $((SECONDS - began))
    sed -n 's/^# /#   /p' "$folder/said"
  else
    failed=$((failed + 1))
    [ $status != $out_of_time ] || late=$((late + 1))
    printf '%s %d - %s: %s\n' "$(bad_word $status)" $((passed + failed)) "$play" "$sentence"
    sed 's/^/#   /' "$folder/said"
  fi
}

finish() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ] && exit
  [ "$failed" != "$late" ] || exit $out_of_time
  exit 1
}

# A wait that ran out says nothing about weir on a machine that stood still: with WEIR_SECOND_TRY its caller plays the whole file again.
# What was found wrong is never tried twice.
bad_word() { if [ "$1" = $out_of_time ] && [ -n "${WEIR_SECOND_TRY:-}" ]; then echo 'late'; else echo 'not ok'; fi; }

# Ends the case now. FORMAT ARGUMENTS...
fail() {
  report "$@"
  exit 1
}
ran_out() {
  report "$@"
  exit $out_of_time
}
report() {
  # shellcheck disable=SC2059 # the caller's format
  printf "FAILED: $1\n" "${@:2}" >&2
  local log
  for log in "$folder"/*.log; do
    [ -s "$log" ] || continue
    printf -- '--- the last lines of %s\n' "$log" >&2
    tail -n 25 "$log" >&2
  done
}

# Shown with the result, also of a case that passes.
note() { printf '# %s\n' "$*"; }

clean_up() {
  local status=$? each
  trap '' INT TERM PIPE # whoever reads this may be gone already
  for each in "$stage"/*/; do end_workers "$each"; done
  end_broker
  if [ "$failed" = 0 ] && [ "$status" = 0 ]; then rm -rf "$stage"; else echo "# what it left: $stage"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- time -------------------------------------------------------------------------------------------------------------

pause_ms() { read -rt "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))" -u "$nap" || true; }

now_ms() { local t=$EPOCHREALTIME; echo $((${t%[.,]*} * 1000 + 10#${t#*[.,]} / 1000)); }

# wait_for CONDITION SECONDS [WHAT]: the condition is bash, tried every 50 ms.
wait_for() {
  local deadline=$((SECONDS + $2 * scale))
  until eval "$1"; do
    [ $SECONDS -le $deadline ] || ran_out 'waited %d s for: %s' $(($2 * scale)) "${3:-$1}"
    pause_ms 50
  done
}

# --- the broker -------------------------------------------------------------------------------------------------------

# The real one, of this test alone.
broker_real() {
  local shown
  broker_kind=real # from now on: an end in the middle of the start has something to stop, too
  shown=$("$here/broker" start "$broker_name") || { echo "Bail out! no broker"; exit 1; }
  WEIR_BROKERS=$(sed -n 's/^BOOTSTRAP=//p' <<<"$shown")
  export WEIR_BROKERS
}

# librdkafka's mock cluster, as `weir broker` runs it.
broker_mock() {
  "$weir" broker >"$stage/mock.out" 2>"$stage/mock.err" &
  mock_pid=$!
  broker_kind=mock
  folder=$stage
  wait_for "grep -qE '127\.0\.0\.1:[0-9]+' '$stage/mock.out' || ! kill -0 $mock_pid 2>/dev/null" 10 'the mock broker'
  WEIR_BROKERS=$(grep -oE '127\.0\.0\.1:[0-9]+' "$stage/mock.out" | head -n1)
  [ -n "$WEIR_BROKERS" ] || { cat "$stage/mock.err" >&2; echo "Bail out! no mock broker"; exit 1; }
  export WEIR_BROKERS
}

broker_halt() { "$here/broker" halt "$broker_name"; }
broker_crash() { "$here/broker" halt "$broker_name" -9; }
broker_back() { "$here/broker" start "$broker_name" >/dev/null; }

end_broker() {
  case $broker_kind in
    real) "$here/broker" stop "$broker_name" ;;
    mock) kill "$mock_pid" 2>/dev/null; wait "$mock_pid" 2>/dev/null ;;
  esac
}

# --- topics and files -------------------------------------------------------------------------------------------------

topic() { "$probe" topic create "$@" >/dev/null || fail 'topic %s' "$1"; }
produce() { "$probe" produce "$@" || fail 'produce %s' "$*"; }
consume() { "$probe" consume "$@" 2>/dev/null || fail 'consume %s' "$*"; }
verify() { "$probe" verify "$@" || fail 'verify %s' "$*"; }
# watch_commits GROUP SOURCE [--output TOPIC]... [--dead TOPIC]: looks at what the group commits, 20 times a second, until
# watch_end; then `verify --commits "$folder/commits"` judges what it saw.
watch_commits() {
  "$probe" watch "$@" --every 50ms --out "$folder/commits" >"$folder/watched" 2>&1 &
  echo $! >"$folder/watch.pid"
}
watch_end() {
  kill "$(<"$folder/watch.pid")" 2>/dev/null || true
  wait_for "grep -q 'looked [0-9]* times' '$folder/watched'" 20 'the end of the watch'
  : >"$folder/watch.status"
  expect_no_match 'what the watch saw' "$(<"$folder/watched")" 'looked 0 times'
}
# How many records there are, and how many the group has committed, over all partitions. Transactions aside, offsets are counts.
ends() { "$probe" topic show "$1" | awk '{ sum += $3 } END { print sum + 0 }'; }
committed() { "$probe" offsets "$1" "$2" | awk '{ sum += $2 } END { print sum + 0 }'; }
lag() { "$probe" offsets "$1" "$2" | awk '{ sum += $4 } END { print sum + 0 }'; }
members() { "$probe" members "$1" | sed -n 's/^state \([A-Za-z]*\) .* members \([0-9]*\)$/\1 \2/p'; }
# "2 3": how many partitions each member of a settled group holds, the smallest share first; empty while it is moving.
shares() {
  "$probe" members "$1" | awk '
    NR == 1 { if ($2 != "Stable") exit; next }
    { n = 0; for (i = 4; i <= NF; i++) { split($i, part, "/"); n += split(part[2], list, ",") } print n }' |
    sort -n | tr '\n' ' ' | sed 's/ $//'
}
# file NAME <<END: a file in the case's folder.
file() { cat >"$folder/$1"; }

# A pipeline file that copies SOURCE to SINK, with further lines of it on stdin (stages, delivery ...).
pass_through() { # FILE NAME SOURCE SINK
  { cat <<END
pipeline: $2
kafka: {brokers: "\${env:WEIR_BROKERS}"}
source: {topics: [$3], group: $2}
END
    cat
    cat <<END
sinks:
  - plugin: kafka
    options: {topic: $4${sink_options:+, $sink_options}}
END
  } >"$folder/$1"
}

# --- workers ----------------------------------------------------------------------------------------------------------

# worker NAME start FILE [ARGUMENTS] | kill | stop | wait [SECONDS] | signal NAME | alive
worker() {
  local name=$1 verb=$2
  shift 2
  "worker_$verb" "$name" "$@"
}

worker_start() { # NAME FILE [ARGUMENTS]
  local name=$1
  shift
  rm -f "$folder/$name.status"
  ( # what waits for it, so that its status is known to whoever asks
    trap - EXIT
    "$weir" run "$@" >>"$folder/$name.out" 2>>"$folder/$name.log" {nap}<&- &
    echo $! >"$folder/$name.pid"
    code=0
    wait $! 2>/dev/null || code=$? # the shell would tell of each kill
    echo $code >"$folder/$name.status.part"
    mv "$folder/$name.status.part" "$folder/$name.status"
  ) &
  wait_for "[ -s '$folder/$name.pid' ]" 5
}

worker_alive() { [ ! -e "$folder/$1.status" ]; }
worker_signal() { kill "-$2" "$(cat "$folder/$1.pid")"; }
worker_pid() { cat "$folder/$1.pid"; }

# Until it has ended by itself; notes its peak memory meanwhile.
worker_wait() { # NAME [SECONDS]
  local deadline=$((SECONDS + ${2:-60} * scale)) pid
  pid=$(cat "$folder/$1.pid")
  while worker_alive "$1"; do
    awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" >"$folder/$1.peak.part" 2>/dev/null || true
    if [ -s "$folder/$1.peak.part" ]; then mv "$folder/$1.peak.part" "$folder/$1.peak"; fi
    [ $SECONDS -le $deadline ] || ran_out 'worker %s did not end within %d s' "$1" $((${2:-60} * scale))
    pause_ms 20
  done
}

worker_stop() { # NAME [SECONDS]
  worker_signal "$1" TERM
  worker_wait "$1" "${2:-20}"
}

worker_kill() {
  worker_signal "$1" KILL
  worker_wait "$1" 5
}

end_workers() { # FOLDER: whatever still runs there
  local pid_file
  for pid_file in "$1"/*.pid; do
    [ -s "$pid_file" ] || continue
    [ -e "${pid_file%.pid}.status" ] || kill -KILL "$(cat "$pid_file")" 2>/dev/null
  done
}

# --- what must be true -------------------------------------------------------------------------------------------------

expect_equal() { [ "$2" = "$3" ] || fail '%s: found %s, expected %s' "$1" "'$2'" "'$3'"; }
expect_at_most() { [ "$2" -le "$3" ] || fail '%s: found %s, expected at most %s' "$1" "$2" "$3"; }
expect_at_least() { [ "$2" -ge "$3" ] || fail '%s: found %s, expected at least %s' "$1" "$2" "$3"; }
expect_no_match() { ! grep -qE -- "$3" <<<"$2" || fail '%s: found %s, expected nothing like /%s/' "$1" "'$2'" "$3"; }
expect_match() { grep -qE -- "$3" <<<"$2" || fail '%s: found %s, expected something like /%s/' "$1" "'$2'" "$3"; }

# The worker has ended with this status.
expect_status() { # NAME STATUS
  expect_equal "exit status of worker $1" "$(cat "$folder/$1.status")" "$2"
  no_report "$1"
}

# A sanitizer's report fails the case whatever the status was.
no_report() {
  ! grep -qE 'Sanitizer|runtime error:' "$folder/$1.log" || fail "a sanitizer's report in %s" "$folder/$1.log"
}

logged() { grep -qE -- "$2" "$folder/$1.log"; } # NAME PATTERN
expect_log() { logged "$1" "$2" || fail 'the log of worker %s has no line like /%s/' "$1" "$2"; }
expect_no_log() { ! logged "$1" "$2" || fail 'the log of worker %s has a line like /%s/' "$1" "$2"; }

# run_weir ARGUMENTS: its output in $out and $err, its exit status in $status. It may fail.
run_weir() {
  status=0
  "$weir" "$@" >"$folder/weir.out" 2>"$folder/weir.err" || status=$?
  # shellcheck disable=SC2034 # the caller's
  out=$(<"$folder/weir.out") err=$(<"$folder/weir.err")
  ! grep -qE 'Sanitizer|runtime error:' "$folder/weir.err" || fail "a sanitizer's report: %s" "$err"
}
