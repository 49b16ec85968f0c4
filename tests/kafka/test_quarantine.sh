#!/usr/bin/env bash
# A record that kills the worker: found, alone in its batch, and kept from every stage; all others are delivered. Whoever is killed from outside
# leaves no suspicion. Invariants I1, I8, I9.
. "$(dirname "$0")/lib.sh"
sink_options='partition: source' # a record without a key may go elsewhere when it is read again

# Dies of the record with id 1700. NAME KIND, and lines for the file on stdin.
deadly() {
  { cat <<END
pipeline: $1
kafka: {brokers: "\${env:WEIR_BROKERS}", properties: {session.timeout.ms: 6000}}
source: {topics: [$1-in], group: $1, instance: $1}
batch: {records: 100}
lanes: 2
stages:
  - plugin: $build/tests/plugins/trouble.so
    options: {kind: $2, at: '"id":1700,'}
    deadline: 1s
sinks:
  - {plugin: kafka, options: {topic: $1-out, partition: source}}
END
    cat
  } >"$folder/$1.yaml"
}

# Starts it again as long as it dies of a signal: $deaths.
supervise() { # NAME FILE
  deaths=0
  while :; do
    worker "$1" start "$2" --until end
    worker "$1" wait 60
    [ "$(<"$folder/$1.status")" -gt 128 ] || break
    no_report "$1"
    deaths=$((deaths + 1))
    expect_at_most 'deaths' "$deaths" 8
  done
}

header_of() { consume "$1" --until-end --format jsonl | jq -rs --arg name "$2" 'first | [.headers[] | select(.[0] == $name)] | last[1]'; }

# One dead letter, all others delivered. NAME KIND SIGNAL
quarantined() {
  topic "$1-in" --partitions 2
  topic "$1-out" --partitions 2
  topic "$1-dead"
  produce "$1-in" --count 4000
  deadly "$1" "$2" <<END
dead_letter: {topic: $1-dead}
END
  supervise w "$1.yaml"
  expect_status w 0
  # With others in the first place, then alone.
  expect_at_least 'deaths' "$deaths" 3
  # A machine that stands still may make the watchdog see more.
  [ "$2" = hang ] || expect_at_most 'deaths' "$deaths" 4
  expect_log w "weir: $3 in thread \".*\": stage trouble, process\(\) of $1-in/[01], offsets? [0-9]+.*, plugin trouble 1\.0\.0"
  expect_log w "$1-in/[01]@[0-9]+ goes to no stage any more: it ended the worker by $3 3 times"
  expect_equal 'dead letters' "$(ends "$1-dead")" 1
  expect_equal 'code' "$(header_of "$1-dead" weir.reason.code)" quarantined
  expect_equal 'stage' "$(header_of "$1-dead" weir.stage)" trouble
  expect_equal 'committed' "$(committed "$1" "$1-in")" 4000
  verify --source "$1-in" --output "$1-out" --dead "$1-dead" --duplicates-max $((deaths * 4000))
  expect_equal 'what is left' "$(ls "$stage/weir")" ''
}

# A sanitizer makes an exit of its own of SIGSEGV.
of_a_crash() {
  case $build in
    *asan | *tsan) quarantined crash abort SIGABRT ;;
    *) quarantined crash segv SIGSEGV ;;
  esac
}
of_a_hang() { quarantined hang hang SIGABRT; }

without_dead_letters() {
  topic stop-in --partitions 2
  topic stop-out --partitions 2
  produce stop-in --count 4000
  deadly stop abort </dev/null
  supervise w stop.yaml
  expect_status w 1
  expect_log w 'stop-in/[01] stands still at offset [0-9]+: trouble did not take the record: quarantined: .*weir offsets .* --skip'
  local skip
  skip=$(grep -oE -- '--skip [^ ]+' w.log | tail -n1)
  # The partition of the record holds at it, the other one has all its records out.
  local at=${skip##*@}
  expect_equal 'committed' "$(probe_committed stop "${skip#--skip }")" "$at"
  wait_for '[[ $(members stop) = "Empty 0" ]]' 30 'the end of the static member'
  # shellcheck disable=SC2086 # two words
  run_weir offsets stop.yaml $skip --yes
  expect_equal 'status of the skip' "$status" 0
  worker w start stop.yaml --until end
  worker w wait 60
  expect_status w 0
  expect_equal 'committed behind the skip' "$(committed stop stop-in)" 4000
  expect_equal 'different records at the sink' "$(consume stop-out --until-end --format value | sort -u | wc -l)" 3999
}
probe_committed() { # GROUP TOPIC/PARTITION@OFFSET
  local place=${2%@*}
  "$probe" offsets "$1" "${place%/*}" | awk -v number="${place#*/}" '$1 == number { print $2 }'
}

# In the middle of calls, at random moments.
kills_from_outside() {
  topic kills-in --partitions 2
  topic kills-out --partitions 2
  topic kills-dead
  produce kills-in --count 12000
  pass_through kills.yaml kills kills-in kills-out <<'END'
batch: {records: 20}
commit: {every: 50ms}
dead_letter: {topic: kills-dead}
stages:
  - name: slow
    each: for i = 1, 100000 do end
END
  sed -i 's/group: kills/&, instance: kills/' kills.yaml
  local i seed=${SEED:-$RANDOM}
  note "SEED=$seed"
  RANDOM=$seed
  for ((i = 0; i < 30; i++)); do
    worker w start kills.yaml
    wait_for "[ \$(grep -cE 'partitions? assigned' w.log) -gt $i ]" 30 'the partitions'
    pause_ms $((RANDOM % 150))
    worker w kill
  done
  worker w start kills.yaml --until end
  worker w wait 90
  expect_status w 0
  expect_no_log w 'quarantine'
  expect_equal 'dead letters' "$(ends kills-dead)" 0
  note "left for the last run:$(grep 'records in' w.log | tail -n1 | tr -s ' ')"
  verify --source kills-in --output kills-out --duplicates-max 200000
}

# Five times inside of the same call, of the same record.
kills_at_one_record() {
  topic one-in
  topic one-out
  topic one-dead
  produce one-in --count 20
  local i kind
  for kind in hang pass; do
    pass_through "$kind.yaml" one one-in one-out <<END
dead_letter: {topic: one-dead}
batch: {records: 1}
stages:
  - plugin: $build/tests/plugins/trouble.so
    options: {kind: hang, at: '"id":$([ "$kind" = hang ] && echo 7 || echo 99),'}
    deadline: 10m
END
    sed -i 's/group: one/&, instance: one/' "$kind.yaml"
  done
  for ((i = 0; i < 5; i++)); do
    worker w start hang.yaml
    wait_for "run_weir explain hang.yaml one-in/0 && [[ \$out = *'it is in stage trouble, process() of one-in/0, offset 7'* ]]" 20 'the call'
    [ "$i" -lt 3 ] || worker w signal TERM
    worker w kill
  done
  worker w start pass.yaml --until end
  worker w wait 30
  expect_status w 0
  expect_no_log w 'quarantine'
  expect_equal 'dead letters' "$(ends one-dead)" 0
  verify --source one-in --output one-out --duplicates-max 100
}

broker_real
it 'takes a record that crashes a stage out, and delivers all others' of_a_crash
it 'and one that hangs it, by way of the watchdog' of_a_hang
it 'without dead letters stops its partition, and says the way out' without_dead_letters
it 'suspects nobody for 30 kills at random moments' kills_from_outside
it 'and nobody for kills inside of one call' kills_at_one_record
finish
