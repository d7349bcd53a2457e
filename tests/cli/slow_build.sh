# SPDX-License-Identifier: Apache-2.0
# A compiler that takes long: a line says what is compiled; after Ctrl-C another that it is waited for, and a second
# Ctrl-C ends the command at once.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/arrays.inc"
head -c 400 /dev/zero | npy '<f4' '10, 10' >x.npy
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR

# Wait for a line on the command's stderr.
told() {
    await grep -q "$1" messages
    grep -c "$1" messages
}
: >hold
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="hold-build=$PWD/hold" "$CLQUANT" minmax x.npy --device 0:0 >out 2>messages &
process=$!
told '^clquant: compiling kernels/minmax.cl with .* takes more than 3 s; waiting for it$'
kill -INT $process
told '^clquant: interrupted; waiting for the device, or its compiler, '
kill -INT $process
code=0
wait $process || code=$?
echo "$code"
# Builds that together take more than 3 s, here one: that kernels are made ready is told, once.
: >hold
: >messages
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="hold-build=$PWD/hold" "$CLQUANT" minmax x.npy --device 0:0 >out 2>messages &
process=$!
told '^clquant: compiling kernels/minmax.cl with .* takes more than 3 s; waiting for it$'
rm hold
wait $process || echo "exit code $?"
grep -c '^clquant: kernels are compiled and compared with the reference before their first use on ' messages
