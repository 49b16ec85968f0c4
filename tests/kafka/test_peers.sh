#!/usr/bin/env bash
# What other stream processors lose, repeat or wait out on the same broker: kill -9 three times among records that come in live,
# SIGTERM three times under load. What depends on the machine is a note, or has a tenfold margin. WEIR_LONG: 500,000 records, else 200,000.
. "$(dirname "$0")/lib.sh"
broker_real
partitions=8 records=200000 rate=25000
[ "${WEIR_LONG:-0}" != 1 ] || records=500000 rate=50000
[ $scale = 1 ] || records=50000 rate=5000
# Three kills of eight partitions: 4.8 % of the records by the bound alone, on any machine.
uncommitted=$((records / 500))
# A record without a key may go elsewhere when it is read again.
sink_options='partition: source'

begin() { # NAME; further lines of the pipeline on stdin
  name=$1
  topic "$name-in" --partitions "$partitions"
  topic "$name-out" --partitions "$partitions"
  pass_through "$name.yaml" "$name" "$name-in" "$name-out" < <(cat; printf 'stages:\n  - each: record.json.passed = true\n')
  "$probe" produce "$name-in" --count "$records" --rate "$rate" >producer.log 2>&1 &
  producer=$!
  watch_commits "$name" "$name-in" --output "$name-out"
}

# A signal at 20, 50 and 80 % of the output.
at_share() { wait_for "[ \"\$(ends $name-out)\" -ge $((records * $1 / 100)) ]" 60 "$1 % of the output"; }

worked_off() {
  wait "$producer" || fail 'the producer: %s' "$(<producer.log)"
  wait_for "[ \"\$(committed $name $name-in)\" = $records ]" 120 'everything to be committed'
  worker w stop
  expect_status w 0
  watch_end
}

# Static members have their partitions back at once; without `instance` it would be the session time-out, 45 s.
killed() {
  local share before began outage outages=''
  begin k <<END
batch: {records: 100}
commit: {every: 50ms, uncommitted: $uncommitted}
END
  worker w start k.yaml --instance one
  for share in 20 50 80; do
    at_share "$share"
    worker w kill
    before=$(ends k-out)
    began=$(now_ms)
    worker w start k.yaml --instance one
    wait_for "[ \"\$(ends k-out)\" -gt $before ]" 30 'the first record after the kill'
    outage=$(($(now_ms) - began)) outages="$outages $outage"
    expect_at_most 'milliseconds until it delivers again' "$outage" $((10000 * scale))
  done
  worked_off
  verify --source k-in --output k-out --contains '"passed":true' --uncommitted "$uncommitted" --incidents 3 \
    --commits commits --group k >judged
  note "$(tail -n 1 judged)"
  note "delivers again after$outages ms"
  expect_at_most 'records repeated' $(($(ends k-out) - records)) $((records / 20))
}

# In order: nothing twice, and a dynamic member has left the group when it ends.
terminated() {
  local share began took='' outages='' each
  begin t </dev/null
  worker w start t.yaml
  for share in 20 50 80; do
    at_share "$share"
    began=$(now_ms)
    worker w stop 30
    each=$(($(now_ms) - began)) took="$took $each"
    expect_status w 0
    expect_at_most 'milliseconds until it has ended' "$each" $((20000 * scale))
    wait_for '[ "$(members t)" = "Empty 0" ]' 15 'the group without it, long before its session time-out'
    worker w start t.yaml
  done
  worked_off
  verify --source t-in --output t-out --contains '"passed":true' --exactly-once --commits commits --group t >judged
  note "$(tail -n 1 judged)"
  note "ended after$took ms"
}

it "loses nothing of $records live records in three kill -9, repeats under 5 %, and delivers again at once" killed
it "loses and repeats nothing of $records live records in three SIGTERM, and leaves the group" terminated
finish
