# SPDX-License-Identifier: Apache-2.0
# A limit on the size of files is a failed write like a full disk: one line, exit code 1, and nothing stays.
# On the reference: a runtime that cannot write its cache of kernels may end the process.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
"$CLQUANT" sample mobilenet-v2 -o quantize.safetensors --quiet || exit 1
"$CLQUANT" quantize quantize.safetensors -o dequantize.safetensors --quiet || exit 1
mkdir out
(
    ulimit -f 1000 || exit 77
    for verb in quantize dequantize; do
        refused "$verb" "$verb.safetensors" -o out/x.safetensors | sed 's/ write [0-9]* bytes at .*/ write/'
        ls -A out
    done
    refused sample mobilenet-v2 -o out/x.safetensors | sed 's/ write [0-9]* bytes at .*/ write/'
    ls -A out
)
