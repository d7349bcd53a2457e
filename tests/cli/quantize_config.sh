# SPDX-License-Identifier: Apache-2.0
# --emit-config: what readers of compressed-tensors need, and what they cannot take.
. "$CLQ_TEST_FOLDER/tensors.inc"
f32 3f800000 c0000000 40400000 40800000 3f800000 c0000000 40400000 40800000 3f800000 40000000 40400000 |
    safetensors '{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"lm_head.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]},"odd.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[32,44]}}' >m.safetensors
"$CLQUANT" quantize m.safetensors -o q.safetensors --quiet --exclude 'lm_head*' --emit-config config.json || exit 1
cat config.json
echo "-- groups: what does not divide is copied"
"$CLQUANT" quantize m.safetensors -o g.safetensors --quiet --granularity group --group-size 2 --preset compressed-tensors-asymmetric --emit-config g.json || exit 1
cat g.json
"$CLQUANT" info g.safetensors | cut -c 1-40
echo "-- refused"
refused quantize m.safetensors -o r.safetensors --granularity group --group-size 2 --emit-config r.json --strict
refused quantize m.safetensors -o r.safetensors --dtype u8 --emit-config r.json
refused quantize m.safetensors -o r.safetensors --axis 1 --granularity channel --emit-config r.json
refused quantize m.safetensors -o r.safetensors --emit-config config.json
refused quantize m.safetensors -o r.safetensors --emit-config m.safetensors --force
refused quantize m.safetensors -o r.safetensors --emit-config r.safetensors
mkdir folder
refused quantize m.safetensors -o r.safetensors --emit-config folder/../r.safetensors
refused quantize m.safetensors -o r.safetensors --emit-config "./r.safetensors" --force
refused quantize m.safetensors -o r.safetensors.index.json --emit-config r-00001-of-00001.safetensors
ln q.safetensors link.safetensors
refused quantize m.safetensors -o q.safetensors --emit-config link.safetensors --force
rm link.safetensors
rmdir folder
f32 40066666 4109999a | safetensors '{"a.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}' >far.safetensors
refused quantize far.safetensors -o r.safetensors --preset affine --emit-config r.json --quiet
ls -A
