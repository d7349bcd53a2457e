# SPDX-License-Identifier: Apache-2.0
# --check of the verbs on files: its words, what JSON tells of it, and that it changes nothing else.
. "$CLQ_TEST_FOLDER/files.inc"
refused minmax x --check
refused minmax x --check some
refused minmax x --check-seed 0 --check sample
refused minmax x --check-seed 7
refused minmax x --check-seed 7 --check all
refused quantize x -o y --check=none --check-seed 7
refused compare x y --check all
refused info x --check sample

f32 3f800000 c0000000 7fc00000 ff800000 41200000 3dcccccd | npy '<f4' '3, 2' >x.npy
told() {
    "$CLQUANT" "$@" --nonfinite ignore --json | sed -n 's/,$//; s/.*"check/check/p' | tr '\n' ' '
    echo ": $*"
}
told minmax x.npy --check none
told minmax x.npy --check all
told minmax x.npy --check sample --check-seed 77
told minmax x.npy --device reference
told quantize x.npy -o a.safetensors --check none
told quantize x.npy -o b.safetensors --check sample --check-seed 77
told quantize x.npy -o c.safetensors --check all --device reference
cmp a.safetensors b.safetensors
cmp a.safetensors c.safetensors
told calibrate x.npy -o r.json --method entropy --check all
"$CLQUANT" dequantize a.safetensors -o d.npy --check all --json | sed -n 's/,$//; s/.*"check/check/p'
