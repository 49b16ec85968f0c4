#!/usr/bin/env bash
# The checker on a real broker: it must find what a worker does that is told to commit first (at_most_once), and say nothing against
# the same records copied in order.
. "$(dirname "$0")/lib.sh"
broker_real
sink_options='partition: source' # a record without a key may go elsewhere when it is read again

# verify_says PATTERN ARGUMENTS...: it finds a fault, and one of this name.
verify_says() {
  local pattern=$1 said
  shift
  ! said=$("$probe" verify "$@") || fail 'verify %s: found nothing wrong: %s' "$*" "$said"
  expect_match 'what verify says' "$said" "$pattern"
}

commits_first() {
  topic c-in --partitions 2
  topic c-out --partitions 2
  produce c-in --count 4000
  pass_through c.yaml c c-in c-out <<'END_OF_FILE'
delivery: at_most_once
batch: {records: 50}
stages:
  - each: for i = 1, options.turns do end
    options: {turns: "${env:TURNS:-0}"}
END_OF_FILE
  watch_commits c c-in --output c-out
  TURNS=1000000 worker w start c.yaml --instance one
  # Records that come out behind a look at a commit which has passed them.
  wait_for "grep -q '^commit' commits" 30 'a look at a commit'
  local before
  before=$(ends c-out)
  wait_for "[ \"\$(ends c-out)\" -ge $((before + 100)) ]" 30 'the batches behind it'
  worker w kill
  worker w start c.yaml --instance one --until end
  worker w wait 60
  expect_status w 0
  watch_end
  verify_says '^COMMIT-AHEAD: id [0-9]+, source ' --source c-in --output c-out --commits commits
  verify_says '^LOST: id [0-9]+, source ' --source c-in --output c-out --group c
}

# Told wrong expectations, it must find the fault in a copy that has none.
expects_otherwise() {
  topic e-in --partitions 2
  topic e-out --partitions 2
  topic e-other --partitions 2
  produce e-in --count 2000
  pass_through e.yaml e e-in e-out </dev/null
  watch_commits e e-in --output e-out
  worker w start e.yaml --until end
  worker w wait 30
  expect_status w 0
  watch_end
  verify --source e-in --output e-out --bytes --exactly-once --commits commits --group e
  produce e-in --count 10 --first-id 2000 --partition 1
  verify_says '^STALL: source partition 1 ends at 1010 and is committed up to 1000; 10 of' \
    --source e-in --output e-out --group e
  verify --source e-in --output e-out --group e --standing 1
  verify_says '^TORN: id [0-9]+, ' --source e-in --output e-out --output e-other --group e
  "$weir" offsets e.yaml --reset earliest --yes >/dev/null || fail 'the offsets'
  verify_says '^COMMIT-REGRESSION: source 0@0 was committed' --source e-in --output e-out --commits commits --group e
  verify_says '^ABORTED-READ: id [0-9]+, output ' --source e-in --output e-out --exactly-once --group e
  worker w start e.yaml --until end
  worker w wait 30
  verify_says '^DUPLICATE: id [0-9]+, output ' --source e-in --output e-out --exactly-once --group e
  verify_says '^DUPLICATE-OVER-BOUND: 1000 records of source partition 0 are repeated, at most 900' \
    --source e-in --output e-out --uncommitted 900 --incidents 1 --group e
}

it 'finds records that were committed before they came out, and lost' commits_first
it 'finds what is not as it was told to expect' expects_otherwise
finish
