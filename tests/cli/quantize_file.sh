# SPDX-License-Identifier: Apache-2.0
# What stands in a quantized file: codes, scales, zero points, all else as it was, and the metadata.
. "$CLQ_TEST_FOLDER/tensors.inc"
{
    f32 3f800000 c0000000 40400000 40800000 40a00000 c0c00000 3e800000 3f000000
    printf '\001\002\003\004\005\006\007\010ab'
} | safetensors '{"__metadata__":{"source":"a test"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]},"count":{"dtype":"I64","shape":[1],"data_offsets":[32,40]},"odd":{"dtype":"F9_NEW","shape":[2],"data_offsets":[40,42]}}' >m.safetensors
show() {
    echo "== $*"
    "$CLQUANT" quantize m.safetensors -o q.safetensors --force --quiet "$@" || exit 1
    header q.safetensors
}
show
echo "codes $(numbers q.safetensors w d1), scales $(numbers q.safetensors w_scale f4)"
echo "bias $(numbers q.safetensors bias f4), count $(numbers q.safetensors count x1), odd $(numbers q.safetensors odd x1)"
show --preset affine --granularity tensor
echo "codes $(numbers q.safetensors w d1), zero point $(numbers q.safetensors w_zero_point d4)"
show --dtype u4 --preset onnx --granularity group --group-size 2
echo "codes $(numbers q.safetensors w x1), zero points $(numbers q.safetensors w_zero_point u1)"
"$CLQUANT" info q.safetensors | grep '^w '
show --include 'bia*' --include 'w' --exclude 'w' --min-rank 1
echo "== quantized again: what is quantized stays"
"$CLQUANT" quantize q.safetensors -o r.safetensors --quiet || exit 1
header r.safetensors
"$CLQUANT" compare m.safetensors r.safetensors --json | grep -e '"name"' -e exact
