# SPDX-License-Identifier: Apache-2.0
# Parameters of groups are found chunk by chunk and not kept: the bytes are those of a run that keeps all of them, as
# --json asks for, whatever the budget of memory and wherever NaN stand.
. "$CLQ_TEST_FOLDER/files.inc"
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
tail -c 1200012 m.safetensors | npy '<f4' '3, 100001' >odd.npy
{
    f32 7fc00000 7fc00000 7fc00000 7fc00000 ff800000 3f800000 bf800000 7f800000
    tail -c 1199968 m.safetensors
} | npy '<f4' '300000,' >nan.npy
count=0
same() {
    model=$1
    shift
    for memory in 1M 64M; do
        "$CLQUANT" quantize "$model" -o kept.safetensors --force --json --granularity group "$@" >kept.json || exit 1
        "$CLQUANT" quantize "$model" -o found.safetensors --force --quiet --memory $memory --granularity group "$@" || exit 1
        cmp kept.safetensors found.safetensors || echo "differ: $model $memory $*"
        count=$((count + 1))
    done
}
for preset in symmetric affine onnx; do
    same odd.npy --preset $preset --group-size 3
    same odd.npy --preset $preset --group-size 64 --dtype s4
    same nan.npy --preset $preset --group-size 4 --nonfinite ignore
    same odd.npy --preset $preset --group-size 90000
done
f32 3f800000 3f000000 3e800000 3e000000 | npy '<f4' '4,' >scales.npy
f32 3f800000 bf800000 3f000000 bf000000 3f800000 bf800000 3f000000 bf000000 | npy '<f4' '2, 4' >small.npy
same small.npy --group-size 2 --scale scales.npy
echo "$count combinations"
echo "-- NaN is refused, and nothing stays"
refused quantize nan.npy -o out.safetensors --granularity group --group-size 4
refused quantize small.npy -o out.safetensors --granularity group --group-size 4 --scale scales.npy
ls -A
echo "-- ranges of groups"
"$CLQUANT" minmax nan.npy --granularity group --group-size 4 --nonfinite ignore | sed 1d
"$CLQUANT" minmax small.npy --granularity group --group-size 3 --verbose 2>/dev/null
echo "-- a size beyond all axes is read back as it was given"
for size in 9223372036854775807 9223372036854775808 18446744073709551615; do
    "$CLQUANT" quantize small.npy -o large.safetensors --force --granularity group --group-size $size --quiet
    "$CLQUANT" dequantize large.safetensors -o large.npy --force --quiet
    "$CLQUANT" info large.safetensors --json | grep '^ *"group_size"'
done
