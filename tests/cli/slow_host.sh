# SPDX-License-Identifier: Apache-2.0
# A device that `auto` chose, whose compiler does not come back within CLQUANT_COMPILE_SECONDS: this processor computes,
# the bytes are the reference's, and the command ends though the compiler does not. The next run does not wait for what was
# late. Ctrl-C does not wait for it either.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/arrays.inc"
seq 1 9999 | head -c 40000 | npy '<f4' '100, 100' >x.npy # digits: finite numbers
head -c 400 /dev/zero | npy '|i1' '20, 20' >a.npy
CLQUANT_CACHE_DIR=$PWD/cache
unset CLQUANT_DEVICE
export CLQUANT_CACHE_DIR

# With the compiler of tests/zoo that stands still.
held() {
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mesa hold-build=$PWD/hold" "$CLQUANT" "$@" 2>messages
}
lines() {
    sed -n -e 's/ on .*: its kernels / on DEVICE: its kernels /p' \
        -e 's/^\(clquant: .*\)kernels for .* are still being compiled/\1kernels for DEVICE are still being compiled/p' messages
}
: >hold
for verb in quantize minmax; do
    echo "$verb"
    case $verb in
    quantize)
        "$CLQUANT" quantize x.npy -o want.safetensors --quiet --device reference
        CLQUANT_COMPILE_SECONDS=1 held quantize x.npy -o got.safetensors --quiet && cmp want.safetensors got.safetensors && echo same
        ;;
    minmax)
        "$CLQUANT" minmax x.npy --device reference >want
        CLQUANT_COMPILE_SECONDS=3600 held minmax x.npy >got && cmp want got && echo same
        ;;
    esac
    lines
done
echo "no seconds"
CLQUANT_COMPILE_SECONDS=soon held minmax x.npy || echo "exit code $?"
sed -n 's/^clquant: \(.*CLQUANT_COMPILE_SECONDS.*\)/\1/p' messages
# Interrupted while it waits, and the compiler goes on standing still.
echo interrupted
rm -f messages
: >hold
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mesa hold-build=$PWD/hold" CLQUANT_COMPILE_SECONDS=3600 CLQUANT_CACHE_DIR= \
    "$CLQUANT" quantize x.npy -o y.safetensors >out 2>messages &
process=$!
await grep -q '^clquant: compiling .* takes more than 3 s; waiting for it$' messages
kill -INT $process
code=0
wait $process || code=$?
echo "exit code $code"
rm hold
# Who names the device waits for it, and keeps what it makes.
held quantize x.npy -o kept.safetensors --quiet --device 0:0 && cmp want.safetensors kept.safetensors && echo same
ls
