# SPDX-License-Identifier: Apache-2.0
# Stopped in the middle by a signal, by SIGKILL, by a full disk: OUT is the old file or the whole new one.
. "$CLQ_TEST_FOLDER/files.inc"
"$CLQUANT" sample resnet-50 -o m.safetensors --quiet
"$CLQUANT" quantize m.safetensors -o whole.safetensors --quiet
echo old >old.safetensors
mkdir out
begin() {
    rm -rf out
    mkdir out
    cp old.safetensors out/q.safetensors
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --force --quiet --memory 1M 2>messages &
    process=$!
}
interrupt() {
    amid "$1" files out 2 # the second one shows that writing has begun
    echo "$1: $code"
    said messages | tail -n 1 | sed 's/interrupted before .*/interrupted/' # wherever it was
}
interrupt INT
ls -A out
cmp out/q.safetensors old.safetensors
interrupt TERM
ls -A out
cmp out/q.safetensors old.safetensors

echo "-- killed at any time"
for delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.5; do
    rm -rf out
    mkdir out
    cp old.safetensors out/q.safetensors
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --force --quiet --memory 1M &
    process=$!
    sleep $delay
    kill -s KILL $process 2>/dev/null
    wait $process 2>/dev/null
    cmp -s out/q.safetensors old.safetensors || cmp -s out/q.safetensors whole.safetensors || echo "after $delay: neither"
done

echo "-- a disk that fills up"
rm -rf out
mkdir out
cp old.safetensors out/q.safetensors
# On the reference: a runtime that cannot write its cache of kernels may end the process.
(
    trap '' XFSZ 2>/dev/null
    ulimit -f 2000 || exit 77
    refused quantize m.safetensors -o out/q.safetensors --force --device reference | cut -c 1-60 | sed 's/ write [0-9]* .*/ write/'
)
ls -A out
cmp out/q.safetensors old.safetensors
