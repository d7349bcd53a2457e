#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run the example ($1) on the trained model; 77 when the model is not at hand (docs/testing.md tells where it is looked
# for).
set -eu
model="${CLQ_SHARED_DIR:-$(dirname "$0")/../../shared}/data/mnist-mlp.safetensors"
[ -f "$model" ] || { echo "skipped: there is no $model"; exit 77; }
exec "$1" "$model" "${CLQ_TEST_DEVICE:-auto}"
