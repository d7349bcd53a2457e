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
    echo "== $1 [$2], scale [$3], zero points '$5'${6:+, groups of $6}"
    make "$@"
    if "$CLQUANT" dequantize f.safetensors -o f.npy --force --quiet ${6:+--group-size "$6"} 2>refused; then
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
real I8 3,4 3,2 "$HALF $ONE $HALF $ONE $TWO $FOUR" "" 3
real I8 12 3 "$HALF $ONE $TWO" ""
real I8 12 3 "$HALF $ONE $TWO" "" 5
real I8 12 6 "$HALF $ONE $TWO $HALF $ONE $TWO" ""
real I8 3,4 2,4 "$HALF $ONE $TWO $FOUR $ONE $TWO $FOUR $HALF" ""
echo "-- groups of config.json"
mkdir folder
config() {
    make I8 12 3 "$HALF $ONE $TWO" ""
    mv f.safetensors folder/model.safetensors
    echo "{\"quantization_config\": $1}" >folder/config.json
    echo "$1"
    for from in folder folder/model.safetensors; do
        if "$CLQUANT" dequantize $from -o f.safetensors --force --quiet 2>refused; then
            # shellcheck disable=SC2046
            echo $(tail -c 48 f.safetensors | od -An -v -t f4)
        else
            echo "exit $?: $(cat refused)"
        fi
    done
}
config '{"config_groups": {"a": {"weights": {"group_size": 4}}, "b": {"weights": {"group_size": 6}}}}'
config '{"config_groups": {"a": {"weights": {"group_size": 5}}, "b": {"weights": {"group_size": -1}}, "c": {"weights": {"group_size": 5}}}}'
config '{"config_groups": {"a": {"weights": {"group_size": 5}}, "b": {"weights": {"group_size": 4}}}}'
config '{"config_groups": {"a": {"weights": {"group_size": 6}}, "b": {"weights": null}, "c": [5]}}'
config '"none"'
echo "-- our own without the metadata"
f32 3f800000 40000000 3f800000 40000000 41000000 40000000 3f800000 40000000 3f000000 3f000000 3e000000 3e800000 \
    40000000 3f800000 40000000 3f000000 3f000000 3f800000 41000000 40000000 3f800000 3e000000 |
    safetensors '{"w":{"dtype":"F32","shape":[1,22],"data_offsets":[0,88]}}' >w.safetensors
"$CLQUANT" quantize w.safetensors -o own.safetensors --granularity group --group-size 7 --quiet
LC_ALL=C sed 's/"clquant":/"elsewho":/' own.safetensors >stripped.safetensors
refused dequantize stripped.safetensors -o back.safetensors
refused compare w.safetensors stripped.safetensors
refused info stripped.safetensors --json
"$CLQUANT" info stripped.safetensors --group-size 7 | grep -o 'group 7'
for size in 7 6; do
    "$CLQUANT" compare own.safetensors stripped.safetensors --group-size $size --fail-sqnr-below 300 --quiet 2>/dev/null
    echo "groups of $size: exit $?"
done
real I8 1,3,4 3,1 "$HALF $ONE $TWO" ""
real I8 3,2,2 3,1 "$HALF $ONE $TWO" ""
real I8 3,2,2 1,2,1 "$HALF $ONE" ""
echo "-- do not fit"
real I8 3,4 2 "$HALF $ONE" ""
real I8 12 3 "$HALF $ONE $TWO" "" 6
real I8 12 9 "$HALF $ONE $TWO $HALF $ONE $TWO $HALF $ONE $TWO" ""
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
