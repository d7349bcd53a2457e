# SPDX-License-Identifier: Apache-2.0
# Stopped in the middle, or by a full disk: C is the old file or the whole new one, and nothing else stays.
. "$CLQ_TEST_FOLDER/arrays.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
tail -c 12000000 m.safetensors | npy '|i1' '6000, 2000' >a.npy
tail -c 8000000 m.safetensors | npy '|i1' '2000, 4000' >b.npy
codes 1 2 3 | npy '|i1' '1, 3' >old.npy
begin() {
    rm -rf out
    mkdir out
    cp old.npy out/c.npy
    "$CLQUANT" gemm a.npy b.npy -o out/c.npy --force --quiet 2>messages &
    process=$!
}
interrupt() {
    amid "$1" files out 2 # the second one shows that the work has begun
    echo "$1: $code"
    said messages
    ls -A out
    cmp out/c.npy old.npy
}
interrupt INT
interrupt TERM
echo "-- a disk that fills up"
head -c 2500128 a.npy | tail -c 2500000 | npy '|i1' '500000, 5' >tall.npy
codes 1 2 3 4 5 | npy '|i1' '5, 1' >thin.npy
(
    trap '' XFSZ 2>/dev/null
    ulimit -f 1000 || exit 77
    refused gemm tall.npy thin.npy -o out/c.npy --force | cut -c 1-60
)
ls -A out
cmp out/c.npy old.npy
if [ -e /dev/full ]; then
    "$CLQUANT" gemm thin.npy thin.npy -o out/d.npy --transpose-a --json >/dev/full
    echo "exit code $?"
    array out/d.npy d4
fi
