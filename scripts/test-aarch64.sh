#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Another architecture, under an emulator: the build without OpenCL for 64-bit ARM by Debian's cross compiler, its inner
# loops in the disassembly, and native on a processor for each set of instructions that there is, which must be the one that
# is taken. Usage: scripts/test-aarch64.sh [--all]; --all also runs the whole suite of that build, for half an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/aarch64
say() { printf 'aarch64: %s\n' "$*"; }
quietly() { local log; log=$(mktemp); "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; rm -f "$log"; }

scripts/cross-root.sh arm64 build/aarch64-root libcmocka-dev libcmocka0 libxxhash-dev
quietly cmake --preset aarch64 -G Ninja

# The library and the programs that the processors below run; the rest is another processor's word on the same C.
programs=(test_native test_minmax test_quantize test_gemm test_float_mode)
more=(test_dequantize test_dynamic_quantize test_fake_quantize test_histogram test_gemm_groups test_gemm_modes
    test_gemm_layouts test_gemm_real)
[ "${1:-}" != --all ] || programs+=("${more[@]}")
if [ "${1:-}" = --all ]; then
    quietly cmake --build --preset aarch64
else
    quietly cmake --build --preset aarch64 --target clquant_command "${programs[@]}"
fi
scripts/lint-aarch64.py "$build"

emulate() { # PROCESSOR COMMAND...
    qemu-aarch64-static -L /usr/aarch64-linux-gnu -cpu "$@"
}

# The best set of a processor, which calls take when it has agreed with the reference. An emulator has time for some of
# the tensors.
export CLQ_TEST_SEED="${CLQ_TEST_SEED:-20261120}" CLQ_TEST_STRIDE="${CLQ_TEST_STRIDE:-25}" CLQ_TEST_DEVICE=native
takes() { # PROCESSOR SET
    local found
    found=$(emulate "$1" "$build/host/clquant" devices -v |
        sed -n '/^native /,/^$/s/^ *\(minmax\|gemm\)  *\([^ ]*\).*/\1 \2/p')
    [ "$found" = "minmax $2"$'\n'"gemm $2" ] || { say "on $1 native has '$found', wanted: $2" >&2; exit 1; }
    say "$1: $2 for tensors and products"
}
check() { # PROCESSOR PROGRAM...
    local processor=$1 program
    shift
    for program in "$@"; do
        say "$processor: $program"
        quietly emulate "$processor" "$build/tests/$program"
    done
}
takes cortex-a57 neon
takes neoverse-n1 neon-dotprod
takes max neon-i8mm
check cortex-a57 test_native
check neoverse-n1 test_native
check max "${programs[@]}"
if [ "${1:-}" = --all ]; then
    unset CLQ_TEST_DEVICE
    quietly ctest --preset aarch64
    say "max: the suite"
fi
