# SPDX-License-Identifier: Apache-2.0
# Both ends of a range: what schemes that are not symmetric get from a histogram, on the device as on the reference, in
# any order of batches; and the file of them, which `quantize` reads.
set -e
. "$CLQ_TEST_FOLDER/arrays.inc"
. "$CLQ_TEST_FOLDER/floats.inc"

members() {
    file=$1
    shift
    for name in "$@"; do
        grep "^ *\"$name\":" "$file" | sed 's/^ *//; s/,$//'
    done
}
# GELU of numbers between -4 and 4, most of them small, and one far out.
numbers() {
    awk -v from="$1" -v to="$2" 'BEGIN {
        for (i = from; i < to; i++) {
            t = (i % 401 - 200) / 200
            x = 4 * t * t * t
            printf "%.9g\n", x / (1 + exp(-1.702 * x))
        }
    }'
}
{ numbers 0 1023; echo 20; } | floats | npy '<f4' '512, 2' >a.npy
numbers 1024 1624 | floats | npy '<f4' '300, 2' >b.npy

for scheme in 'onnx u8' 'tflite s4'; do
    for method in percentile:99 mse entropy; do
        for granularity in tensor 'channel --axis 1'; do
            set -- --name x --preset "${scheme% *}" --dtype "${scheme#* }" --method $method --force --quiet \
                --histograms --granularity
            echo "== $scheme, $method, per $granularity"
            # shellcheck disable=SC2086
            "$CLQUANT" calibrate a.npy b.npy -o r.json "$@" $granularity
            members r.json clquant_ranges kept lo hi
            # shellcheck disable=SC2086
            "$CLQUANT" calibrate b.npy a.npy -o s.json "$@" $granularity --device reference --memory 1M
            sed '/"inputs"/,/^    \]/d' r.json >r.rest
            sed '/"inputs"/,/^    \]/d' s.json >s.rest
            sed '/"path"\|"bytes"/d' r.rest >r.text
            sed '/"path"\|"bytes"/d' s.rest | cmp - r.text
        done
    done
done

echo "== what quantize makes of them"
"$CLQUANT" calibrate a.npy -o r.json --name a --preset onnx --method mse --force --quiet
"$CLQUANT" quantize a.npy -o q.safetensors --preset onnx --ranges r.json --json | grep -E '"(scale|zero_point|sqnr_db)' |
    sed 's/^ *//'
"$CLQUANT" quantize a.npy -o p.safetensors --preset onnx --calibrate mse --quiet
"$CLQUANT" compare q.safetensors p.safetensors --quiet && echo equal
