#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: check-symbols.sh [--update] NM LIBRARY: a shared library shows the functions of the public headers and no other
# name, all of the version that host/symbols.txt has: the record of the ABI, which --update writes anew. A line that goes
# or changes breaks programs (docs/library.md, "Versions").
set -eu
update=
if [ "$1" = --update ]; then
    update=1
    shift
fi
nm=$1
library=$2
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C
"$nm" -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort >"$work/shown"
[ -z "$update" ] || cp "$work/shown" host/symbols.txt
sed -n 's/^CLQ_API .*\(clq_[a-z0-9_]*\)(.*/\1/p' include/clquant/*.h | sort -u >"$work/declared"
cp host/symbols.txt "$work/recorded"
sed 's/@.*//' "$work/recorded" | sort >"$work/names"
if ! grep -q '^clq_enqueue@' "$work/shown"; then # a build without OpenCL, to which opencl.h does not belong
    sed -n 's/^CLQ_API .*\(clq_[a-z0-9_]*\)(.*/\1/p' include/clquant/opencl.h >"$work/opencl"
    sed 's/^/^/; s/$/@/' "$work/opencl" | grep -v -f - "$work/recorded" >"$work/without"
    mv "$work/without" "$work/recorded"
fi
bad=0
# told HEADING FILE FILE: the lines of the first that are not in the second, which should be none.
told() {
    comm -23 "$2" "$3" >"$work/left"
    [ -s "$work/left" ] || return 0
    bad=1
    echo "$1:"
    sed 's/^/    /' "$work/left"
}
told "shown by the library, and not in host/symbols.txt (--update adds them)" "$work/shown" "$work/recorded"
told "in host/symbols.txt, and not shown: programs that use them do not start" "$work/recorded" "$work/shown"
told "in host/symbols.txt, and in no public header" "$work/names" "$work/declared"
told "in a public header, and not in host/symbols.txt" "$work/declared" "$work/names"
[ "$bad" -ne 0 ] || echo "$(wc -l <"$work/shown") functions, as recorded"
exit "$bad"
