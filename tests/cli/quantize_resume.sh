# SPDX-License-Identifier: Apache-2.0
# A run that was killed at any moment is continued to the bytes of one that was not; nothing else is.
. "$CLQ_TEST_FOLDER/files.inc"
"$CLQUANT" sample mobilenet-v2 -o m.safetensors --quiet
"$CLQUANT" quantize m.safetensors -o whole.safetensors --quiet

# Seconds until a kill, below 0.3, another one in each run of the test.
moments() {
    awk -v seed=$$ 'BEGIN { srand(seed); for (i = 0; i < 20; i++) printf "%.3f\n", rand() * 0.3 }'
}

echo "-- killed at any time"
mkdir out
for moment in $(moments); do
    rm -rf out
    mkdir out
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --quiet --memory 1M &
    process=$!
    sleep "$moment"
    kill -s KILL $process 2>/dev/null
    wait $process 2>/dev/null
    # A journal beside a finished file: killed before it could be removed.
    [ -e out/q.safetensors ] && [ ! -e out/.q.safetensors.journal ] ||
        "$CLQUANT" quantize m.safetensors -o out/q.safetensors --quiet --resume
    cmp out/q.safetensors whole.safetensors || echo "after $moment"
    [ "$(find out -type f | wc -l)" -eq 1 ] || ls -A out
done

echo "-- interrupted: with --resume, what was finished is kept"
begin() {
    rm -rf out
    mkdir out
    # shellcheck disable=SC2086
    "$CLQUANT" quantize m.safetensors -o out/q.safetensors --memory 1M $resume >/dev/null 2>messages &
    process=$!
}
interrupt() {
    resume=$1
    amid INT files out 2
    echo "$code"
    said messages | grep "^clquant" | sed 's/interrupted before .*/interrupted/' # wherever it was
    ls -A out
}
interrupt
interrupt --resume
refused quantize m.safetensors -o out/q.safetensors --resume --preset torch | sed 's/ was begun with .*//'
refused quantize m.safetensors -o out/q.safetensors --resume --axis '*=1' | sed 's/ was begun with .*//'
"$CLQUANT" quantize m.safetensors -o out/q.safetensors --quiet --resume
cmp out/q.safetensors whole.safetensors
ls -A out

echo "-- a disk that fills up"
rm -rf out
mkdir out
(
    ulimit -f 2000 || exit 77
    refused quantize m.safetensors -o out/q.safetensors --device reference | sed 's/ cannot write .*/ cannot write/'
    ls -A out
    refused quantize m.safetensors -o out/q.safetensors --device reference --resume | sed 's/ cannot write .*/ cannot write/'
)
ls -A out
"$CLQUANT" quantize m.safetensors -o out/q.safetensors --quiet --resume
cmp out/q.safetensors whole.safetensors
ls -A out
