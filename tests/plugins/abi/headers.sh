#!/bin/sh
# Each public header compiles alone, in every language that it promises, with every compiler that is here; so does the layout.
# usage: headers.sh INCLUDE_FOLDER LAYOUT_FOLDER WORK_FOLDER
set -eu
include=$1 layout=$2 work=$3
warnings="-Wall -Wextra -pedantic -Wshadow -Wundef -Werror"
mkdir -p "$work"
compiled=0

# compile LANGUAGE FILE COMPILER...
compile() {
  language=$1 file=$2
  shift 2
  for compiler in "$@"; do
    command -v "$compiler" > /dev/null || { echo "$compiler is not here: left out"; continue; }
    for standard in $standards; do
      # shellcheck disable=SC2086 # the warnings are words
      "$compiler" -x "$language" -std="$standard" $warnings -I"$include" -I"$layout" -c "$file" -o "$work/out.o" || {
        echo "$file does not compile with $compiler -std=$standard" >&2
        exit 1
      }
      compiled=$((compiled + 1))
    done
  done
}

headers=$(cd "$include" && find weir -name '*.h' | sort)
for header in $headers layout.h; do
  # Included twice: the guard is tried as well. The macros are used, or they would not be compiled.
  {
    echo "#include <$header>"
    echo "#include <$header>"
    echo "int reaches(const weir_host *host, const weir_batch *batch);"
    echo "int reaches(const weir_host *host, const weir_batch *batch) {"
    echo "  return WEIR_HAS(host, weir_host, extension) && WEIR_RECORD_HAS(batch, flags);"
    echo "}"
  } > "$work/alone.c"
  standards="c11 c17"
  compile c "$work/alone.c" gcc clang-14
  standards="c++11 c++17 c++20"
  compile c++ "$work/alone.c" g++ clang++-14
done
echo "$compiled compilations"
test "$compiled" -ge 5
