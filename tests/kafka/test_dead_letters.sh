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

# Ten records of 1 MiB among 2,000, for a sink and a dead-letter topic that take less with its headers.
too_large() {
  topic tl-in --config max.message.bytes=4000000
  topic tl-out
  topic tl-dead
  produce tl-in --count 1000
  produce tl-in --count 10 --first-id 1000 --size 1048576 -X message.max.bytes=4000000
  produce tl-in --count 990 --first-id 1010
  pass_through tl.yaml tl tl-in tl-out <<'END'
dead_letter: {topic: tl-dead}
END
  sed -i 's/options: {topic: tl-out}/&\n    on_failure: dead_letter/' tl.yaml
  worker a start tl.yaml --until end
  worker a wait
  expect_status a 0
  expect_equal output "$(ends tl-out)" 1990
  expect_equal 'dead letters' "$(ends tl-dead)" 10
  expect_equal committed "$(committed tl tl-in)" 2000
  verify --source tl-in --output tl-out --dead tl-dead --duplicates-max 0
  expect_equal code "$(header_of tl-dead weir.reason.code)" MSG_SIZE_TOO_LARGE
  expect_equal flag "$(header_of tl-dead weir.value)" replaced
  expect_equal size "$(header_of tl-dead weir.value.bytes)" 1048576
  local sum
  sum=$(consume tl-in --until-end --format value | awk 'length > 1000000 && !n++' | tr -d '\n' | sha256sum | cut -d' ' -f1)
  expect_equal SHA-256 "$(header_of tl-dead weir.value.sha256)" "$sum"
  expect_match 'what stands for the value' "$(consume tl-dead --count 1 --format value)" '"topic":"tl-in","partition":0,"offset":1000'
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

it 'carries the record byte for byte, with its provenance' provenance
it 'puts size and SHA-256 in the place of what is too large, and loses no neighbour' too_large
it 'stops the partition of a dead letter that cannot be written' unwritable
finish
