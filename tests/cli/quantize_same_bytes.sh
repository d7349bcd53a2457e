# SPDX-License-Identifier: Apache-2.0
# The same bytes on the device and on the reference, whatever the budget of memory.
. "$CLQ_TEST_FOLDER/tensors.inc"
[ "$CLQ_TEST_DEVICE" != reference ] || exit 77
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet
count=0
model=m.safetensors
one() {
    "$CLQUANT" quantize "$model" -o device.safetensors --force --quiet "$@" || exit 1
    "$CLQUANT" quantize "$model" -o reference.safetensors --force --quiet --device reference --memory 1M "$@" || exit 1
    cmp device.safetensors reference.safetensors || echo "differ: $*"
    "$CLQUANT" dequantize device.safetensors -o back.safetensors --force --quiet || exit 1
    "$CLQUANT" dequantize device.safetensors -o same.safetensors --force --quiet --device reference --memory 1M || exit 1
    cmp back.safetensors same.safetensors || echo "dequantized differ: $*"
    "$CLQUANT" compare device.safetensors back.safetensors --fail-sqnr-below 1000 --quiet || echo "not exact: $*"
    count=$((count + 1))
}
# Each type with each granularity, symmetric and affine by turns.
preset=symmetric
for dtype in s8 u8 s4 u4; do
    for granularity in tensor channel group; do
        one --dtype $dtype --granularity $granularity --preset $preset
        [ $preset = symmetric ] && preset=affine || preset=symmetric
    done
done
for preset in affine-u8 scale-only centered-u8 snpe onnx tflite torch compressed-tensors; do
    one --preset $preset
done
one --granularity channel --axis 1 --dtype s4
one --granularity group --group-size 7 --dtype u4 --preset onnx
one --rounding away --zero-point-order before --arithmetic reciprocal --preset onnx
one --range -0.5:0.25 --preset affine-u8
one --scale 0.001

# With an odd number of elements in a channel, and one or less in a chunk, chunks of 4-bit codes begin inside a byte.
tail -c 1200012 m.safetensors | npy '<f4' '3, 100001' >odd.npy
tail -c 1200024 m.safetensors | npy '<f4' '2, 150003' >long.npy
tail -c 1200012 m.safetensors | npy '<f4' '3, 100001, 1' >thin.npy
for model in odd.npy long.npy thin.npy; do
    for dtype in s8 s4 u4; do
        case $model:$dtype in
        thin.npy:s8) ;;
        long.npy:s8) one --dtype $dtype --granularity group --group-size 99 --preset onnx ;;
        *)
            one --dtype $dtype --granularity channel --preset onnx
            one --dtype $dtype --granularity channel --axis 1 --preset onnx
            one --dtype $dtype --granularity group --group-size 99 --preset onnx
            ;;
        esac
    done
    one --dtype s4 --granularity group --group-size 120001
done
echo "$count combinations"
