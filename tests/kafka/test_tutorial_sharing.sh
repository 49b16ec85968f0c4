#!/usr/bin/env bash
# Workers with the same file share the partitions of their topic, and share them anew when one comes, leaves or dies.
. "$(dirname "$0")/lib.sh"
broker_real
sink_options='partition: source' # a record without a key may go elsewhere when it is read again

sharing() { # NAME: a pipeline with a short session, so that a death is noticed soon
  topic "$1-in" --partitions 6
  topic "$1-out" --partitions 6
  pass_through "$1.yaml" "$1" "$1-in" "$1-out" </dev/null
  sed -i 's/^kafka: {\(.*\)}$/kafka: {\1, properties: {session.timeout.ms: 3000, heartbeat.interval.ms: 300}}/' "$1.yaml"
}

two_and_three() {
  sharing many
  worker a start many.yaml
  wait_for '[ "$(shares many)" = 6 ]' 30
  worker b start many.yaml
  wait_for '[ "$(shares many)" = "3 3" ]' 30
  worker c start many.yaml
  wait_for '[ "$(shares many)" = "2 2 2" ]' 30
  produce many-in --count 6000
  wait_for '[ "$(lag many many-in)" = 0 ]' 30
  for name in a b c; do
    worker "$name" stop
    expect_status "$name" 0
  done
  verify --source many-in --output many-out --bytes --duplicates-max 0
}

one_leaves() {
  sharing leave
  worker a start leave.yaml
  worker b start leave.yaml
  wait_for '[ "$(shares leave)" = "3 3" ]' 30
  produce leave-in --count 30000 --rate 10000 &
  wait_for '[ "$(ends leave-out)" -gt 5000 ]' 30
  worker b stop
  expect_status b 0
  wait_for '[ "$(shares leave)" = 6 ]' 10
  wait %?produce
  wait_for '[ "$(ends leave-in)" = 30000 ] && [ "$(lag leave leave-in)" = 0 ]' 30
  worker a stop
  verify --source leave-in --output leave-out --bytes --duplicates-max 0
}

one_dies() {
  sharing die
  worker a start die.yaml
  worker b start die.yaml
  wait_for '[ "$(shares die)" = "3 3" ]' 30
  produce die-in --count 30000 --rate 10000 &
  wait_for '[ "$(ends die-out)" -gt 5000 ]' 30
  worker b kill
  wait %?produce
  wait_for '[ "$(shares die)" = 6 ]' 30
  wait_for '[ "$(lag die die-in)" = 0 ]' 30
  worker a stop
  expect_status a 0
  verify --source die-in --output die-out --bytes
}

it 'shares six partitions among one, two and three workers' two_and_three
it 'loses and repeats nothing when a worker leaves in order' one_leaves
it 'loses nothing when a worker dies' one_dies
finish
