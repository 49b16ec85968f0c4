#!/usr/bin/env bash
# kill -9 at random moments while records come in, and start again: nothing is lost, the repeats stay within the bound, and what is
# committed never goes back. Six kills; fifty with WEIR_LONG. The seed is printed: SEED=... repeats a run's moments.
. "$(dirname "$0")/lib.sh"
broker_real
# A record without a key may go elsewhere when it is read again. The linger keeps much unconfirmed at any moment, while commits are
# frequent: a commit that runs ahead of the confirmations is then all but sure to show.
sink_options='partition: source, properties: {linger.ms: 100}'
kills=$((${WEIR_LONG:-0} == 1 ? 50 : 6))
RANDOM=${SEED:=$$}
uncommitted=2000 partitions=4

kills() {
  local n
  note "SEED=$SEED"
  topic k-in --partitions "$partitions"
  topic k-out --partitions "$partitions"
  pass_through k.yaml k k-in k-out <<END
stages:
  - each: record.json.passed = true
batch: {records: 200}
commit: {every: 50ms, uncommitted: $uncommitted}
END
  produce k-in --count $((kills * 20000)) --rate 20000 &
  watch_commits k k-in --output k-out
  for ((n = 1; n <= kills; n++)); do
    worker a start k.yaml --instance one
    pause_ms $((RANDOM % 1000)) # the moment is what is tested
    worker a kill
  done
  wait %?produce
  worker a start k.yaml --instance one --until end
  worker a wait 120
  expect_status a 0
  watch_end
  verify --source k-in --output k-out --contains '"passed":true' --uncommitted "$uncommitted" --incidents "$kills" \
    --commits commits --group k
  expect_equal 'committed' "$(committed k k-in)" "$(ends k-in)"
}

# Two workers, one of which dies again and again: the other takes over, and no late word of the dead one counts.
takeovers() {
  local n
  topic t-in --partitions "$partitions"
  topic t-out --partitions "$partitions"
  pass_through t.yaml t t-in t-out <<END
stages:
  - each: record.json.passed = true
batch: {records: 200}
commit: {every: 50ms, uncommitted: $uncommitted}
END
  sed -i 's/^kafka: {\(.*\)}$/kafka: {\1, properties: {session.timeout.ms: 2000, heartbeat.interval.ms: 200}}/' t.yaml
  produce t-in --count $((kills * 20000)) --rate 20000 &
  watch_commits t t-in --output t-out
  worker stays start t.yaml
  for ((n = 1; n <= kills; n++)); do
    worker dies start t.yaml
    pause_ms $((200 + RANDOM % 1500))
    worker dies kill
  done
  wait %?produce
  wait_for '[ "$(ends t-in)" = "$(committed t t-in)" ]' 60
  worker stays stop
  expect_status stays 0
  watch_end
  verify --source t-in --output t-out --contains '"passed":true' --uncommitted "$uncommitted" --incidents "$kills" \
    --commits commits --group t
}

it "loses nothing in $kills kills of a worker that comes back" kills
it "loses nothing in $kills kills of one of two workers" takeovers
finish
