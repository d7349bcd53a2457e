#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The suite, `clquant verify` and a short bench on an OpenCL implementation that is not the machine's own: it is fetched
# into a folder of the build, and nothing is installed but data that it looks for at a fixed place.
#
#     scripts/test-implementation.sh [--quick] [--seconds N] [--build DIR] NAME
#
# NAME       intel        Intel's runtime for CPUs (Python packages intel-opencl-rt, intel-cmplr-lib-rt)
#            rusticl      Mesa's Rusticl on llvmpipe (Debian packages mesa-opencl-icd, libclc-15)
#            pocl:PREFIX  a PoCL that was built and installed there
# --quick    what CI has time for, some two minutes, nearly all of it in the other compiler: verify --quick, which has
#            every kernel in a part of its types and 120 products of each variant, khr-dot among them, and of
#            test_gemm_values sums that leave 32 bits. All of test_portable and test_gemm_values, which compile the
#            same kernels again, take five times as long
# --seconds  with rusticl: how long verify and the tests may take together, a third and two; default: 3600
# --build    a build with tests; default: build/release
#
# Of a slow compiler (rusticl) the suite is a part: one test after the other of a list, with a sample of their cases, for
# as long as their time lasts, and what was not reached is named; verify ends with its budget likewise, and the bench
# after as long as the tests. What is known to be wrong there, and is gone round, is told as known and is no failure.
#
# Prints, last, the row for docs/devices.md. Exit code 0: all that ran passed; 1: something did not; 77: it cannot be
# fetched here, or not within three minutes, which is one line.
set -eu
cd "$(dirname "$0")/.."

quick=no
seconds=3600
build=build/release
name=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes ;;
    --seconds)
        seconds=${2-}
        case $seconds in '' | *[!0-9]*) echo "test-implementation: --seconds needs a whole number, not '$seconds'" >&2; exit 2 ;; esac
        shift
        ;;
    --build) [ $# -gt 1 ] || { echo "test-implementation: --build needs a folder" >&2; exit 2; }; build=$2; shift ;;
    -*) echo "test-implementation: unknown option $1" >&2; exit 2 ;;
    *) [ -z "$name" ] || { echo "test-implementation: one NAME, not $name and $1" >&2; exit 2; }; name=$1 ;;
    esac
    shift
done
command=$(pwd)/$build/host/clquant
case $build in /*) command=$build/host/clquant ;; esac
[ -x "$command" ] || { echo "test-implementation: $command is missing: build it, or name a build with --build" >&2; exit 2; }
place=$(dirname "$(dirname "$command")")/implementations/${name%%:*}
log=$place/log
mkdir -p "$place/cache" "$place/pocl-cache" "$place/mesa-cache"

cannot() { echo "test-implementation: $name is skipped: $1: $(tail -n 1 "$log")" >&2; exit 77; }

# A command that is ended, with all that it started, after so many seconds or when this script is.
running=
stop() {
    [ -z "$running" ] || { kill "$running" 2>/dev/null && wait "$running"; } || true
    exit 1
}
trap stop HUP INT TERM
within() { # SECONDS COMMAND...
    timeout --kill-after=10 "$@" &
    running=$!
    ended=0
    wait "$running" || ended=$?
    running=
    [ "$ended" -ne 124 ] || echo "no end after $1 s"
    return "$ended"
}

# Each leaves the .icd file at $place/only.icd, and where the loader finds its libraries in $libraries.
fetch_intel() {
    libraries=$place/lib
    [ ! -e "$place/only.icd" ] || return 0
    # shellcheck disable=SC2016 # the inner shell's
    within 180 sh -c 'python3 -m venv "$1" && "$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        intel-opencl-rt intel-cmplr-lib-rt' sh "$place/venv" >"$log" 2>&1 || cannot "its Python packages cannot be installed"
    # Its own loader stays behind: programs are to use the machine's.
    mkdir -p "$libraries"
    for file in "$place"/venv/lib/*.so*; do
        case ${file##*/} in libOpenCL.*) ;; *) ln -sf "$file" "$libraries/" ;; esac
    done
    [ -e "$libraries/libintelocl.so" ] || cannot "its package has no libintelocl.so"
    echo "$libraries/libintelocl.so" >"$place/only.icd"
}

fetch_rusticl() {
    libraries=$place/root/usr/lib/x86_64-linux-gnu
    [ ! -e "$place/only.icd" ] || return 0
    scripts/install-packages.sh libclc-15 >"$log" 2>&1 || cannot "libclc-15 cannot be installed" # read at /usr/lib/clc
    mkdir -p "$place/debs/partial"
    # Unpacked, not installed: its .icd file would make it a device of every program on this machine.
    within 180 apt-get install -y -q --no-install-recommends --download-only -o Dir::Cache::archives="$place/debs" mesa-opencl-icd \
        >"$log" 2>&1 || cannot "its Debian packages cannot be fetched"
    for package in "$place"/debs/*.deb; do
        dpkg -x "$package" "$place/root" >>"$log" 2>&1
    done
    [ -e "$libraries/libRusticlOpenCL.so.1" ] || cannot "its packages have no libRusticlOpenCL.so.1"
    echo "$libraries/libRusticlOpenCL.so.1" >"$place/only.icd"
}

use_pocl() {
    libraries=
    prefix=${name#pocl:}
    library=$(find "$prefix" -name 'libpocl.so.*' 2>/dev/null | sort | head -n 1)
    [ -n "$library" ] || { echo "test-implementation: no libpocl.so under $prefix" >&2; exit 2; }
    echo "$library" >"$place/only.icd"
}

suite_seconds= # of a part of it, for a slow compiler
set_aside=     # what it does not run (docs/testing.md)
known=
case $name in
intel) fetch_intel ;;
rusticl)
    fetch_rusticl
    verify_seconds=$((seconds / 3))
    suite_seconds=$((seconds - verify_seconds))
    # Each by its name, which docs/devices.md tells of: what is beside it is no fault that is known.
    known='probe-loop/rounds/70000 probe-loop/rounds/200000 probe-loop/rounds/1000000 probe-loop/rounds-in-all/70000'
    known="$known probe-loop/rounds-in-all/200000 probe-integer/comparisons-extended probe-float/fma probe-float/fma/vector"
    set_aside=loops,host-weights,gemm:gemm_amx
    ;;
pocl:?*) use_pocl ;;
*) echo "test-implementation: NAME is intel, rusticl or pocl:PREFIX, not '$name'" >&2; exit 2 ;;
esac

# On this implementation alone.
there() { # SECONDS COMMAND...
    most=$1
    shift
    within "$most" env OCL_ICD_VENDORS="$place/only.icd" LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
        RUSTICL_ENABLE=llvmpipe MESA_SHADER_CACHE_DIR="$place/mesa-cache" POCL_CACHE_DIR="$place/pocl-cache" \
        CLQUANT_CACHE_DIR="$place/cache" CLQ_REQUIRE_DEVICE=1 "$@"
}

status=0
verdicts=
judge() { # WHAT COMMAND...
    what=$1
    shift
    start=$(date +%s)
    code=0
    "$@" >"$log" 2>&1 || code=$?
    took=$(($(date +%s) - start))
    if [ "$code" -eq 0 ]; then
        printf 'ok      %-28s %4d s\n' "$what" "$took"
        verdicts="$verdicts${verdicts:+, }$what ok"
    else
        printf 'FAILED  %-28s %4d s, exit code %d\n' "$what" "$took" "$code"
        tail -n 40 "$log"
        verdicts="$verdicts${verdicts:+, }$what FAILED"
        status=1
    fi
}

# verify, whose last line counts; what differs beyond what is known fails.
judge_verify() { # WHAT SECONDS OPTIONS...
    what=$1
    budget=$2
    shift 2
    code=0
    there "$((budget + 100))" "$command" verify --verbose --budget "$budget" "$@" >"$log" 2>&1 || code=$?
    cases=$(sed -n 's/^\([0-9]* cases in .*\)/\1/p' "$log" | tail -n 1)
    excused=
    unexcused=$(sed -n 's/^FAILED / /p' "$log" | tr -d '\n')
    # shellcheck disable=SC2013 # names have no blanks
    for case in $(sed -n 's/^DIFFERS //p' "$log"); do
        case " $known " in
        *" $case "*) excused="$excused $case" ;;
        *) unexcused="$unexcused $case" ;;
        esac
    done
    [ -z "$excused" ] || echo "known:$excused"
    if [ -n "$cases" ] && [ -z "$unexcused" ] && case $code in 0 | 1 | 4 | 5) true ;; *) false ;; esac; then
        # 4 and 5 are for what failed or differs; 1 for what was not reached.
        echo "ok      $what: $cases"
        verdicts="$verdicts${verdicts:+, }$what: $cases"
    else
        echo "FAILED  $what, exit code $code:$unexcused"
        grep -v '^skipped ' "$log" | tail -n 40
        verdicts="$verdicts${verdicts:+, }$what FAILED"
        status=1
    fi
}

# Tests one after the other while the time lasts, each once and with a sample of its cases.
judge_some() { # SECONDS TEST...
    end=$(($(date +%s) + $1))
    shift
    passed=0
    late=
    for test in "$@"; do
        left=$((end - $(date +%s)))
        if [ "$left" -le 0 ]; then
            late="$late $test"
            continue
        fi
        code=0
        there "$left" env CLQ_TEST_SAMPLE="${CLQ_TEST_SAMPLE:-40}" CLQ_TEST_STRIDE="${CLQ_TEST_STRIDE:-50}" CLQ_TEST_SET_ASIDE="$set_aside" \
            "$tests/$test" >"$log" 2>&1 || code=$?
        case $code in
        0)
            passed=$((passed + 1))
            echo "ok      $test"
            ;;
        77) echo "skipped $test" ;;
        124 | 137) late="$late $test" ;;
        *)
            echo "FAILED  $test, exit code $code"
            tail -n 40 "$log"
            verdicts="$verdicts${verdicts:+, }$test FAILED"
            status=1
            ;;
        esac
    done
    [ -z "$late" ] || echo "not reached or not finished:$late"
    verdicts="$verdicts${verdicts:+, }$passed of $# tests, with a sample of their cases${late:+; not finished:$late}"
}

tests=$(dirname "$(dirname "$command")")/tests
there 60 "$command" devices >"$log" 2>&1 || { cat "$log"; exit 1; }
device=$(sed -n '1s/^[0-9:]* *[a-z]* *//; 1s/ *\[auto\]//p' "$log")
driver=$(sed -n 's/^ *driver *//p' "$log" | head -n 1)
platform=$(sed -n 's/^ *platform *//p' "$log" | head -n 1)
echo "$platform, $device, driver $driver"

if [ -n "$suite_seconds" ]; then
    judge_verify "verify --quick" "$verify_seconds" --quick ${CLQ_TEST_SEED:+--seed "$CLQ_TEST_SEED"}
    # What compiles least first.
    [ "$quick" = yes ] || judge_some "$suite_seconds" test_parameters test_merge_range test_gemm_values test_minmax \
        test_dequantize test_histogram test_gemm_outputs test_gemm_groups test_dynamic_quantize test_quantize \
        test_fake_quantize test_strides_opencl test_blocks test_batch test_portable
else
    judge "verify --quick" there 1800 "$command" verify --quick --budget 1700 ${CLQ_TEST_SEED:+--seed "$CLQ_TEST_SEED"}
    if [ "$quick" = yes ]; then
        judge "test_gemm_values, wrapped" there 600 env CLQ_TEST_FILTER=wrapped_sums "$tests/test_gemm_values"
    else
        judge test_portable there 1200 "$tests/test_portable"
        judge test_gemm_values there 1200 "$tests/test_gemm_values"
        judge suite there 14400 ctest --test-dir "$(dirname "$(dirname "$command")")" -j2 --timeout 600 -E '^(signals|mutants|zoo_|cli_zoo)'
        judge verify there 3600 "$command" verify --budget 3400
    fi
fi

# Rates as fractions of what C reaches in the same minutes, so that both runs can be compared.
rates() {
    "$@" bench minmax quantize dequantize gemm --quick --json 2>/dev/null | awk '
        /"operation":/ {gsub(/[",]/, ""); operation = $2}
        /"role": "clquant"/ {mine = 1}
        /"role":/ && !/"role": "clquant"/ {mine = 0}
        /"median_seconds":/ && mine && $2 != "null," {sub(/,/, "", $2); product[operation] += log($2); count[operation]++}
        END {for (o in product) print o, exp(product[o] / count[o])}' | sort
}
speed=
if [ "$quick" = no ]; then
    rates "$command" >"$place/own"
    rates there "${suite_seconds:-900}" "$command" >"$place/there"
    speed=$(join "$place/own" "$place/there" | awk '{printf "%s%s %.2f", (NR > 1 ? ", " : ""), $1, $2 / $3}')
fi
echo "| $device | $platform $driver | $(date +%Y-%m-%d) | $verdicts | ${speed:--} |"
exit "$status"
