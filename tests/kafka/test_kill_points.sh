#!/usr/bin/env bash
# needs: failpoints
# SIGKILL at named places of the worker (FAILPOINT in the source), and start again: nothing is lost, what is repeated stays within
# the bound, no commit is ahead of what came out or goes back. Each series has its own topics and visits every point once, in
# random order; ten points in an ordinary run, 7 series with WEIR_LONG, KILLS=1500 or MINUTES=30 as many as it takes.
# SEED=... repeats the order and the moments. What was run is in kill_points.tsv of the build.
. "$(dirname "$0")/lib.sh"
ledger=$build/kill_points.tsv
: "${SEED:=$$}"
RANDOM=$SEED
uncommitted=1000 partitions=4
# A record without a key may go elsewhere when it is read again. The linger keeps much unconfirmed at any moment.
sink_options='partition: source, properties: {linger.ms: 20}'

mapfile -t points < <(grep -rhoE 'FAILPOINT\([a-z_]+\)' "$root/runtime" --include='*.c' | sed -E 's/.*\((.*)\)/\1/' | sort)
twice=$(printf '%s\n' "${points[@]}" | uniq -d)
[ -z "$twice" ] || { echo "not ok - kill_points: more than one place is named $twice"; exit 1; }

# --- one kill ----------------------------------------------------------------------------------------------------------

# At which passing: some are passed once in a run, some for each batch, some for each record.
passing_of() { # POINT
  case $1 in
    in_assign | start_committed | assigned | in_shutdown | left_group) echo 1 ;;
    in_revoke | in_drain | drained | prefix_committed | before_unassign | after_unassign) echo 1 ;;
    in_produce | reported) echo $((1 + RANDOM % 2000)) ;;
    *) echo $((1 + RANDOM % 8)) ;;
  esac
}

# How the worker is brought there, beside its work.
way_to() { # POINT
  case $1 in
    in_shutdown | left_group) echo signal ;;
    in_revoke | in_drain | drained | prefix_committed | before_unassign | after_unassign)
      if [ $((RANDOM % 3)) = 0 ]; then echo guest; else echo signal; fi
      ;;
    *) echo work ;;
  esac
}

# A static member, so that its successor has the partitions at once.
start_worker() {
  : >"$folder/a.log"
  worker a start "$name.yaml" --instance one "$@"
}

kill_at() { # POINT
  local point=$1 passing way
  passing=$(passing_of "$point") way=$(way_to "$point")
  note_ledger "$point" "$passing" "$way" begun
  WEIR_FAILPOINT=$point:$passing WEIR_FAILPOINT_LOG=$folder/hits start_worker
  case $way in
    signal)
      wait_for "logged a 'assigned: .*, $partitions in all'" 30 "the assignment before $point"
      pause_ms $((RANDOM % 200)) # the moment is what is tested
      worker a signal TERM
      ;;
    guest)
      wait_for "logged a 'assigned: .*, $partitions in all'" 30 "the assignment before $point"
      worker guest start "$name.yaml"
      ;;
  esac
  worker a wait 40
  expect_equal "how the worker ended at $point:$passing ($way)" "$(<"$folder/a.status")" 137
  # Other threads may pass a point until the signal arrives.
  expect_equal 'where it was killed' "$(grep '^killed' "$folder/hits" | tail -n 1)" "killed $point $passing"
  if [ "$way" = guest ]; then
    start_worker
    wait_for "[ -n \"\$(shares $name)\" ]" 30 'the group, settled'
    worker guest stop
    # A record that waits for its next attempt is given up at once, and that is status 3.
    expect_match 'exit status of the guest' "$(<"$folder/guest.status")" '^[03]$'
    no_report guest
    worker a kill
    kills=$((kills + 1))
    note_ledger "-" 0 killed-beside-guest killed
  fi
  kills=$((kills + 1))
  note_ledger "$point" "$passing" "$way" killed
}

note_ledger() { # POINT PASSING WAY RESULT
  printf '%(%FT%TZ)T\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' -1 "$commit" "$SEED" "$series" "$1" "$2" "$3" "$4" >>"$ledger"
}

# --- one series --------------------------------------------------------------------------------------------------------

pipeline() {
  pass_through "$name.yaml" "$name" "$name-in" "$name-out" <<END_OF_FILE
batch: {records: 100}
commit: {every: 50ms, uncommitted: $uncommitted}
dead_letter: {topic: $name-dead}
stages:
  - each: record.json.passed = true
  - name: picky
    each: |
      if record.json.id % 97 == 0 and record.attempt < 2 then return record:retry("once more") end
      if record.json.id % 61 == 0 then return record:reject("not this one") end
    retry: {attempts: 3, backoff: 5ms..20ms}
    on_failure: dead_letter
END_OF_FILE
}

series() {
  local point said kills=0
  topic "$name-in" --partitions "$partitions"
  topic "$name-out" --partitions "$partitions"
  topic "$name-dead" --partitions 2
  pipeline
  "$probe" produce "$name-in" --count 100000000 --rate 5000 >producer.log 2>&1 &
  echo $! >producer.pid
  watch_commits "$name" "$name-in" --output "$name-out" --dead "$name-dead"
  for point in $wanted; do kill_at "$point"; done
  kill "$(<producer.pid)" && : >producer.status
  start_worker --until end
  worker a wait 120
  expect_status a 0
  watch_end
  said=$(verify --source "$name-in" --output "$name-out" --dead "$name-dead" --contains '"passed":true' \
    --uncommitted "$uncommitted" --incidents "$kills" --commits commits --group "$name") || fail '%s' "$said"
  note_ledger "-" 0 verified "$(tail -n 1 <<<"$said")"
  note "SEED=$SEED, $kills kills: $(tail -n 1 <<<"$said")"
  echo "$kills" >kills
}

# --- all of them -------------------------------------------------------------------------------------------------------

some() { if [ "$count" -ge ${#points[@]} ]; then printf '%s\n' "${points[@]}"; else pick "$count"; fi; }
pick() { shuffled "${points[@]}" | head -n "$1"; }
shuffled() { local each; for each; do printf '%d %s\n' $RANDOM "$each"; done | sort -n | cut -d' ' -f2; }

broker_real
commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
count=10
if [ "${WEIR_LONG:-0}" = 1 ] || [ -n "${KILLS:-}${MINUTES:-}" ]; then count=${#points[@]}; fi
if [ "${WEIR_LONG:-0}" = 1 ]; then : "${KILLS:=200}"; fi
total=0 until=$((SECONDS + ${MINUTES:-0} * 60))
for ((series = 1; ; series++)); do
  name=k$series
  RANDOM=$((SEED + series))
  # shellcheck disable=SC2046 # names
  wanted=$(shuffled $(some))
  RANDOM=$((SEED + series))
  # A function of its own name, so that each series has its own folder.
  eval "series_$series() { series; }"
  it "loses nothing in series $series, killed at ${count} points of ${#points[@]}" "series_$series"
  [ -e "$folder/kills" ] || break
  total=$((total + $(<"$folder/kills")))
  [ "$total" -lt "${KILLS:-0}" ] || [ $SECONDS -lt $until ] || break
done
echo "#   $total kills, seed $SEED; the ledger: $ledger"
finish
