#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: check-doxygen.sh [FOLDER]: the reference of the public headers by Doxygen, as HTML and manual pages (man3), into
# FOLDER, by default into none. Fails where a function, structure, field or value is undocumented, and where the check does
# not see that one is. 77: no doxygen, or no python3 to read the headers for it.
set -eu
cd "$(dirname "$0")/.."
for tool in doxygen python3; do
    command -v $tool >/dev/null 2>&1 || { echo "check-doxygen.sh: left out: no $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=${1:-$work/out}
html=NO
[ $# -eq 0 ] || html=YES
mkdir -p "$out"
export PYTHONDONTWRITEBYTECODE=1
make_reference() { # HEADERS OUTPUT SETTINGS
    bad=0
    { cat docs/Doxyfile; printf 'INPUT=%s\nOUTPUT_DIRECTORY=%s\n%s\n' "$1" "$2" "$3"; } | doxygen - 2>&1 || bad=1
    python3 scripts/docs/doxygen.py --values "$1"/*.h || bad=1
    return $bad
}
make_reference include/clquant "$out" "GENERATE_HTML=$html" || exit 1
for page in clq_quantize clq_launch clq_gemm_problem; do
    [ -s "$out/man/man3/$page.3" ] || { echo "check-doxygen.sh: no manual page of $page" >&2; exit 1; }
done
# Comments gone, one of each kind: above a function, behind a field, behind a value, above a structure.
cp -R include/clquant "$work/spoiled"
spoil() { # HEADER, WHAT sed does
    sed "$2" "include/clquant/$1" >"$work/spoiled/$1"
}
spoil operations.h '/^\/\* y = dequantize(quantize(x)) in one pass/d'
spoil opencl.h 's,^\( *cl_uint wait_count;\).*,\1,'
spoil scheme.h 's,^\( *CLQ_PER_TENSOR = 0\).*$,\1\,,'
spoil batch.h '/^\/\* One tensor of a batch/d'
if make_reference "$work/spoiled" "$work/less" "$(printf 'GENERATE_HTML=NO\nMAN_LINKS=NO')" >"$work/log"; then
    echo "check-doxygen.sh: undocumented headers are taken" >&2
    exit 1
fi
for name in clq_fake_quantize wait_count CLQ_PER_TENSOR clq_batch_item; do
    grep -q "$name.* is not documented" "$work/log" || {
        echo "check-doxygen.sh: $name without its comment is not found" >&2
        exit 1
    }
done
echo "doxygen: the public headers are documented"
