#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The C example in README.md is examples/readme.c, letter by letter; the README has at most 150 lines.
set -eu
cd "$(dirname "$0")/.."
shown=$(mktemp)
trap 'rm -f "$shown"' EXIT
awk '/^```c$/ {inside = 1; next} /^```$/ {inside = 0} inside' README.md >"$shown"
diff "$shown" examples/readme.c || { echo "README.md: the example differs from examples/readme.c" >&2; exit 1; }
lines=$(wc -l <README.md)
[ "$lines" -le 150 ] || { echo "README.md has $lines lines, at most 150 are wanted" >&2; exit 1; }
