#!/usr/bin/env bash
# What one reader of a topic can rely on: every record knows its place, a reader starts where it was told and goes on where it
# stopped, and groups do not disturb each other.
. "$(dirname "$0")/lib.sh"
broker_real

# Each record is told its source partition and offset, and a plain consumer finds the same ones there.
place() {
  topic place-in --partitions 4
  topic place-out --partitions 1
  produce place-in --count 400
  pass_through place.yaml place place-in place-out <<'END'
stages:
  - each: |
      record.json.at = record.partition .. "@" .. record.offset
END
  worker a start place.yaml --until end
  worker a wait
  expect_status a 0
  consume place-in --until-end --format jsonl | sed -E 's/.*"partition":([0-9]+),"offset":([0-9]+),.*\\"id\\":([0-9]+).*/\3 \1@\2/' | sort >expected
  consume place-out --until-end --format value | sed -E 's/.*"id":([0-9]+).*"at":"([^"]*)".*/\1 \2/' | sort >found
  expect_equal 'places told' "$(wc -l <found)" 400
  cmp expected found || fail 'the records were told other places than they have'
}

# SOURCE lines for `start:`; three records are there before the worker, two come after it has its partitions.
start_at() { # earliest|latest: prints how many came out
  local start=$1
  topic "s-$start-in"
  topic "s-$start-out"
  produce "s-$start-in" --count 3
  pass_through "$start.yaml" "s-$start" "s-$start-in" "s-$start-out" </dev/null
  sed -i "s/group: s-$start}/group: s-$start, start: $start}/" "$start.yaml"
  worker "$start" start "$start.yaml"
  # The place to start from is committed before the first record is read.
  wait_for "[ \"\$('$probe' offsets s-$start s-$start-in | cut -d' ' -f2)\" != - ]" 30 'the start to be committed'
  produce "s-$start-in" --count 2 --first-id 3
  wait_for "[ \"\$(lag s-$start s-$start-in)\" = 0 ]" 30
  worker "$start" stop
  expect_status "$start" 0
}

earliest() {
  start_at earliest
  expect_equal 'records that came out' "$(ends s-earliest-out)" 5
}

latest() {
  start_at latest
  expect_equal 'records that came out' "$(ends s-latest-out)" 2
}

# What is committed wins over both.
committed_wins() {
  local start
  for start in earliest latest; do
    topic "c-$start-in"
    topic "c-$start-out"
    produce "c-$start-in" --count 4
    pass_through first.yaml "c-$start" "c-$start-in" "c-$start-out" </dev/null
    worker "first-$start" start first.yaml --until end
    worker "first-$start" wait
    produce "c-$start-in" --count 3 --first-id 4
    sed "s/group: c-$start}/group: c-$start, start: $start}/" first.yaml >second.yaml
    worker "second-$start" start second.yaml --until end
    worker "second-$start" wait
    expect_status "second-$start" 0
    verify --source "c-$start-in" --output "c-$start-out" --bytes --duplicates-max 0
  done
}

# A worker that is stopped in the middle goes on at its last commit, and nothing is missing or doubled.
resumes() {
  topic resume-in --partitions 2
  topic resume-out --partitions 2
  produce resume-in --count 20000
  pass_through resume.yaml resume resume-in resume-out <<'END'
stages:
  - each: for i = 1, options.turns do end
    options: {turns: "${env:TURNS:-0}"}
batch: {records: 100}
END
  TURNS=200000 worker a start resume.yaml # so slow that there is time to stop it half-way
  wait_for '[ "$(ends resume-out)" -gt 2000 ]' 30
  worker a stop
  expect_status a 0
  expect_at_most 'written by the first worker' "$(ends resume-out)" 19999
  expect_equal 'committed by the first worker' "$(committed resume resume-in)" "$(ends resume-out)"
  worker b start resume.yaml --until end
  worker b wait
  expect_status b 0
  verify --source resume-in --output resume-out --duplicates-max 0
}

two_groups() {
  topic shared --partitions 3
  topic left-out --partitions 3
  topic right-out --partitions 3
  produce shared --count 3000
  pass_through left.yaml left shared left-out </dev/null
  pass_through right.yaml right shared right-out </dev/null
  worker left start left.yaml --until end
  worker left wait
  expect_equal 'committed by the other group' "$("$probe" offsets right shared | cut -d' ' -f2 | sort -u)" -
  worker right start right.yaml --until end
  worker right wait
  expect_status left 0
  expect_status right 0
  verify --source shared --output left-out --bytes --duplicates-max 0
  verify --source shared --output right-out --bytes --duplicates-max 0
}

it 'tells every record its partition and offset' place
it 'starts at the first record with start: earliest' earliest
it 'starts at the end with start: latest' latest
it 'goes on at what is committed, whatever start: says' committed_wins
it 'resumes at the last commit' resumes
it 'lets two groups read one topic independently' two_groups
finish
