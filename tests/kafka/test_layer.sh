#!/usr/bin/env bash
# The unit tests of runtime/kafka, which run on the mock cluster elsewhere, here on a real Kafka: what the mock cannot show (a commit
# while partitions are taken away, fencing, a topic's limit) is in them too.
. "$(dirname "$0")/lib.sh"
broker_real

on_kafka() { "$build/tests/$1" || fail '%s' "$1"; }

starts() { on_kafka test_consumer; }
rebalance() { on_kafka test_rebalance; }
commits() { on_kafka test_committer; }
writes() { on_kafka test_producer; }

# What was on its way to the topic is given back, waits, and arrives when the topic is there again.
output_goes_away() {
  topic og-in --partitions 2
  topic og-out --partitions 2
  produce og-in --count 1000
  pass_through og.yaml og og-in og-out </dev/null
  worker a start og.yaml
  wait_for "[ \"\$(committed og og-in)\" = 1000 ]" 30 'the first thousand'
  "$probe" topic delete og-out
  produce og-in --count 1000 --first-id 1000
  wait_for "logged a \"topic 'og-out' does not exist\"" 60 'a sentence about the missing topic'
  expect_equal 'committed meanwhile' "$(committed og og-in)" 1000
  topic og-out --partitions 2
  wait_for "[ \"\$(committed og og-in)\" = 2000 ]" 60 'the second thousand'
  worker a stop
  expect_status a 0
  expect_equal 'in the new topic' "$(ends og-out)" 1000
}

# A topic that was made anew has no commits: it is read from where `start` says.
input_goes_away() {
  topic ig-in --partitions 2
  topic ig-out
  produce ig-in --count 100
  pass_through ig.yaml ig ig-in ig-out </dev/null
  worker a start ig.yaml
  wait_for "[ \"\$(committed ig ig-in)\" = 100 ]" 30 'the first hundred'
  "$probe" topic delete ig-in
  wait_for "logged a \"topic 'ig-in' does not exist\"" 60 'a sentence about the missing topic'
  topic ig-in --partitions 2
  produce ig-in --count 60 --first-id 100
  wait_for "[ \"\$(ends ig-out)\" = 160 ]" 60 'the new topic to be read'
  worker a stop
  expect_status a 0
}

it 'partitions start where they should, feeds deliver what is there, mistakes get a sentence' starts
it 'partitions move with what was committed, a refused assignment is asked for again, the older twin is fenced' rebalance
it 'commits are answered line by line' commits
it 'records are written byte for byte, refused or given back' writes
it 'waits for an output topic that goes away' output_goes_away
it 'reads a topic that was made anew' input_goes_away
finish
