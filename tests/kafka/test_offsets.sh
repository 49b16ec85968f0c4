#!/usr/bin/env bash
# `weir offsets` tells the truth about a group, and changes it only when asked twice and while nobody works.
. "$(dirname "$0")/lib.sh"
broker_real

offsets_of() { "$probe" offsets "$1" "$2" | cut -d' ' -f2 | tr '\n' ' ' | sed 's/ $//'; }

shows() {
  topic sh-in --partitions 2
  topic sh-out
  produce sh-in --count 20
  pass_through sh.yaml sh sh-in sh-out </dev/null
  run_weir offsets sh.yaml
  expect_equal status "$status" 0
  expect_match table "$out" '^sh-in +0 +0 +10 +- +10  nothing committed: starts at the oldest record'
  expect_match sum "$out" '^20 records to read in 2 partitions'
  worker a start sh.yaml --until end
  worker a wait
  expect_status a 0
  run_weir offsets sh.yaml
  expect_match table "$out" '^sh-in +1 +0 +10 +10 +0$'
  run_weir offsets sh.yaml --json
  expect_equal json "$(jq -c '[.group, .state, (.partitions | map([.first, .end, .committed, .lag]))]' <<<"$out")" \
    '["sh","Empty",[[0,10,10,0],[0,10,10,0]]]'
}

resets() {
  topic re-in --partitions 2
  topic re-out
  produce re-in --count 20
  pass_through re.yaml re re-in re-out </dev/null
  run_weir offsets re.yaml --reset offset:4
  expect_equal status "$status" 0
  expect_match plan "$out" 'Nothing was changed'
  expect_equal 'committed by the plan alone' "$(offsets_of re re-in)" '- -'
  run_weir offsets re.yaml --reset offset:4 --yes
  expect_equal committed "$(offsets_of re re-in)" '4 4'
  run_weir offsets re.yaml --reset shift:-3 --partition 1 --yes
  expect_match plan "$out" '3 read again'
  expect_equal 'one partition' "$(offsets_of re re-in)" '4 1'
  run_weir offsets re.yaml --reset latest --topic re-in --yes
  expect_equal latest "$(offsets_of re re-in)" '10 10'
  run_weir offsets re.yaml --reset timestamp:1970-01-02 --yes
  expect_equal 'by time' "$(offsets_of re re-in)" '0 0'
  run_weir offsets re.yaml --reset timestamp:2200-01-01T00:00:00+02:00 --yes
  expect_match plan "$out" 'no record is that late'
  expect_equal 'a time to come' "$(offsets_of re re-in)" '10 10'
  run_weir offsets re.yaml --reset offset:11 --yes
  expect_equal 'status of what cannot be read' "$status" 1
  expect_match sentence "$err" 're-in/0 holds the offsets 0 to 10'
  expect_equal 'nothing was changed' "$(offsets_of re re-in)" '10 10'
  run_weir offsets re.yaml --reset sideways
  expect_equal 'status of nonsense' "$status" 2
  # And a worker goes on from there.
  run_weir offsets re.yaml --reset earliest --yes
  worker a start re.yaml --until end
  worker a wait
  verify --source re-in --output re-out --duplicates-max 0
}

skips() {
  topic sk-in
  produce sk-in --count 5
  topic sk-out
  pass_through sk.yaml sk sk-in sk-out </dev/null
  run_weir offsets sk.yaml --reset offset:3 --yes
  run_weir offsets sk.yaml --skip sk-in/0@2 --yes
  expect_equal status "$status" 1
  expect_match sentence "$err" 'stands at 3, not at 2'
  run_weir offsets sk.yaml --skip sk-in/0@3
  expect_equal 'without --yes' "$(offsets_of sk sk-in)" 3
  run_weir offsets sk.yaml --skip sk-in/0@3 --yes
  expect_equal committed "$(offsets_of sk sk-in)" 4
}

refuses_while_members_work() {
  topic me-in
  topic me-out
  produce me-in --count 5
  pass_through me.yaml me me-in me-out </dev/null
  worker a start me.yaml --instance anna
  wait_for "[ \"\$(committed me me-in)\" = 5 ]" 30 'the worker to commit'
  run_weir offsets me.yaml --reset earliest --yes
  expect_equal status "$status" 1
  expect_match members "$err" "group me has 1 member, .*"
  expect_match static "$err" "static as 'anna': .* within 45 s"
  expect_equal 'nothing was changed' "$(committed me me-in)" 5
  worker a stop
}

mistakes() {
  topic mi-in
  topic mi-out
  pass_through mi.yaml mi mi-im mi-out </dev/null
  run_weir offsets mi.yaml
  expect_equal status "$status" 1
  expect_match sentence "$err" "topic 'mi-im' does not exist.*near: 'mi-in'"
  WEIR_BROKERS=127.0.0.1:1 run_weir offsets mi.yaml
  expect_equal status "$status" 1
  expect_match sentence "$err" 'no broker answers at 127.0.0.1:1'
}

it 'shows what is committed and where a worker would start' shows
it 'shows a plan, and carries it out when asked' resets
it 'goes on behind the one record that the group stands on' skips
it 'changes nothing while the group has members, and names them' refuses_while_members_work
it 'names what is wrong' mistakes
finish
