#!/usr/bin/env bash
# docs/TUTORIAL.md is true: each of its commands is run, on a broker of its own, and prints what the page shows.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
end() { "$here/broker" stop tutorial >/dev/null 2>&1; } # also when the page did not get to its end
trap end EXIT
trap 'exit 130' INT TERM
"$here/../tutorial/run" "$here/../../docs/TUTORIAL.md"
