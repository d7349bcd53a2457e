#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run the example ($1) three times: it makes its file, takes all from it, and makes it anew when it was damaged.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
device="${CLQ_TEST_DEVICE:-auto}"
first=$("$1" "$work/programs" "$device")
second=$("$1" "$work/programs" "$device")
echo "$first; $second"
[ "$second" != "${second#0 compiled, }" ]
case $first in
"0 compiled, 0 taken from the file") exit 0 ;; # a device that compiles nothing
esac
[ "$first" != "${first#[1-9]* compiled, 0 taken}" ]
[ "$second" = "${second#* 0 taken}" ]
printf x | dd of="$work/programs" bs=1 seek=20 conv=notrunc 2>"$work/dd"
[ "$("$1" "$work/programs" "$device" 2>"$work/error")" = "$first" ]
grep -q 'is not used' "$work/error"
[ "$("$1" "$work/programs" "$device")" = "$second" ]
