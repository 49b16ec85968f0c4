#!/usr/bin/env bash
# The broker goes away under a working worker, in order and by a crash, and comes back: the worker waits and goes on, nothing is
# lost, and what is committed never goes back.
. "$(dirname "$0")/lib.sh"
broker_real
sink_options='partition: source' # a record without a key may go elsewhere when it is read again

outages() {
  local kind
  topic o-in --partitions 4
  topic o-out --partitions 4
  pass_through o.yaml o o-in o-out <<'END'
stages:
  - each: record.json.passed = true
batch: {records: 200}
commit: {uncommitted: 2000}
END
  watch_commits o o-in --output o-out
  produce o-in --count 80000 --rate 10000 &
  worker a start o.yaml
  for kind in halt crash; do
    local before
    before=$(ends o-out)
    wait_for "[ \"\$(ends o-out)\" -gt $((before + 10000)) ]" 30
    "broker_$kind"
    pause_ms 1500 # for so long nobody answers
    expect_equal "worker a lives after $kind" "$(worker_alive a && echo yes)" yes
    broker_back
  done
  wait %?produce
  wait_for '[ "$(committed o o-in)" = 80000 ]' 90
  worker a stop
  expect_status a 0
  watch_end
  verify --source o-in --output o-out --contains '"passed":true' --uncommitted 2000 --incidents 2 \
    --commits commits --group o
}

it 'survives a restart and a crash of the broker' outages
finish
