#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run the example ($1) on the trained model, of which the command ($2) makes arrays; 77 when the model is not at hand
# (docs/testing.md tells where it is looked for).
set -eu
model="${CLQ_SHARED_DIR:-$(dirname "$0")/../../shared}/data/mnist-mlp.safetensors"
[ -f "$model" ] || { echo "skipped: there is no $model"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for layer in 1 2; do
    "$2" dequantize "$model" --tensor l$layer.weight -o "$work/$layer.npy" --device reference --quiet
done
"$1" "$work/1.npy" "$work/2.npy" "${CLQ_TEST_DEVICE:-auto}"
# Bad input is an error of one line.
if "$1" "$work/2.npy" "$work/1.npy" 2>"$work/error"; then
    exit 1
fi
[ "$(wc -l <"$work/error")" = 1 ]
