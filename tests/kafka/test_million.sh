#!/usr/bin/env bash
# A million unique records through a json, a Lua and a C stage on eight partitions: each once, in order, within 200 MiB.
# WEIR_LONG makes it five million.
. "$(dirname "$0")/lib.sh"
broker_real
count=$((1000000 * (${WEIR_LONG:-0} == 1 ? 5 : 1)))
memory_max_kib=$((200 * 1024))
case $scale in 1) ;; *) count=100000 memory_max_kib=$((2 * 1024 * 1024)) ;; esac # a sanitizer's own memory is not ours

million() {
  topic m-in --partitions 8
  topic m-out --partitions 8
  produce m-in --count "$count" --template '{"id":{id},"partition":{partition},"seq":{seq},"kind":"quake","detail":"to be removed"}'
  pass_through m.yaml m m-in m-out <<END
memory: 192MiB
stages:
  - plugin: json
    options: {where: [{field: kind, equals: quake}], set: {checked: true}, remove: [detail]}
  - each: record.json.twice = record.json.seq * 2
  - plugin: $build/tests/plugins/tag.so
    options: {header: c, value: seen}
END
  worker a start m.yaml --until end
  worker a wait 300
  expect_status a 0
  verify --source m-in --output m-out --duplicates-max 0 --contains '"checked":true' --contains '"twice":'
  expect_equal 'records in the output' "$(ends m-out)" "$count"
  expect_equal 'committed' "$(committed m m-in)" "$count"
  expect_at_most 'peak memory in KiB' "$(<a.peak)" "$memory_max_kib"
  note "peak memory $(<a.peak) KiB, $(sed -n 's/^ *time *//p' a.log)"
}

# What Lua computed is right in every record, what json removed is gone, and what C added is there.
values() {
  consume m-out --until-end --format jsonl | awk '
    { seq = $0; sub(/.*\\"seq\\":/, "", seq); twice = $0; sub(/.*\\"twice\\":/, "", twice) }
    twice + 0 != 2 * (seq + 0) || /detail/ || !/\["c","seen"\]/ { wrong++; if (wrong < 4) print }
    END { print NR, wrong + 0 >"/dev/stderr" }' 2>sum
  expect_equal 'records read, and wrong ones' "$(cat sum)" "$count 0"
}

it "passes $count records through three stages, each once, in order" million
it 'computed every value right' values
finish
