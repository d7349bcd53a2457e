#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# For someone with a board or a GPU: `clquant verify`, the tests and a short bench on one device, and an archive of all that
# was said, to be sent (docs/bringup.md).
#
#     scripts/test-device.sh [--device SPEC] [--quick | --seconds N | --full] [--tests 'NAME...'] [--known 'CASE...']
#         [--set-aside LIST] [--build DIR] [-o FILE]
#
# --device   as clquant takes it: auto (default), gpu, 1:0, a part of its name
# --seconds  how long verify and the tests may take together, a third and two; default: 3600. Tests run one after the
#            other, what is worth most first, each with a sample of its cases and for a third of their time at most; what
#            was ended or not reached is named, with how many of its parts had passed. verify ends with its budget
#            likewise, and the bench of the device, as that of this machine's processor, after a third again
# --quick    verify --quick, and of test_gemm_values sums that leave 32 bits: some two minutes, of a slow compiler more
# --tests    with --quick: these tests as a whole in the place of those sums
# --full     the whole suite and a whole verify: hours
# --known    cases of verify that are known to differ, by their names, which is told and fails nothing
# --set-aside  what the device is known not to run (CLQ_TEST_SET_ASIDE in docs/testing.md)
# --build    a build with tests; without it build/release, which is made where there is none
# -o         the archive; default: clquant-results.tar.gz in the build
#
# Prints, last, the row for docs/devices.md and where the archive is. Exit code 0: all that ran passed; 1: something did not.
set -eu

device=auto
mode=some
seconds=3600
tests_named=
known=
set_aside=
build=
archive=
bad() { echo "test-device: $1" >&2; exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
    --quick) mode=quick ;;
    --full) mode=full ;;
    --device | --seconds | --tests | --known | --set-aside | --build | -o)
        [ $# -gt 1 ] || bad "$1 needs a value"
        case $1 in
        --device) device=$2 ;;
        --tests) tests_named=$2 ;;
        --known) known=$2 ;;
        --set-aside) set_aside=$2 ;;
        --build) build=$2 ;;
        -o) case $2 in /*) archive=$2 ;; *) archive=$PWD/$2 ;; esac ;;
        --seconds)
            case $2 in '' | *[!0-9]*) bad "--seconds needs a whole number, not '$2'" ;; esac
            seconds=$2
            ;;
        esac
        shift
        ;;
    *) bad "unknown argument $1" ;;
    esac
    shift
done
cd "$(dirname "$0")/.."
if [ -z "$build" ]; then
    build=build/release
    [ -e "$build/CMakeCache.txt" ] || cmake --preset release >&2
    cmake --build "$build" -j 2 >&2
fi
build=$(cd "$build" && pwd) || bad "there is no folder $build"
command=$build/host/clquant
tests=$build/tests
[ -x "$command" ] || bad "$command is missing: build it"
[ -x "$tests/test_portable" ] || bad "$tests/test_portable is missing: build the tests (libcmocka-dev, -DCLQ_BUILD_TESTS=ON)"
results=$build/device-results
rm -rf "$results"
mkdir -p "$results"
export CLQ_REQUIRE_DEVICE=1 CLQ_TEST_DEVICE="$device" CLQUANT_DEVICE="$device" \
    CLQUANT_CACHE_DIR="${CLQUANT_CACHE_DIR:-$build/device-cache}"
[ -z "$set_aside" ] || export CLQ_TEST_SET_ASIDE="$set_aside"

# A command that is ended, with all that it started, after so many seconds or when this script is.
running=
# shellcheck disable=SC2317 # the trap calls it
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

status=0
verdicts=
say() { printf '%s\n' "$*" | tee -a "$results/summary.txt"; }
passes() { # LINE VERDICT
    say "ok      $1"
    verdicts="$verdicts${verdicts:+, }$2"
}
fails() { # LINE VERDICT LOG
    say "FAILED  $1"
    grep -v '^skipped ' "$3" | tail -n 40 || true
    verdicts="$verdicts${verdicts:+, }$2 FAILED"
    status=1
}
judge() { # NAME SECONDS COMMAND...
    name=$1
    shift
    begin=$(date +%s)
    code=0
    within "$@" >"$results/$name.log" 2>&1 || code=$?
    took=$(($(date +%s) - begin))
    if [ "$code" -eq 0 ]; then
        passes "$name, $took s" "$name ok"
    else
        fails "$name, $took s, exit code $code" "$name" "$results/$name.log"
    fi
}

# verify, whose last line counts; what differs beyond what is known fails.
judge_verify() { # NAME SECONDS OPTIONS...
    name=$1
    budget=$2
    shift 2
    log=$results/$name.log
    code=0
    within $((budget + 100)) "$command" verify --verbose --budget "$budget" --report "$results/$name.html" \
        --reproduce "$results/$name-faults" ${CLQ_TEST_SEED:+--seed "$CLQ_TEST_SEED"} "$@" >"$log" 2>&1 || code=$?
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
    [ -z "$excused" ] || say "known:$excused"
    # 4 and 5 are for what failed or differs, of which all is known; 1 for what was not reached in so little time.
    case $mode:$code in *:0 | some:1) ends=yes ;; *:[45]) ends=${excused:+yes} ;; *) ends= ;; esac
    if [ -n "$cases" ] && [ -z "$unexcused" ] && [ -n "$ends" ]; then
        passes "$name: $cases" "$name: $cases"
    else
        fails "$name, exit code $code:$unexcused" "$name" "$log"
    fi
}

# What a test that was ended by its time had done: no failure where all of it passed.
judge_ended() { # TEST SECONDS
    log=$results/$1.log
    if grep -q '^\[  FAILED' "$log"; then
        fails "$1, before it was ended after $2 s" "$1" "$log"
        return
    fi
    parts="$(grep -c '^\[       OK' "$log" || true) of $(sed -n 's/^\[=*\] Running \([0-9]*\) .*/\1/p' "$log" | head -n 1)"
    say "ended   $1 after $2 s: $parts parts had passed"
    late="$late $1 ($parts)"
}

# Tests one after the other while the time lasts, each with a sample of its cases and a third of that time.
judge_some() { # SECONDS TEST...
    end=$(($(date +%s) + $1))
    share=$(($1 / 3))
    shift
    passed=0
    late=
    for test in "$@"; do
        left=$((end - $(date +%s)))
        [ "$left" -lt "$share" ] || left=$share
        if [ "$left" -le 0 ]; then
            late="$late $test"
            continue
        fi
        code=0
        begin=$(date +%s)
        within "$left" env CLQ_TEST_SAMPLE="${CLQ_TEST_SAMPLE:-40}" CLQ_TEST_STRIDE="${CLQ_TEST_STRIDE:-50}" \
            "$tests/$test" >"$results/$test.log" 2>&1 || code=$?
        case $code in
        0)
            passed=$((passed + 1))
            say "ok      $test, $(($(date +%s) - begin)) s"
            ;;
        77) say "skipped $test" ;;
        124 | 137) judge_ended "$test" "$left" ;;
        *) fails "$test, exit code $code" "$test" "$results/$test.log" ;;
        esac
    done
    [ -z "$late" ] || say "not reached or not finished:$late"
    verdicts="$verdicts${verdicts:+, }$passed of $# tests, with a sample of their cases${late:+; not finished:$late}"
}

# One rate for each operation: what it takes on the device, and on this machine's processor, of the same minutes.
rates() { # FILE
    awk '
        /"operation":/ {gsub(/[",]/, ""); operation = $2}
        /"role": "clquant"/ {mine = 1}
        /"role":/ && !/"role": "clquant"/ {mine = 0}
        /"median_seconds":/ && mine && $2 != "null," {sub(/,/, "", $2); product[operation] += log($2); count[operation]++}
        END {for (o in product) print o, exp(product[o] / count[o])}' "$1" | sort
}
bench() { # FILE DEVICE
    for operation in minmax quantize dequantize gemm; do
        within $((bench_seconds / 4)) "$command" bench $operation --quick --json --device "$2" \
            >>"$results/$1.json" 2>>"$results/$1.log" ||
            say "the bench of $operation on $2 did not end well: $(tail -n 1 "$results/$1.log")"
    done
    rates "$results/$1.json" >"$results/$1.rates"
}

within 60 "$command" devices --verbose >"$results/devices.txt" 2>&1 || { cat "$results/devices.txt"; exit 1; }
# Who it is, by its first operation.
echo 4096 >"$results/shapes"
within 600 "$command" bench minmax --quick --rounds 1 --shapes "$results/shapes" --json >"$results/device.json" \
    2>"$results/device.log" || { cat "$results/device.log"; exit 1; }
name_of() { sed -n "s/^ *\"$1\": \"\(.*\)\",*\$/\1/p" "$results/device.json" | head -n 1; }
title="$(name_of device) | $(name_of platform) $(name_of driver)"
say "$title"

bench_seconds=900
case $mode in
quick)
    judge_verify verify-quick $((seconds / 3 < 1700 ? seconds / 3 : 1700)) --quick
    [ -n "$tests_named" ] || judge test_gemm_values-wrapped 600 env CLQ_TEST_FILTER=wrapped_sums "$tests/test_gemm_values"
    # Intel's compiler needs a third of the time where it makes no vectors of work-items; verify has those.
    for test in $tests_named; do
        judge "$test" 900 env CL_CONFIG_USE_VECTORIZER=False "$tests/$test"
    done
    ;;
some)
    bench_seconds=$((seconds / 3))
    judge_verify verify-quick $((seconds / 3)) --quick
    # What a file and a product need, then what compiles least.
    judge_some $((seconds - seconds / 3)) test_parameters test_minmax test_dequantize test_gemm_values test_quantize \
        test_merge_range test_histogram test_gemm_outputs test_batch test_dynamic_quantize test_gemm_groups \
        test_fake_quantize test_blocks test_strides_opencl test_portable
    ;;
full)
    judge_verify verify-quick 1700 --quick
    judge test_portable 1200 "$tests/test_portable"
    judge test_gemm_values 1200 "$tests/test_gemm_values"
    judge suite 14400 ctest --test-dir "$build" -j2 --timeout 600 -E '^(signals|mutants|zoo_|cli_zoo)'
    judge_verify verify 3400
    ;;
esac
speed=
if [ "$mode" != quick ]; then
    bench bench-native native
    bench bench-device "$device"
    speed=$(join "$results/bench-native.rates" "$results/bench-device.rates" |
        awk '{printf "%s%s %.2f", (NR > 1 ? ", " : ""), $1, $2 / $3}')
fi
say "| $title | $(date +%Y-%m-%d) | $verdicts${speed:+; speed over native: $speed} |"
archive=${archive:-$build/clquant-results.tar.gz}
tar -czf "$archive" -C "$build" device-results
echo "send $archive"
exit "$status"
