#!/bin/sh
# `weir plugins`: the list, one plugin, JSON, and what is said of a name that is not there.
# usage: command.sh WEIR FIXTURES
set -eu
weir=$1 fixtures=$2
unset WEIR_PLUGIN_PATH

# expect WHAT TEXT: the text stands in $output
expect() {
  case $output in *"$2"*) ;; *) printf '%s: expected "%s" in:\n%s\n' "$1" "$2" "$output" >&2; exit 1 ;; esac
}

output=$("$weir" plugins --plugin-path "$fixtures" 2>/dev/null)
expect list "drop_short"
expect list "1.2.3     stage        Drops records whose value is too short."
expect list "async_enrich:async_enrich_unordered"
expect list "kafka"
output=$("$weir" plugins --plugin-path "$fixtures" 2>&1 >/dev/null)
expect refusals "refused_major.so is built for version 2 of the plugin interface"

output=$("$weir" plugins drop_short --plugin-path "$fixtures")
expect one "drop_short 1.2.3: Drops records whose value is too short."
expect one "bytes_min        int, required"
expect one "keep records at least this long"
output=$("$weir" plugins "$fixtures/every_option.so")
expect one "first|second|third, default: second"

output=$("$weir" plugins --json --plugin-path "$fixtures")
expect json '{"name":"drop_short","plugin":"drop_short","version":"1.2.3"'
expect json '"options":[{"name":"bytes_min","type":"int","required":true,"help":"keep records at least this long"}]}'
expect json '"choices":["first","second","third"]'
expect json 'endless.so","refusal":"'

status=0
output=$("$weir" plugins drop_shrt --plugin-path "$fixtures" 2>&1) || status=$?
expect "a missing one" 'did you mean "drop_short"?'
test "$status" -eq 2 || { echo "a missing one: exit code $status, expected 2" >&2; exit 1; }
echo "weir plugins says what it should"
