#!/usr/bin/env bash
# weir sandbox: what it says is true, also when things go wrong, and it leaves nothing behind.
. "$(dirname "$0")/../kafka/lib.sh"

# A pipeline whose output has the keys of its input; what is on stdin goes between source and sinks.
copying() { # FILE
  { cat <<'END'
pipeline: copying
kafka:
  brokers: ${env:WEIR_BROKERS}
  properties: {session.timeout.ms: 4000}
source: {topics: [numbers], group: copying}
END
    cat
    printf 'sinks:\n  - plugin: kafka\n    options: {topic: copies}\n'
  } >"$1"
}

numbers() { # COUNT: records with the keys 1 to COUNT in numbers.jsonl, the keys in keys
  seq "$1" >keys
  sed 's/.*/{"key": "&", "value": {"n": &}}/' keys >numbers.jsonl
}

play() { run_weir sandbox "$1" --feed numbers=numbers.jsonl:jsonl --expect copies=keys "${@:2}"; }

a_kill_loses_nothing() {
  numbers 6000
  copying copy.yaml </dev/null
  play copy.yaml --workers 2 --rate 1000 --kill-after 2s
  expect_equal 'exit code' "$status" 0
  expect_match 'the verdict' "$out" '^lost 0, repeated [0-9,]*, not processed 0, of 6,000 records fed$'
  expect_match 'the killed one' "$out" 'worker 1: killed with SIGKILL after'
  expect_match 'its second life' "$out" '^  worker  *1  *1 again  *2$'
  expect_match 'the offsets' "$out" 'fed 6,000, committed 6,000, lag 0'
}

# A stage that drops a record makes it lost to whoever expects it.
a_loss_is_found() {
  numbers 50
  copying drop.yaml <<<'stages: [{keep: record.json.n ~= 17}]'
  play drop.yaml
  expect_equal 'exit code' "$status" 1
  expect_match 'the verdict' "$out" '^lost 1, repeated 0, not processed 0, of 50 records fed$'
  expect_match 'what is lost' "$out" '^    lost: 17$'
}

a_record_too_many_is_found() {
  numbers 50
  copying more.yaml <<'END'
stages:
  - each: if record.json.n == 17 then record:emit{key = "new"} record:emit{} end
END
  play more.yaml
  expect_equal 'exit code' "$status" 1
  expect_match 'both kinds' "$out" 'of 50 expected keys: lost 0, repeated 1; not expected 1$'
}

records_are_printed_with_their_place() {
  copying copy.yaml </dev/null
  printf '%s\n' '{"key":"k","value":"v\n\u001b[31m"}' '{"value":null}' >numbers.jsonl
  run_weir sandbox copy.yaml --feed numbers=numbers.jsonl:jsonl --print copies --partitions 1
  expect_equal 'exit code' "$status" 0
  expect_equal 'the records' "$(head -n 2 <<<"$out")" 'copies/0@0 k v\x0a\x1b[31m
copies/0@1 (null) (null)'
}

what_the_pipeline_prints_is_passed_on() {
  numbers 3
  copying copy.yaml </dev/null
  echo '  - plugin: stdout' >>copy.yaml
  run_weir sandbox copy.yaml --feed numbers=numbers.jsonl:jsonl --partitions 1
  expect_equal 'exit code' "$status" 0
  expect_equal 'its lines' "$(head -n 3 <<<"$out")" 'numbers/0@0 1: {"n": 1}
numbers/0@1 2: {"n": 2}
numbers/0@2 3: {"n": 3}'
}

a_stopped_pipeline_is_no_success() {
  numbers 50
  copying stop.yaml <<'END'
stages:
  - each: if record.json.n == 17 then record:reject("unlucky", "seventeen") end
    on_failure: stop
END
  play stop.yaml --partitions 1
  expect_equal 'exit code' "$status" 1
  expect_match 'what is left' "$out" 'not processed 34, of 50 records fed'
  expect_match 'why' "$out" 'ended early: no worker is running any more'
  expect_match 'the reason' "$err" 'worker 1\| .*numbers/0.*16.*seventeen'
}

a_broken_pipeline_shows_its_errors() {
  numbers 5
  copying broken.yaml <<<'stages: [{keep: "record.json.n >"}]'
  play broken.yaml
  expect_equal 'exit code' "$status" 1
  expect_match 'the error' "$err" 'worker 1\| broken.yaml:6:'
}

a_real_cluster_is_out_of_reach() {
  numbers 5
  copying real.yaml </dev/null
  sed -i 's/brokers: .*/brokers: kafka.example.org:9092/' real.yaml
  play real.yaml
  expect_equal 'exit code' "$status" 2
  expect_match 'the sentence' "$err" 'has its brokers fixed \(kafka.example.org:9092\)'
  copying sink.yaml </dev/null
  sed -i 's/{topic: copies}/{topic: copies, brokers: "kafka.example.org:9092"}/' sink.yaml
  play sink.yaml
  expect_equal 'exit code' "$status" 2
  expect_match 'the sentence' "$err" 'the sink kafka of sink.yaml has brokers of its own'
}

latest_misses_nothing_that_is_fed() {
  numbers 200
  copying latest.yaml </dev/null
  sed -i 's/group: copying/group: copying, start: latest/' latest.yaml
  play latest.yaml
  expect_equal 'exit code' "$status" 0
}

# More than the broker in memory keeps goes through it without loss: the feeding waits for the pipeline.
much_is_fed_at_its_pace() {
  seq 20000 | sed 's/.*/{"key": "&", "value": "'"$(printf '%01000d' 0)"'"}/' >numbers.jsonl
  seq 20000 >keys
  copying copy.yaml </dev/null
  play copy.yaml --partitions 1
  expect_equal 'exit code' "$status" 0
  expect_match 'the verdict' "$out" '^lost 0, repeated 0, not processed 0, of 20,000 records fed$'
}

processes() { pgrep -f "$folder/slow.yaml" || true; }

interrupted_it_leaves_nothing_behind() {
  local signal
  numbers 5000
  copying slow.yaml </dev/null
  for signal in INT KILL; do
    (trap - INT; exec "$weir" sandbox "$folder/slow.yaml" --feed numbers=numbers.jsonl:jsonl --workers 2 --rate 100 \
      >"$signal.out" 2>"$signal.err") &
    wait_for "grep -q feeding $signal.err" 40
    kill "-$signal" $!
    wait $! || true
    wait_for '[ -z "$(processes)" ]' 5 'the end of its processes'
  done
  expect_match 'the verdict' "$(cat INT.out)" 'ended early: interrupted'
}

it 'loses nothing when a worker is killed' a_kill_loses_nothing
it 'finds a record that is missing' a_loss_is_found
it 'finds records that nobody expects' a_record_too_many_is_found
it 'prints records with their place, and nothing that a terminal obeys' records_are_printed_with_their_place
it 'passes on what the pipeline prints' what_the_pipeline_prints_is_passed_on
it 'fails when the pipeline stops' a_stopped_pipeline_is_no_success
it 'shows the errors of a broken pipeline' a_broken_pipeline_shows_its_errors
it 'refuses a pipeline that would reach another broker' a_real_cluster_is_out_of_reach
it 'feeds when the workers are there, for start: latest too' latest_misses_nothing_that_is_fed
it 'feeds no more than the broker keeps' much_is_fed_at_its_pace
it 'leaves no process behind, interrupted or killed' interrupted_it_leaves_nothing_behind
finish
