# shellcheck shell=bash
# lib.sh: what the lints share. A lint is a program that takes a tree (this one by default), writes "file:line: sentence" for
# every violation, and fails when there was one. tests/lint/selftest plants a violation for each of them.
set -euo pipefail
lint=$(basename "$0")
lint_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$lint_folder/../..}"
complaints=0

# files PATTERN...: paths that match one of the shell patterns, committed or new, without what is ignored.
files() {
  local path pattern
  {
    if [ -e .git ]; then git ls-files -co --exclude-standard; else find . -type f -printf '%P\n'; fi
  } | sort -u | while IFS= read -r path; do
    for pattern; do
      # shellcheck disable=SC2254 # it is a pattern
      case $path in $pattern) [ ! -e "$path" ] || printf '%s\n' "$path"; break ;; esac
    done
  done
}

complain() { # FILE LINE SENTENCE
  complaints=$((complaints + 1))
  printf '%s:%s: %s\n' "$1" "$2" "$3"
}

# Lines "FILE:LINE: SENTENCE" on stdin are complaints.
complain_all() {
  local line
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    complaints=$((complaints + 1))
    printf '%s\n' "$line"
  done
}

verdict() { # WHAT WAS LOOKED AT
  if [ "$complaints" = 0 ]; then
    printf '%s: fine (%s)\n' "$lint" "$1"
  else
    printf '%s: %d to mend\n' "$lint" "$complaints"
    exit 1
  fi
}
