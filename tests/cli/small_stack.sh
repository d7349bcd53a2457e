# SPDX-License-Identifier: Apache-2.0
# Every verb with a stack of 64 KiB, as the hard limit too, while the runtime compiles what none before it has compiled:
# each verb has kernels of its own.
. "$CLQ_TEST_FOLDER/arrays.inc"
kibibytes=64 # for all threads too, unless they are told otherwise
(ulimit -s $kibibytes) 2>/dev/null || exit 77
f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' >x.npy
codes 1 2 3 4 | npy '|i1' '2, 2' >a.npy
echo 4096 >shapes.txt
mkdir caches
run() {
    (
        # Also for the programs that the runtime starts to link its kernels.
        ulimit -s $kibibytes
        POCL_CACHE_DIR=$PWD/caches/runtime CLQUANT_CACHE_DIR=$PWD/caches/own
        export POCL_CACHE_DIR CLQUANT_CACHE_DIR
        exec "$CLQUANT" "$@" >out 2>err
    )
    code=$?
    echo "$code: $*"
    [ $code -eq 0 ] || said err | sed -n 1p
}
for on in reference device; do
    echo "-- the $on"
    [ $on = device ] && CLQUANT_DEVICE=$CLQ_TEST_DEVICE || CLQUANT_DEVICE=reference
    run devices
    run sample mobilenet-v2 -o m.safetensors --force
    run quantize m.safetensors -o q.safetensors --force --calibrate entropy
    run info q.safetensors
    run minmax m.safetensors --granularity channel
    run dequantize q.safetensors -o d.safetensors --force
    run compare m.safetensors q.safetensors
    run calibrate x.npy -o r.json --force --method mse
    run gemm a.npy a.npy -o c.npy --force --check
    run multiplier 0.3
    run bench minmax --quick --rounds 1 --shapes shapes.txt
done

echo "-- interrupted"
begin() {
    rm -rf fresh
    mkdir fresh
    (
        ulimit -s $kibibytes
        exec "$CLQUANT" sample resnet-50 --scale 4 -o fresh/x.safetensors --quiet
    ) 2>err &
    process=$!
}
amid TERM files fresh 1
echo "$code, left: '$(ls -A fresh)'"
cat err
