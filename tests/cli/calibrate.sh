# SPDX-License-Identifier: Apache-2.0
# Ranges over several batches, by every method: what they are, and that neither the device, nor the memory, nor the
# order of files changes them (docs/numerics.md, section 10).
set -e
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/floats.inc"

# Three batches: x is in all of them with 2, 1 and 3 rows, y in two, and z is of whole numbers.
batch() {
    safetensors "{\"x\":{\"dtype\":\"F32\",\"shape\":[$1,2],\"data_offsets\":[0,$(($1 * 8))]},\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[$(($1 * 8)),$(($1 * 8 + 4))]},\"z\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[$(($1 * 8 + 4)),$(($1 * 8 + 5))]}}"
}
{ echo 1 -8 0.5 4 7 | floats; printf '\001'; } | batch 2 >a.safetensors
{ echo 2 -4 9 | floats; printf '\002'; } | batch 1 >b.safetensors
echo 1 1 -3 16 0.25 -0.5 | floats | npy '<f4' '3, 2' >x.npy

for method in minmax moving-average:0.5 mean percentile:80 mse entropy; do
    for granularity in tensor 'channel --axis 1'; do
        echo "== $method, per $granularity"
        # shellcheck disable=SC2086
        "$CLQUANT" calibrate a.safetensors b.safetensors x.npy -o r.json --tensor x --method $method \
            --granularity $granularity --force --quiet
        members r.json batches elements min max threshold lo hi
        # shellcheck disable=SC2086
        "$CLQUANT" calibrate a.safetensors b.safetensors x.npy -o s.json --tensor x --method $method \
            --granularity $granularity --force --quiet --device reference --memory 1M
        cmp r.json s.json
    done
done

echo "== all tensors, as a table and as JSON"
"$CLQUANT" calibrate a.safetensors b.safetensors -o r.json --method percentile:50 --force | sed 's/, .* s on .*//'
"$CLQUANT" calibrate a.safetensors b.safetensors -o r.json --method percentile:50 --force --json |
    sed 's/"seconds": .*,/"seconds": S,/; s/"device": .*/"device": D/; /"check/d'
"$CLQUANT" calibrate b.safetensors a.safetensors -o s.json --method percentile:50 --force --quiet
members r.json name lo hi >r.txt
members s.json name lo hi >s.txt
cmp r.txt s.txt

echo "== names and patterns"
echo 5 6 | floats | npy '<f4' '2,' >1.npy
echo 3 -9 1 | floats | npy '<f4' '3,' >2.npy
"$CLQUANT" calibrate 1.npy 2.npy -o r.json --force --quiet
members r.json name batches min max
"$CLQUANT" calibrate 1.npy 2.npy -o r.json --force --quiet --name input
members r.json name batches min max
"$CLQUANT" calibrate a.safetensors 1.npy -o r.json --force --quiet --include '[xy]' --exclude y
members r.json name

echo "== levels follow from the scheme"
for scheme in '--dtype s4' '--preset onnx' '--preset onnx --dtype s8'; do
    # shellcheck disable=SC2086
    "$CLQUANT" calibrate a.safetensors b.safetensors -o r.json --force --quiet --method entropy $scheme
    members r.json preset dtype threshold
done
