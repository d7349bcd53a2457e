# SPDX-License-Identifier: Apache-2.0
# One of several devices fails, or computes other bytes, or is slow: it is set aside with a warning, the others do its
# work, and the bytes are those of one device.
. "$CLQ_TEST_FOLDER/arrays.inc"
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
"$CLQUANT" quantize m.safetensors -o channel.safetensors --device native --granularity channel --quiet || exit 1
"$CLQUANT" quantize m.safetensors -o tensor.safetensors --device native --granularity tensor --quiet || exit 1

# Quantize with $habits on such a device and native, and tell what became of it: exit code, who was set aside, bytes.
on_both() {
    rm -rf out
    mkdir out
    code=0
    CLQ_ZOO="$habits" OPENCL_LAYERS=$CLQ_ZOO_LAYER timeout -s KILL 60 "$CLQUANT" quantize m.safetensors -o out/q.safetensors \
        --granularity "$granularity" --json "$@" >report.json 2>err || code=$?
    aside=$(grep -c '"set_aside": true' report.json)
    told=$(grep -c 'is set aside, and the other devices do its work: ' err)
    [ $code -ne 0 ] || cmp out/q.safetensors $granularity.safetensors || echo "[$habits] other bytes: $*"
    [ "$(find out -type f | wc -l)" -eq $((code == 0)) ] || ls -A out
}

# A device that fails after so many calls; what it had no call for, it cannot fail at.
each() {
    failures=0
    for n in 3 20 60; do
        habits="$kind fail=$1:$n:-5"
        on_both --device "$list"
        [ $code -eq 0 ] || echo "[$habits] $code: $(cat err)"
        [ "$told" -eq "$aside" ] || echo "[$habits] set aside $aside, told $told"
        failures=$((failures + aside))
    done
    for again in 1 2 3 4 5; do # a busy machine may leave it nothing to fail at
        [ $failures -eq 0 ] || break
        habits="$kind fail=$1:1:-5"
        on_both --device "$list"
        failures=$aside
    done
    [ $failures -gt 0 ] || echo "[$habits] never failed, $again more times"
}

echo "-- fails after some calls"
# Once without, so that what is not known is tried before.
for kind in '' 'type=gpu own-memory'; do
    habits=$kind
    for granularity in tensor channel; do
        on_both --device native,0:0
    done
    list=0:0,native
    each clEnqueueNDRangeKernel
    granularity=tensor
    list=native,0:0
    each clEnqueueNDRangeKernel
    each clEnqueueMapBuffer
done
kind='type=gpu own-memory'
each clEnqueueWriteBuffer

echo "-- other verbs, likewise"
# Run $verb on such a device and native: what it tells or writes is what native alone does.
verb_on_both() {
    rm -rf out
    mkdir out
    code=0
    CLQ_ZOO="$habits" OPENCL_LAYERS=$CLQ_ZOO_LAYER timeout -s KILL 60 "$CLQUANT" $verb --json --device "$list" >report.json 2>err || code=$?
    aside=$(grep -c '"set_aside": true' report.json)
    told=$(grep -c 'is set aside, and the other devices do its work: ' err)
    [ $code -eq 0 ] || echo "[$habits] $verb: $code: $(cat err)"
    [ "$told" -eq "$aside" ] || echo "[$habits] $verb: set aside $aside, told $told"
    sed '/"devices": \[/,/^ *\]/d' report.json | grep -v '"seconds"\|"device"\|"check' | cmp - one || echo "[$habits] $verb: tells something else"
    [ ! -e d.safetensors ] || cmp out/d.safetensors d.safetensors || echo "[$habits] $verb: other bytes"
}
kind='type=gpu own-memory'
"$CLQUANT" quantize m.safetensors -o q.safetensors --device native --granularity group --dtype s4 --quiet
for verb in 'minmax m.safetensors --granularity channel' 'compare m.safetensors q.safetensors' 'dequantize q.safetensors -o out/d.safetensors'; do
    rm -rf out
    mkdir out
    "$CLQUANT" $verb --json --device native | grep -v '"seconds"\|"device"\|"check' >one
    [ ! -e out/d.safetensors ] || mv out/d.safetensors .
    failures=0
    for list in native,0:0 0:0,native; do
        [ $list = native,0:0 ] && n=1 || n=4
        for call in clEnqueueNDRangeKernel clEnqueueReadBuffer clEnqueueWriteBuffer; do
            habits="$kind fail=$call:$n:-5"
            verb_on_both
            failures=$((failures + aside))
        done
    done
    for again in 1 2 3 4 5; do
        [ $failures -eq 0 ] || break
        habits="$kind fail=clEnqueueNDRangeKernel:1:-5"
        verb_on_both
        failures=$aside
    done
    [ $failures -gt 0 ] || echo "$verb: never failed, $again more times"
    habits='mutate=truncate'
    list=0:0,native
    verb_on_both
    rm -f d.safetensors
done

for batch in 1 2 3; do
    "$CLQUANT" sample mobilenet-v2 --seed $batch -o d$batch.safetensors --quiet
done
for method in minmax percentile:99; do
    for n in 1 3; do
        for call in clEnqueueNDRangeKernel clEnqueueReadBuffer clEnqueueWriteBuffer; do
            code=0
            CLQ_ZOO="$kind fail=$call:$n:-5" OPENCL_LAYERS=$CLQ_ZOO_LAYER timeout -s KILL 60 "$CLQUANT" calibrate m.safetensors d?.safetensors \
                -o several.json --include '*classifier*' --method $method --device 0:0,native --quiet --force 2>err || code=$?
            [ -e one.json ] || "$CLQUANT" calibrate m.safetensors d?.safetensors -o one.json --include '*classifier*' --method $method --device native --quiet
            [ $code -eq 0 ] && cmp one.json several.json || echo "$call:$n $method: $code $(cat err)"
        done
    done
    rm -f one.json
done

echo "-- every few calls, and all of them"
for habits in fail-every=90:-5 fail-every=200:-36 fail-every=500:-4; do
    on_both --device 0:0,native
    [ $code -eq 0 ] || [ $code -eq 4 ] || echo "[$habits] $code: $(cat err)"
done

echo "-- the others fail too"
CLQ_POCL='basic pthread'
habits=lost=minmax_batch
POCL_DEVICES=$CLQ_POCL on_both --device cpu:all
echo "$code, $told set aside"

echo "-- other bytes at first use"
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR
granularity=channel
for habits in mutate=truncate mutate=wrong-divide; do
    on_both --device 0:0,native
    echo "$code, $aside set aside, $told told"
done
# All of them: the host stands in, as for one.
habits=mutate=truncate
POCL_DEVICES=$CLQ_POCL on_both --device cpu:all
echo "$code, $aside set aside, $told told"
CLQUANT_CACHE_DIR=$PWD/cache

echo "-- wrong results that are seen end the run"
habits='type=gpu own-memory'
on_both --device gpu,native
habits='type=gpu own-memory nan=1'
on_both --device gpu,native
[ $code -ne 0 ] || echo "nobody saw it: $(cat report.json)"
echo "$code, $told set aside"

echo "-- slow, and two of a driver"
habits='type=gpu discrete'
on_both --device native,gpu:all
echo "$code, $told set aside"
habits=
POCL_DEVICES=$CLQ_POCL on_both --device cpu:all,native
echo "$code, $told set aside, $(grep -c '"set_aside": false' report.json) devices"
