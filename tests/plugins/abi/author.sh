#!/bin/sh
# What docs/PLUGINS.md says is so: its first example builds with the command beside it and shows its options, and every rule of
# the host stands in its table. usage: author.sh SOURCE_FOLDER WEIR WORK_FOLDER
set -eu
source=$1 weir=$2 work=$3
page=$source/docs/PLUGINS.md
rm -rf "$work"
mkdir -p "$work"

awk '/^```c$/ {inside = !done; next} /^```$/ {if (inside) done = 1; inside = 0} inside' "$page" > "$work/my_stage.c"
command=$(awk '/^cc .*my_stage.c$/ {print; exit}' "$page")
test -n "$command" || { echo "the page has no command that builds my_stage.c" >&2; exit 1; }
(cd "$work" && C_INCLUDE_PATH=$source/include sh -c "$command -Wextra -pedantic -Werror")
shown=$(cd "$work" && "$weir" plugins ./my_stage.so)
case $shown in *"my_stage 1.0.0: Drops short records."*"bytes_min        int, required"*) ;; *)
  echo "weir plugins ./my_stage.so says: $shown" >&2
  exit 1
  ;;
esac

rules=$(awk -F'"' '/^    \[RULE_/ {print $2}' "$source/runtime/plugin/host.c")
count=0
while IFS= read -r rule; do
  grep -qF "| $rule |" "$page" || { echo "docs/PLUGINS.md does not have the rule: $rule" >&2; exit 1; }
  count=$((count + 1))
done << LIST
$rules
LIST
test "$count" -ge 20
grep -o 'tests/plugins/[a-z_/]*\.[a-z]*' "$page" | sort -u | while IFS= read -r name; do
  test -f "$source/$name" || { echo "docs/PLUGINS.md names $name, which is not there" >&2; exit 1; }
done
echo "the example builds, $count rules are told"
