# SPDX-License-Identifier: Apache-2.0
# Verbs that read several files: each line about what one of them holds begins with its path, or names it with its option.
. "$CLQ_TEST_FOLDER/arrays.inc"
# A file with codes T and their scale, of these bits, its shape and its data.
scaled() {
    { codes 1 2 3 4 && f32 "$3"; } | safetensors '{"T":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},"T_scale":{"dtype":"F32","shape":['"$2"'],"data_offsets":[4,8]}}' >"$1"
}
scaled good.safetensors 1 3f000000
scaled negative.safetensors 1 bf000000
{ codes 1 2 3 4 && f32 3f000000 3f000000 3f000000; } | safetensors '{"T":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},"T_scale":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}}' >three.safetensors
{ codes 1 2 3 4 && f32 3f000000 && codes 0 0; } | safetensors '{"T":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},"T_scale":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"T_zero_point":{"dtype":"I8","shape":[2],"data_offsets":[8,10]}}' >zeros.safetensors
f32 3f800000 c0000000 40400000 40800000 | safetensors '{"x":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >x.safetensors
f32 3f800000 c0000000 | safetensors '{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' >flat.safetensors
s32 1 2 | safetensors '{"x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}' >whole.safetensors
echo '{"metadata":{"total_size":9},"weight_map":{"x":"x.safetensors"}}' >odd.safetensors.index.json
{ f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' && printf abc; } >long.npy
f32 3f800000 c0000000 40400000 40800000 | npy '<f4' '2, 2' >x.npy
codes 1 2 3 4 | npy '|i1' '2, 2' >a.npy
{ codes 1 2 3 4 | npy '|i1' '2, 2' && printf ab; } >tail.npy
s32 1 2 3 | npy '<i4' '3,' >three.npy
{ s32 1 2 | npy '<i4' '2,' && printf a; } >two.npy
f32 3f800000 bf800000 | npy '<f4' '2,' >reals.npy

# What a command says, and that every line names one of the files.
says() {
    files=$1
    shift
    echo "$*"
    "$CLQUANT" "$@" >/dev/null 2>says.stderr || echo "    exit code $?"
    said says.stderr | sed 's/^/    /'
    for file in $files; do
        grep -q -F -e "$file" says.stderr || echo "    no word of $file"
    done
    rm -f says.stderr
}

echo "== info"
for bad in negative three zeros; do
    says $bad.safetensors info good.safetensors $bad.safetensors x.npy
done
says long.npy info long.npy x.npy
says odd.safetensors.index.json info odd.safetensors.index.json x.npy
says 'long.npy negative.safetensors' info --json x.npy long.npy negative.safetensors
"$CLQUANT" info --json x.npy negative.safetensors 2>/dev/null | grep '"error"'

echo "== compare"
for bad in negative three zeros; do
    says $bad.safetensors compare good.safetensors $bad.safetensors
    says $bad.safetensors compare $bad.safetensors good.safetensors
done
says long.npy compare x.npy long.npy

echo "== calibrate"
says long.npy calibrate x.npy long.npy -o r.json --force --name x
says whole.safetensors calibrate x.safetensors whole.safetensors -o r.json --force --tensor x
"$CLQUANT" calibrate x.safetensors whole.safetensors -o r.json --force --quiet && echo "what is whole is skipped"
says whole.safetensors calibrate whole.safetensors x.safetensors -o r.json --force --verbose --device reference
says flat.safetensors calibrate x.safetensors flat.safetensors -o r.json --force --granularity channel --axis 1
says flat.safetensors calibrate flat.safetensors x.safetensors -o r.json --force --granularity channel --axis 1

echo "== dequantize, minmax and quantize"
says negative.safetensors dequantize negative.safetensors -o d.safetensors
says long.npy minmax long.npy
says reals.npy quantize x.npy -o q.safetensors --scale reals.npy
says reals.npy quantize x.npy -o q.safetensors --scale 1 --zero-point reals.npy
says three.npy quantize x.npy -o q.safetensors --scale three.npy
says x.safetensors quantize x.npy -o q.safetensors --scale x.safetensors

echo "== gemm"
says tail.npy gemm tail.npy a.npy -o c.npy --force
says tail.npy gemm a.npy tail.npy -o c.npy --force
says two.npy gemm a.npy a.npy -o c.npy --force --bias two.npy
says three.npy gemm a.npy a.npy -o c.npy --force --bias three.npy
says reals.npy gemm a.npy a.npy -o c.npy --force --b-zero-point reals.npy
says reals.npy gemm a.npy a.npy -o c.npy --force --dtype f32 --scale-b reals.npy
says x.safetensors gemm a.npy a.npy -o c.npy --force --bias x.safetensors
