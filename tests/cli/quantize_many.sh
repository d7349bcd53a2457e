# SPDX-License-Identifier: Apache-2.0
# Thousands of small tensors of different sizes share slots and launches: the same file on the device and the reference,
# whatever the memory, and the same numbers in the report.
. "$CLQ_TEST_FOLDER/files.inc"
"$CLQUANT" sample mobilenet-v2 -o sample.safetensors --quiet || exit 1
header=$(awk 'BEGIN {
    at = 0
    printf "{"
    for (i = 0; i < 3000; i++) {
        rows = i * 7 % 5 + 1
        columns = i * 13 % 61 + 1
        bytes = rows * columns * 4
        comma = i > 0 ? "," : ""
        printf "%s\"layers.%d.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],", comma, i, rows, columns
        printf "\"data_offsets\":[%d,%d]}", at, at + bytes
        at += bytes
    }
    printf "}"
    print at >"data_bytes"
}')
length=${#header}
{
    byte $((length % 256))
    byte $((length / 256 % 256))
    byte $((length / 65536))
    printf '\000\000\000\000\000%s' "$header"
    tail -c "$(cat data_bytes)" sample.safetensors
} >m.safetensors
for options in "" "--preset affine" "--dtype s4 --granularity group --group-size 16"; do
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o q.safetensors --force --json $options >q.json || exit 1
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o r.safetensors --force --json $options --device reference --memory 1M >r.json ||
        exit 1
    cmp q.safetensors r.safetensors || exit 1
    for report in q r; do
        grep -v -e '"variant"' -e '"device"' -e '"seconds"' $report.json >$report.facts
    done
    cmp q.facts r.facts || exit 1
    "$CLQUANT" dequantize q.safetensors -o back.safetensors --force --quiet || exit 1
    "$CLQUANT" compare q.safetensors back.safetensors --fail-sqnr-below 1000 --quiet || exit 1
    echo "${options:-default}: $(grep -c '"sqnr_db"' q.json) tensors"
done
"$CLQUANT" minmax m.safetensors --json >d.json || exit 1
"$CLQUANT" minmax m.safetensors --json --device reference --memory 1M >r.json || exit 1
grep -v '"device"' d.json >d.facts
grep -v '"device"' r.json >r.facts
cmp d.facts r.facts && echo "the same ranges"
