# SPDX-License-Identifier: Apache-2.0
# A compiler that has warnings of our kernels does not put them on our stderr, not even where every kernel is compiled.
. "$CLQ_TEST_FOLDER/files.inc"
POCL_CACHE_DIR=$PWD/empty
CLQUANT_CACHE_DIR=
export POCL_CACHE_DIR CLQUANT_CACHE_DIR
mkdir -m 700 "$POCL_CACHE_DIR" || exit 1
f32 3f800000 40000000 40400000 40800000 |
    safetensors '{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >w.safetensors
"$CLQUANT" quantize w.safetensors -o wq.safetensors --quiet 2>said || echo "exit code $?"
cat said
echo "lines on stderr: $(wc -l <said | tr -d " ")"
