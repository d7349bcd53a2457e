# SPDX-License-Identifier: Apache-2.0
# NaN and infinity: refused with their place, or left out of the range and counted.
. "$CLQ_TEST_FOLDER/tensors.inc"
# 1, NaN, -2, inf, -inf, 4
f32 3f800000 7fc00000 c0000000 7f800000 ff800000 40800000 | npy '<f4' '6,' >x.npy
refused quantize x.npy -o q.safetensors
refused quantize x.npy -o q.safetensors --dry-run
ls -A
"$CLQUANT" quantize x.npy -o q.safetensors --nonfinite ignore --json >report.json
echo "exit $?"
members report.json scale min max nonfinite clipped
echo "codes: $(numbers q.safetensors x d1)"
echo "-- a row of nothing else"
{ f32 7fc00000 7fc00000 40000000 3f800000; } | npy '<f4' '2, 2' >y.npy
"$CLQUANT" quantize y.npy -o y.safetensors --nonfinite ignore --quiet
echo "exit $?, scales $(numbers y.safetensors y_scale f4), codes $(numbers y.safetensors y d1)"
echo "-- a chunk of nothing else does not widen the range to zero"
{
    head -c 600000 /dev/zero | tr '\000' '\377'
    f32 40a00000 40c00000
} | npy '<f4' '150002,' >z.npy
for memory in 256M 1M; do
    "$CLQUANT" quantize z.npy -o z.safetensors --force --nonfinite ignore --preset affine --json --memory $memory >report.json
    members report.json min max nonfinite
done
