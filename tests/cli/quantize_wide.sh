# SPDX-License-Identifier: Apache-2.0
# Codes of 16 bits, with zero points of their type or I32, from quantize to info, dequantize and compare; the type of
# the zero points of 4-bit codes, which follows from the scheme whatever the data is.
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/floats.inc"
echo 1 2.5 -3 4 0.125 6 -7.75 3 2 1 | floats >data
data='"shape":[2,5],"data_offsets":[0,40]'
safetensors "{\"w\":{\"dtype\":\"F32\",$data}}" <data >m.safetensors
awk 'BEGIN { s = 1; for (i = 0; i < 30000; i++) { s = (s * 16807) % 2147483647; print s / 1e9 - 1 } }' </dev/null | floats |
    safetensors '{"w":{"dtype":"F32","shape":[30,1000],"data_offsets":[0,120000]}}' >large.safetensors

for options in '--dtype s16' '--dtype u16 --preset onnx' '--dtype s16 --preset affine --granularity tensor' \
    '--dtype u16 --preset torch --granularity group --group-size 3' '--dtype s16 --scale 0.001 --zero-point 40000'; do
    echo "== $options"
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o q.safetensors -f --check all $options --json >report.json || exit 1
    members report.json quantized_dtype clipped
    header q.safetensors | sed -n 's/.*"\(w[^"]*\)":{\("dtype":"[^"]*","shape":[^]]*\]\).*/\1 \2/p'
    "$CLQUANT" info q.safetensors --json | grep -e '^ *"[a-z_]*dtype"'
    echo "codes $(numbers q.safetensors w d2)"
    "$CLQUANT" dequantize q.safetensors -o d.safetensors -f -q --check all
    "$CLQUANT" compare d.safetensors q.safetensors | sed -n 2p
    # The same error, told by quantize and by compare.
    echo "$(members report.json max_abs_error) $("$CLQUANT" compare m.safetensors q.safetensors --json | sed -n 's/ *\("max_abs_error": .*\),/\1/p')"
done

echo "== in pieces"
for granularity in tensor channel 'group --group-size 7'; do
    # shellcheck disable=SC2086
    "$CLQUANT" quantize large.safetensors -o a.safetensors -f -q --dtype s16 --preset onnx --granularity $granularity --memory 1M
    # shellcheck disable=SC2086
    "$CLQUANT" quantize large.safetensors -o b.safetensors -f -q --dtype s16 --preset onnx --granularity $granularity -d reference
    cmp a.safetensors b.safetensors && "$CLQUANT" compare large.safetensors a.safetensors --memory 1M --fail-sqnr-below 80 -q && echo "right"
done

echo "== again, and by others"
"$CLQUANT" quantize q.safetensors -o again.safetensors --allow-empty -q && "$CLQUANT" compare q.safetensors again.safetensors | sed -n 2p
header again.safetensors | sed -n 's/.*"\(w[^"]*\)":{\("dtype":"[^"]*","shape":[^]]*\]\).*/\1 \2/p'
{
    f32 3f800000
    printf '\001\000'
} | safetensors '{"w_scale":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"I16","shape":[1],"data_offsets":[4,6]}}' >other.safetensors
refused dequantize other.safetensors -o d.safetensors -f
refused quantize other.safetensors -o d.safetensors -f --min-rank 0
refused quantize m.safetensors -o d.safetensors -f --dtype s16 --calibrate mse
refused calibrate m.safetensors -o r.json --dtype u16 --method entropy
refused quantize m.safetensors -o d.safetensors -f --dtype s16 --format compressed-tensors

echo "== zero points of 4 bits"
echo 1 2.5 3 4 5 6 | floats | npy '<f4' '6,' >positive.npy
echo -1 -2.5 -3 -4 -5 -6 | floats | npy '<f4' '6,' >negative.npy
echo -1 2.5 3 -4 5 6 | floats | npy '<f4' '6,' >both.npy
for options in '--dtype s4 --preset onnx' '--dtype u4 --preset onnx' '--dtype s4 --preset affine' '--dtype u4 --preset affine' \
    '--dtype s4 --scale 1 --zero-point 3' '--dtype s4 --scale 1 --zero-point -3' '--dtype u4 --scale 1 --zero-point -3' '--dtype s4'; do
    for array in positive negative both; do
        # shellcheck disable=SC2086
        "$CLQUANT" quantize $array.npy -o q.safetensors -f -q $options
        echo "$options, $array: $(header q.safetensors | sed -n 's/.*_zero_point":{"dtype":"\([^"]*\)".*/\1/p')"
    done
done
