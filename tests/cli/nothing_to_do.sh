# SPDX-License-Identifier: Apache-2.0
# Doing nothing is no success: a model of which nothing is quantized, dequantized, looked at or compared, and patterns
# that match no tensor. --allow-empty accepts that, with a warning.
. "$CLQ_TEST_FOLDER/tensors.inc"
{
    f32 3f800000 c0000000 40400000 40800000 3f800000
    printf 'abcd'
} | safetensors '{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"raw":{"dtype":"I32","shape":[1],"data_offsets":[20,24]}}' >m.safetensors
printf 'abcd' | safetensors '{"raw":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]}}' >raw.safetensors
safetensors '{}' </dev/null >none.safetensors
f32 3f800000 c0000000 | safetensors '{"q.qweight":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]},"q.scales":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' >gptq.safetensors
safetensors '{"w":{"dtype":"F32","shape":[0,2],"data_offsets":[0,0]}}' </dev/null >empty.safetensors

# Exit code, and all of stderr: told quantize m.safetensors ...
told() {
    code=0
    "$CLQUANT" "$@" >told.stdout 2>told.stderr || code=$?
    echo "$*: $code"
    said told.stderr | sed 's/^/    /'
    rm -f told.stdout told.stderr
}

echo "== quantize"
told quantize m.safetensors -o q.safetensors --exclude w
told quantize m.safetensors -o q.safetensors --exclude w --quiet
told quantize m.safetensors -o q.safetensors --exclude w --dry-run
told quantize m.safetensors -o q.safetensors --min-rank 3
told quantize raw.safetensors -o q.safetensors
told quantize none.safetensors -o q.safetensors
told quantize m.safetensors -o q.safetensors --include w --include 'W*'
told quantize m.safetensors -o q.safetensors --exclude '*.bias'
told quantize m.safetensors -o q.safetensors --exclude '*.bias' --resume
"$CLQUANT" quantize raw.safetensors -o q.safetensors --json 2>/dev/null | grep -c -e '^}'
ls -A
for file in raw none; do
    told quantize $file.safetensors -o $file-q.safetensors --allow-empty
    "$CLQUANT" compare $file.safetensors $file-q.safetensors | sed -n 's/^\(.*compared\).*/    \1/p'
done
told quantize m.safetensors -o m-q.safetensors --exclude w --exclude '*.bias' --allow-empty
told quantize m.safetensors -o p-q.safetensors --exclude '*.bias' --allow-empty

echo "== dequantize"
told dequantize m.safetensors -o d.safetensors
told dequantize none.safetensors -o d.safetensors
told dequantize gptq.safetensors -o d.safetensors
[ ! -e d.safetensors ] || echo "d.safetensors was written"
told dequantize m.safetensors -o d.safetensors --allow-empty
told dequantize m.safetensors -o bias.npy --tensor bias

echo "== minmax"
told minmax raw.safetensors
told minmax none.safetensors
"$CLQUANT" minmax none.safetensors --json 2>/dev/null
echo "exit $?"
told minmax m.safetensors --granularity channel --axis 2

echo "== compare"
told compare none.safetensors m.safetensors
told compare none.safetensors none.safetensors
told compare m.safetensors none.safetensors
told compare m.safetensors raw.safetensors
told compare m.safetensors gptq.safetensors
told compare gptq.safetensors m.safetensors --json

echo "== calibrate"
told calibrate m.safetensors -o r.json --include w --include 'W*'
told calibrate m.safetensors -o r.json --exclude '*.bias'
told calibrate m.safetensors raw.safetensors -o r.json --exclude raw --include 'nothing*'
told calibrate raw.safetensors none.safetensors -o r.json
told calibrate m.safetensors -o r.json --exclude w --exclude bias
told calibrate empty.safetensors none.safetensors empty.safetensors -o r.json
[ ! -e r.json ] || echo "r.json was written"
for file in raw empty; do
    told calibrate $file.safetensors -o r.json --allow-empty --force
    told quantize m.safetensors -o r-q.safetensors --ranges r.json
done
told calibrate m.safetensors -o r.json --exclude '*.bias' --allow-empty --force

echo "== info"
told info none.safetensors empty.safetensors
