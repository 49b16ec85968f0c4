#!/usr/bin/env bash
# `weir explain`: what a running worker says of each partition, and who is asked.
. "$(dirname "$0")/lib.sh"

# One partition that stands still, one that waits for an attempt, one that has nothing to do.
orders() {
  pass_through orders.yaml orders orders orders-out <<'END'
stages:
  - name: price
    retry: {attempts: 1000000, backoff: 60s..60s}
    on_failure: stop
    each: |
      if record.partition == 0 and record.offset == 118 then record:retry("no answer") end
      if record.partition == 1 and record.offset == 50 then record:reject("no_price", "it costs nothing") end
END
}

# Numbers, and what depends on when the lane looked.
without_numbers() { sed -E '/nothing more of it is read meanwhile/d; s/[0-9][0-9,.]*( (ms|s|min|h))?/N/g; s/N( N)+/N/g'; }

# The example of the page: from the command to the end of the block.
shown_in_docs() { awk '/^\$ weir explain orders.yaml/ { on = 1; next } /^```/ { on = 0 } on' "$root/docs/OPERATIONS.md"; }

each_partition() {
  topic orders --partitions 3
  topic orders-out --partitions 3
  produce orders --count 1200
  orders
  worker w start orders.yaml
  wait_for "logged w 'orders/1 stands still' && run_weir explain orders.yaml orders/2 && [[ \$out = *'up to date'* ]] &&
    run_weir explain orders.yaml orders/0 && [[ \$out = *retrying* ]]" 20 'the three states'
  run_weir explain orders.yaml
  expect_equal 'status' "$status" 0
  expect_equal 'what docs/OPERATIONS.md shows' "$(without_numbers <<<"$out")" "$(shown_in_docs | without_numbers)"
  expect_match 'what it says' "$out" 'retrying the record at offset 118 in stage price: attempt 2 of 1000000 in '
  expect_match 'what it says' "$out" 'stands still: .*it costs nothing; to leave the record at offset 50 out'
  run_weir explain orders.yaml orders/0 --json
  expect_equal 'state' "$(jq -r '.partitions[0].state' <<<"$out")" retrying
  expect_equal 'held by' "$(jq -r '.partitions[0].held_by | "\(.offset) \(.at) \(.attempt)"' <<<"$out")" '118 stage price 2'
  worker w stop
  expect_equal 'sockets left' "$(find "$stage/weir" -name '*.sock')" ''
}

# Two workers are both asked; one that was killed is not waited for.
everyone() {
  topic two --partitions 4
  topic two-out --partitions 4
  produce two --count 400
  pass_through two.yaml two two two-out </dev/null
  worker a start two.yaml
  worker b start two.yaml
  wait_for "[ \"\$(shares two)\" = '2 2' ] && [ \$(committed two two) = 400 ]" 30 'two partitions each'
  wait_for "run_weir explain two.yaml && [ \$(grep -c 'up to date' <<<\"\$out\") = 4 ]" 10 'four partitions of two workers'
  worker a kill
  worker b stop
  run_weir explain two.yaml
  expect_equal 'status' "$status" 1
  expect_match 'what it says' "$err" 'no worker of this user runs two.yaml on this host'
  expect_equal 'sockets left' "$(find "$stage/weir" -name '*.sock')" ''
}

# A lane inside a stage cannot answer; where it is can be said all the same.
a_lane_that_hangs() {
  topic h --partitions 1
  topic h-out --partitions 1
  produce h --count 100
  pass_through h.yaml h h h-out <<'END'
stages:
  - name: endless
    each: while true do end
END
  worker w start h.yaml
  wait_for "run_weir explain h.yaml h/0 && [[ \$out = *'does not answer: it is in stage endless, process() of h/0, offsets 0 to'* ]]" \
    20 'the stage that it is in'
  worker w kill
}

elsewhere() {
  topic away --partitions 1
  topic away-out --partitions 1
  pass_through away.yaml away away away-out </dev/null
  run_weir explain away.yaml away/0
  expect_equal 'status' "$status" 1
  expect_match 'what it says' "$err" 'no member of group away has away/0|the group cannot be asked'
  worker w start away.yaml --instance twin
  wait_for "run_weir explain away.yaml && [[ \$out = *'up to date'* ]]" 20
  mkdir -m 700 "$folder/other"
  XDG_RUNTIME_DIR=$folder/other run_weir explain away.yaml away/0
  expect_equal 'status' "$status" 1
  expect_match 'what it says' "$err" 'the member .* on .* has it \(instance twin\): ask there'
  run_weir explain away.yaml away
  expect_equal 'status' "$status" 2
  worker w stop
}

broker_real
it 'says what holds each partition back, as the page shows' each_partition
it 'asks all workers of the file, and clears the sockets of dead ones away' everyone
it 'names the stage of a lane that cannot answer' a_lane_that_hangs
it 'says who has a partition that nobody here has' elsewhere
finish
