# SPDX-License-Identifier: Apache-2.0
# Files of other programs are called what they are, and no output gets a name that says it is one of them.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
# zip NAME: the first header of an archive whose first file has this name.
zip() {
    printf 'PK\003\004\000\000\010\010\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
    byte ${#1}
    printf '\000\000\000%s' "$1"
    head -c 64 /dev/zero
}
zip archive/data.pkl >new.pt
printf '\200\002\212\012l\374\234F\371 j\250P\031.\200\002M' >old.pt
printf '\200\004\225\020\000\000\000\000\000\000\000}' >dict.pkl
zip w.npy >arrays.npz
zip readme.txt >some.zip
printf '\010\007\022\007pytorch\032\0031.9' >model.onnx
printf '\211HDF\015\012\032\012\000\000\000\000' >model.h5
printf '\037\213\010\000\000\000\000\000\000\003abc' >model.gz
printf 'tjgg\001\000\000\000\000\000\000\000' >model.ggml
printf '\034\000\000\000TFL3\000\000\000\000' >model.tflite
printf '\010\001\022\377\001\012\366\001\022\006sample' >saved_model.pb
printf '\010\004\022\024\012\005\012\003img' >model.mlmodel
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 440449768\n' 0 >model.safetensors
for file in model.safetensors model.tflite saved_model.pb model.mlmodel new.pt old.pt dict.pkl arrays.npz some.zip model.onnx model.h5 model.gz model.ggml; do
    refused info $file
done
f32 3f800000 40000000 bf800000 3f000000 | npy '<f4' '2, 2' >x.npy
refused quantize new.pt -o out.safetensors
refused quantize x.npy -o out.safetensors --ranges old.pt
refused quantize x.npy -o out.safetensors --scale model.h5
refused gemm new.pt new.pt -o c.npy
mkdir folder
cp new.pt folder/model.safetensors
refused quantize folder -o out
cp model.safetensors folder/model.safetensors
refused quantize folder -o out
refused quantize x.npy -o out.safetensors --ranges model.safetensors
mkdir saved
cp saved_model.pb saved/
refused quantize saved -o out
# A header that begins with the same bytes is a header: 640 bytes long as 80 02.
{
    printf '\200\002\000\000\000\000\000\000%-640s' '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    f32 3f800000
} >lucky.safetensors
"$CLQUANT" info lucky.safetensors | tail -n 1

echo "-- names of outputs"
"$CLQUANT" quantize x.npy -o q.safetensors --quiet
for name in out.bin out.pt out.onnx out.gguf folder/out.h5; do
    refused quantize x.npy -o $name
done
refused dequantize q.safetensors -o out.bin
refused dequantize q.safetensors -o out.gguf
refused sample transformer-block -o out.gguf
for name in out.pt out.npy out.safetensors.index.json folder/out.npy; do
    refused sample transformer-block -o $name
done
for name in out.safetensors out.safetensors.index.json out.npy out.gguf out.bin; do
    refused calibrate x.npy -o $name
    refused quantize x.npy -o out.safetensors --preset compressed-tensors --emit-config $name
    refused gemm x.npy x.npy -o $name
done
"$CLQUANT" quantize x.npy -o out.bin --format clquant --quiet && cmp out.bin q.safetensors
"$CLQUANT" quantize x.npy -o no-ending --quiet && cmp no-ending q.safetensors
ls
