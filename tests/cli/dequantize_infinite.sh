# SPDX-License-Identifier: Apache-2.0
# Values beyond the type that dequantize writes become infinite: one warning tells how many and where, --strict refuses.
# NaN and infinity that --nonfinite ignore lets pass are told as well.
. "$CLQ_TEST_FOLDER/tensors.inc"
# a: steps of 1000, 65 to 127 of them beyond f16; b: within it; c: steps of 2^126, beyond f32 from 4 on.
{
    f32 447a0000 3f800000 7e800000
    byte 65
    byte 66
    byte 127
    byte 129
    byte 100
    byte 1
    byte 4
    byte 128
} | safetensors '{"a_scale":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b_scale":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"c_scale":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"a":{"dtype":"I8","shape":[4],"data_offsets":[12,16]},"b":{"dtype":"I8","shape":[1],"data_offsets":[16,17]},"c":{"dtype":"I8","shape":[3],"data_offsets":[17,20]}}' >q.safetensors
for dtype in f16 bf16 f32; do
    echo "== $dtype"
    "$CLQUANT" dequantize q.safetensors -o $dtype.safetensors --dtype $dtype --json >report.json
    echo "exit $?"
    members report.json name infinite
    "$CLQUANT" dequantize q.safetensors -o s.safetensors --dtype $dtype --strict --json >report.json
    echo "exit $?, objects: $(grep -c '^}' report.json)"
    members report.json name infinite error
    "$CLQUANT" dequantize q.safetensors -o b.safetensors --dtype $dtype --strict --tensor b --force --quiet
    echo "exit $?"
done
ls -A
echo "a $(numbers f16.safetensors a x2), c $(numbers f32.safetensors c x4)"

echo "== --nonfinite ignore"
f32 3f800000 7fc00000 7f800000 ff800000 3f800000 3f800000 | safetensors '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[16,24]}}' >n.safetensors
"$CLQUANT" quantize n.safetensors -o nq.safetensors --nonfinite ignore >/dev/null
echo "exit $?"
"$CLQUANT" quantize n.safetensors -o nr.safetensors --nonfinite ignore --dry-run --preset affine >/dev/null
"$CLQUANT" calibrate n.safetensors n.safetensors -o r.json --nonfinite ignore >/dev/null
"$CLQUANT" quantize n.safetensors -o ns.safetensors --nonfinite ignore --include b --strict >/dev/null
at=0
head=
for name in v w x y; do
    head="$head,\"$name\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[$at,$((at + 4))]}"
    at=$((at + 4))
done
f32 7fc00000 7fc00000 7fc00000 7fc00000 | safetensors "{${head#,}}" >many.safetensors
"$CLQUANT" quantize many.safetensors -o nm.safetensors --nonfinite ignore >/dev/null
