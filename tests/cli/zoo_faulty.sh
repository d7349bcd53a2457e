# SPDX-License-Identifier: Apache-2.0
# Devices that compute, compile, transfer or fail in some wrong way (tests/zoo): the bytes of the reference, or a failure
# that is told; never other bytes with exit code 0. In the suite each fault meets the verbs that it harms;
# CLQ_EVERY_FAULT=1 has each meet every verb, type and number format, with caches cold and warm: some minutes for each.
. "$CLQ_TEST_FOLDER/arrays.inc"
. "$CLQ_TEST_FOLDER/floats.inc"
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77

# Ties of the scale 0.1 and of the range up to 1.27, their neighbours, and what is subnormal.
awk 'BEGIN {
    for (k = -127; k < 127; k++) {
        v = (k + 0.5) * 0.100000001490116
        w = (k + 0.5) * 0.00999999977648258
        print v, v * (1 + 2 ^ -23), v * (1 - 2 ^ -23), w, w * (1 + 2 ^ -23), w * (1 - 2 ^ -23)
    }
    print 1.27, 0.5, -0.25, 12.7
}' OFMT=%.17g CONVFMT=%.17g >numbers
{ floats <numbers; f32 00000001 80000001 007fffff 00400000 807fffff 00000000 80000000 3f800000; } >data
[ "$(wc -c <data)" -eq 6144 ] || echo "$(wc -c <data) bytes of data"
npy '<f4' '8, 192' <data >x.npy
f32 007fffff 00400000 80200000 00000001 80000100 00012345 00800000 80800001 >tiny.data
npy '<f4' '2, 4' <tiny.data >tiny.npy
head -c 4608 data | npy '|i1' '64, 72' >a.npy
tail -c 4608 data | npy '|u1' '72, 64' >b.npy
{ head -c 3072 data; head -c 1536 data; head -c 1536 data; } | safetensors '{
"b":{"dtype":"BF16","shape":[8,96],"data_offsets":[4608,6144]},
"f":{"dtype":"F32","shape":[8,96],"data_offsets":[0,3072]},
"h":{"dtype":"F16","shape":[8,96],"data_offsets":[3072,4608]}}' >m.safetensors
"$CLQUANT" quantize x.npy -o q.safetensors --preset affine --device reference --quiet || exit 1

# Run a verb on a device with $habits; what it says and writes is what the reference says and writes, or it fails with
# a line that tells. $text and $output then tell what came of it.
count=0
every=
plain() {
    sed -e 's/, [0-9.]* s .*//' -e '/ GOPS by /d' -e '/"seconds"\|"device"\|"variant"/d' "$1"
}
never_wrong() {
    output=$1
    shift
    rm -f "$output" want.*
    "$CLQUANT" "$@" --device reference >want.out || { echo "reference: $?: $*"; return; }
    [ -z "$output" ] || mv "$output" want.file
    code=0
    CLQ_ZOO="$habits" OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" --device 0:0 >got.out 2>got.err || code=$?
    count=$((count + 1))
    if grep -q ^CLQ_ZOO: got.err && [ -z "$every" ]; then # each fault has its verbs; of every verb not all have it
        echo "[$habits] $(grep ^CLQ_ZOO: got.err): $*"
    fi
    if [ $code -eq 0 ]; then
        plain want.out >want.text
        plain got.out | cmp -s - want.text || echo "[$habits] other text: $*"
        [ -z "$output" ] || cmp -s "$output" want.file || echo "[$habits] other bytes: $*"
    else
        case $code in 4 | 5) ;; *) echo "[$habits] exit code $code: $*" ;; esac
        grep -q '^clquant: .' got.err || echo "[$habits] exit code $code, and nothing told: $*"
        [ -z "$output" ] || [ ! -e "$output" ] || echo "[$habits] exit code $code, and an output: $*"
    fi
}
set_aside() {
    [ $code -eq 5 ] || grep -q 'set aside' got.err || echo "[$habits] no kernel was set aside"
}

quantize_scale='y.safetensors quantize x.npy -o y.safetensors --scale 0.1 --zero-point 3 --json'
quantize_third='y.safetensors quantize x.npy -o y.safetensors --scale 0.0333333333 --arithmetic reciprocal --json'
quantize='y.safetensors quantize x.npy -o y.safetensors --granularity tensor --json'
quantize_tiny='y.safetensors quantize tiny.npy -o y.safetensors --scale 0x1p-100 --rounding away --json'
dequantize='d.safetensors dequantize q.safetensors -o d.safetensors --json'
product='c.npy gemm a.npy b.npy -o c.npy --dtype u8 --requant float --scale-a 0.01 --scale-b 0.01 --scale-c 0.2'

# shellcheck disable=SC2086
each_fault() {
    habits=mutate=unfused
    never_wrong $quantize_scale
    set_aside
    habits=mutate=truncate
    never_wrong $quantize_scale
    set_aside
    never_wrong $product
    set_aside
    habits=mutate=flush # where no scale lets it show
    never_wrong $quantize_tiny
    [ $code -eq 0 ] || echo "[$habits] $code: $(cat got.err)"
    habits=mutate=wrong-divide
    never_wrong $quantize_scale
    set_aside
    habits=mutate=worse-divide
    never_wrong $quantize_third
    habits=mutate=inexact-divide # which every full profile may be
    never_wrong $quantize
    [ $code -eq 0 ] && ! grep -q 'set aside' got.err || echo "[$habits] $code: $(cat got.err)"
    habits=options=-cl-fast-relaxed-math
    never_wrong $quantize_scale
    habits=options=-cl-denorms-are-zero
    never_wrong $quantize_tiny
    never_wrong '' minmax tiny.npy --json
}

echo "-- compilers"
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR
each_fault

echo "-- transfers, while kernels are tried"
for habits in 'type=gpu discrete flip-reads=1' 'type=gpu discrete flip-writes=1'; do
    never_wrong '' minmax x.npy --json
    [ $code -ne 0 ] || grep -q 'set aside' got.err || echo "[$habits] nobody saw it"
done

echo "-- binaries"
mkdir -m 700 cache
CLQUANT_CACHE_DIR=$PWD/cache
for habits in '' refuse-binaries stale-binaries; do
    never_wrong '' minmax m.safetensors --json --nonfinite ignore
    [ "$habits" = stale-binaries ] || [ $code -eq 0 ] || echo "[$habits] $code: $(cat got.err)"
done

echo "-- every few calls"
for habits in fail-every=1:-5 fail-every=7:-36 fail-every=23:-5 fail-every=60:-4; do
    # shellcheck disable=SC2086
    never_wrong $quantize
    never_wrong '' minmax x.npy --json
done

every_verb() {
    for options in '--dtype s8' '--preset onnx --dtype u8' '--dtype s4 --granularity group --group-size 7' \
        '--preset affine --dtype u4 --granularity tensor' '--rounding away' '--arithmetic reciprocal' \
        '--zero-point-order before --preset affine' '--calibrate mse'; do
        # shellcheck disable=SC2086
        never_wrong y.safetensors quantize m.safetensors -o y.safetensors --json --nonfinite ignore $options
    done
    for type in f32 f16 bf16; do
        never_wrong d.safetensors dequantize q.safetensors -o d.safetensors --dtype $type
    done
    never_wrong '' minmax m.safetensors --json --nonfinite ignore --granularity channel
    never_wrong '' minmax m.safetensors --json --nonfinite ignore
    for method in moving-average mse entropy; do
        never_wrong r.json calibrate m.safetensors -o r.json --nonfinite ignore --method $method
    done
    never_wrong '' compare x.npy q.safetensors --json
    never_wrong c.npy gemm a.npy b.npy -o c.npy --a-zero-point 3 --b-zero-point 128
    for mode in double single float; do
        never_wrong c.npy gemm a.npy b.npy -o c.npy --dtype s8 --requant $mode --scale-a 0.01 --scale-b 0.01 --scale-c 0.2
    done
    never_wrong c.npy gemm a.npy b.npy -o c.npy --dtype f32 --scale-a 0.01 --scale-b 0.01
}
echo "$count runs"

if [ -n "$CLQ_EVERY_FAULT" ]; then
    every=yes
    CLQUANT_CACHE_DIR=$PWD/honest
    export CLQUANT_CACHE_DIR
    mkdir -m 700 honest
    habits=
    every_verb
    for habits in mutate=unfused mutate=truncate mutate=flush mutate=wrong-divide mutate=worse-divide \
        mutate=inexact-divide \
        options=-cl-fast-relaxed-math options=-cl-denorms-are-zero options=-cl-finite-math-only options=-cl-mad-enable \
        options=-cl-opt-disable refuse-binaries stale-binaries fail-every=23:-5; do
        CLQUANT_CACHE_DIR=
        every_verb
        # Verdicts of an honest driver, whose programs this one compiles anew.
        CLQUANT_CACHE_DIR=$PWD/cache
        rm -rf cache
        cp -r honest cache
        case $habits in *-binaries | fail*) ;; *) rm -f cache/*.program ;; esac
        every_verb
    done
fi
