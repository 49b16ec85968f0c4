# report.jq: from the lines of bench.jsonl to medians, tables and bars.

def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def spread: {median: median, min: min, max: max};

# Each run with the numbers that are compared.
def numbers:
  if .wall_s then {rate: (.records / .wall_s), cpu: (.cpu_s / .records * 1e6), mib: .peak_mib}
  elif .first_s then {first: .first_s}
  else {p50: .p50_ms, p99: .p99_ms, p999: .["p99.9_ms"], cpu_s: .cpu_s, lost: (.sent - .received)} end;

# A contender beside the yardstick, pair by pair.
def contender($base):
  . as $runs
  | {contender: $runs[0].contender, pairs: ($runs | length)} +
    ($runs | map(numbers) | . as $list | .[0] | keys | map(. as $key | {key: $key, value:
      (($list | map(.[$key]) | spread) + {ratio:
        ([range(0; [($list | length), ($base | length)] | min) as $i | select($base[$i][$key] > 0) | $list[$i][$key] / $base[$i][$key]] | median)})})
    | from_entries);

def in_order(f): reduce .[] as $item ([]; if any(.[]; f == ($item | f)) then . else . + [$item] end) | map(f);

def workload:
  . as $lines
  | {workload: .[0].workload, missing: map(select(.missing) | {contender, missing}),
     contenders: (map(select(.missing | not)) | . as $runs | in_order(.contender) as $names
       | ($runs | map(select(.contender == $names[0])) | map(numbers)) as $base
       | $names | map(. as $name | $runs | map(select(.contender == $name)) | contender($base)))};

def summary: . as $lines | in_order(.workload) | map(. as $name | $lines | map(select(.workload == $name)) | workload);

# --- tables ----------------------------------------------------------------------------------------------------------

def titles: {
  pass_100: "Pass-through, 100 bytes", pass_1000: "Pass-through, 1,000 bytes", filter: "A filter in C, one of ten dropped",
  lua_filter: "A filter in Lua on a field of the JSON value, one of ten kept",
  json: "JSON of some 215 bytes: one of ten kept, a field added; the loop does it by searching bytes",
  lua_add: "A field added to every JSON value, in Lua; the loop copies bytes", delivery: "at_least_once and exactly_once, 100 bytes",
  partitions_1: "1 partition", partitions_64: "64 partitions", partitions_256: "256 partitions", lanes: "One lane and two, 100 bytes",
  start: "From the start of the process to the first record in the output",
  latency_1000: "End to end at 1,000 records/s", latency_20000: "End to end at 20,000 records/s"};
def names: {loop: "bare loop", loop_reports: "bare loop, reports on their own thread", weir: "weir", weir_lua: "weir, in Lua", rsyslog: "rsyslog",
  weir_1_lane: "weir, 1 lane", weir_2_lanes: "weir, 2 lanes", weir_exactly_once: "weir, exactly_once"};

def fixed($digits): pow(10; $digits) as $scale | (. * $scale | round) as $n
  | ($n / $scale | floor | tostring) + if $digits == 0 then "" else "." + (("000" + ($n % $scale | tostring))[-$digits:]) end;
def thousands: (. / 1000 | fixed(0)) + "k";
def range_of(f): "\(.min | f) - **\(.median | f)** - \(.max | f)";
def ratio: if .ratio then .ratio | fixed(2) else "" end;

def header:
  if .rate then "| | records/s: min - median - max | ratio | CPU s per million | ratio | peak MiB | ratio |\n|---|---|---|---|---|---|---|"
  elif .first then "| | s: min - median - max | ratio |\n|---|---|---|"
  else "| | p50 ms | ratio | p99 ms | ratio | p99.9 ms | ratio |\n|---|---|---|---|---|---|---|" end;
def row:
  "| \(names[.contender]) | " +
  if .rate then "\(.rate | range_of(thousands)) | \(.rate | ratio) | \(.cpu | range_of(fixed(2))) | \(.cpu | ratio) | \(.mib | range_of(fixed(0))) | \(.mib | ratio) |"
  elif .first then "\(.first | range_of(fixed(2))) | \(.first | ratio) |"
  else "\(.p50 | range_of(fixed(2))) | \(.p50 | ratio) | \(.p99 | range_of(fixed(2))) | \(.p99 | ratio) | \(.p999 | range_of(fixed(2))) | \(.p999 | ratio) |" end;
def table: "**\(titles[.workload])**\n\n" + ([(.contenders[0] | header), (.contenders[] | row)] | join("\n")) +
  ([.missing[] | "\n\n\(names[.contender]): \(.missing)."] | join(""));
def tables: map(table) | join("\n\n");

def short_row: . as $workload | .contenders[0] as $base | .contenders[1:][] | select(.contender | startswith("weir"))
  | "| \(titles[$workload.workload])\(if .contender == "weir" then "" else " (\(names[.contender] | ltrimstr("weir, ")))" end) | \(.rate.median | thousands) | \(.rate | ratio) | \(.cpu | ratio) | \(.mib | ratio) |";
def short_table:
  "| | records/s | ratio | CPU per record | peak memory |\n|---|---|---|---|---|\n" +
  ([.[] | select(.workload | IN("pass_100", "pass_1000", "filter", "json", "lua_filter")) | short_row] | join("\n"));

# --- bars ------------------------------------------------------------------------------------------------------------

def at($workload; $contender): (map(select(.workload == $workload)) | .[0].contenders // [] | map(select(.contender == $contender)) | .[0]);
def quotient($a; $b): if $a and $b then $a / $b else null end;
def bar($what; $value; $sign; $limit):
  "| \($what) | \(if $sign == "<" then "at most" else "at least" end) \($limit) | " +
  if $value == null then "not measured | |" else "\($value | fixed(2)) | \(if (if $sign == "<" then $value <= $limit else $value >= $limit end) then "yes" else "**no**" end) |" end;

def bars($instructions):
  . as $all
  | ($instructions | split("\n") | map(select(test("^[a-z_]+ [0-9.]+$")) | split(" ") | {key: .[0], value: (.[1] | tonumber)}) | from_entries) as $count
  | at("pass_100"; "weir") as $pass | at("pass_100"; "loop_reports") as $second | at("pass_100"; "rsyslog") as $rsyslog
  | at("pass_1000"; "weir") as $large | at("partitions_256"; "weir") as $many
  | ["| what | bar | measured | met |", "|---|---|---|---|",
    bar("pass-through 100 B, records/s, of the bare loop"; $pass.rate.ratio; ">"; 1.25),
    bar("the same, of the bare loop with a thread for reports"; quotient($pass.rate.ratio; $second.rate.ratio); ">"; 1.0),
    bar("pass-through 100 B, CPU per record"; $pass.cpu.ratio; "<"; 0.9),
    bar("pass-through 100 B, peak memory"; $pass.mib.ratio; "<"; 0.5),
    bar("pass-through 1 KB, records/s"; $large.rate.ratio; ">"; 1.0),
    bar("pass-through 1 KB, CPU per record"; $large.cpu.ratio; "<"; 1.0),
    bar("weir's own instructions a record, pass-through"; $count.pass; "<"; 150),
    bar("instructions a record, a further stage in C"; quotient($count.stages - $count.stage; 1); "<"; 60),
    bar("JSON filter and edit, json plugin, CPU per record, of a search for bytes"; at("json"; "weir").cpu.ratio; "<"; 1.3),
    bar("the same in Lua"; at("json"; "weir_lua").cpu.ratio; "<"; 1.8),
    bar("exactly_once, records/s, of at_least_once"; at("delivery"; "weir_exactly_once").rate.ratio; ">"; 0.85),
    bar("1,000 records/s, p50, of the bare loop with linger 0"; at("latency_1000"; "weir").p50.ratio; "<"; 1.7),
    bar("1,000 records/s, p99"; at("latency_1000"; "weir").p99.ratio; "<"; 2.5),
    bar("start to the first record, of the bare loop without a group"; at("start"; "weir").first.ratio; "<"; 3),
    bar("256 partitions, records/s, of 8"; quotient($many.rate.median; $pass.rate.median); ">"; 0.85),
    bar("256 partitions, peak memory, of 8"; quotient($many.mib.median; $pass.mib.median); "<"; 1.5),
    bar("records/s, of rsyslog"; quotient($pass.rate.ratio; $rsyslog.rate.ratio); ">"; 1.5),
    bar("CPU per record, of rsyslog"; quotient($pass.cpu.ratio; $rsyslog.cpu.ratio); "<"; 0.6)]
  | join("\n");
