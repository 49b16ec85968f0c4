#!/bin/sh
# Every plugin exports its entry and nothing else. usage: exports.sh FOLDER... ; what is named refused_* may differ.
set -eu
looked_at=0
for folder in "$@"; do
  for file in "$folder"/*.so; do
    case $file in */refused_*.so | */\*.so) continue ;; esac
    exported=$(nm -D --defined-only "$file" | awk '{print $NF}' | sort | tr '\n' ' ')
    if [ "$exported" != "weir_plugin_v1 " ]; then
      echo "$file exports: $exported; expected weir_plugin_v1 alone" >&2
      exit 1
    fi
    looked_at=$((looked_at + 1))
  done
done
echo "$looked_at plugins export weir_plugin_v1 alone"
test "$looked_at" -ge 5
