#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Another architecture, under an emulator: the build without OpenCL for 64-bit ARM by Debian's cross compiler, its inner
# loops in the disassembly, and native on a processor for each set of instructions that there is, which must be the one that
# is taken. Usage: scripts/test-aarch64.sh [--all]; --all also runs each test program of that build, on the processor that
# has all, with a sample of its cases and for CLQ_EMULATED_SECONDS (180) at most. What has no end by then is named: no
# fault was seen in it. The build has no OpenCL, so that tests of kernels and of the library's calls are not in it.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/aarch64
say() { printf 'aarch64: %s\n' "$*"; }
quietly() { local log; log=$(mktemp); "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; rm -f "$log"; }

scripts/cross-root.sh arm64 build/aarch64-root libcmocka-dev libcmocka0 libxxhash-dev
quietly cmake --preset aarch64 -G Ninja

# The library and the programs that the processors below run; the rest is another processor's word on the same C.
programs=(test_native test_minmax test_quantize test_gemm test_float_mode)
if [ "${1:-}" = --all ]; then
    quietly cmake --build --preset aarch64
else
    quietly cmake --build --preset aarch64 --target clquant_command "${programs[@]}"
fi
scripts/lint-aarch64.py "$build"

seconds=3600
emulate() { # PROCESSOR COMMAND...
    timeout --kill-after=10 "$seconds" qemu-aarch64-static -L /usr/aarch64-linux-gnu -cpu "$@"
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
[ "${1:-}" = --all ] || exit 0

seconds=${CLQ_EMULATED_SECONDS:-180}
unset CLQ_TEST_DEVICE
export CLQ_TEST_SAMPLE="${CLQ_TEST_SAMPLE:-40}" CLQ_SWEEP_STRIDE="${CLQ_SWEEP_STRIDE:-99991}"
passed=0 skipped='' late='' failed=''
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mapfile -t suite < <(find "$build/tests" -maxdepth 1 -name 'test_*' -type f -perm -u+x | sort)
for program in "${suite[@]}"; do
    name=${program##*/}
    code=0
    emulate max "$program" >"$log" 2>&1 || code=$?
    case $code in
    0) passed=$((passed + 1)) ;;
    77) skipped+=" $name" ;;
    124 | 137) late+=" $name" ;;
    *)
        say "$name, exit code $code"
        tail -n 40 "$log"
        failed+=" $name"
        ;;
    esac
done
say "max: $passed test programs passed${skipped:+; skipped:$skipped}${late:+; no end after $seconds s:$late}${failed:+; failed:$failed}"
[ -z "$failed" ]
