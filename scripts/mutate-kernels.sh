#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Spoils the kernels line by line, and the device fault by fault, and tells what the trial before first use misses.
#
#     scripts/mutate-kernels.sh [--quick | --every-type] [BUILD]      BUILD: a build folder (build)
#
# Each mutant is tried in one pair of types of kernels that have its line, up to three, until one sees it; with
# --every-type in all pairs of all of them; with --quick one mutant of each rule and of each file in one kernel, and the
# faults that trials have witnesses for. Results and table stay in BUILD/mutants; what is missed fails. The whole takes
# hours: MUTANTS="FIRST COUNT" runs a part of the plan, whose first part has as much of each file as the whole.
set -eu
usage() {
    echo "usage: $0 [--quick | --every-type] [BUILD]" >&2
    exit 2
}
mode=
case "${1:-}" in
--quick | --every-type)
    mode=$1
    shift
    ;;
-*) usage ;;
esac
[ $# -le 1 ] || usage
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
program=$build/tests/kernel_mutants
if [ ! -x "$program" ]; then
    echo "mutate-kernels.sh: no $program: build the target mutants_program there" >&2
    exit 2
fi
command -v python3 >/dev/null || {
    echo "mutate-kernels.sh: python3 makes the plan, and is not there" >&2
    exit 77
}
work=$build/mutants$mode
rm -rf "$work"
mkdir -p "$work/sources" "$work/cache"
POCL_CACHE_DIR=$work/cache
export POCL_CACHE_DIR
# What the suite has time for: each file of kernels that is its own is in one of them.
quick=quantize/strip/bf16/s4,quantize/columns/f32/s8,dequantize/strip/f16/u8,fake-quantize/grid/f32/s8
quick=$quick,minmax/strip/f32/s8,minmax/grid/f32/s8,histogram/strip/f32/s8,merge-range/strip/f32/s8
quick=$quick,choose-parameters/strip/f32/s8,dynamic-quantize/strip/f16/s16,gemm/cpu/3,gemm/cpu-avx2/5,gemm/gemv/3
quick=$quick,gemm/portable/70,quantize/batch-grid/f16/u4,minmax/batch-strip/f32/s8,choose-parameters/batch-grid/f32/s8
quick=$quick,dynamic-quantize/batch-fused/f32/s8
if [ "$mode" = --quick ]; then
    "$program" --sources "$work/sources" "$quick" 2>"$work/log"
else
    "$program" --sources "$work/sources" 2>"$work/log"
fi
python3 "$root/scripts/mutants.py" plan "$work/sources" $mode >"$work/plan" 2>"$work/unused"
status=0
[ "$mode" != --every-type ] || all=--all
"$program" ${all:-} "$work/plan" ${MUTANTS:-} >"$work/results" 2>>"$work/log" || status=$?
python3 "$root/scripts/mutants.py" table "$work" | tee "$work/table"
rm -rf "$work/cache"
[ -s "$work/results" ] || status=1
exit $status
