# SPDX-License-Identifier: Apache-2.0
# --format pack-quantized: codes in words of 32 bits, each row in words of its own, and back.
. "$CLQ_TEST_FOLDER/tensors.inc"
# Two rows of 9: codes -7 to 7 of scales 1 and 2, in words 8 + 1 with 7 codes of nothing behind.
f32 c0e00000 40e00000 3f800000 40000000 40400000 40800000 40a00000 40c00000 bf800000 \
    c1600000 41600000 40000000 40800000 40c00000 41000000 41200000 41400000 c0000000 |
    safetensors '{"a.weight":{"dtype":"F32","shape":[2,9],"data_offsets":[0,72]}}' >m.safetensors
"$CLQUANT" quantize m.safetensors -o q.safetensors --quiet --format pack-quantized --dtype s4 --emit-config q.json || exit 1
grep -e num_bits -e format q.json
"$CLQUANT" info q.safetensors
numbers q.safetensors a.weight_packed x1
numbers q.safetensors a.weight_scale f4
numbers q.safetensors a.weight_shape d8
echo "-- back"
"$CLQUANT" dequantize q.safetensors -o back.safetensors --quiet && header back.safetensors
"$CLQUANT" dequantize q.safetensors --tensor a.weight -o back.npy --quiet && tail -c 72 back.npy >back
tail -c 72 m.safetensors | cmp - back && echo "the same"
"$CLQUANT" compare m.safetensors q.safetensors
refused dequantize q.safetensors --tensor a.weight_packed -o none.npy
refused dequantize q.safetensors --tensor a.weigh -o none.npy
echo "-- quantized once more: nothing is lost of what is known"
"$CLQUANT" quantize q.safetensors -o r.safetensors --quiet --allow-empty
"$CLQUANT" info r.safetensors | grep '^a.weight '
"$CLQUANT" info q.safetensors --json | grep -e real_name -e quantized_dtype
