#!/usr/bin/env bash
# A record that cannot be processed goes where on_failure says, with a count, and nothing passes unprocessed.
. "$(dirname "$0")/lib.sh"
broker_real

# Three malformed records, ids 10, 20 and 30, among forty.
feed() { # TOPIC
  local n
  topic "$1"
  for ((n = 0; n < 40; n++)); do
    if [ $((n % 10)) = 0 ] && [ "$n" != 0 ]; then echo 'this is {not json'; else echo "{\"n\": $n}"; fi
  done >lines
  produce "$1" --file lines
}

stages_with() { # ON_FAILURE [DEAD_LETTER_TOPIC]
  cat <<END
${2:+dead_letter: {topic: $2\}}
stages:
  - plugin: json
    options: {set: {seen: true}, validate: full}
    on_failure: $1
END
}

dead_letter() {
  feed dl-in
  topic dl-out
  topic dl-dead
  pass_through dl.yaml dl dl-in dl-out < <(stages_with dead_letter dl-dead)
  worker a start dl.yaml --until end
  worker a wait
  expect_status a 0
  verify --source dl-in --output dl-out --dead dl-dead --duplicates-max 0 --contains '"seen":true'
  expect_equal 'dead letters' "$(ends dl-dead)" 3
  expect_equal 'output' "$(ends dl-out)" 37
  expect_equal 'committed' "$(committed dl dl-in)" 40
  expect_equal 'the dead letters are the records as they were' "$(consume dl-dead --until-end --format value | sort -u)" 'this is {not json'
  local letter
  letter=$(consume dl-dead --count 1 --format jsonl)
  expect_match 'a dead letter tells its origin' "$letter" 'dl-in'
  expect_match 'a dead letter tells its reason' "$letter" 'not_json'
  expect_match 'the summary counts them' "$(cat a.log a.out)" '3'
}

stop() {
  feed st-in
  topic st-out
  pass_through st.yaml st st-in st-out < <(stages_with stop)
  worker a start st.yaml --until end
  worker a wait
  expect_status a 1
  expect_equal 'output' "$(ends st-out)" 10
  expect_equal 'committed' "$(committed st st-in)" 10
  expect_log a 'st-in/0.*10'
}

discard() {
  feed di-in
  topic di-out
  pass_through di.yaml di di-in di-out < <(stages_with discard)
  worker a start di.yaml --until end
  worker a wait
  expect_status a 0
  expect_equal 'output' "$(ends di-out)" 37
  expect_equal 'committed' "$(committed di di-in)" 40
  expect_match 'the summary counts what was discarded' "$(cat a.log a.out)" '(discarded[^0-9]*3|3[^0-9]*discarded)'
}

# An error in a script is a rejected record: nothing of it comes out, changed or not.
script_error() {
  topic se-in --partitions 2
  topic se-out --partitions 2
  topic se-dead
  produce se-in --count 2000
  pass_through se.yaml se se-in se-out <<'END'
dead_letter: {topic: se-dead}
stages:
  - each: |
      record.json.passed = true
      if record.json.id % 4 == 0 then error("as planned") end
END
  worker a start se.yaml --until end
  worker a wait
  expect_status a 0
  verify --source se-in --output se-out --dead se-dead --duplicates-max 0 --filtered-every 4 --contains '"passed":true'
  expect_equal 'dead letters' "$(ends se-dead)" 500
  expect_match 'a dead letter tells the line' "$(consume se-dead --count 1 --format jsonl)" 'se\.yaml:[0-9]+'
}

# A script that fails on each record of one partition of eight: nothing of that one passes, filtered or not, and the others go on to
# their end. Twice: as an error of one record, and as one of a whole batch, which is tried again before it counts.
one_partition() {
  local kind records=20000
  topic op-in --partitions 8
  produce op-in --count "$records" --template '{"id":{id},"partition":{partition}}'
  file batch.lua <<'END'
return {
  process = function(self, batch)
    if batch.partition == 3 then self.nothing.here = 1 end
    for record in batch:records() do
      if record.json.id % 10 == 0 then record:drop() else record.json.passed = true end
    end
  end,
}
END
  for kind in record batch; do
    topic "op-$kind" --partitions 8
    sink_options='partition: source'
    pass_through "$kind.yaml" "op-$kind" op-in "op-$kind" < <("failing_$kind")
    worker "$kind" start "$kind.yaml" --until end
    worker "$kind" wait
    expect_status "$kind" 1
    expect_log "$kind" 'op-in/3 stands still at offset 0: .*nil'
    verify --source op-in --output "op-$kind" --duplicates-max 0 --filtered-every 10 --contains '"passed":true' \
      --group "op-$kind" --standing 3
    expect_equal 'of partition 3' "$("$probe" topic show "op-$kind" | awk '$1 == 3 { print $3 }')" 0
    expect_equal 'left over' "$(lag "op-$kind" op-in)" "$("$probe" topic show op-in | awk '$1 == 3 { print $3 }')"
    expect_at_most 'lines in the log' "$(wc -l <"$kind.log")" 60
  done
}

failing_record() {
  cat <<'END'
stages:
  - each: |
      local nothing
      if record.partition == 3 then nothing.here = 1 end
      record.json.passed = true
  - keep: record.json.id % 10 ~= 0
END
}

failing_batch() {
  cat <<'END'
stages:
  - lua: batch.lua
    retry: {attempts: 3, backoff: 5ms..20ms}
END
}

# A script that does not even load, and other broken files, never start.
broken_files() {
  topic bf-in
  produce bf-in --count 5
  topic bf-out
  pass_through bf.yaml bf bf-in bf-out <<'END'
stages:
  - each: record.json.x = = 1
END
  run_weir run bf.yaml --until end
  expect_equal 'exit status' "$status" 2
  expect_match 'what it says' "$err" 'bf\.yaml:[0-9]+'
  sed -i 's/each:.*/each: record.json.x = 1/; s/^sinks:/snks:/' bf.yaml
  run_weir run bf.yaml --until end
  expect_equal 'exit status' "$status" 2
  expect_match 'what it says' "$err" 'snks.*did you mean.*sinks'
  expect_equal "what the group committed" "$("$probe" offsets bf bf-in)" '0 - 5 5'
  expect_equal 'output' "$(ends bf-out)" 0
}

it 'sends three malformed records to the dead letters, with reason and origin' dead_letter
it 'stops before the first one with on_failure: stop' stop
it 'leaves them out and counts them with on_failure: discard' discard
it 'lets nothing through when a script fails' script_error
it 'stops one partition of eight that a script fails on, unfiltered, and goes on with seven' one_partition
it 'never starts a broken pipeline file' broken_files
finish
