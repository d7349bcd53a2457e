# SPDX-License-Identifier: Apache-2.0
# Folders that are refused, each with its line, and nothing is written; what stops half-way leaves nothing.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
weights() {
    mkdir -p "$(dirname "$1")"
    f32 3f800000 c0000000 40400000 40800000 |
        safetensors '{"fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >"$1"
}
weights in/model.safetensors
weights two/a.safetensors
weights two/b.safetensors
weights both/model.safetensors
echo GGUF >both/model.gguf
mkdir empty pickled
echo weights >pickled/pytorch_model.bin

echo "-- no model, or several"
for verb in info minmax 'quantize -o out' 'dequantize -o out' 'calibrate -o r.json' 'compare in'; do
    # shellcheck disable=SC2086
    refused $verb two
    # shellcheck disable=SC2086
    refused $verb both
done
refused info empty
refused quantize pickled -o out

echo "-- where it goes"
refused quantize in -o in
refused quantize in -o in/out --force
refused quantize in -o . --force
refused dequantize in -o in --force
refused quantize in -o missing/out
refused quantize in/model.safetensors -o empty
refused quantize in/model.safetensors -o empty/
refused dequantize in -o out --tensor fc.weight
echo words >file
refused quantize in -o file --force

echo "-- what cannot be copied"
mkfifo in/fifo
"$CLQUANT" quantize in -o out --quiet && ls out
rm -r out in/fifo
ln -s ../file in/words
refused quantize in -o out | sed "s|'$PWD/|'|"
"$CLQUANT" quantize in -o out --quiet --follow-links && ls out
rm -r out in/words

echo "-- a limit on the size of files"
dd if=/dev/zero of=in/vocabulary bs=1024 count=300 2>/dev/null
"$CLQUANT" quantize in -o quantized --quiet
(
    ulimit -f 400 || exit 77
    refused quantize in -o out --quiet | sed 's/ write [0-9]* bytes at .*/ write/'
)
ls -d out 2>/dev/null
mkdir out
echo "{}" >out/config.json
weights out/model.safetensors
cp -r out before
(
    ulimit -f 400 || exit 77
    refused quantize in -o out --force --quiet | sed 's/ write [0-9]* bytes at .*/ write/'
    refused dequantize quantized -o out --force --quiet | sed 's/ write [0-9]* bytes at .*/ write/'
)
diff -r out before && ls -A out
ls
