# SPDX-License-Identifier: Apache-2.0
# Every verb that uses a device, on devices with memory of their own (tests/zoo): the bytes of the reference. The model
# holds what is copied among what is quantized, so that both lie in one slot.
. "$CLQ_TEST_FOLDER/arrays.inc"
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
mkdir -m 700 cache
CLQUANT_CACHE_DIR=$PWD/cache
export CLQUANT_CACHE_DIR

"$CLQUANT" sample mobilenet-v2 -o big.safetensors --quiet || exit 1
tail -c 200000 big.safetensors >random
head -c 105371 random >data
safetensors '{"__metadata__":{"k":"v"},
"a.bias":{"dtype":"F32","shape":[64],"data_offsets":[0,256]},
"a.weight":{"dtype":"F32","shape":[64,100],"data_offsets":[256,25856]},
"b.bias":{"dtype":"F16","shape":[8],"data_offsets":[25856,25872]},
"b.ids":{"dtype":"I64","shape":[129],"data_offsets":[25872,26904]},
"b.weight":{"dtype":"F32","shape":[129,150],"data_offsets":[26904,104304]},
"c.flags":{"dtype":"BOOL","shape":[4],"data_offsets":[104304,104308]},
"c.weight":{"dtype":"BF16","shape":[9,59],"data_offsets":[104308,105370]},
"d":{"dtype":"U8","shape":[1],"data_offsets":[105370,105371]}}' <data >m.safetensors
head -c 9100 random | npy '|i1' '70, 130' >a.npy
tail -c 8710 random | npy '|u1' '130, 67' >b.npy

# Run a verb with the device's habits and on the reference; what it prints and what it writes is the same.
same() {
    output=$1
    shift
    rm -f "$output" want.* got.*
    "$CLQUANT" "$@" --device reference >want.out || { echo "reference: $?: $*"; return; }
    [ -z "$output" ] || mv "$output" want.file
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" "$@" --device "$kind" >got.out || { echo "$habits: $?: $*"; return; }
    [ -z "$output" ] || cmp "$output" want.file || echo "$habits: other bytes: $*"
    # Seconds, and the name of the device and of what ran on it, may differ.
    for side in want got; do
        sed -e 's/, [0-9.]* s .*//' -e '/ GOPS by /d' -e '/"seconds"\|"device"\|"variant"/d' "$side.out" >"$side.text"
    done
    cmp -s want.text got.text || { echo "$habits: other text: $*"; diff want.text got.text | head -n 5; }
    count=$((count + 1))
}
verbs() {
    for options in '' '--preset affine --granularity tensor' '--preset onnx --dtype u4 --granularity group --group-size 7' \
        '--axis 1 --preset torch' '--calibrate mse' '--min-rank 1 --preset tflite --include *.bias'; do
        # shellcheck disable=SC2086
        same q.safetensors quantize m.safetensors -o q.safetensors --json --nonfinite ignore $options
        cp q.safetensors quantized.safetensors
        same d.safetensors dequantize quantized.safetensors -o d.safetensors --json
        same '' compare m.safetensors quantized.safetensors --json
    done
    same d.safetensors dequantize quantized.safetensors -o d.safetensors --dtype f16
    same n.npy dequantize quantized.safetensors -o n.npy --tensor b.ids
    same '' minmax m.safetensors --json --granularity channel --nonfinite ignore
    same '' minmax m.safetensors --granularity group --group-size 33 --nonfinite ignore
    for method in minmax moving-average percentile:99 mse entropy; do
        same r.json calibrate m.safetensors m.safetensors -o r.json --nonfinite ignore --method $method
    done
    same q.safetensors quantize m.safetensors -o q.safetensors --ranges r.json --granularity tensor --nonfinite ignore
    same c.npy gemm a.npy b.npy -o c.npy --a-zero-point 3 --b-zero-point 128
    same c.npy gemm a.npy b.npy -o c.npy --dtype s8 --scale-a 0.01 --scale-b 0.01 --scale-c 0.2
    same c.npy gemm a.npy b.npy -o c.npy --dtype f32 --scale-a 0.01 --scale-b 0.01 --check
}

count=0
kind=gpu
habits='type=gpu discrete'
verbs
same '' minmax m.safetensors --json --nonfinite ignore
kind=0:0
habits='type=accelerator discrete late'
verbs
kind=cpu
habits='discrete'
verbs
echo "$count runs"
