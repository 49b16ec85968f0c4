#!/usr/bin/env bash
# When the offset is committed decides what a kill -9 costs: before the work (at_most_once) records may be lost and none comes
# twice; after it (at_least_once) none is lost and some may come twice.
. "$(dirname "$0")/lib.sh"
broker_real
sink_options='partition: source' # a record without a key may go elsewhere when it is read again

# One record, id 2500, holds the worker up for ever when BLOCK says so: the moment to kill it is then no accident.
pipeline_with_a_block() { # NAME DELIVERY
  pass_through "$1.yaml" "$1" "$1-in" "$1-out" <<END
delivery: $2
batch: {records: 1000}
stages:
  - each: |
      if options.block == "yes" and record.json.id == 2500 then
        while true do end
      end
    options: {block: "\${env:BLOCK:-no}"}
    deadline: 10m
END
}

killed_at_the_block() { # NAME DELIVERY
  topic "$1-in"
  topic "$1-out"
  produce "$1-in" --count 5000
  pipeline_with_a_block "$1" "$2"
  BLOCK=yes worker first start "$1.yaml" --instance one
  wait_for "[ \"\$(ends $1-out)\" -ge 2000 ]" 30
}

goes_on() { # NAME
  worker first kill
  expect_status first 137
  worker second start "$1.yaml" --instance one --until end
  worker second wait
  expect_status second 0
}

at_most_once() {
  killed_at_the_block most at_most_once
  wait_for '[ "$(committed most most-in)" -gt 2500 ]' 10 'the commit of the batch that is being worked on'
  goes_on most
  local said
  said=$("$probe" verify --source most-in --output most-out --duplicates-max 0 || true)
  expect_match 'the verdict' "$said" 'lost [1-9][0-9]*, repeated 0, reordered 0, corrupt 0, phantom 0'
  expect_at_most 'lost' "$(sed -n 's/.*lost \([0-9]*\),.*/\1/p' <<<"$said")" 3000
}

at_least_once() {
  killed_at_the_block least at_least_once
  expect_at_most 'committed at the block' "$(committed least least-in)" 2500
  goes_on least
  verify --source least-in --output least-out --duplicates-max 2500
}

# With rare commits a kill repeats what was done since the last one, and never more than the bound.
repeats_are_bounded() {
  topic rare-in
  topic rare-out
  produce rare-in --count 21500
  pass_through rare.yaml rare rare-in rare-out <<'END'
batch: {records: 500}
commit: {every: 5m, records: 1000000, uncommitted: 4000}
END
  worker first start rare.yaml --instance one
  wait_for '[ "$(ends rare-out)" -ge 3500 ]' 30
  worker first kill
  local written
  written=$(ends rare-out)
  sed -i 's/every: 5m, records: 1000000/every: 200ms, records: 5000/' rare.yaml
  worker second start rare.yaml --instance one --until end
  worker second wait
  expect_status second 0
  verify --source rare-in --output rare-out --duplicates-max 4000
  expect_at_least 'repeated' "$(($(ends rare-out) - 21500))" 1
  note "written before the kill: $written"
}

it 'loses and never repeats with at_most_once' at_most_once
it 'repeats and never loses with at_least_once' at_least_once
it 'repeats no more than commit.uncommitted' repeats_are_bounded
finish
