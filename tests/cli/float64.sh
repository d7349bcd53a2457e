# SPDX-License-Identifier: Apache-2.0
# F64 is read everywhere, and rounded to f32 once: ties to even, beyond f32 infinity. From there on it is as F32.
. "$CLQ_TEST_FOLDER/tensors.inc"

# f64 values as bytes, each given as its bits in hexadecimal, the lowest byte first or last.
f64() {
    order=$1
    shift
    for bits in "$@"; do
        for place in $order; do
            byte "$((0x$(echo "$bits" | cut -c "$place")))"
        done
    done
}
little='15,16 13,14 11,12 9,10 7,8 5,6 3,4 1,2'
big='1,2 3,4 5,6 7,8 9,10 11,12 13,14 15,16'

# 1 + 2^-24 and 1 + 3 * 2^-24 are ties; then just above a tie, 0.1, -2, -0, 2^-149 and the tie below it, 3.
wide='3ff0000010000000 3ff0000030000000 3ff0000010000001 3fb999999999999a c000000000000000 8000000000000000 36a0000000000000 3690000000000000'
single='3f800000 3f800002 3f800001 3dcccccd c0000000 80000000 00000001 00000000'
# shellcheck disable=SC2086
{
    f64 "$little" $wide | npy '<f8' '2, 4' >little.npy
    f64 "$big" $wide | npy '>f8' '2, 4' >big.npy
    f32 $single | npy '<f4' '2, 4' >x.npy
    f64 "$little" $wide | safetensors '{"x":{"dtype":"F64","shape":[2,4],"data_offsets":[0,64]}}' >wide.safetensors
}
mkdir big little
mv big.npy big/x.npy
mv little.npy little/x.npy
echo "== quantize"
for preset in symmetric affine torch; do
    for granularity in tensor channel 'group --group-size 3'; do
        # shellcheck disable=SC2086
        "$CLQUANT" quantize x.npy -o single.safetensors -q -f --preset $preset --granularity $granularity
        for file in wide.safetensors big/x.npy little/x.npy; do
            # shellcheck disable=SC2086
            "$CLQUANT" quantize $file -o q.safetensors -q -f --preset $preset --granularity $granularity
            for tensor in x x_scale; do
                [ "$(numbers q.safetensors $tensor x1)" = "$(numbers single.safetensors $tensor x1)" ] || echo "$tensor of $file differs"
            done
        done
    done
done
header q.safetensors | sed -n 's/.*\(.."source_dtype[^,]*\),.*/\1/p'
"$CLQUANT" quantize wide.safetensors -o q.safetensors -f --check all | sed 's/, [0-9.]* s.*//'
"$CLQUANT" quantize wide.safetensors -o p.safetensors --calibrate mse -q && numbers p.safetensors x_scale x4

echo "== minmax, calibrate"
"$CLQUANT" minmax wide.safetensors --granularity channel --verbose
for file in x.npy wide.safetensors big/x.npy; do
    "$CLQUANT" calibrate $file -o r.json -q -f --method entropy && members r.json dtype min max lo hi
done

echo "== compare: in double; dequantize: as it is"
f64 "$little" 3ff0000010000000 3ff0000000000000 | safetensors '{"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}' >a.safetensors
f32 3f800000 3f800000 | safetensors '{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' >b.safetensors
"$CLQUANT" compare a.safetensors b.safetensors
{
    f64 "$little" 3ff0000010000000
    byte 5
} | safetensors '{"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"w":{"dtype":"I8","shape":[1],"data_offsets":[8,9]},"w_scale":{"dtype":"F64","shape":[0],"data_offsets":[9,9]}}' >c.safetensors
refused dequantize c.safetensors -o d.safetensors
{
    f64 "$little" 3ff0000010000000 3ff0000030000000
    byte 5
} | safetensors '{"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"w_scale":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"w":{"dtype":"I8","shape":[1],"data_offsets":[16,17]}}' >c.safetensors
"$CLQUANT" dequantize c.safetensors -o d.safetensors -q && header d.safetensors && numbers d.safetensors d x8 && numbers d.safetensors w x4

echo "== beyond f32"
f64 "$little" 47efffffe0000000 47efffffefffffff 3ff0000000000000 | npy '<f8' '3,' >most.npy
"$CLQUANT" minmax most.npy
f64 "$little" 3ff0000000000000 47effffff0000000 c7f0000000000000 | npy '<f8' '3,' >beyond.npy
refused minmax beyond.npy
refused quantize beyond.npy -o q.safetensors -f
refused calibrate beyond.npy -o r.json -f
"$CLQUANT" quantize beyond.npy -o q.safetensors -f --nonfinite ignore 2>&1 | grep clquant: && numbers q.safetensors beyond d1
