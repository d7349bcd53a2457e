#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Test programs on every device of the zoo (tests/zoo/zoo.h), one after the other.
#
#     zoo.sh LAYER FOLDER HABITS PROGRAM...    HABITS: names separated by commas, "+" within one for a blank
#
# Prints one line for each: HABITS PROGRAM: passed, skipped or failed, seconds; and what a failed one said. Exit code 1
# when one failed.
set -u
layer=$1
folder=$2
all=$3
shift 3
failed=0
said=$(mktemp "${TMPDIR:-/tmp}/clquant-zoo.XXXXXX")
trap 'rm -f "$said"' EXIT
trap 'exit 1' HUP INT TERM
for habits in $(echo "$all" | tr , ' '); do
    for program in "$@"; do
        code=0
        began=$(date +%s)
        OPENCL_LAYERS=$layer CLQ_ZOO=$(echo "$habits" | tr + ' ') CLQ_REQUIRE_DEVICE=1 timeout 1800 \
            "$folder/$program" >"$said" 2>&1 || code=$?
        case $code in
        0) verdict=passed ;;
        77) verdict=skipped ;;
        *)
            verdict="failed ($code)"
            failed=1
            ;;
        esac
        echo "$habits $program: $verdict, $(($(date +%s) - began)) s"
        [ "${verdict#failed}" = "$verdict" ] || cat "$said"
    done
done
exit $failed
