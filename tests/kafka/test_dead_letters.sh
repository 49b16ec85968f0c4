#!/usr/bin/env bash
# Dead letters: what they say, what becomes of those that are too large, and their way back.
# Invariant I8: a dead letter counts when the broker has confirmed it; one that cannot be written stops its partition.
. "$(dirname "$0")/lib.sh"
broker_real

# Of the first dead letter of TOPIC: header NAME, the last one.
header_of() { consume "$1" --until-end --format jsonl | jq -rs --arg name "$2" 'first | [.headers[] | select(.[0] == $name)] | last[1]'; }

# What a dead letter says of itself.
provenance() {
  topic pr-in
  topic pr-out
  topic pr-dead
  produce pr-in --odd --count 30
  pass_through pr.yaml pr pr-in pr-out <<'END'
dead_letter: {topic: pr-dead}
stages:
  - name: fussy
    each: error("not today")
END
  worker a start pr.yaml --until end
  worker a wait
  expect_status a 0
  verify --source pr-in --output pr-out --dead pr-dead --duplicates-max 0 --bytes
  expect_equal 'dead letters' "$(ends pr-dead)" 30
  expect_equal pipeline "$(header_of pr-dead weir.pipeline)" pr
  expect_equal stage "$(header_of pr-dead weir.stage)" fussy
  expect_equal plugin "$(header_of pr-dead weir.plugin)" lua
  expect_match version "$(header_of pr-dead weir.plugin.version)" '^[0-9]+\.'
  expect_match reason "$(header_of pr-dead weir.reason)" 'pr\.yaml:[0-9]+.*not today'
  expect_equal source "$(header_of pr-dead weir.source.topic)/$(header_of pr-dead weir.source.partition)" pr-in/0
  expect_equal hops "$(header_of pr-dead weir.hops)" 1
  # The record's own timestamps are from long ago; the dead letter's is now, or retention would take it at once.
  expect_at_least 'the time of the dead letter' "$(consume pr-dead --until-end --format jsonl | jq -s 'map(.timestamp) | min')" \
    $((($(now_ms) / 1000 - 600) * 1000))
}

# Ten records of 1.1 MB in partition 5, among 100,000: too large for every producer's default, and for the dead-letter topic.
too_large_feed() {
  topic tl-in --partitions 8 --config max.message.bytes=4000000
  produce tl-in --count 50000
  "$probe" topic show tl-in | awk '$1 == 5 { print $3 }' >"$stage/large_at"
  produce tl-in --count 10 --partition 5 --first-id 50000 --size 1100000 -X message.max.bytes=4000000
  produce tl-in --count 49990 --first-id 50010
}

too_large() {
  topic tl-out --partitions 8
  topic tl-dead
  too_large_feed
  pass_through tl.yaml tl tl-in tl-out <<'END'
dead_letter: {topic: tl-dead}
END
  sed -i 's/options: {topic: tl-out}/&\n    on_failure: dead_letter/' tl.yaml
  worker a start tl.yaml --until end
  worker a wait
  expect_status a 0
  expect_equal output "$(ends tl-out)" 99990
  expect_equal 'dead letters' "$(ends tl-dead)" 10
  expect_equal committed "$(committed tl tl-in)" 100000
  verify --source tl-in --output tl-out --dead tl-dead --duplicates-max 0 --group tl
  expect_equal code "$(header_of tl-dead weir.reason.code)" MSG_SIZE_TOO_LARGE
  expect_equal flag "$(header_of tl-dead weir.value)" replaced
  expect_equal size "$(header_of tl-dead weir.value.bytes)" 1100000
  # Of the first of them, wherever its dead letter stands among the ten.
  local sum of_first
  of_first=$(consume tl-dead --until-end --format jsonl | jq -rs --arg offset "$(<"$stage/large_at")" '
    .[] | select(any(.headers[]; . == ["weir.source.offset", $offset])) | .headers[] | select(.[0] == "weir.value.sha256")[1]')
  sum=$(consume tl-in --partition 5 --until-end --format value | awk 'length > 1000000 && !n++' | tr -d '\n' | sha256sum | cut -d' ' -f1)
  expect_equal SHA-256 "$of_first" "$sum"
  expect_match 'what stands for the value' "$(consume tl-dead --until-end --format value)" \
    "\"topic\":\"tl-in\",\"partition\":5,\"offset\":$(<"$stage/large_at")"
  expect_at_most 'lines in the log' "$(wc -l <a.log)" 60
}

# The same with the other policy: partition 5 stops before the first of them, and holds up nobody.
too_large_stops() {
  topic ts-out --partitions 8
  sink_options='partition: source'
  pass_through ts.yaml ts tl-in ts-out </dev/null
  local large_at
  large_at=$(<"$stage/large_at")
  worker a start ts.yaml --until end
  worker a wait
  expect_status a 1
  expect_log a "tl-in/5 stands still at offset $large_at: .*weir offsets ts.yaml --skip tl-in/5@$large_at --yes"
  verify --source tl-in --output ts-out --duplicates-max 0 --group ts --standing 5
  expect_equal 'left over' "$(lag ts tl-in)" "$(("$("$probe" topic show tl-in | awk '$1 == 5 { print $3 }')" - large_at))"
  expect_at_most 'lines in the log' "$(wc -l <a.log)" 60
}

# Not even its size and sum can be written: the topic takes less than the headers alone.
unwritable() {
  topic un-in
  topic un-out
  topic un-dead --config max.message.bytes=200
  produce un-in --count 20
  pass_through un.yaml un un-in un-out <<'END'
dead_letter: {topic: un-dead}
stages:
  - each: if record.offset == 7 then error("as planned") end
END
  worker a start un.yaml --until end
  worker a wait
  expect_status a 1
  expect_equal committed "$(committed un un-in)" 7
  expect_log a 'un-in/0 stands still at offset 7: the dead letter .* cannot be written'
}

# A pipeline NAME whose stage rejects what has not been a dead letter before (ALWAYS: everything), and dead letters of it.
fussy() { # NAME COUNT [--odd | ALWAYS]
  topic "$1-in" --partitions 2 --config retention.ms=-1 # odd records have odd times
  topic "$1-out"
  topic "$1-dead" --partitions 2
  if [ "${3:-}" = --odd ]; then produce "$1-in" --count "$2" --odd; else produce "$1-in" --count "$2" --keys 8; fi
  local unless='if not record:header("weir.hops") then error("not today") end'
  [ "${3:-}" != ALWAYS ] || unless='error("never")'
  pass_through "$1.yaml" "$1" "$1-in" "$1-out" <<END
dead_letter: {topic: $1-dead}
stages:
  - name: fussy
    each: |
      $unless
END
  run_pipeline "$1"
}

run_pipeline() {
  worker a start "$1.yaml" --until end
  worker a wait
  expect_status a 0
}

# Every record of a topic, without its place and hops, in an order of its own.
contents() {
  consume "$1" --until-end --format jsonl --isolation read_committed |
    jq -c '[.timestamp, .key, .value, [.headers[] | select(.[0] != "weir.hops")]]' | sort
}

looks() {
  fussy lo 40
  run_weir dlq ls lo.yaml --stage fussy --reason lua_error --since 2020-01-01
  expect_equal status "$status" 0
  expect_equal lines "$(wc -l <<<"$out")" 41
  expect_match row "$out" '^[01]@[0-9]+ +20..-..-..T..:..:..\....Z fussy +lua_error +lo-in/[01]@[0-9]+ +1 +1$'
  run_weir dlq ls lo.yaml --json --partition 0
  expect_equal 'partition 0' "$(jq -s 'map(.partition) | unique | tostring' <<<"$out")" '"[0]"'
  local none
  for none in '--stage other' '--reason other' '--until 2020-01-01' '--since 2200-01-01T00:00:00Z'; do
    # shellcheck disable=SC2086 # two words
    run_weir dlq ls lo.yaml --json $none
    expect_equal "letters with $none" "$out" ''
  done
  run_weir dlq ls lo.yaml --json --limit 3
  expect_equal 'the limit' "$(wc -l <<<"$out")" 3
  run_weir dlq stats lo.yaml --json
  expect_equal stats "$(jq -c '[.count, .reasons[0].name, .stages[0].count, (.sources | map(.name) | sort), .hops_most]' <<<"$out")" \
    '[40,"lua_error",40,["lo-in/0","lo-in/1"],1]'
  run_weir dlq show lo.yaml lo-in/1@3 --json
  expect_equal 'by its source' "$(jq -c '[.source_partition, .source_offset]' <<<"$out")" '[1,3]'
  expect_equal 'its value' "$(jq -r .value <<<"$out")" "$(consume lo-in --until-end --partition 1 --format value | sed -n 4p)"
  run_weir dlq show lo.yaml lo-dead/0@0
  expect_match 'by its place' "$out" '^lo-dead/0@0$'
  expect_match reason "$out" 'lo\.yaml:[0-9]+: not today'
  run_weir dlq show lo.yaml lo-in/1@3000
  expect_equal 'one that is not there' "$status" 1
  run_weir dlq show lo.yaml lo-dead/0@4000
  expect_match 'a place that is not there' "$err" 'lo-dead/0 holds the offsets 0 to'
}

# There and back: what was a dead letter comes back byte for byte, and passes.
redrives() {
  fussy re 60 --odd
  contents re-in >before
  run_weir dlq redrive re.yaml --to re-in
  expect_equal status "$status" 0
  expect_match plan "$out" 'group weir-redrive-re-[0-9a-f]{8}: 0 of 60 offsets'
  expect_match readers "$out" 'read by +group re, 0 members: this pipeline'
  expect_match histogram "$out" '60  fussy lua_error'
  expect_equal 'sent by the plan alone' "$(ends re-in)" 60
  run_weir dlq redrive re.yaml --to re-in --yes
  expect_equal status "$status" 0
  expect_match result "$out" '^60 records sent to re-in, 0 left'
  contents re-in >after
  cat before before | sort >twice
  cmp -s twice after || fail 'what came back is not what was there: %s' "$(diff twice after | head -n4)"
  run_weir dlq redrive re.yaml --to re-in --yes
  expect_match 'the same call again' "$out" '^0 records sent'
  run_pipeline re
  expect_equal 'committed, up to the end behind the marker of the transaction' "$(committed re re-in)" "$(ends re-in)"
  contents re-out >out
  cmp -s before out || fail 'the output is not what was there at first: %s' "$(diff before out | head -n4)"
  expect_equal 'dead letters' "$(ends re-dead)" 60
}

# Two shapes of eight are from long ago: a topic that keeps a week would lose them with its next look.
old_ones() {
  fussy ol 16 --odd
  topic ol-to --config retention.ms=604800000
  run_weir dlq redrive ol.yaml --to ol-to
  expect_match plan "$out" '4 of them will get the time of now: ol-to keeps records for 7 d, theirs are older'
  run_weir dlq redrive ol.yaml --to ol-to --yes --json
  expect_equal result "$(jq -c '[.sent, .left, .old]' <<<"$out")" '[16,0,4]'
  expect_at_least 'the time of the oldest' "$(consume ol-to --until-end --format jsonl | jq -s 'map(.timestamp) | min')" \
    $((($(now_ms) / 1000 - 600) * 1000))
}

# Killed half-way it repeats nothing and loses nothing; with a signal it ends in order.
goes_on() {
  local redrive
  fussy go 3000
  topic go-to
  "$weir" dlq redrive go.yaml --to go-to --rate 200/s --yes >first.out 2>first.err & redrive=$!
  wait_for "[ \"\$(consume go-to --until-end --format value --isolation read_committed | wc -l)\" -gt 0 ]" 30 'the first of them'
  kill -KILL "$redrive"
  wait "$redrive" || true
  expect_at_most 'sent before the kill' "$(consume go-to --until-end --format value --isolation read_committed | wc -l)" 2999
  "$weir" dlq redrive go.yaml --to go-to --rate 500/s --yes >second.out 2>second.err & redrive=$!
  wait_for "grep -q ' offsets are behind it' second.out" 60 'the second to begin'
  kill -TERM "$redrive"
  local code=0
  wait "$redrive" || code=$?
  expect_equal 'status after SIGTERM' "$code" 0
  expect_match 'what it says' "$(cat second.out)" 'Stopped by a signal'
  run_weir dlq redrive go.yaml --to go-to --yes --json
  expect_equal status "$status" 0
  expect_equal left "$(jq .left <<<"$out")" 0
  consume go-to --until-end --format value --isolation read_committed | sort >got
  expect_equal 'records, each once' "$(wc -l <got) $(sort -u got | wc -l)" '3000 3000'
}

# Two at once of the same choice: the younger takes over, and what the older had not committed is sent once.
rivals() {
  local older code=0
  fussy ri 400
  topic ri-to
  "$weir" dlq redrive ri.yaml --to ri-to --rate 10/s --yes >older.out 2>older.err & older=$!
  wait_for "[ \"\$(consume ri-to --until-end --format value --isolation read_committed | wc -l)\" -gt 0 ]" 30 'the first of them'
  run_weir dlq redrive ri.yaml --to ri-to --yes
  expect_equal status "$status" 0
  wait "$older" || code=$?
  expect_equal 'status of the older' "$code" 4
  expect_match 'what it says' "$(cat older.err)" 'another redrive of group weir-redrive-ri-[0-9a-f]* has begun'
  consume ri-to --until-end --format value --isolation read_committed | sort >got
  expect_equal 'records, each once' "$(wc -l <got) $(sort -u got | wc -l)" '400 400'
}

# Who fails again and again is left in the end; who was not is not kept waiting.
hops() {
  fussy ho 5 ALWAYS
  run_weir dlq redrive ho.yaml --to ho-in --yes
  run_pipeline ho
  run_weir dlq ls ho.yaml --json
  expect_equal hops "$(jq -s -c 'map(.hops) | sort' <<<"$out")" '[1,1,1,1,1,2,2,2,2,2]'
  local place
  place=$(jq -rs 'map("ho-dead/\(.partition)@\(.offset)") | first' <<<"$out")
  topic ho-to
  run_weir dlq redrive ho.yaml --to ho-to --hops 1 --yes
  expect_match result "$out" '^5 records sent to ho-to, 5 left'
  expect_match 'who was left' "$err" 'left: ho-dead/[01]@[0-9]+ \(source ho-in/[01]@[0-9]+\): it was a dead letter 2 times, --hops allows 1'
  run_weir dlq redrive ho.yaml "$place" --to ho-to --yes
  expect_match 'one alone' "$out" '^1 record sent'
  topic ho-again
  run_weir dlq redrive ho.yaml --to ho-again --yes
  expect_match result "$out" '^10 records sent to ho-again, 0 left'
  expect_equal 'hops, one header a record' \
    "$(consume ho-again --until-end --format jsonl | jq -c '[.headers[] | select(.[0] == "weir.hops")[1]]' | sort | uniq -c | tr -s ' \n' ' ')" ' 5 ["1"] 5 ["2"] '
}

# What was replaced is read again from its source, as long as it is there and the same.
originals() {
  topic or-in --config max.message.bytes=4000000
  topic or-out
  topic or-dead
  topic or-to --config max.message.bytes=4000000
  topic or-small
  produce or-in --count 3 --size 1048576 --keys 3 -X message.max.bytes=4000000
  pass_through or.yaml or or-in or-out <<'END'
dead_letter: {topic: or-dead}
stages:
  - each: error("as planned")
END
  run_pipeline or
  run_weir dlq redrive or.yaml --to or-small --yes
  expect_match result "$out" '^0 records sent to or-small, 3 left'
  expect_match 'why they were left' "$err" 'left: or-dead/0@0 \(source or-in/0@0\): it has 10[0-9]+ bytes with its headers, topic or-small takes'
  run_weir dlq redrive or.yaml --to or-to --yes
  expect_match result "$out" '^3 records sent to or-to, 0 left'
  expect_equal 'read again' "$(contents or-to | sha256sum)" "$(contents or-in | sha256sum)"
  "$probe" topic delete or-in >/dev/null
  topic or-in
  produce or-in --count 2
  topic or-late
  wait_for "[ \"\$(ends or-in)\" = 2 ]" 10
  run_weir dlq redrive or.yaml --to or-late --yes
  expect_match result "$out" '^0 records sent to or-late, 3 left'
  expect_match 'another one' "$err" 'another record stands at its source now'
  expect_match 'none' "$err" 'its source record is not there any more'
}

names_the_readers() {
  fussy na 4
  pass_through other.yaml na-other na-in na-out </dev/null
  worker b start other.yaml
  wait_for "[ \"\$(committed na-other na-in)\" = 4 ]" 30 'the other group to commit'
  run_weir dlq redrive na.yaml --to na-in --json
  expect_equal readers "$(jq -c '.read_by | sort_by(.group) | map([.group, .members])' <<<"$out")" '[["na",0],["na-other",1]]'
  worker b stop
  run_weir dlq redrive na.yaml --to na-out
  expect_match 'a topic that nobody reads' "$out" 'to topic na-out, which this pipeline does not read'
  expect_match 'its readers' "$out" 'no group has a member or an offset on na-out'
  run_weir dlq redrive na.yaml --to na-im
  expect_equal 'status without the topic' "$status" 1
  expect_match sentence "$err" "topic 'na-im' does not exist.*near: 'na-in'"
  run_weir dlq redrive na.yaml
  expect_equal 'status without --to' "$status" 2
  run_weir dlq redrive na.yaml --to na-dead --yes
  expect_equal 'status of a circle' "$status" 2
  sed -i '/dead_letter:/d' na.yaml
  run_weir dlq ls na.yaml
  expect_equal 'status without dead letters' "$status" 2
}

it 'carries the record byte for byte, with its provenance' provenance
it 'puts size and SHA-256 in the place of what is too large, and loses none of 99,990 neighbours' too_large
it 'or stops their partition before the first, by policy, and holds up no other' too_large_stops
it 'stops the partition of a dead letter that cannot be written' unwritable
it 'lists, shows and counts dead letters' looks
it 'sends them back byte for byte, once' redrives
it 'sends those that the topic would remove with the time of now' old_ones
it 'goes on where it stopped, killed or asked to stop' goes_on
it 'lets the younger of two take over' rivals
it 'leaves what was a dead letter too often' hops
it 'reads again from the source what was too large' originals
it 'names the groups that read the topic, and what is wrong' names_the_readers
finish
