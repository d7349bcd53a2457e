# SPDX-License-Identifier: Apache-2.0
# dequantize: real again under the same name, parameters gone, all else as it was; also from files of other tools.
. "$CLQ_TEST_FOLDER/tensors.inc"
{
    f32 3f800000 c0000000 40400000 40800000 40a00000 c0c00000 3e800000
    printf 'abcd'
} | safetensors '{"__metadata__":{"source":"a test"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},"raw":{"dtype":"I32","shape":[1],"data_offsets":[28,32]}}' >m.safetensors
"$CLQUANT" quantize m.safetensors -o q.safetensors --quiet --dtype s4 --granularity group --group-size 2 --preset onnx || exit 1
for dtype in f32 f16 bf16; do
    "$CLQUANT" dequantize q.safetensors -o $dtype.safetensors --quiet --dtype $dtype || exit 1
    header $dtype.safetensors
done
echo "w $(numbers f32.safetensors w f4), f16 $(numbers f16.safetensors w x2), bf16 $(numbers bf16.safetensors w x2)"
echo "bias $(numbers f32.safetensors bias f4), raw $(numbers f32.safetensors raw c)"
echo "-- one tensor"
"$CLQUANT" dequantize q.safetensors -o w.npy --tensor w --quiet && od -An -v -t f4 -j 128 w.npy
"$CLQUANT" dequantize q.safetensors -o one.safetensors --tensor w --tensor raw --quiet && header one.safetensors
"$CLQUANT" dequantize q.safetensors -o summary.safetensors --json | grep -v -e seconds -e device -e '"check'
echo "-- refused"
refused dequantize q.safetensors -o all.npy
refused dequantize q.safetensors -o w16.npy --tensor w --dtype bf16
refused dequantize q.safetensors -o none.npy --tensor W
refused dequantize q.safetensors -o none.npy --tensor w_scale
refused dequantize q.safetensors -o w.npy --tensor w
refused dequantize q.safetensors -o q.safetensors --force
refused dequantize q.safetensors -o nowhere/w.npy --tensor w
ls -A
