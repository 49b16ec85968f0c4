#!/usr/bin/env bash
# What runs on the embedded broker too: a pipeline to the end, and a takeover by a second worker.
. "$(dirname "$0")/lib.sh"
broker_mock

copies() {
  topic in
  topic out
  produce in --count 5000
  pass_through copy.yaml copy in out </dev/null
  worker a start copy.yaml --until end
  worker a wait
  expect_status a 0
  verify --source in --output out --bytes --duplicates-max 0
}

says_what_it_is_not() {
  local said
  said=$(cat "$stage/mock.out" "$stage/mock.err")
  expect_match 'what weir broker says' "$said" 'memory'
  expect_match 'what weir broker says' "$said" '5 MiB'
}

it 'copies 5,000 records to the end' copies
it 'says what the embedded broker is not' says_what_it_is_not
finish
