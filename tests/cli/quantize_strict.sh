# SPDX-License-Identifier: Apache-2.0
# --strict: what was selected is quantized, or nothing is written. --fail-sqnr-below: good enough, or nothing.
. "$CLQ_TEST_FOLDER/tensors.inc"
{
    f32 3f800000 c0000000 40400000 40800000 3f800000
    printf '\000\000\000\000\000\000\360\077\000\000\000\000\000\000\360\077'
    f32 00000001
} | safetensors '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"empty":{"dtype":"F32","shape":[0,2],"data_offsets":[20,20]},"wide":{"dtype":"F8_E5M2","shape":[1,16],"data_offsets":[20,36]},"number":{"dtype":"I32","shape":[1,1],"data_offsets":[36,40]}}' >m.safetensors
"$CLQUANT" quantize m.safetensors -o q.safetensors --strict
echo "exit $?"
"$CLQUANT" quantize m.safetensors -o q.safetensors --strict --dry-run --quiet
echo "exit $?"
"$CLQUANT" quantize m.safetensors -o q.safetensors --strict --exclude nothing --include a
echo "exit $?"
ls -A
"$CLQUANT" quantize m.safetensors -o q.safetensors --strict --exclude wide --exclude 'e*' --quiet
echo "exit $?"
ls -A
rm q.safetensors
echo "-- what --include names"
named() {
    echo "$*"
    code=0
    "$CLQUANT" quantize m.safetensors -o q.safetensors --force "$@" >/dev/null 2>named.stderr || code=$?
    echo "    exit $code"
    said named.stderr | sed 's/^/    /'
    rm -f named.stderr
}
named --include a --include bias
named --include a --include bias --strict
named --include a --include number --strict
named --include a --include empty --strict
named --include '*' --strict
named --include '*' --exclude bias --exclude wide --exclude empty --exclude number --strict
named --include a --include bias --min-rank 1 --strict
named --include bias
named --include number --include bias
named --include 'b*' --exclude bias
named --include bias --allow-empty
rm -f q.safetensors
echo "-- quality"
"$CLQUANT" quantize m.safetensors -o q.safetensors --include a --dtype s4 --fail-sqnr-below 40 --quiet
echo "exit $?"
ls -A
"$CLQUANT" quantize m.safetensors -o q.safetensors --include a --fail-sqnr-below 40 --quiet
echo "exit $?"
ls -A
