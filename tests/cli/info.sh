# SPDX-License-Identifier: Apache-2.0
# What files hold, quantized tensors of other tools included; one bad file does not hide the others.
. "$CLQ_TEST_FOLDER/files.inc"
f32 3f800000 40000000 | npy '<f4' '2, 1' >x.npy
# w: int8 [2, 4], one scale a row; v: uint8 [3] with scale and zero point; an unknown type; a name full of tricks.
{
    f32 3d000000 3e000000 3f800000
    printf '\001\002\003\004\005\006\007\010\200\201\202\200\252\252'
} | safetensors '{"__metadata__":{"format":"pt"},"w_scale":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"v_scale":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"w":{"dtype":"I8","shape":[2,4],"data_offsets":[12,20]},"v":{"dtype":"U8","shape":[3],"data_offsets":[20,23]},"v_zero_point":{"dtype":"U8","shape":[1],"data_offsets":[23,24]},"gr\u00f6\u00dfe\u001b[31m":{"dtype":"F8_E4M3","shape":[2,1],"data_offsets":[24,26]}}' >q.safetensors
printf 'not a model' >bad.safetensors
"$CLQUANT" info x.npy q.safetensors
echo "-- with one that is bad, one that is not there"
"$CLQUANT" info bad.safetensors nowhere.npy x.npy
code=$?
echo "-- verbose"
"$CLQUANT" info -v q.safetensors | sed -n 1,3p
echo "-- static activations: values as of weights, where they are of a quantized module"
{
    f32 3d000000 3e000000 3d800000 3c800000 3f000000 3f800000
    printf '\001\002\003\004\005\006\373'
} | safetensors '{"a.weight_scale":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"a.input_scale":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b.weight_scale":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"b.input_scale":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"c.input_scale":{"dtype":"F32","shape":[1],"data_offsets":[20,24]},"a.weight":{"dtype":"I8","shape":[2,2],"data_offsets":[24,28]},"b.weight":{"dtype":"I8","shape":[1,2],"data_offsets":[28,30]},"b.input_zero_point":{"dtype":"I8","shape":[1],"data_offsets":[30,31]}}' >static.safetensors
"$CLQUANT" info static.safetensors
"$CLQUANT" info static.safetensors --json | tr -d ' \n' | sed 's/},/}\n/g' | grep '"[bc].input_scale"'
exit $code
