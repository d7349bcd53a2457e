# SPDX-License-Identifier: Apache-2.0
# The worked example of docs/numerics.md, section 10, and docs/calibration.md: 1000 points from -1 to 1 and one at 100.
set -e
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/floats.inc"
awk 'BEGIN { for (i = 0; i < 1000; i++) printf "%.17g\n", (2 * i - 999) / 999; print 100 }' | floats | npy '<f4' '1001,' >x.npy
for method in minmax moving-average percentile:99.9 mse entropy; do
    echo "== $method"
    "$CLQUANT" calibrate x.npy -o r.json --method $method --force --quiet
    members r.json min max threshold kept lo hi
    "$CLQUANT" quantize x.npy -o a.safetensors --ranges r.json --force --quiet --json >report.json
    members report.json scale min max clipped
    # The same in one step, but for the options that the metadata tells.
    [ $method != moving-average ] || continue
    "$CLQUANT" quantize x.npy -o b.safetensors --calibrate $method --force --quiet
    "$CLQUANT" dequantize a.safetensors -o a.npy --force --quiet
    "$CLQUANT" dequantize b.safetensors -o b.npy --force --quiet
    cmp a.npy b.npy
done
header a.safetensors | tr , '\n' | grep 'xxh64' | sed 's/xxh64:[0-9a-f]\{16\}/xxh64:HASH/'
header b.safetensors | tr , '\n' | grep 'calibrate'
"$CLQUANT" calibrate x.npy -o r.json --method percentile:99.9 --histograms --force --quiet
grep -A 1 '"histogram"' r.json
