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

it 'partitions start where they should, feeds deliver what is there, mistakes get a sentence' starts
it 'partitions move with what was committed, a refused assignment is asked for again, the older twin is fenced' rebalance
it 'commits are answered line by line' commits
it 'records are written byte for byte, refused or given back' writes
finish
