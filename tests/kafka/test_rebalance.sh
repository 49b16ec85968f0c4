#!/usr/bin/env bash
# Workers come and go while records flow. Handing over in order costs nothing: no record is lost, none comes twice.
. "$(dirname "$0")/lib.sh"
broker_real
sink_options='partition: source' # a record without a key may go elsewhere when it is read again
rounds=$((${WEIR_LONG:-0} == 1 ? 15 : 4))

comings_and_goings() {
  local n
  topic r-in --partitions 8
  topic r-out --partitions 8
  pass_through r.yaml r r-in r-out <<'END'
stages:
  - each: record.json.passed = true
batch: {records: 200}
END
  produce r-in --count $((rounds * 60000)) --rate 20000 &
  watch_commits r r-in --output r-out
  worker a start r.yaml
  for ((n = 1; n <= rounds; n++)); do
    worker b start r.yaml
    wait_for '[ "$(shares r)" = "4 4" ]' 30
    worker c start r.yaml
    wait_for '[ "$(shares r)" = "2 3 3" ]' 30
    worker b stop
    expect_status b 0
    wait_for '[ "$(shares r)" = "4 4" ]' 30
    worker c stop
    expect_status c 0
    wait_for '[ "$(shares r)" = 8 ]' 30
  done
  wait %?produce
  wait_for '[ "$(committed r r-in)" = "$(ends r-in)" ]' 60
  worker a stop
  expect_status a 0
  watch_end
  verify --source r-in --output r-out --contains '"passed":true' --exactly-once --commits commits --group r
}

# A worker that works slowly finishes what it has in hand before it gives a partition away.
slow_hands() {
  topic slow-in --partitions 4
  topic slow-out --partitions 4
  pass_through slow.yaml slow slow-in slow-out <<'END'
stages:
  - each: for i = 1, 20000 do end
batch: {records: 500}
END
  produce slow-in --count 20000
  worker a start slow.yaml
  wait_for '[ "$(ends slow-out)" -gt 1000 ]' 30
  worker b start slow.yaml
  wait_for '[ "$(shares slow)" = "2 2" ]' 60
  worker a stop 30
  expect_status a 0
  wait_for '[ "$(committed slow slow-in)" = 20000 ]' 120
  worker b stop
  expect_status b 0
  verify --source slow-in --output slow-out --bytes --exactly-once --group slow
}

it "loses and repeats nothing in $rounds rounds of joining and leaving" comings_and_goings
it 'hands over in order while a slow stage works' slow_hands
finish
