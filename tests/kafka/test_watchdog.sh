#!/usr/bin/env bash
# A stage that never comes back: it is named with partition and offsets, the worker is aborted, nothing of it is committed, and
# whoever has the partition next loses nothing.
. "$(dirname "$0")/lib.sh"

# A worker has ended by the watchdog's abort, after a first warning. WORKER STAGE OFFSETS
expect_aborted() {
  expect_equal "exit status of worker $1" "$(cat "$folder/$1.status")" 134
  no_report "$1"
  expect_log "$1" "lane [0-9]+ has been in stage $2, process\(\) of $3 since .*; at twice that the worker is aborted"
  expect_log "$1" "lane [0-9]+ has been in stage $2, process\(\) of $3 since .*, twice its deadline of .*; aborting"
}

hangs() {
  topic h-in --partitions 2
  topic h-out --partitions 2
  produce h-in --count 4000
  touch "$folder/armed"
  file h.yaml <<END
pipeline: h
kafka: {brokers: "\${env:WEIR_BROKERS}", properties: {session.timeout.ms: 6000}}
source: {topics: [h-in], group: h}
batch: {records: 100}
stages:
  - plugin: $build/tests/plugins/trouble.so
    options: {kind: hang, at: '"id":1700,', once: $folder/armed}
    deadline: 500ms
sinks:
  # A record without a key may go elsewhere when it is read again.
  - {plugin: kafka, options: {topic: h-out, partition: source}}
END
  worker a start h.yaml
  worker a wait 60
  expect_aborted a trouble "h-in/[01], offsets [0-9]+00 to [0-9]+99"
  expect_equal 'the file of the one hang' "$(ls "$folder/armed" 2>/dev/null || true)" ''
  local before
  before=$(committed h h-in)
  [ "$before" -lt 4000 ] || fail 'committed what hung: %s' "$before"
  worker b start h.yaml --until end
  worker b wait 60
  expect_status b 0
  expect_no_log b 'watchdog'
  verify --source h-in --output h-out --duplicates-max 4000
}

# A script has no other thread to be stopped by. NAME CODE
lua_hangs() {
  topic "$1-in" --partitions 1
  topic "$1-out" --partitions 1
  produce "$1-in" --count 1000
  pass_through "$1.yaml" "$1" "$1-in" "$1-out" <<END
batch: {records: 100}
stages:
  - name: script
    deadline: 300ms
    each: |
      if record.offset == 350 then $2 end
END
  worker w start "$1.yaml"
  worker w wait 60
  expect_aborted w script "$1-in/0, offsets 300 to 399"
  expect_at_most 'committed' "$(committed "$1" "$1-in")" 300
  expect_at_most 'at the sink' "$(ends "$1-out")" 300
}

endless_loop() { lua_hangs loop 'while true do end'; }
pattern_bomb() { lua_hangs bomb 'string.find(string.rep("a", 40), string.rep("a?", 40) .. string.rep("a", 40))'; }

# One lane is in a call that does not return, below its deadline. Partition 0 is its own, partition 1 of the other lane, and with LANES 1
# its own, too: what was settled before is committed, and with a lane of its own what comes behind. NAME LANES
neighbours() {
  topic "$1" --partitions 2
  file "$1.yaml" <<END
pipeline: $1
kafka: {brokers: "\${env:WEIR_BROKERS}"}
source: {topics: [$1], group: $1}
lanes: $2
commit: {every: 4s}
stages:
  - plugin: $build/tests/plugins/trouble.so
    options: {kind: hang, at: '"id":99000'}
    deadline: 10m
sinks:
  - {plugin: blackhole}
END
  produce "$1" --count 100 --partition 1
  worker w start "$1.yaml"
  wait_for "run_weir explain $1.yaml $1/1 && [[ \$out = *'done below 100'* ]]" 20 'what is settled'
  produce "$1" --count 1 --first-id 99000 --partition 0
  wait_for "run_weir explain $1.yaml $1/0 && [[ \$out = *'it is in stage trouble, process() of $1/0, offset 0'* ]]" 20 'the call'
  wait_for "[ \$(committed $1 $1) = 100 ]" 20 'the commit of what was settled before the call'
}

# All of partition 1, meanwhile.
another_lane() {
  neighbours two 2
  produce two --count 1000 --first-id 100 --partition 1
  wait_for '[ $(committed two two) = 1100 ]' 20 'the commit of what came during the call'
  worker w kill
}

the_same_lane() {
  neighbours own 1
  worker w kill
}

broker_real
it 'names a stage that hangs, aborts, and the next worker loses nothing' hangs
it 'does so for an endless loop in Lua' endless_loop
it 'and for a pattern that never ends to match' pattern_bomb
it 'commits the partitions of other lanes while one is in a long call' another_lane
it 'and of its own lane what was settled before' the_same_lane
finish
