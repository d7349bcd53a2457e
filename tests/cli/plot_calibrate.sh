# SPDX-License-Identifier: Apache-2.0
# calibrate --plot: histograms of the worst tensors, of every method and scheme, that change nothing else; where there is
# nothing to draw, that is told, and the ranges stay.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
# Eight of one shape, named a to h but for one, whose outlier grows from tensor to tensor; then what has no histogram.
{
    for outlier in 40000000 40800000 41000000 41800000 42000000 42800000 43000000 43800000; do
        f32 bf800000 bf000000 00000000 3e800000 3f000000 3f400000 3f800000 $outlier
    done
    f32 00000000 80000000 7fc00000 7f800000
} >data
header='{"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}'
at=32
for name in b c d e f g 'h<i>&\"\u001b[31m, which has a name that is longer than a panel is wide'; do
    header="$header,\"$name\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[$at,$((at + 32))]}"
    at=$((at + 32))
done
header="$header,\"zero\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[256,264]}"
header="$header,\"none\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[264,272]}"
header="$header,\"empty\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[272,272]}}"
safetensors "$header" <data >x.safetensors
for method in minmax moving-average mean percentile:70 mse entropy; do
    for preset in symmetric onnx; do
        "$CLQUANT" calibrate x.safetensors -o r.json --force --quiet --nonfinite ignore --method $method --preset $preset
        "$CLQUANT" calibrate x.safetensors -o with.json --force --quiet --nonfinite ignore --method $method --preset $preset \
            --plot p.svg
        cmp r.json with.json
        echo "$method $preset: $(grep -c '>found ' p.svg) panels, $(grep -c 'class="gate"' p.svg) ends," \
            "$(sed -n 's/.*>\([0-9.e-]*%\) beyond<.*/\1/p' p.svg | tr '\n' ' ')"
        for tag in svg text title style; do
            [ "$(grep -o "<$tag[ >]" p.svg | wc -l)" -eq "$(grep -o "</$tag>" p.svg | wc -l)" ] || echo "$tag"
        done
        tail -n 1 p.svg | grep -v '^</svg>$'
    done
done

echo "-- worst first, and the name of the last of the file"
"$CLQUANT" calibrate x.safetensors -o r.json --force --quiet --nonfinite ignore --plot p.svg
sed -n 's/^<text[^>]*>\([1-6]  .*\)<title>.*/\1/p' p.svg
head -n 10 p.svg | tail -n 1
echo "-- channels"
"$CLQUANT" calibrate x.safetensors -o r.json --force --quiet --nonfinite ignore --granularity channel --include g --plot p.svg
sed -n 's/^<text[^>]*>\([1-6]  .*\)<title>.*/\1/p' p.svg
echo "-- both ends"
"$CLQUANT" calibrate x.safetensors -o r.json --force --quiet --include g --preset onnx --method percentile:70 --plot p.svg
sed -n 's/^<text[^>]*>\(found .*\)<.text>/\1/p;s/^<text[^>]*font-size="11"[^>]*>\(.*\)<.text>/\1/p' p.svg
echo "-- what is expected comes true, within half a decibel"
"$CLQUANT" sample transformer-block -o t.safetensors --quiet
for preset in symmetric onnx; do
    for method in minmax mse percentile:99.9 entropy; do
        "$CLQUANT" calibrate t.safetensors -o r.json --force --quiet --preset $preset --method $method --plot p.svg
        sed -n 's/^<text[^>]*>[1-6]  \([0-9.]*\) dB  \(model.*\)<title>.*/\2 \1/p' p.svg | sort >expected
        "$CLQUANT" quantize t.safetensors -o q.safetensors --force --preset $preset --ranges r.json --min-rank 1 --verbose |
            awk '$3 == "dB" { print $1, $2 }' | sort | join expected - |
            awk -v what="$preset $method" '{ near += $2 - $3 < 0.5 && $3 - $2 < 0.5 } END { print what, near, "of", NR }'
    done
done
rm t.safetensors q.safetensors expected
echo "-- the picture alone is wanted of these"
rm p.svg
refused calibrate x.safetensors -o z.json --quiet --nonfinite ignore --include '[zn]*' --include empty --plot p.svg
refused calibrate x.safetensors -o y.json --quiet --include zero --plot nowhere/p.svg
refused calibrate x.safetensors -o y.json --quiet --include zero --plot ./y.json
refused calibrate x.safetensors -o p.svg --quiet --include zero --plot ./p.svg
ls
