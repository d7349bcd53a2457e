#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing, build, quantize a model on the best OpenCL device there is, and compare it with the original.
# Usage: ./demo.sh [MODEL]   MODEL: .safetensors, .safetensors.index.json or .npy; default: a generated MobileNetV2
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=${1:-}
case $model in
'') ;;
-*) echo "usage: ./demo.sh [MODEL]" >&2; exit 2 ;;
*)
    [ -r "$model" ] || { echo "demo.sh: cannot read $model" >&2; exit 1; }
    model=$(cd "$(dirname "$model")" && pwd)/$(basename "$model")
    ;;
esac
cd "$here"
. scripts/packages.sh
# shellcheck disable=SC2086
scripts/install-packages.sh $build_packages $device_packages

out=build/demo
mkdir -p "$out"
cmake --preset release -G Ninja -DCLQ_BUILD_TESTS=OFF -DCLQ_BUILD_BENCH=OFF -B build/demo/cmake >"$out/build.log" 2>&1 &&
    cmake --build build/demo/cmake >>"$out/build.log" 2>&1 || { cat "$out/build.log"; exit 1; }
clquant=build/demo/cmake/host/clquant

step() {
    echo
    echo "\$ clquant $*"
    "$clquant" "$@"
}
step devices
if [ -z "$model" ]; then
    model=$out/mobilenet-v2.safetensors
    step sample mobilenet-v2 -o "$model" --force
fi
step quantize "$model" -o "$out/quantized.safetensors" --force
step dequantize "$out/quantized.safetensors" -o "$out/restored.safetensors" --force
step compare "$model" "$out/restored.safetensors"
echo
echo "written: $here/$out/quantized.safetensors"
echo "the command: $here/$clquant"
echo "to have it on the PATH: sudo cmake --install $here/build/demo/cmake"
