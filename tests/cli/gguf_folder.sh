# SPDX-License-Identifier: Apache-2.0
# A folder whose model is a .gguf: quantized into one with blocks, made real into one with floats, the other files beside
# it; and what such a model cannot become.
. "$CLQ_TEST_FOLDER/gguf.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
mkdir -p in/sub
{
    head_of 1
    entry a.weight 2 32 0
} >in/model-f32.gguf
pad in/model-f32.gguf
# shellcheck disable=SC2046
f32 $(awk 'BEGIN { for (i = 0; i < 64; i++) printf "3f%06x ", 131072 * i % 8388608 }') >>in/model-f32.gguf
printf '{"model_type": "llama", "hidden": 32}' >in/config.json
echo words >in/sub/words
"$CLQUANT" quantize in/model-f32.gguf -o file.gguf --quiet

echo "-- into a folder"
"$CLQUANT" quantize in -o out 2>&1 | sed 's/, [0-9.]* s .*//'
find out -type f | sort
cmp out/model-f32.gguf file.gguf
diff -r -x '*.gguf' in out
refused quantize in -o out
"$CLQUANT" quantize in -o out --force --dtype q4_0 --quiet && "$CLQUANT" info out

echo "-- and back"
"$CLQUANT" dequantize out -o back --quiet && "$CLQUANT" info back
diff -r -x '*.gguf' in back

echo "-- into a file"
"$CLQUANT" quantize in -o named.gguf --quiet && cmp named.gguf file.gguf
"$CLQUANT" quantize in -o named.safetensors --quiet && "$CLQUANT" info named.safetensors | sed -n 1p
"$CLQUANT" dequantize out -o real.safetensors --quiet && "$CLQUANT" info real.safetensors | sed -n 1p

echo "-- what loaders of other formats would not find"
refused quantize in -o other --format compressed-tensors
refused quantize in -o other --format pack-quantized
refused quantize in -o named.safetensors --emit-config q.json --force
refused quantize in -o other --dtype s8
refused quantize in -o other --preset torch
"$CLQUANT" quantize in -o plain --format clquant --quiet && ls plain

echo "-- a model without the keys"
mkdir float
f32 3f800000 40000000 | safetensors '{"a.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}' >float/model.safetensors
refused quantize float -o other --format gguf
refused quantize float -o other --dtype q8_0
refused quantize float -o other.gguf
ls
