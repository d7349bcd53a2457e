# SPDX-License-Identifier: Apache-2.0
# Groups along any axis: --granularity group --axis N. What docs/numerics.md works out by hand, how files and reports
# tell of it, and large tensors in pieces.
. "$CLQ_TEST_FOLDER/tensors.inc"
f32 3f800000 40000000 40400000 40800000 c0000000 3f800000 40c00000 3f000000 3f000000 be800000 41000000 3f800000 |
    npy '<f4' '3, 4' >x.npy

# Shapes and what the metadata says of groups: told FILE
told() {
    header "$1" | sed -n 's/.*\("[^"]*":{"dtype":"[^"]*","shape":\[[^]]*\]\).*/\1/p'
    header "$1" | tr '{}' '\n\n' | sed -n 's/\\//g; s/.*\("granularity":"[^"]*"\),*\("axis":[^,]*,\)*\("group_size":[0-9]*\).*/\1 \2\3/p'
}
echo "== the example of the numerics"
"$CLQUANT" quantize x.npy -o x.safetensors --granularity group --axis 0 --group-size 2 --json >report.json || exit 1
told x.safetensors
echo "scale: $(numbers x.safetensors x_scale x4)"
echo "codes: $(numbers x.safetensors x d1)"
members report.json granularity axis
"$CLQUANT" quantize x.npy -o y.safetensors --granularity group --axis=-2 --group-size 2 --verbose 2>/dev/null | grep -o 'group 2.*axis [0-9]*'
"$CLQUANT" info x.safetensors | grep -o 'group 2, axis 0'
"$CLQUANT" info x.safetensors --json >info.json
members info.json granularity axis group_size
"$CLQUANT" minmax x.npy --granularity group --axis 0 --group-size 2 --json >minmax.json
members minmax.json granularity axis group_size
tr -d ' \n' <minmax.json | grep -o '"m[inax]*":\[[^]]*\]'
"$CLQUANT" minmax x.npy --granularity group --axis 0 --group-size 2 --verbose 2>/dev/null | sed 's/ *$//'
"$CLQUANT" dequantize x.safetensors -o back.npy -q
# shellcheck disable=SC2046
echo "back:" $(tail -c 48 back.npy | od -An -v -t x4)
"$CLQUANT" compare x.npy x.safetensors --json | sed -n '/max_abs_error"/p'

echo "== along the last axis they are the groups there are without --axis"
for axis in 1 -1; do
    "$CLQUANT" quantize x.npy -o last.safetensors -f -q --granularity group --axis=$axis --group-size 3
    told last.safetensors
done
"$CLQUANT" quantize x.npy -o groups.safetensors -q --granularity group --group-size 3
for part in x x_scale; do
    [ "$(numbers last.safetensors $part x1)" = "$(numbers groups.safetensors $part x1)" ] || echo "other bytes of $part"
done

echo "== 4-bit codes, bands of an odd number of elements"
f32 3f800000 bf800000 40000000 c0000000 3f000000 40400000 00000000 40800000 be800000 3e800000 41200000 c1200000 3f800000 \
    3f800000 bf000000 40a00000 40e00000 c0400000 | npy '<f4' '2, 3, 3' >odd.npy
"$CLQUANT" quantize odd.npy -o odd.safetensors --granularity group --axis 1 --group-size 2 --preset affine --dtype u4 -q
told odd.safetensors
echo "scale: $(numbers odd.safetensors odd_scale x4)"
echo "zero points: $(numbers odd.safetensors odd_zero_point d4)"
echo "codes: $(numbers odd.safetensors odd x1)"

echo "== the axis by name"
head='{"a.w":{"dtype":"F32","shape":[4,3],"data_offsets":[0,48]},"b.w":{"dtype":"F32","shape":[4,3],"data_offsets":[48,96]}}'
{
    tail -c 48 x.npy
    tail -c 48 x.npy
} | safetensors "$head" >m.safetensors
"$CLQUANT" quantize m.safetensors -o n.safetensors --granularity group --group-size 2 --axis 'a*=0' -q
told n.safetensors

echo "== of others, by the shape of the scale alone"
f32 3f000000 3f800000 40000000 40800000 41000000 41800000 42000000 42800000 >scales
foreign() {
    bytes=$((4 * $3))
    head="{\"w\":{\"dtype\":\"I8\",\"shape\":[$1],\"data_offsets\":[0,12]},\"w_scale\":{\"dtype\":\"F32\",\"shape\":[$2],\"data_offsets\":[12,$((12 + bytes))]}}"
    {
        printf '\001\002\003\004\005\006\007\010\011\012\013\014'
        head -c $bytes scales
    } | safetensors "$head" >foreign.safetensors
    "$CLQUANT" dequantize foreign.safetensors -o foreign.npy -f -q && tail -c 48 foreign.npy | od -An -v -t f4 -w16
}
foreign 4,3 2,3 6
foreign 2,2,3 2,1,3 6
foreign 3,4 2,3 6 2>&1
foreign 3,4 2,4 8 2>&1

echo "== refused"
printf '%s' '{"architectures":["LlamaForCausalLM"]}' >config.json
refused quantize x.npy -o r.safetensors --granularity group --axis 2
refused quantize x.npy -o r.safetensors --granularity tensor --axis 0
refused quantize x.npy -o r.safetensors --granularity tensor --axis 'x=0'
refused minmax x.npy --axis 0
head='{"a.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]}}'
tail -c 48 x.npy | safetensors "$head" >a.safetensors
refused quantize a.safetensors -o r.safetensors --format compressed-tensors --granularity group --group-size 2 --axis 0
refused quantize a.safetensors -o r.safetensors --format pack-quantized --granularity group --group-size 2 --axis 0
"$CLQUANT" quantize a.safetensors -o r.safetensors --format pack-quantized --granularity group --group-size 2 --axis 1 -q 2>/dev/null
told r.safetensors
f32 3f800000 | npy '<f4' '' >scalar.npy
refused quantize scalar.npy -o scalar.safetensors --granularity group

echo "== in pieces, and checked"
"$CLQUANT" sample mobilenet-v2 -o s.safetensors --quiet || exit 1
tail -c 243612 s.safetensors | npy '<f4' '3, 201, 101' >large.npy
count=0
same() {
    "$CLQUANT" quantize large.npy -o kept.safetensors --force --json --device reference --granularity group "$@" >kept.json || exit 1
    for memory in 1M 64M; do
        "$CLQUANT" quantize large.npy -o found.safetensors --force --json --check all --memory $memory --granularity group "$@" >found.json || exit 1
        cmp kept.safetensors found.safetensors || echo "differ: $memory $*"
        for member in min max clipped max_abs_error sqnr_db; do
            [ "$(members kept.json $member)" = "$(members found.json $member)" ] || echo "other $member: $memory $*"
        done
        count=$((count + 1))
    done
    "$CLQUANT" dequantize found.safetensors -o a.npy --force --quiet --device reference
    "$CLQUANT" dequantize found.safetensors -o b.npy --force --quiet --memory 1M
    cmp a.npy b.npy || echo "differ: dequantize $*"
}
same --axis 1 --group-size 64
same --axis 1 --group-size 33 --preset affine --dtype u4
same --axis 0 --group-size 2 --dtype s4
same --axis 1 --group-size 100000 --preset onnx
echo "$count combinations"
