#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: trial_hash.sh CMAKE SOURCE-TREE BUILT-FILE: the trial's hash (host/trial/hash.h) follows from the names and bytes
# of its sources alone, wherever they lie, and a byte, a name or one file more changes it. The one in the build is of the
# sources that are there, all of those that a trial rests on.
set -eu
cmake=$1
tree=$2
built=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/clquant-trial-XXXXXX")
trap 'rm -rf "$work"' EXIT
hash_of() { # FOLDER FILE|FILE...
    "$cmake" "-DOUTPUT=$work/hash.c" "-DFOLDER=$1" "-DSOURCES=$2" -P "$tree/cmake/HashTrial.cmake"
    sed -n 's/^ *return "\([0-9a-f]\{32\}\)";$/\1/p' "$work/hash.c"
}
fail() {
    echo "$1" >&2
    exit 1
}
names=$(cd "$tree" && find host/core host/reference host/trial host/opencl kernels -name '*.[ch]' -o -name '*.def' |
    LC_ALL=C sort)
list=$(echo "$names" | tr '\n' '|' | sed 's/|$//')
hash=$(hash_of "$tree" "$list")
[ ${#hash} -eq 32 ] || fail "no hash was made"
grep -q "\"$hash\"" "$built" || fail "the build has another hash than that of its sources"
(cd "$tree" && echo "$names" | tar -cf - -T -) | (cd "$work" && tar -xf -)
[ "$(hash_of "$work" "$list")" = "$hash" ] || fail "another folder makes another hash"
for file in host/trial/cases_walk.c host/reference/gemm.c host/core/layout.h host/opencl/machine.c kernels/kernels.def; do
    cp "$work/$file" "$work/kept"
    echo >>"$work/$file"
    [ "$(hash_of "$work" "$list")" != "$hash" ] || fail "a change in $file makes the same hash"
    cp "$work/kept" "$work/$file"
done
cp "$work/host/trial/schemes.c" "$work/host/trial/other.c"
[ "$(hash_of "$work" "$(echo "$list" | sed 's/schemes/other/')")" != "$hash" ] || fail "another name makes the same hash"
[ "$(hash_of "$work" "$list|host/trial/other.c")" != "$hash" ] || fail "one file more makes the same hash"
