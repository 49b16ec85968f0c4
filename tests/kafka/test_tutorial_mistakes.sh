#!/usr/bin/env bash
# A wrong name or a missing broker gets a sentence that names the cause, at most every 10 s, and the worker goes on by itself when
# the cause is gone.
. "$(dirname "$0")/lib.sh"
broker_real

wrong_topic() {
  topic quakes --partitions 2
  topic wrong-out
  pass_through wrong.yaml wrong qaukes wrong-out </dev/null
  worker a start wrong.yaml
  wait_for 'logged a "qaukes"' 15
  wait_for 'logged a "quakes"' 5 'the near name of a topic that is there'
  topic qaukes
  produce qaukes --count 10
  wait_for '[ "$(ends wrong-out)" = 10 ]' 40 'the records of the topic that was made meanwhile'
  worker a stop
  expect_status a 0
  expect_at_most 'sentences about the topic' "$(grep -c qaukes a.log)" 12
}

missing_output() {
  topic mo-in
  produce mo-in --count 10
  pass_through mo.yaml mo mo-in nowhere-out </dev/null
  worker a start mo.yaml
  wait_for 'logged a "nowhere-out"' 20
  expect_equal 'committed meanwhile' "$("$probe" offsets mo mo-in | cut -d' ' -f2 | tr -d -)" "$("$probe" offsets mo mo-in | cut -d' ' -f2 | tr -d '1-9-')"
  topic nowhere-out
  wait_for '[ "$(ends nowhere-out)" = 10 ]' 40
  worker a stop
  expect_status a 0
  verify --source mo-in --output nowhere-out --bytes --duplicates-max 0
}

# A mistyped group has committed nothing: with start: error the worker refuses to guess.
wrong_group() {
  topic wg-in
  topic wg-out
  produce wg-in --count 10
  pass_through wg.yaml wg wg-in wg-out </dev/null
  worker a start wg.yaml --until end
  worker a wait
  sed -i 's/group: wg}/group: gw, start: error}/' wg.yaml
  worker b start wg.yaml --until end
  worker b wait
  expect_status b 1
  expect_log b 'gw.*(no committed|committed nothing|nothing committed)'
  expect_equal 'records that came out' "$(ends wg-out)" 10
}

broker_away() {
  topic away-in
  topic away-out
  pass_through away.yaml away away-in away-out </dev/null
  broker_halt
  worker a start away.yaml
  wait_for "logged a '${WEIR_BROKERS//./\\.}'" 20
  wait_for "logged a '([Cc]onnect|refused|reach|answer)'" 5
  broker_back
  produce away-in --count 10
  wait_for '[ "$(ends away-out)" = 10 ]' 60
  worker a stop
  expect_status a 0
  verify --source away-in --output away-out --bytes
}

it 'names a topic that is not there and one that was meant, and waits for it' wrong_topic
it 'names an output topic that is not there, commits nothing, and waits for it' missing_output
it 'refuses a group without commits where start: error asks for it' wrong_group
it 'names the broker that does not answer, and goes on when it is back' broker_away
finish
