# SPDX-License-Identifier: Apache-2.0
# --axis GLOB=N: the axis of channels or groups of tensors of matching names; the last pattern that matches goes before
# all others.
. "$CLQ_TEST_FOLDER/tensors.inc"
for name in a.conv b.conv c.fc; do
    head="$head,\"$name\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[${at:-0},$((${at:-0} + 24))]}"
    at=$((${at:-0} + 24))
done
for i in 1 2 3; do
    f32 3f800000 40000000 40400000 c0800000 40a00000 40c00000
done | safetensors "{${head#,},\"v\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[72,72]}}" >m.safetensors

# The shape of each scale: shapes OPTION...
shapes() {
    echo "== $*"
    "$CLQUANT" quantize m.safetensors -o q.safetensors -f -q "$@" || return
    header q.safetensors | sed -n 's/.*"\([^"]*_scale\)":{"dtype":"F32","shape":\([^]]*\]\).*/\1 \2/p'
    header q.safetensors | tr ',' '\n' | grep axis
}
shapes --axis '*.conv=1'
shapes --axis '*.conv=-1' --axis 'b*=0' --axis 1
shapes --axis 'b*=0' --axis '*.conv=-1'
shapes --axis 1
shapes --axis '*.conv=1' --granularity channel --dtype s4
shapes --axis '*.conv=0' --granularity group --group-size 2
echo "== refused"
refused quantize m.safetensors -o r.safetensors --axis 'nothing*=1'
refused quantize m.safetensors -o r.safetensors --axis '*.conv=2'
refused quantize m.safetensors -o r.safetensors --axis '*.conv=-3'
refused quantize m.safetensors -o r.safetensors --axis '*.conv=1' --granularity tensor
refused quantize m.safetensors -o r.safetensors --axis '*.conv='
refused quantize m.safetensors -o r.safetensors --axis '=1'
ls -A
echo "== ranges of channels, and another axis"
"$CLQUANT" calibrate m.safetensors -o r.json -q --granularity channel --axis 0 --tensor a.conv --tensor b.conv --tensor c.fc
refused quantize m.safetensors -o r.safetensors --ranges r.json --axis 'a*=1'
"$CLQUANT" quantize m.safetensors -o r.safetensors --ranges r.json --axis 'a*=0' -q && echo "exit $?"
