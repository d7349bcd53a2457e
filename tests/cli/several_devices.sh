# SPDX-License-Identifier: Apache-2.0
# Several devices share one quantize: the bytes of one, whatever they are and whichever did what.
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/gguf.inc"
devices=native,reference
more=
if "$CLQUANT" devices --json | grep -q '"spec": "0:0"'; then
    more=native,0:0
fi
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
mkdir out whole

# Quantize $1 to NAME $2 on one device and on several; the files are the same.
runs=0
same() {
    input=$1
    name=$2
    shift 2
    rm -rf out whole
    mkdir out whole
    "$CLQUANT" quantize "$input" -o "whole/$name" --device native --quiet "$@" || return
    for list in $devices $more; do
        rm -rf out
        mkdir out
        "$CLQUANT" quantize "$input" -o "out/$name" --device "$list" --quiet "$@" || echo "$list: $?: $*"
        diff -r out whole || echo "differ: $list: $*"
        runs=$((runs + 1))
    done
}

echo "-- the bytes of one"
for granularity in tensor channel group; do
    same m.safetensors q.safetensors --granularity $granularity
    same m.safetensors q.safetensors --granularity $granularity --preset affine --memory 2M
    same m.safetensors q.safetensors --granularity $granularity --dtype s4 --check all
done
same m.safetensors q.safetensors --axis 1 --dtype u4 --preset onnx
same m.safetensors q.safetensors --calibrate percentile:99
same m.safetensors q.safetensors --calibrate mse --granularity tensor
same m.safetensors q.safetensors --range -0.5:0.25 --granularity tensor --preset affine-u8
same m.safetensors q.safetensors --scale 0.01 --granularity tensor
same m.safetensors q.safetensors --format pack-quantized --dtype s4
tail -c 3000000 m.safetensors >data
head -c 1500000 data | { head -c 750000; cat; } | safetensors '{
"b":{"dtype":"BF16","shape":[1000,250],"data_offsets":[0,500000]},
"h":{"dtype":"F16","shape":[500,500],"data_offsets":[500000,1000000]},
"i":{"dtype":"I64","shape":[2,31250],"data_offsets":[1000000,1500000]}}' >n-00001-of-00002.safetensors
tail -c 1500000 data | safetensors '{"f":{"dtype":"F32","shape":[375001,1],"data_offsets":[0,1500000]},
"e":{"dtype":"F32","shape":[0,7],"data_offsets":[1500000,1500000]}}' >n-00002-of-00002.safetensors 2>/dev/null
tail -c 1500000 data | safetensors '{"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},
"f":{"dtype":"F32","shape":[375,1000],"data_offsets":[0,1500000]}}' >n-00002-of-00002.safetensors
echo '{"metadata": {}, "weight_map": {"b": "n-00001-of-00002.safetensors", "h": "n-00001-of-00002.safetensors",
"i": "n-00001-of-00002.safetensors", "e": "n-00002-of-00002.safetensors", "f": "n-00002-of-00002.safetensors"}}' >n.safetensors.index.json
for granularity in tensor channel group; do
    same n.safetensors.index.json q.safetensors.index.json --granularity $granularity --nonfinite ignore
    same n.safetensors.index.json q.safetensors --granularity $granularity --nonfinite ignore --preset affine
done
{
    head_of 2
    entry blk.0.ffn_up.weight 512 1024 0
    entry blk.0.attn_q.weight 200 1024 2097152
} >m.gguf
pad m.gguf
tail -c 2916352 data >>m.gguf
same m.gguf q.gguf
same m.gguf q.gguf --dtype q4_0
[ -n "$more" ] && runs=$((runs / 2))
echo "$runs"

echo "-- the same report"
facts() {
    "$CLQUANT" quantize m.safetensors -o out/r.safetensors --force --json "$@" |
        grep -v '"seconds"\|"device"\|"variant"\|"check\|"max_abs_error"\|"sqnr_db"\|"bytes": \|"gb_per_second"\|"busy"\|"set_aside"\|"devices"\|^ *[]{}]*,*$'
}
for options in '--granularity tensor' '--granularity channel' '--preset affine --dry-run'; do
    # shellcheck disable=SC2086
    facts --device native $options >one
    # shellcheck disable=SC2086
    facts --device $devices $options | cmp - one || echo "differs: $options"
done

echo "-- what each did"
"$CLQUANT" quantize m.safetensors -o out/r.safetensors --force --device native --device reference --json >report.json
members report.json bytes_in device set_aside
did=0
for bytes in $(sed -n 's/^ *"bytes": \([0-9]*\),$/\1/p' report.json); do
    did=$((did + bytes))
done
[ "$did" -gt 13000000 ] && [ "$did" -le "$(wc -c <m.safetensors)" ] || echo "$did bytes"
"$CLQUANT" quantize m.safetensors -o out/r.safetensors --force --device $devices |
    sed -n '/^device /,$p' | sed 's/  *[0-9][^ ]* [MKG]*i*B  .*//; s/, [0-9.]* s .* on / on /; s/   */  /g'
CLQUANT_DEVICE=$devices "$CLQUANT" quantize m.safetensors -o out/r.safetensors --force --json | members - device

echo "-- other verbs: the bytes and reports of one"
# What $@ tells on one device it tells on several.
told() {
    "$CLQUANT" "$@" --json 2>&1 | sed '/"devices": \[/,/^ *\]/d' | grep -v '"seconds"\|"device"\|"check'
}
alike() {
    told "$@" --device native >one
    for list in $devices $more; do
        told "$@" --device "$list" | cmp - one || echo "differs: $list: $*"
    done
    [ -s one ] || echo "nothing is told: $*"
}
# What $2 becomes as $1 and with the options behind it.
back() {
    name=$1
    shift
    rm -rf out whole
    mkdir out whole
    "$CLQUANT" dequantize "$@" -o "whole/$name" --device native --quiet || return
    for list in $devices $more; do
        rm -rf out
        mkdir out
        "$CLQUANT" dequantize "$@" -o "out/$name" --device "$list" --quiet --memory 2M || echo "$list: $?: $*"
        diff -r out whole || echo "differ: $list: $*"
    done
}
for model in m.safetensors n.safetensors.index.json; do
    for options in '--granularity tensor' '--axis 1' '--granularity group --memory 2M'; do
        # shellcheck disable=SC2086
        alike minmax $model $options --nonfinite ignore
    done
done
for options in '--dtype s4 --axis 1 --preset onnx' '--granularity group' '--format pack-quantized --dtype s4' '--dtype u4'; do
    # shellcheck disable=SC2086
    "$CLQUANT" quantize n.safetensors.index.json -o q.safetensors.index.json --force --quiet --nonfinite ignore $options
    back d.safetensors.index.json q.safetensors.index.json
    back d.safetensors q.safetensors.index.json --dtype f16 --check all
    alike compare n.safetensors.index.json q.safetensors.index.json
done
"$CLQUANT" quantize m.gguf -o q.gguf --quiet
back d.gguf q.gguf --dtype bf16
alike compare m.gguf q.gguf --memory 2M
alike compare q.gguf q.gguf
alike compare m.safetensors m.safetensors
"$CLQUANT" compare m.gguf q.gguf --device $devices --json >report.json
members report.json device set_aside
"$CLQUANT" minmax n.safetensors.index.json --nonfinite ignore --device $devices |
    sed -n '/^device /,$p' | sed 's/  *[0-9][^ ]* [MKG]*i*B  .*//; s/   */  /g'
"$CLQUANT" dequantize q.gguf -o d.gguf --device $devices |
    sed 's/  *[0-9][^ ]* [MKG]*i*B  .*//; s/, [0-9.]* s on / on /; s/   */  /g'
rm -f q.safetensors* q-* q.gguf

echo "-- calibrate: files are shared, and the ranges are those of one"
for batch in 1 2 3 4 5; do
    tail -c $((3000000 + batch * 1000)) m.safetensors | head -c 400000 >data
    safetensors '{"x":{"dtype":"F32","shape":[20,5000],"data_offsets":[0,400000]}}' <data >x$batch.safetensors
done
for batch in 6 7; do
    head -c 40000 data | safetensors '{"x":{"dtype":"BF16","shape":[20,1000],"data_offsets":[0,40000]},
"y":{"dtype":"F32","shape":[0,3],"data_offsets":[40000,40000]}}' >x$batch.safetensors
done
tail -c 4000 data | safetensors '{"z":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}' >x8.safetensors
for options in '' '--method mean --granularity channel' '--method moving-average' '--method moving-average:0.3 --granularity channel' '--method percentile:99' \
    '--method mse --granularity channel --memory 100M' '--method entropy --include x'; do
    # shellcheck disable=SC2086
    "$CLQUANT" calibrate x?.safetensors -o one.json --nonfinite ignore --device native --quiet --force $options
    for list in $devices $more; do
        # shellcheck disable=SC2086
        "$CLQUANT" calibrate x?.safetensors -o several.json --nonfinite ignore --device "$list" --quiet --force $options || echo "$list: $?: $options"
        cmp one.json several.json || echo "differ: $list: $options"
    done
done
"$CLQUANT" calibrate x?.safetensors -o several.json --nonfinite ignore --device $devices --json --force >report.json
members report.json device set_aside
"$CLQUANT" calibrate x?.safetensors -o several.json --nonfinite ignore --device $devices --method moving-average --force 2>&1 | sed 's/, [0-9.]* s on / on /'

echo "-- refused"
refused quantize m.safetensors -o q.safetensors --device native,native
refused quantize m.safetensors -o q.safetensors --device native --device native
refused quantize m.safetensors -o q.safetensors --device native,
refused quantize m.safetensors -o q.safetensors --device ,native
refused quantize m.safetensors -o q.safetensors --device native,nothing:all
refused quantize m.safetensors -o q.safetensors --device native,reference --memory 1M
refused quantize m.safetensors -o q.safetensors --device native,there-is-none | sed 's/there are.*/.../'
OCL_ICD_VENDORS=$PWD/none
export OCL_ICD_VENDORS
refused quantize m.safetensors -o q.safetensors --device reference,gpu:all
unset OCL_ICD_VENDORS
refused quantize nothing.safetensors -o q.safetensors --device native,native
refused minmax m.safetensors --device native,native
refused dequantize m.gguf -o e.gguf --device native,gpu:none
refused minmax m.safetensors --device native,reference --memory 1M
refused verify --device native,reference
ls q.safetensors 2>/dev/null
f32 7fc00000 3f800000 >data
npy '<f4' '1, 2' <data >x.npy
refused quantize x.npy -o q.safetensors --device $devices

echo "-- killed, and continued by any number"
"$CLQUANT" quantize m.safetensors -o whole.safetensors --quiet --device native --granularity tensor
moments() {
    awk -v seed=$$ 'BEGIN { srand(seed); for (i = 0; i < 8; i++) printf "%.3f\n", rand() * 0.5 }'
}
begin_with=native
go_on_with=$devices
for moment in $(moments); do
    rm -rf out
    mkdir out
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --quiet --memory 2M --granularity tensor --device $begin_with &
    process=$!
    sleep "$moment"
    kill -s KILL $process 2>/dev/null
    wait $process 2>/dev/null
    [ -e out/q.safetensors ] && [ ! -e out/.q.safetensors.journal ] ||
        "$CLQUANT" quantize m.safetensors -o out/q.safetensors --quiet --resume --granularity tensor --device $go_on_with
    cmp out/q.safetensors whole.safetensors || echo "after $moment"
    [ "$(find out -type f | wc -l)" -eq 1 ] || ls -A out
    swap=$begin_with
    begin_with=$go_on_with
    go_on_with=$swap
done

echo "-- interrupted"
begin() {
    rm -rf out
    mkdir out
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --memory 2M --granularity tensor --device $devices --resume \
        >/dev/null 2>messages &
    process=$!
}
amid INT files out 2
echo "$code"
said messages | grep "^clquant" | sed 's/interrupted before .*/interrupted/'
for list in native $devices; do
    cp -r out left
    "$CLQUANT" quantize m.safetensors -o left/q.safetensors --quiet --resume --granularity tensor --device $list
    cmp left/q.safetensors whole.safetensors
    rm -r left
done

echo "-- parts with several devices each"
rm -rf out
mkdir out
for part in 1/2 2/2; do
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --part $part --quiet --granularity tensor --device $devices
done
"$CLQUANT" join out/q.safetensors --quiet
cmp out/q.safetensors whole.safetensors
