#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example ($1) writes what the command ($2) writes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" sample mobilenet-v2 -o "$work/in.safetensors" --quiet
"$2" quantize "$work/in.safetensors" -o "$work/command.safetensors" --device reference --quiet
"$1" "$work/in.safetensors" "$work/example.safetensors" >"$work/told"
cmp "$work/command.safetensors" "$work/example.safetensors"
grep -q '^features.0.0.weight: [0-9.]* dB$' "$work/told" || { cat "$work/told"; exit 1; }
# Bad input is an error of one line, and no file.
if "$1" "$work/told" "$work/none.safetensors" 2>"$work/error"; then
    exit 1
fi
[ "$(wc -l <"$work/error")" = 1 ] && [ ! -e "$work/none.safetensors" ]
