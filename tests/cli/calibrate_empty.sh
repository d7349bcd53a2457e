# SPDX-License-Identifier: Apache-2.0
# Tensors without elements among the batches: they pull no range to 0, whatever the method.
set -e
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/floats.inc"

# Rows of x, which is far from 0, and y, which never has an element.
batch() {
    safetensors "{\"x\":{\"dtype\":\"F32\",\"shape\":[$1,2],\"data_offsets\":[0,$(($1 * 8))]},\"y\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[$(($1 * 8)),$(($1 * 8))]}}"
}
batch 0 </dev/null >none.safetensors
echo 5 -8 8 -5 | floats | batch 2 >a.safetensors
echo 6 -7 | floats | batch 1 >b.safetensors

for method in minmax moving-average:0.5 mean percentile:80 mse entropy; do
    for granularity in tensor 'channel --axis 1'; do
        echo "== $method, per $granularity"
        # shellcheck disable=SC2086
        "$CLQUANT" calibrate none.safetensors a.safetensors none.safetensors b.safetensors none.safetensors \
            -o r.json --tensor x --method $method --granularity $granularity --force --quiet
        members r.json batches elements min max lo hi
        # shellcheck disable=SC2086
        "$CLQUANT" calibrate a.safetensors b.safetensors \
            -o s.json --tensor x --method $method --granularity $granularity --force --quiet
        members r.json min max threshold lo hi >r.txt
        members s.json min max threshold lo hi >s.txt
        cmp r.txt s.txt
    done
done

echo "== nothing at all"
"$CLQUANT" calibrate none.safetensors -o r.json --force --allow-empty 2>&1 | sed 's/, .* s on .*//'
members r.json name elements min max lo hi
"$CLQUANT" minmax none.safetensors
"$CLQUANT" minmax none.safetensors --granularity channel --axis 0 --json | sed 's/"device": .*/"device": D/; /"check/d'
