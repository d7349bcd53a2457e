# SPDX-License-Identifier: Apache-2.0
# A model's folder goes in, a folder that engines load comes out, and back.
. "$CLQ_TEST_FOLDER/tensors.inc"
mkdir -p in/1_Pooling in/original in/.git
f32 3f800000 c0000000 40400000 40800000 3f000000 |
    safetensors '{"__metadata__":{"format":"pt"},"fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"fc.bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}}' >in/model.safetensors
printf '{\n    "architectures": ["Net"],\n\n    "hidden" :2, "dropout": 1e-1\n}\n' >in/config.json
echo vocabulary >in/tokenizer.json
echo pooling >in/1_Pooling/config.json
echo licence >in/LICENSE
chmod 640 in/LICENSE
for file in pytorch_model.bin original/consolidated.00.pth .git/HEAD consolidated.safetensors; do
    echo weights >"in/$file"
done
shown() {
    (cd "$1" && find . -type f | sort)
}

echo "-- quantized"
"$CLQUANT" quantize in -o out --device reference 2>&1 | sed 's/, [0-9.]* s .*on/ on/' || exit 1
shown out
cat out/config.json
header out/model.safetensors | sed -n "/^.fc/p"
cmp in/tokenizer.json out/tokenizer.json
cmp in/1_Pooling/config.json out/1_Pooling/config.json
ls -l out/LICENSE | cut -c1-10

echo "-- told, and nothing written"
"$CLQUANT" quantize in -o dry --dry-run --json 2>/dev/null | grep copied_file
ls -d dry 2>/dev/null

echo "-- read"
for verb in 'info out' 'minmax in' 'compare in out' 'calibrate in -o ranges.json'; do
    # shellcheck disable=SC2086
    "$CLQUANT" $verb --quiet >/dev/null || echo "$verb"
done
"$CLQUANT" info out | sed -n 1p
"$CLQUANT" quantize in -o file.safetensors --quiet --format compressed-tensors
cmp file.safetensors out/model.safetensors

echo "-- and back"
"$CLQUANT" dequantize out -o back --quiet || exit 1
shown back
cmp in/config.json back/config.json
"$CLQUANT" compare in back --fail-sqnr-below 20 --quiet

echo "-- replaced"
refused quantize in -o out --quiet
echo other >out/tokenizer.json
"$CLQUANT" quantize in -o out --force --quiet --granularity tensor || exit 1
grep strategy out/config.json
cat out/tokenizer.json
shown out
