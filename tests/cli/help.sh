# SPDX-License-Identifier: Apache-2.0
# Help goes to stdout with exit code 0, fits 80 columns, and is the same by either way of asking.
set -e
fail() {
    echo "$1" >&2
    exit 1
}
"$CLQUANT" --help >help.txt
"$CLQUANT" help >help2.txt
"$CLQUANT" -h >help3.txt
"$CLQUANT" man --help >help4.txt
"$CLQUANT" completion --help >help5.txt
for i in 2 3 4 5; do
    cmp help.txt help$i.txt
done
for verb in devices info minmax quantize dequantize compare calibrate gemm multiplier bench tune sample; do
    grep -q "^  $verb " help.txt || fail "$verb is missing in the general help"
    "$CLQUANT" $verb --help >a.txt 2>err.txt
    "$CLQUANT" help $verb >b.txt
    "$CLQUANT" $verb -h >c.txt
    cmp a.txt b.txt
    cmp a.txt c.txt
    [ ! -s err.txt ] || fail "$verb --help prints on stderr"
    sed -n 1p a.txt
    ! grep -n '.\{81,\}' a.txt help.txt || fail "$verb: a line is longer than 80 columns"
done
