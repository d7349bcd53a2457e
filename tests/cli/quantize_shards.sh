# SPDX-License-Identifier: Apache-2.0
# A checkpoint in shards: to shards with an index, or to one file.
. "$CLQ_TEST_FOLDER/tensors.inc"
f32 3f800000 c0000000 40400000 40800000 |
    safetensors '{"__metadata__":{"format":"np"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >m-00001-of-00002.safetensors
f32 3f000000 3f800000 |
    safetensors '{"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}' >m-00002-of-00002.safetensors
cat >m.safetensors.index.json <<'END'
{"metadata": {"total_size": 24, "origin": {"by": "a test"}}, "weight_map": {"b": "m-00002-of-00002.safetensors", "a": "m-00001-of-00002.safetensors"}}
END
mkdir out
"$CLQUANT" quantize m.safetensors.index.json -o out/q.safetensors.index.json --quiet || exit 1
ls out
cat out/q.safetensors.index.json
header out/q-00001-of-00002.safetensors
header out/q-00002-of-00002.safetensors
"$CLQUANT" compare m.safetensors.index.json out/q.safetensors.index.json
echo "-- to one file"
"$CLQUANT" quantize m.safetensors.index.json -o one.safetensors --quiet || exit 1
header one.safetensors
"$CLQUANT" compare out/q.safetensors.index.json one.safetensors
echo "-- and back"
"$CLQUANT" dequantize out/q.safetensors.index.json -o back.safetensors --quiet || exit 1
header back.safetensors
"$CLQUANT" compare one.safetensors back.safetensors
echo "-- refused"
refused quantize m.safetensors.index.json -o m.safetensors.index.json --force
refused quantize m.safetensors.index.json -o out/q.safetensors.index.json
ln -s ../m-00001-of-00002.safetensors out/n-00001-of-00002.safetensors
refused quantize m.safetensors.index.json -o out/n.safetensors.index.json --force
ls out
