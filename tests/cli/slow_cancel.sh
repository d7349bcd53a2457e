# SPDX-License-Identifier: Apache-2.0
# Ctrl-C while a driver compiles that takes long for each program: a line says what cannot be stopped, and the command
# ends when that one is done, however many more it would have needed.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/arrays.inc"
head -c 400 /dev/zero | npy '<f4' '10, 10' >x.npy
head -c 400 /dev/zero | npy '|i1' '20, 20' >a.npy
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR

interrupted() {
    echo "$1"
    rm -f messages # of the run before: what is awaited there is to come from this one
    : >hold
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mesa hold-build=$PWD/hold" \
        "$CLQUANT" "$@" --device 0:0 --verbose >out 2>messages &
    process=$!
    await grep -q '^clquant: compiling .* takes more than 3 s; waiting for it$' messages
    kill -INT $process
    await grep -q '^clquant: compiling .* cannot be stopped; nothing else is begun$' messages
    rm hold
    code=0
    wait $process || code=$?
    echo "exit code $code, programs built: $(grep -c '^clquant: built kernels/' messages)"
    sed -n -e "s/with '.*' on .* cannot/with OPTIONS on DEVICE cannot/p" -e '/^clquant: interrupted before/p' messages
}
interrupted quantize x.npy -o y.safetensors --granularity tensor
interrupted gemm a.npy a.npy -o c.npy
# The probe of a device too: an interruption is no fault of the device.
echo "devices --probe"
: >hold
rm -f messages
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mesa hold-build=$PWD/hold" "$CLQUANT" devices --probe --device 0:0 >out 2>messages &
process=$!
await [ -s hold ]
kill -INT $process
signal_taken() {
    grep -q '^ShdPnd:[[:blank:]]*0*$' "/proc/$process/status"
}
[ ! -e /proc/self/status ] || await signal_taken
sleep 0.5 # it is noted at once, which no one tells
rm hold
code=0
wait $process || code=$?
echo "exit code $code, on stdout: $(wc -c <out)"
ls
