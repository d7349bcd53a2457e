#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README has at most 150 lines. What stands in them is checked by scripts/check-docs.sh.
set -eu
cd "$(dirname "$0")/.."
lines=$(wc -l <README.md)
[ "$lines" -le 150 ] || { echo "README.md has $lines lines, at most 150 are wanted" >&2; exit 1; }
