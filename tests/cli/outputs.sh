# SPDX-License-Identifier: Apache-2.0
# Whatever names an output: '-' is no file, a pipe or device is never replaced, a link to nothing is not followed, and
# what is there stays without --force.
. "$CLQ_TEST_FOLDER/arrays.inc"
f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' >x.npy
f32 3f800000 c0000000 40400000 40800000 | safetensors '{"x.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >m.safetensors
codes 1 2 3 4 | npy '|i1' '2, 2' >a.npy
mkdir model folder
cp m.safetensors model/model.safetensors
cat >verbs <<'END'
quantize m.safetensors --output _.safetensors
quantize model --output _.d
quantize m.safetensors --output q.safetensors --preset compressed-tensors --emit-config _.json
quantize m.safetensors --output q.safetensors --plot _.svg
dequantize m.safetensors --allow-empty --output _.safetensors
compare m.safetensors m.safetensors --plot _.svg
calibrate x.npy --output _.json
calibrate x.npy --output r.json --plot _.svg
gemm a.npy a.npy --output _.npy
sample transformer-block --output _.safetensors
END
. "$CLQ_TEST_FOLDER/outputs.inc"
