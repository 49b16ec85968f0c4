#!/usr/bin/env bash
# The shortest way through: records in, the same records out, the end committed.
. "$(dirname "$0")/lib.sh"
broker_real

copies() {
  topic in --partitions 4
  topic out --partitions 4
  produce in --count 10000
  pass_through copy.yaml copy in out </dev/null
  worker a start copy.yaml --until end
  worker a wait
  expect_status a 0
  verify --source in --output out --bytes --duplicates-max 0
  expect_equal 'records in the output' "$(ends out)" 10000
  expect_equal 'committed' "$(committed copy in)" 10000
  expect_equal 'lag' "$(lag copy in)" 0
}

# Null and empty and binary keys and values, repeated and valueless headers, old timestamps.
odd_bytes() {
  topic odd-in --partitions 3
  topic odd-out --partitions 5
  produce odd-in --odd --count 999
  pass_through odd.yaml odd odd-in odd-out </dev/null
  worker a start odd.yaml --until end
  worker a wait
  expect_status a 0
  verify --source odd-in --output odd-out --bytes --duplicates-max 0
}

# Java's partitioner puts a key where the topic's other producers put it.
same_place() {
  topic keyed-in --partitions 6
  topic keyed-out --partitions 6
  produce keyed-in --keys 40 --count 5000
  pass_through keyed.yaml keyed keyed-in keyed-out </dev/null
  worker a start keyed.yaml --until end
  worker a wait
  expect_status a 0
  verify --source keyed-in --output keyed-out --bytes --duplicates-max 0
  expect_equal 'ends of the output' "$("$probe" topic show keyed-out)" "$("$probe" topic show keyed-in)"
}

# A second run finds nothing to do.
nothing_left() {
  topic again-in --partitions 2
  topic again-out --partitions 2
  produce again-in --count 100
  pass_through again.yaml again again-in again-out </dev/null
  for name in a b; do
    worker "$name" start again.yaml --until end
    worker "$name" wait
    expect_status "$name" 0
  done
  verify --source again-in --output again-out --bytes --duplicates-max 0
}

it 'copies 10,000 records and commits their end' copies
it 'keeps odd records byte for byte' odd_bytes
it 'puts a key into the partition that other producers use' same_place
it 'reads nothing again in a second run' nothing_left
finish
