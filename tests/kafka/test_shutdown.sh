#!/usr/bin/env bash
# How a worker ends, and with which exit status: in order, in a hurry, stuck, fenced, and with nothing left to do.
. "$(dirname "$0")/lib.sh"

# What the summary's JSON says under a key.
summed() { grep -o "\"$2\":[0-9]*" "$folder/$1.out" | head -n1 | cut -d: -f2; } # WORKER KEY

in_order() {
  topic o-in --partitions 4
  topic o-out --partitions 4
  produce o-in --count 300000 --size 100
  pass_through o.yaml o o-in o-out </dev/null
  worker w start o.yaml --json
  wait_for "[ \$(ends o-out) -ge 20000 ]" 20 'the first records at the sink'
  worker w stop
  expect_status w 0
  expect_equal 'delivered and committed' "$(summed w delivered)" "$(committed o o-in)"
  expect_equal 'abandoned' "$(summed w abandoned)" 0
  expect_equal 'at the sink' "$(ends o-out)" "$(committed o o-in)"
}

# Nothing can be confirmed: the second signal ends the wait, the records are counted, and none is lost.
in_a_hurry() {
  topic h-in --partitions 4
  topic h-out --partitions 4
  produce h-in --count 600000 --size 100
  sink_options='partition: source' # a record without a key may go elsewhere when it is read again
  pass_through h.yaml h h-in h-out </dev/null
  worker w start h.yaml --json --instance h # a static member: its successor has the partitions at once
  wait_for "[ \$(committed h h-in) -ge 20000 ]" 20 'the first commit'
  broker_crash
  worker w signal TERM
  wait_for "logged w 'a second signal gives it up'" 5
  local began
  began=$(now_ms)
  worker w signal INT
  worker w wait 30
  expect_at_most 'milliseconds after the second signal' $(($(now_ms) - began)) $((15000 * scale))
  expect_status w 3
  expect_log w 'h-in/[0-3]: ([0-9,]+ records? in flight (is|are) given up, from offset|the commit from offset)'
  broker_back
  worker again start h.yaml --until end --instance h
  worker again wait 60
  expect_status again 0
  verify --source h-in --output h-out --uncommitted 100000 --incidents 1 --group h
}

# A stage that never comes back: the worker leaves it behind, and says so.
stuck() {
  topic s-in --partitions 2
  topic s-out --partitions 2
  produce s-in --count 1000
  pass_through s.yaml s s-in s-out <<'END'
shutdown: 2s
batch: {records: 100}
stages:
  - each: |
      if record.offset == 300 then while true do end end
END
  worker w start s.yaml
  wait_for "[ \$(ends s-out) -ge 300 ]" 20 'the batches before the one that never ends'
  worker w signal TERM
  worker w wait 15
  expect_status w 3
  expect_log w '[0-9]00 records in flight are given up, from offset [0-9]+ on \(lane [0-9]+\)'
  expect_log w 'a lane is stuck in a stage'
}

# Every partition stands still: the run is over, committed exactly up to the record, with the way out.
all_stopped() {
  topic a-in --partitions 2
  topic a-out --partitions 2
  produce a-in --count 2000
  pass_through a.yaml a a-in a-out <<'END'
stages:
  - name: picky
    each: |
      if record.offset == 300 then error("not this one") end
    on_failure: stop
END
  worker w start a.yaml --json
  worker w wait 20
  expect_status w 1
  expect_log w 'a-in/0 stands still at offset 300: picky .*not this one; .*weir offsets a\.yaml --skip a-in/0@300 --yes'
  expect_log w 'a-in/1 stands still at offset 300'
  expect_equal 'committed' "$(committed a a-in)" 600
  expect_equal 'at the sink' "$(ends a-out)" 600
  expect_equal 'the sum' $(($(summed w delivered) + $(summed w abandoned))) "$(summed w in)"
}

fenced() {
  topic f-in --partitions 2
  topic f-out --partitions 2
  produce f-in --count 100
  pass_through f.yaml f f-in f-out </dev/null
  worker older start f.yaml --instance twin
  wait_for "[ \$(committed f f-in) = 100 ]" 20 'the older twin at work'
  worker newer start f.yaml --instance twin
  worker older wait 20
  expect_status older 4
  expect_log older "another worker joined group f as instance 'twin'"
  worker newer stop
  expect_status newer 0
}

# More workers than partitions: the one without work ends, too.
without_work() {
  topic n-in --partitions 1
  topic n-out --partitions 1
  produce n-in --count 1000
  pass_through n.yaml n n-in n-out </dev/null
  worker a start n.yaml --until end
  worker b start n.yaml --until end
  worker a wait 40
  worker b wait 40
  expect_status a 0
  expect_status b 0
  verify --source n-in --output n-out --exactly-once --group n
}

broker_real
it 'finishes what is in flight at a signal' in_order
it 'gives it up at the second signal, and says how much' in_a_hurry
it 'leaves a stuck stage behind' stuck
it 'ends when every partition stands still' all_stopped
it 'ends when a younger twin has its name' fenced
it 'ends without work when the others have it all' without_work
finish
