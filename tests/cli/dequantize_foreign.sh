# SPDX-License-Identifier: Apache-2.0
# Quantized files of other tools: the granularity is told by the shape of the scale, and what does not fit is refused.
. "$CLQ_TEST_FOLDER/tensors.inc"
# make CODES_DTYPE CODES_SHAPE SCALE_SHAPE SCALES ZERO_POINTS: 12 codes 1 to 12, scales as f32 bits, zero points as bytes
make() {
    scales=$(echo "$4" | wc -w)
    zeros=$(echo "$5" | wc -w)
    a=$((4 * scales))
    b=$((a + 12))
    c=$((b + zeros))
    zero_point=
    [ "$zeros" -eq 0 ] || zero_point=",\"m.weight_zero_point\":{\"dtype\":\"$1\",\"shape\":[$3],\"data_offsets\":[$b,$c]}"
    {
        # shellcheck disable=SC2086
        f32 $4
        printf '\001\002\003\004\005\006\007\010\011\012\013\014'
        for value in $5; do
            byte "$value"
        done
    } | safetensors "{\"m.weight_scale\":{\"dtype\":\"F32\",\"shape\":[$3],\"data_offsets\":[0,$a]},\"m.weight\":{\"dtype\":\"$1\",\"shape\":[$2],\"data_offsets\":[$a,$b]}$zero_point}" >f.safetensors
}
real() {
    echo "== $1 [$2], scale [$3], zero points '$5'"
    make "$@"
    if "$CLQUANT" dequantize f.safetensors -o f.npy --force --quiet 2>refused; then
        # shellcheck disable=SC2046
        echo $(tail -c 48 f.npy | od -An -v -t f4)
    else
        echo "exit $?: $(said refused)"
    fi
}
HALF=3f000000
ONE=3f800000
TWO=40000000
FOUR=40800000
real I8 3,4 1 "$HALF" ""
real I8 3,4 "" "$HALF" ""
real I8 3,4 3,1 "$HALF $ONE $TWO" ""
real U8 3,4 3,1 "$HALF $ONE $TWO" "1 0 255"
real I8 3,4 1,4 "$HALF $ONE $TWO $FOUR" ""
real I8 3,4 3 "$HALF $ONE $TWO" "1 2 3"
real I8 3,4 3,2 "$HALF $ONE $HALF $ONE $TWO $FOUR" ""
real I8 12 3 "$HALF $ONE $TWO" ""
real I8 1,3,4 3,1 "$HALF $ONE $TWO" ""
real I8 3,2,2 3,1 "$HALF $ONE $TWO" ""
real I8 3,2,2 1,2,1 "$HALF $ONE" ""
echo "-- do not fit"
real I8 3,4 2 "$HALF $ONE" ""
real I8 3,4 3,3 "$HALF $ONE $TWO $HALF $ONE $TWO $HALF $ONE $TWO" ""
real I8 2,3,2 2,1 "$HALF $ONE" ""
real I8 3,2,2 2,1 "$HALF $ONE" ""
real I8 3,4 4,1 "$HALF $ONE $TWO $FOUR" ""
real I8 3,4 1 7fc00000 ""
real I8 3,4 1 bf800000 ""
echo "-- metadata that does not describe the file"
f32 3f800000 40000000 3f800000 40000000 | safetensors '{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >m.safetensors
"$CLQUANT" quantize m.safetensors -o q.safetensors --quiet
for change in 's/\[2,2\],\\"source/[4,1],\\"source/' 's/s8\\",\\"shape/s5\\",\\"shape/' 's/s8\\",\\"shape/u4\\",\\"shape/' \
    's/\\"axis\\":0,\\"preset/\\"axis\\":9,\\"preset/' 's/channel/chanell/'; do
    LC_ALL=C sed "$change" q.safetensors >changed.safetensors
    refused dequantize changed.safetensors -o back.safetensors
done
