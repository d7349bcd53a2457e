#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Spoils the kernels line by line, and the device fault by fault, and tells what the trial before first use misses.
#
#     scripts/mutate-kernels.sh [--quick | --every-type | --races] [BUILD]      BUILD: a build folder (build)
#
# Each mutant is tried in one pair of types of kernels that have its line, up to three, until one sees it; with
# --every-type in all pairs of all of them; with --quick one mutant of each rule and of each file in one kernel, and the
# faults that trials have witnesses for. Results and table stay in BUILD/mutants; what is missed fails. The whole takes
# hours: MUTANTS="FIRST COUNT" runs a part of the plan, whose first part has as much of each file as the whole.
# With --races each barrier is removed under oclgrind, whose detector of races must see that it is missing, as it must
# see nothing where none is.
set -eu
usage() {
    echo "usage: $0 [--quick | --every-type | --races] [BUILD]" >&2
    exit 2
}
mode=
case "${1:-}" in
--quick | --every-type | --races)
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
[ "$mode" != --races ] || command -v oclgrind >/dev/null || {
    echo "mutate-kernels.sh: oclgrind judges races, and is not there" >&2
    exit 77
}
work=$build/mutants$mode
rm -rf "$work"
mkdir -p "$work/sources" "$work/cache"
POCL_CACHE_DIR=$work/cache
export POCL_CACHE_DIR

# Without optimization, as scripts/test-oclgrind.sh.
interpret() {
    CLQ_TEST_DEVICE=oclgrind oclgrind --data-races --max-errors 20 --build-options -cl-opt-disable --log "$work/races" \
        "$program" "$@"
}
# Runs the plan in $work/one, of one mutant and one target; prints what came of it: races where any were told.
judge_one() {
    rm -f "$work/races"
    interpret --interpreted "$work/one" 2>>"$work/log" >"$work/outcome" || true
    if grep -q 'data race' "$work/races"; then
        sed 's/\t[a-z]*\t\([0-9]*\)$/\traces\t\1/' "$work/outcome"
    else
        cat "$work/outcome"
    fi
}
# Each target as it is, which must be without races, and each mutant in its targets until one has some.
judge_races() {
    tab=$(printf '\t')
    judged=0
    for target in $(echo "$races" | tr , ' '); do
        printf 'none:0:none\tline\t-:0\t\t%s\n' "$target" >"$work/one"
        judge_one >"$work/clean"
        grep -q "${tab}same$tab" "$work/clean" || {
            echo "as it is: $(cat "$work/clean")"
            judged=1
        }
    done
    while IFS= read -r line; do
        for target in $(echo "${line##*"$tab"}" | tr , ' '); do
            printf '%s\t%s\n' "${line%"$tab"*}" "$target" >"$work/one"
            judge_one >"$work/last"
            cat "$work/last" >>"$work/results"
            ! grep -q "${tab}races$tab" "$work/last" || break
        done
        grep -q "${tab}races$tab" "$work/last" || {
            echo "no race is seen: $(cat "$work/last")"
            judged=1
        }
    done <"$work/plan"
    return $judged
}

# What the suite has time for: each file of kernels is in one of them, or the plan fails (NO_TARGET, mutants.py).
quick=quantize/strip/bf16/s4,quantize/columns/f32/s8,dequantize/strip/f16/u8,fake-quantize/grid/f32/s8
quick=$quick,minmax/strip/f32/s8,minmax/grid/f32/s8,histogram/strip/f32/s8,merge-range/strip/f32/s8
quick=$quick,choose-parameters/strip/f32/s8,dynamic-quantize/strip/f16/s16,gemm/cpu/3,gemm/cpu-avx2/17,gemm/gemv/3
quick=$quick,gemm/cpu-groups/8,gemm/gemv-groups/3
quick=$quick,gemm/portable/70,gemm/nvidia-dp4a/70,gemm/nvidia-mma/64,quantize/batch-grid/f16/u4,minmax/batch-strip/f32/s8,choose-parameters/batch-grid/f32/s8
quick=$quick,dynamic-quantize/batch-fused/f32/s8,dynamic-quantize/grid/f32/u4,quantize/runs/f32/s8,minmax/runs/f32/s8
quick=$quick,histogram/columns/f32/s8,histogram/grid/f32/s8,gemm/cpu-vnni/3,gemm/cpu-amx/17,gemm/amd-mfma-groups/32,gemm/amd-wmma/32
quick=$quick,gemm/intel-dpas/32,gemm/gemv-table/3
# Kernels with barriers, as far as oclgrind takes them; RACES names others, or fewer.
races=${RACES:-}
[ -n "$races" ] || races=minmax/grid/f32/s8,minmax/batch-grid/f32/s8,dynamic-quantize/grid/f32/s8,histogram/grid/f32/s8,gemm/portable/70
case $mode in
--quick) "$program" --sources "$work/sources" "$quick" 2>"$work/log" ;;
--races) interpret --sources "$work/sources" "$races" 2>"$work/log" ;;
*) "$program" --sources "$work/sources" 2>"$work/log" ;;
esac
status=0
python3 "$root/scripts/mutants.py" plan "$work/sources" $mode >"$work/plan" 2>"$work/unused" || status=$?
grep '^no target' "$work/unused" >&2 || true
sed -i '/^no target/d' "$work/unused"
if [ "$mode" = --races ]; then
    judge_races || status=$?
else
    [ "$mode" != --every-type ] || all=--all
    "$program" ${all:-} "$work/plan" ${MUTANTS:-} >"$work/results" 2>>"$work/log" || status=$?
fi
python3 "$root/scripts/mutants.py" table "$work" | tee "$work/table"
rm -rf "$work/cache"
[ -s "$work/results" ] || status=1
exit $status
