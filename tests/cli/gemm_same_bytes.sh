# SPDX-License-Identifier: Apache-2.0
# The same bytes on the device and on the reference, for odd shapes, every option and every kernel there is.
. "$CLQ_TEST_FOLDER/arrays.inc"
[ "$CLQ_TEST_DEVICE" != reference ] || exit 77
"$CLQUANT" devices --json | grep -q '"auto": true' || exit 77
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
tail -c 4000000 m.safetensors >random
# Bytes from $1 on, $2 of them.
some() {
    tail -c +$(($1 + 1)) random | head -c "$2"
}
count=0
one() {
    "$CLQUANT" gemm a.npy b.npy -o device.npy --force --quiet "$@" || {
        echo "$shape: $*"
        exit 1
    }
    "$CLQUANT" gemm a.npy b.npy -o reference.npy --force --quiet --device reference "$@" || exit 1
    cmp device.npy reference.npy || echo "differ: $shape $*"
    count=$((count + 1))
}
# Codes as scales: f32 with the exponent of 2^-7 to 1.
scales() {
    some "$1" $((4 * $2)) | od -An -v -t u1 | tr -s ' ' '\n' | sed '/^$/d' | while read -r a && read -r b && read -r c && read -r d; do
        codes "$a" "$b" $((c | 128)) $((60 + d % 4))
    done
}
products() {
    m=$1
    n=$2
    k=$3
    shape="$m x $n x $k"
    for types in '|i1 |i1' '|u1 |i1' '|u1 |u1'; do
        some 0 $((m * k)) | npy "${types% *}" "$m, $k" >a.npy
        some 1000 $((k * n)) | npy "${types#* }" "$k, $n" >b.npy
        some 5 $((4 * n)) | npy '<i4' "$n," >bias.npy
        some 77 "$m" | npy '|i1' "$m, 1" >rows.npy
        some 99 "$n" | npy '|u1' "1, $n" >columns.npy
        scales 300 "$n" | npy '<f4' "$n," >scales.npy
        scales 500 "$m" | npy '<f4' "$m," >row_scales.npy
        one
        one --bias bias.npy --a-zero-point rows.npy --b-zero-point columns.npy
        one --a-zero-point 128 --b-zero-point -5 --dtype f32 --scale-a row_scales.npy --scale-b scales.npy
        for mode in double single shift float; do
            one --dtype s8 --requant $mode --scale-a 0.01 --scale-b scales.npy --scale-c 3 --a-zero-point 7
        done
        one --dtype u8 --scale-a 0.01 --scale-b 0.5 --scale-c 2 --c-zero-point 128 --clamp 128:255 --b-zero-point 3
    done
    some 0 $((m * k)) | npy '|i1' "$k, $m" >a.npy
    some 1000 $((k * n)) | npy '|u1' "$n, $k" >b.npy
    one --transpose-a --transpose-b --a-zero-point rows.npy --bias bias.npy
}
products 1 1 1
products 1 100 333
products 37 1 129
products 17 70 0
products 33 67 65
products 128 96 512
products 5 3 5000
some 0 30000 | npy '|i1' '6, 50, 100' >a.npy
some 7 42000 | npy '|u1' '6, 100, 70' >b.npy
some 5 1200 | npy '<i4' '6, 50' >rows.npy
some 50 420 | npy '|i1' '6, 1, 70' >columns.npy
shape=batches
one
one --a-zero-point rows.npy --b-zero-point columns.npy --dtype s8 --scale-a 0.01 --scale-b 0.01 --scale-c 4
some 7 7000 | npy '|u1' '100, 70' >b.npy
one --a-zero-point rows.npy
echo "$count products"
