#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install into a scratch folder, static and shared, and build every example against it through CMake, one through
# pkg-config. No test is built, so cmocka is not needed.
set -eu
cd "$(dirname "$0")/.."
source=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for shared in OFF ON; do
    prefix=$work/prefix-$shared
    {
        # Where things lie is asked, not how fast they are: without optimization they are there in half the time.
        cmake -S . -B "$work/build-$shared" -G Ninja -DBUILD_SHARED_LIBS=$shared -DCLQ_BUILD_TESTS=OFF \
            -DCMAKE_BUILD_TYPE=Debug -DCLQ_BUILD_BENCH=OFF -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib
        cmake --build "$work/build-$shared"
        cmake --install "$work/build-$shared"
        cmake -S tests/consumer -B "$work/consumer-$shared" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
            -DEXAMPLES="$source/examples"
        cmake --build "$work/consumer-$shared"
    } >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    export LD_LIBRARY_PATH="$prefix/lib"
    "$work/consumer-$shared/quantize_tensor" >/dev/null
    "$work/consumer-$shared/own_queue" >/dev/null
    "$work/consumer-$shared/consumer_cxx"
    "$prefix/bin/clquant" sample mobilenet-v2 -o "$work/model.safetensors" --force --quiet
    rm -f "$work/quantized.safetensors"
    "$work/consumer-$shared/quantize_file" "$work/model.safetensors" "$work/quantized.safetensors" >/dev/null
    for file in bin/clquant lib/pkgconfig/clquant.pc share/man/man1/clquant.1 \
        share/bash-completion/completions/clquant include/clquant/clquant.h; do
        [ -s "$prefix/$file" ] || { echo "test-install: $file was not installed" >&2; exit 1; }
    done
done
for example in examples/*.c; do
    name=$(basename "$example" .c)
    grep -q "int main" "$example" || continue # a part of another
    [ -x "$work/consumer-ON/$name" ] || { echo "test-install: $example is not built by tests/consumer" >&2; exit 1; }
done
# A build for another machine runs nothing of what it makes, and takes the C library from its compiler; naming a system
# makes it one, whatever the compiler.
cmake -S . -B "$work/build-cross" -G Ninja -DCMAKE_SYSTEM_NAME=Linux -DCLQ_BUILD_TESTS=OFF >"$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
if grep -E 'COMMAND = .*(clquant_command|host/clquant) [a-z]' "$work/build-cross/build.ninja"; then
    echo "test-install: a cross build runs the command that it makes" >&2
    exit 1
fi
if grep -m 1 '/libm\.' "$work/build-cross/build.ninja"; then
    echo "test-install: a cross build links with this machine's libm" >&2
    exit 1
fi
# What the shared library shows is the public API and nothing else.
cat "$work"/prefix-ON/include/clquant/*.h | grep -o 'clq_[a-z0-9_]*(' | tr -d '(' | sort -u >"$work/public"
foreign=$(nm -D --defined-only "$work/prefix-ON/lib/libclquant.so" | awk '{print $3}' | sort | comm -23 - "$work/public")
[ -z "$foreign" ] || { echo "test-install: in no public header, but in the dynamic symbols: $foreign" >&2; exit 1; }
if command -v pkg-config >/dev/null 2>&1; then
    flags=$(PKG_CONFIG_PATH=$work/prefix-ON/lib/pkgconfig pkg-config --cflags --libs clquant)
    # shellcheck disable=SC2086 # a list of flags
    cc -std=c11 examples/quantize_tensor.c $flags -o "$work/by-pkg-config"
    "$work/by-pkg-config" >/dev/null
fi
echo "install: static and shared, CMake and pkg-config, C and C++"
