#!/usr/bin/env bash
# The shape of Kafka's own transactions_test: records are copied while workers are killed and stopped, members come and go, the broker
# dies, a worker stands still past its session time-out and comes back, and two workers claim one identity. Nothing may be lost; what is
# repeated stays within `commit.uncommitted` records of a partition for each incident. WEIR_LONG: 100,000 records in each play,
# twenty hard and twenty clean ends, five deaths of the broker. SEED=... repeats the moments.
. "$(dirname "$0")/lib.sh"
broker_real
: "${SEED:=$$}"
RANDOM=$SEED
deliveries=at_least_once uncommitted=2000 partitions=8
if [ "${WEIR_LONG:-0}" = 1 ]; then
  records=100000 bounces=20 outages=5 zombies=3
else
  records=20000 bounces=3 outages=0 zombies=1
fi
# A record without a key may go elsewhere when it is read again. The linger keeps much unconfirmed at any moment.
sink_options='partition: source, properties: {linger.ms: 20}'

# One play's topics, pipeline, producer and watch. The producer takes so many seconds, that there is work until the last incident.
begin() { # NAME SECONDS
  name=$1 incidents=0 overlapping=''
  note "SEED=$SEED"
  topic "$name-in" --partitions "$partitions"
  topic "$name-out" --partitions "$partitions"
  pass_through "$name.yaml" "$name" "$name-in" "$name-out" <<END_OF_FILE
delivery: $delivery
batch: {records: 200}
commit: {every: 100ms, uncommitted: $uncommitted}
stages:
  - each: record.json.passed = true
END_OF_FILE
  sed -i 's/^kafka: {\(.*\)}$/kafka: {\1, properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 500}}/' "$name.yaml"
  "$probe" produce "$name-in" --count "$records" --rate $((records / $2)) >producer.log 2>&1 &
  producer=$!
  watch_commits "$name" "$name-in" --output "$name-out"
}

# What the workers' logs call an incident: a machine that stands still makes more of them than a play does. The lines of one second
# are about one: each partition has its own.
logged_incidents() {
  { grep -HoE '^[-0-9T:]{19}.*((is|are) lost: |given up, from offset|was not confirmed; what the group)' "$folder"/*.log || true; } |
    sed -E 's/^([^:]*:[-0-9T:]{19}).*/\1/' | sort -u | wc -l
}

end() { # WORKER...: they work it off, and end
  local each
  wait "$producer" || fail 'the producer: %s' "$(<producer.log)"
  wait_for "[ \"\$(committed $name $name-in)\" = $records ]" 120 'everything to be committed'
  for each; do worker "$each" stop; done
  for each; do expect_status "$each" 0; done
  watch_end
  incidents=$((incidents + $(logged_incidents)))
  # shellcheck disable=SC2046 # options
  verify --source "$name-in" --output "$name-out" --contains '"passed":true' --commits commits --group "$name" $(promised) >judged
  note "$incidents incidents: $(tail -n 1 judged)"
}

promised() {
  case $delivery in
    at_least_once) echo "--uncommitted $uncommitted --incidents $incidents${overlapping:+ --overlapping}" ;;
    exactly_once) echo '--exactly-once --isolation read_committed' ;;
  esac
}

start() { worker "$1" start "$name.yaml" --instance "$1"; }

# In order, unless the machine was too slow for it: then it says so, and that is an incident.
stop_cleanly() {
  worker "$1" stop
  expect_match "exit status of worker $1" "$(<"$folder/$1.status")" '^[03]$'
  no_report "$1"
}

bounces() {
  local n victim
  begin b $((bounces * 2))
  start one
  start two
  for ((n = 0; n < bounces; n++)); do
    pause_ms $((RANDOM % 400)) # the moments are what is tested
    if [ $((RANDOM % 2)) = 0 ]; then victim=one; else victim=two; fi
    worker "$victim" kill
    incidents=$((incidents + 1))
    start "$victim"
    pause_ms $((RANDOM % 400))
    if [ $((RANDOM % 2)) = 0 ]; then victim=one; else victim=two; fi
    stop_cleanly "$victim"
    start "$victim"
    [ $((n % 3)) = 0 ] || continue
    worker guest start b.yaml # a dynamic member: it moves partitions, and again when it leaves
    wait_for "[ \"\$(shares b)\" = '2 3 3' ]" 60 'a third member'
    stop_cleanly guest
  done
  end one two
}

broker_deaths() {
  local n before
  begin d $((outages * 8))
  overlapping=yes
  # Nobody loses a partition within the session time-out, so there is no more to repeat than a commit without an answer.
  sed -i 's/session.timeout.ms: 6000/session.timeout.ms: 45000/' d.yaml
  worker one start d.yaml
  worker two start d.yaml
  for ((n = 0; n < outages; n++)); do
    wait_for 'before=$(ends d-out)' 60 'the output to answer'
    wait_for "[ \"\$(ends d-out)\" -gt $((before + records / outages / 8)) ]" 60 'records to come out'
    if [ $((n % 2)) = 0 ]; then broker_crash; else broker_halt; fi
    incidents=$((incidents + 1))
    pause_ms $((RANDOM % 1000)) # for so long nobody answers
    broker_back
  done
  end one two
}

# Whether its log says last that it took partitions, so many in all: the group knows of them earlier.
holds() { [[ $(grep -oE 'assigned: .*, [0-9]+ in all|revoked| lost: ' "$folder/$1.log" | tail -n 1) == assigned*", $2 in all" ]]; }
times_lost() { grep -cE '(is|are) lost: another member may have' "$folder/$1.log"; }

# Stopped for longer than the group waits, then alive again: what it commits late is refused, what it writes late is a repetition.
zombies() {
  local n zombie other before
  begin z $((zombies * 9))
  overlapping=yes
  worker one start z.yaml
  worker two start z.yaml
  zombie=one other=two
  for ((n = 0; n < zombies; n++)); do
    wait_for '[ "$(shares z)" = "4 4" ] && holds one 4 && holds two 4' 60 'two members'
    before=$(times_lost "$zombie") || true
    worker "$zombie" signal STOP # an incident, which its log tells of
    wait_for '[ "$(shares z)" = 8 ]' 60 'the other to have all'
    worker "$zombie" signal CONT
    wait_for "[ \"\$(times_lost $zombie)\" -gt $before ]" 60 'the zombie to know'
    expect_equal "worker $zombie lives" "$(worker_alive "$zombie" && echo yes)" yes
    read -r zombie other <<<"$other $zombie"
  done
  wait_for '[ "$(shares z)" = "4 4" ] && holds one 4 && holds two 4' 60 'two members in the end'
  end one two
}

twins() {
  local n
  begin t $((zombies * 4))
  start_twin 0
  for ((n = 0; n < zombies; n++)); do
    wait_for "holds twin$n $partitions" 60 'the older twin at work'
    pause_ms $((RANDOM % 1000)) # the moment is what is tested
    start_twin $((n + 1))
    worker "twin$n" wait 60
    expect_status "twin$n" 4
    logged "twin$n" 'was not confirmed|given up, from' || incidents=$((incidents + 1))
  done
  end "twin$n"
}
start_twin() { worker "twin$1" start t.yaml --instance twin; }

for delivery in $deliveries; do
  it "$delivery: loses nothing of $records records in $bounces kills and $bounces clean ends, with members coming and going" bounces
  [ $outages = 0 ] || it "$delivery: loses nothing of $records records in $outages deaths of the broker" broker_deaths
  it "$delivery: loses nothing of $records records to a zombie" zombies
  it "$delivery: loses nothing of $records records to a twin" twins
done
finish
