# SPDX-License-Identifier: Apache-2.0
# What killed runs left beside an output goes with the next run that writes it, whichever verb that is; what a living
# run is writing stays.
. "$CLQ_TEST_FOLDER/arrays.inc"
f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' >x.npy
codes 1 2 3 4 | npy '|i1' '2, 2' >a.npy
f32 3f800000 c0000000 |
    safetensors '{"v.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}' >m-00001-of-00002.safetensors
f32 3f000000 3f800000 |
    safetensors '{"w.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}' >m-00002-of-00002.safetensors
echo '{"weight_map":{"v.weight":"m-00001-of-00002.safetensors","w.weight":"m-00002-of-00002.safetensors"}}' >m.safetensors.index.json
"$CLQUANT" quantize x.npy -o x.safetensors --quiet
"$CLQUANT" quantize m.safetensors.index.json -o q.safetensors.index.json --quiet

# Old, so that it is removed on every file system.
left() {
    for name in "$@"; do
        echo half >".$name.tmp-abc234"
        touch -t 200001010000 ".$name.tmp-abc234"
    done
}
run() {
    echo "$*"
    "$CLQUANT" "$@" --force --quiet >/dev/null || echo "    exit code $?"
    # shellcheck disable=SC2012
    echo "    left: $(ls -A | grep tmp- | tr '\n' ' ')"
}
left out.safetensors config.json
run quantize m.safetensors.index.json -o out.safetensors --preset compressed-tensors --emit-config config.json
left out.npy
run dequantize x.safetensors -o out.npy
left out-00001-of-00002.safetensors out-00002-of-00002.safetensors out.safetensors.index.json
run dequantize q.safetensors.index.json -o out.safetensors.index.json
left out-00001-of-00002.safetensors out-00002-of-00002.safetensors out.safetensors.index.json
run quantize m.safetensors.index.json -o out.safetensors.index.json
left c.npy
run gemm a.npy a.npy -o c.npy
left r.json
run calibrate x.npy -o r.json
left s.safetensors
run sample mobilenet-v2 -o s.safetensors

echo "-- names that are alike, and what a run may continue"
left s.safetensors.tmp-x.safetensors ss.safetensors
touch .s.safetensors.partial .s.safetensors.journal
run sample mobilenet-v2 -o s.safetensors
ls .s.*
rm -f .s*

echo "-- beside a living run"
# One that goes on when it is continued, and one that is killed.
is_writing() {
    ls .big.safetensors.tmp-* >/dev/null 2>&1
}
begin() {
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        rm -f big.safetensors .big.*
        "$CLQUANT" sample resnet-50 --scale 2 -o big.safetensors --quiet &
        process=$!
        await or_ended is_writing
        kill -s STOP $process 2>/dev/null
        ! is_writing || return # else it was done before this shell was given time
        kill -s CONT $process 2>/dev/null
        wait $process
    done
    echo "not stopped in $attempt attempts"
}
begin
"$CLQUANT" quantize x.npy -o big.safetensors --quiet --force
# shellcheck disable=SC2012
ls -A | grep -c '^\.big.safetensors.tmp-'
mv big.safetensors small.safetensors
kill -s CONT $process
wait $process
echo "it ended with $?"
begin
kill -s KILL $process
wait $process 2>/dev/null
# shellcheck disable=SC2012
ls -A | grep -c '^\.big.safetensors.tmp-'
touch -t 200001010000 .big.safetensors.tmp-*
"$CLQUANT" quantize x.npy -o big.safetensors --quiet --force
# shellcheck disable=SC2012
ls -A | grep -c '^\.big.safetensors.tmp-'
cmp big.safetensors small.safetensors
