# SPDX-License-Identifier: Apache-2.0
# What is no file where one is expected: told at once, never waited for. Lists of shapes may come through a pipe.
. "$CLQ_TEST_FOLDER/arrays.inc"
itself=$CLQUANT
# Waiting for a FIFO would take forever.
if command -v timeout >/dev/null 2>&1; then
    printf '#!/bin/sh\nexec timeout -s KILL 100 "%s" "$@"\n' "$CLQUANT" >soon
    chmod +x soon
    CLQUANT=./soon
fi
mkfifo fifo fifo.npy fifo.safetensors part.safetensors .k.safetensors.journal .l.safetensors.partial .c.npy.journal
f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' >x.npy
codes 1 2 3 4 | npy '|i1' '2, 2' >a.npy
echo '{"weight_map":{"w":"part.safetensors"}}' >m.safetensors.index.json
echo 4096 >shapes.txt

echo "-- inputs"
for verb in info minmax 'quantize -o q.safetensors' 'dequantize -o q.safetensors' 'calibrate -o r.json'; do
    # shellcheck disable=SC2086
    refused $verb fifo
done
refused info /dev/null
refused info m.safetensors.index.json
# shellcheck disable=SC2002 # a pipe it must be
cat x.npy | refused info /dev/stdin
refused compare fifo x.npy
refused compare x.npy fifo
refused calibrate x.npy fifo -o r.json
refused gemm fifo.npy a.npy -o c.npy
refused gemm a.npy fifo.npy -o c.npy
refused gemm a.npy a.npy -o c.npy --bias fifo.npy
refused gemm a.npy a.npy -o c.npy --a-zero-point fifo.npy
refused quantize x.npy -o q.safetensors --scale fifo.npy
refused quantize x.npy -o q.safetensors --scale 1 --zero-point fifo.npy
refused quantize x.npy -o q.safetensors --ranges fifo

echo "-- what an earlier run seems to have left"
refused quantize x.npy -o k.safetensors
refused quantize x.npy -o k.safetensors --resume
refused quantize x.npy -o l.safetensors --resume

echo "-- outputs"
refused quantize x.npy -o fifo.safetensors --force
refused quantize x.npy -o q.safetensors --emit-config fifo --force
refused dequantize x.npy -o fifo.npy --force
refused gemm a.npy a.npy -o fifo.npy --force
refused calibrate x.npy -o fifo --force
refused sample mobilenet-v2 -o fifo.safetensors --force

echo "-- a FIFO for the cache's folder"
CLQUANT_CACHE_DIR=$PWD/fifo "$CLQUANT" quantize x.npy -o q.safetensors --quiet 2>/dev/null
echo "exit code $?"

echo "-- shapes"
refused bench quantize --quick --rounds 1 --shapes .
"$CLQUANT" bench quantize --quick --rounds 1 --shapes /dev/stdin --quiet <shapes.txt >file || echo "exit code $?"
# shellcheck disable=SC2002
cat shapes.txt | "$CLQUANT" bench quantize --quick --rounds 1 --shapes /dev/stdin --quiet >pipe || echo "exit code $?"
rows() {
    grep -c '^quantize .*4096 .*clquant' "$1"
}
[ "$(rows file)" -ge 1 ] && [ "$(rows file)" -eq "$(rows pipe)" ] && echo "the same rows from a file and a pipe"

echo "-- shapes that have no end, and such that never come"
refused bench quantize --quick --shapes /dev/zero
refused tune --shapes /dev/zero
yes '#' | refused bench quantize --quick --shapes /dev/stdin
yes 4096 | refused bench quantize --quick --shapes /dev/stdin
yes '#' | tr -d '\n' | refused bench quantize --quick --shapes /dev/stdin
: | refused bench quantize --quick --shapes /dev/stdin
printf '# the last line needs no end\n4096' >unended.txt
"$CLQUANT" bench quantize --quick --rounds 1 --shapes unended.txt --quiet >unended || echo "exit code $?"
mkfifo silent
for verb in 'bench quantize' tune; do
    for signal in INT TERM; do
        # shellcheck disable=SC2086
        "$itself" $verb --shapes silent 2>words &
        process=$!
        await or_ended takes_signals
        kill -s $signal $process
        code=0
        wait $process || code=$?
        echo "$verb, $signal: $code, $(said words)"
    done
done
"$itself" bench quantize --quick --rounds 1 --shapes silent --quiet >late &
process=$!
await or_ended takes_signals
echo 4096 >silent
wait $process || echo "exit code $?"
for kind in unended late; do
    [ "$(rows file)" -eq "$(rows $kind)" ] || echo "other rows: $kind"
done
