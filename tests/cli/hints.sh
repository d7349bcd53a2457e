# SPDX-License-Identifier: Apache-2.0
# Advice that works on the run that gives it; how many tensors fail a gate; batches of one tensor; the variable that
# names a device.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
"$CLQUANT" sample mobilenet-v2 -o sample.safetensors --quiet || exit 1
{
    tail -c 1048576 sample.safetensors | head -c 2044
    f32 3f800000
} >data
npy '<f4' '4, 128' <data >m.npy
# hint OPTION...: what the report advises.
hint() {
    echo "$*: $("$CLQUANT" quantize m.npy -o q.safetensors --force "$@" 2>&1 | sed -n 's/^hint: .*; //p; s/^hint: .*: a /a /p')"
}
echo "-- hints"
hint --granularity tensor
hint --calibrate mse --granularity channel
hint --range -3:3
hint --scale 0.1
"$CLQUANT" calibrate m.npy -o r.json --quiet
hint --ranges r.json
# What it says can be done.
"$CLQUANT" calibrate m.npy -o c.json --granularity channel --axis 1 --quiet
hint --ranges c.json
npy '<f4' '1, 512' <data >m.npy
hint --granularity channel
hint --granularity group --group-size 512

echo "-- pasted"
# pasted NAME [NAME IN JSON]: the advice is taken as it stands, and keeps this tensor and no other.
pasted() {
    cat data data | safetensors "{\"${2:-$1}\":{\"dtype\":\"F32\",\"shape\":[1,512],\"data_offsets\":[0,2048]},\"a${3}bc\":{\"dtype\":\"F32\",\"shape\":[1,512],\"data_offsets\":[2048,4096]}}" >n.safetensors
    words=$("$CLQUANT" quantize n.safetensors -o q.safetensors --force --calibrate percentile:100 --granularity channel |
        sed -n 's/^hint: .*; \(--exclude.*\) keeps it as it is$/\1/p')
    printf '%s\n' "$words"
    eval "\"$CLQUANT\" quantize n.safetensors -o q.safetensors --force --json $words" |
        sed -n 's/^ *"copied": \(.*\),$/    \1/p'
}
pasted model.layers.0:w
pasted 'two words'
pasted "o'clock \$HOME \`ls\`;&|<>(){}#!~"
pasted 'a*bc' '' x
pasted 'a?bc[x]'
pasted 'back\slash' 'back\\slash'
pasted '-x'
pasted 'ünï'
cat data | safetensors '{"line\nbreak":{"dtype":"F32","shape":[1,512],"data_offsets":[0,2048]}}' >n.safetensors
"$CLQUANT" quantize n.safetensors -o q.safetensors --force --calibrate percentile:100 --granularity channel | grep '^hint'

echo "-- gates"
{
    cat data data
} | safetensors '{"a":{"dtype":"F32","shape":[4,128],"data_offsets":[0,2048]},"b":{"dtype":"F32","shape":[4,128],"data_offsets":[2048,4096]}}' >two.safetensors
head -c 4096 sample.safetensors | tail -c 2048 >other
cat data other | safetensors '{"a":{"dtype":"F32","shape":[4,128],"data_offsets":[0,2048]},"b":{"dtype":"F32","shape":[4,128],"data_offsets":[2048,4096]}}' >changed.safetensors
"$CLQUANT" quantize two.safetensors -o q.safetensors --force --quiet
refused quantize two.safetensors -o r.safetensors --fail-sqnr-below 90 --quiet
"$CLQUANT" quantize two.safetensors -o r.safetensors --fail-sqnr-below 90 2>/dev/null | sed -n 's/ quantized, .*//p'
"$CLQUANT" quantize two.safetensors -o r.safetensors --dry-run 2>/dev/null | sed -n 's/ quantized, .*//p'
"$CLQUANT" quantize two.safetensors -o q.safetensors --force 2>/dev/null | sed -n 's/ quantized, .*//p'
refused compare two.safetensors q.safetensors --fail-sqnr-below 90 --quiet

echo "-- batches"
cp m.npy n.npy
npy '<f4' '4, 128' <data >o.npy
"$CLQUANT" calibrate m.npy n.npy -o r.json --force | sed -n 2p | tr -s ' '
"$CLQUANT" calibrate m.npy n.npy -o r.json --force --name act | sed -n 2p | tr -s ' '
"$CLQUANT" calibrate m.npy o.npy -o r.json --force | sed -n 2,3p | tr -s ' '
"$CLQUANT" calibrate m.npy n.npy -o r.json --force 2>&1 >/dev/null

echo "-- the variable"
CLQUANT_DEVICE='no such device'
refused minmax m.npy | sed "s/; there are.*//"
refused minmax m.npy --device 'another one' | sed 's/; there are.*//'
refused devices | sed "s/; there are.*//; /something on stdout/d"

echo "-- meant"
refused quantize m.npy -o x.safetensors --dtype int8
refused quantize m.npy -o x.safetensors --dtype S8
refused quantize m.npy -o x.safetensors --granularity per-channel
refused quantize m.npy -o x.safetensors --calibrate Percentile:99.9
refused quantize m.npy -o x.safetensors --preset symetric
refused dequantize m.npy -o x.safetensors --dtype float16
refused multiplier 0.5 --progress Never
# Of PoCL's devices some are named cpu-...: those are meant by CPU.
refused quantize m.npy -o x.safetensors --device AUTO 2>&1 | sed 's/There are: .*/.../'
refused quantize m.npy -o x.safetensors --device e 2>&1 | sed "s/'e': .*;/'e': ...;/"
mkdir batches here
refused calibrate batches -o x.json
refused quantize org/Model -o x
refused quantize here/Model -o x
refused quantize org/model.safetensors -o x
echo "-- given twice: the last counts, and the other is told"
"$CLQUANT" quantize m.npy -o x.safetensors --output y.safetensors --device reference --granularity tensor --granularity channel 2>&1 >/dev/null
ls x.safetensors y.safetensors 2>/dev/null
"$CLQUANT" --device cpu devices --device reference --json 2>&1 >/dev/null | grep -c 'reference counts'
"$CLQUANT" multiplier 0.5 --max-shift 3 --max-shift 4 --max-shift 4 --sample 1 --sample 2 -q 2>&1 >/dev/null
refused verify --report a.json --report b.txt
