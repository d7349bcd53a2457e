#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run cases of the command line's tests.
#
#     run.sh --command PATH [--device SPEC] [--update] [--keep] [CASE...]
#
# A case is NAME.sh beside this script, run by sh in an empty folder of its own. In its environment:
#     CLQUANT          the command under test
#     CLQ_TEST_DEVICE  the device to test on, also the default device (CLQUANT_DEVICE)
#     CLQ_TEST_FOLDER  this folder, for files.inc
#     CLQUANT_CACHE_DIR  an empty folder of the case's own, unless it is set already
# Beside it may stand what the case must give:
#     NAME.stdout.exact or NAME.stdout.glob, NAME.stderr.exact or NAME.stderr.glob, NAME.exit (default 0)
# Output without such a file is not checked. In a .glob file each line is a shell pattern for one line, and a line "..."
# stands for any number of lines. A case that exits with 77 is skipped. --update writes the .exact and .exit files anew,
# and makes the .exact file of a case that has no file for an output that is not empty.
#
# Exit code: 0 all passed, 1 some failed, 2 usage, 77 all were skipped.

folder=$(cd "$(dirname "$0")" && pwd)
command=
device=reference
update=no
keep=no

usage() {
    echo "usage: run.sh --command PATH [--device SPEC] [--update] [--keep] [CASE...]" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --command) [ $# -ge 2 ] || usage; command=$2; shift 2 ;;
    --device) [ $# -ge 2 ] || usage; device=$2; shift 2 ;;
    --update) update=yes; shift ;;
    --keep) keep=yes; shift ;;
    -*) usage ;;
    *) break ;;
    esac
done

if [ ! -x "$command" ]; then
    echo "run.sh: --command must name the clquant program" >&2
    usage
fi
CLQUANT=$(cd "$(dirname "$command")" && pwd)/$(basename "$command")
[ "$device" != auto ] || device=${CLQ_TEST_DEVICE:-auto}
CLQ_TEST_DEVICE=$device
CLQ_TEST_FOLDER=$folder
CLQUANT_DEVICE=$device
CLQUANT_DRIVER_SECONDS=${CLQUANT_DRIVER_SECONDS-0} # trying drivers takes time in each case
CLQUANT_COMPILE_SECONDS=${CLQUANT_COMPILE_SECONDS-0} # reports tell what ran, however busy the machine is
LC_ALL=C
export CLQUANT CLQ_TEST_DEVICE CLQ_TEST_FOLDER CLQUANT_DEVICE CLQUANT_DRIVER_SECONDS CLQUANT_COMPILE_SECONDS LC_ALL
caches=${CLQUANT_CACHE_DIR+given}
unset NO_COLOR COLUMNS CLQUANT_EMULATE

if [ $# -eq 0 ]; then
    for file in "$folder"/*.sh; do
        name=$(basename "$file" .sh)
        [ "$name" = run ] || set -- "$@" "$name"
    done
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/clquant-cli.XXXXXX") || exit 1
clean() {
    [ "$keep" = yes ] || rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# Cases on devices of the zoo would pass on the plain one where the layer is not loaded. It ends a process that asks for
# a habit that there is not.
if [ -n "${CLQ_ZOO_LAYER-}" ] && ! OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO='no habit' "$CLQUANT" devices 2>&1 |
    grep -q "^CLQ_ZOO: no habit 'no'"; then
    case $("$CLQUANT" devices --json 2>&1) in
    *'"spec": "0:0"'*)
        echo "run.sh: CLQ_ZOO_LAYER is $CLQ_ZOO_LAYER, and the loader does not load it by OPENCL_LAYERS" >&2
        exit 1
        ;;
    esac
fi

# Does the text in file $2 match the patterns in file $1, line by line?
matches_glob() {
    skip=no
    exec 3<"$2"
    while IFS= read -r pattern; do
        if [ "$pattern" = ... ]; then
            skip=yes
            continue
        fi
        matched=no
        while IFS= read -r line <&3; do
            # shellcheck disable=SC2254
            case $line in
            $pattern) matched=yes; break ;;
            esac
            [ "$skip" = yes ] || break
        done
        [ "$matched" = yes ] || return 1
        skip=no
    done <"$1"
    [ "$skip" = yes ] || ! IFS= read -r line <&3
}

# Check (or with --update write) the output $2 (stdout or stderr) of case $1.
check_output() {
    expected=$folder/$1.$2
    actual=$scratch/$1.$2
    if [ -e "$expected.glob" ]; then
        if ! matches_glob "$expected.glob" "$actual"; then
            echo "$2 does not match $1.$2.glob:"
            diff -u "$expected.glob" "$actual"
            return 1
        fi
    elif [ "$update" = yes ]; then
        if [ -e "$expected.exact" ] || [ -s "$actual" ]; then
            cp "$actual" "$expected.exact"
        fi
    elif [ -e "$expected.exact" ] && ! cmp -s "$expected.exact" "$actual"; then
        echo "$2 differs from $1.$2.exact:"
        diff -u "$expected.exact" "$actual"
        return 1
    fi
}

check_exit() {
    expected=0
    [ ! -e "$folder/$1.exit" ] || expected=$(cat "$folder/$1.exit")
    [ "$2" != "$expected" ] || return 0
    if [ "$update" = yes ]; then
        echo "$2" >"$folder/$1.exit"
        return 0
    fi
    echo "exit code $2, expected $expected; stderr:"
    cat "$scratch/$1.stderr"
    return 1
}

passed=0
failed=0
skipped=0
for name in "$@"; do
    if [ ! -e "$folder/$name.sh" ]; then
        echo "FAIL $name: there is no $name.sh"
        failed=$((failed + 1))
        continue
    fi
    mkdir "$scratch/$name" || exit 1
    # A case compiles and tries a kernel once, not in each of its runs; cases about that set this to nothing.
    if [ "$caches" != given ]; then
        CLQUANT_CACHE_DIR=$scratch/$name.cache
        export CLQUANT_CACHE_DIR
        mkdir -m 700 "$CLQUANT_CACHE_DIR" || exit 1
    fi
    (cd "$scratch/$name" && sh "$folder/$name.sh") >"$scratch/$name.stdout" 2>"$scratch/$name.all" </dev/null
    code=$?
    grep -v -f "$folder/slow_machine.txt" "$scratch/$name.all" >"$scratch/$name.stderr" # `said` of files.inc
    if [ "$code" -eq 77 ]; then
        echo "SKIP $name"
        skipped=$((skipped + 1))
        continue
    fi
    report=$(
        fine=yes
        check_exit "$name" "$code" || fine=no
        check_output "$name" stdout || fine=no
        check_output "$name" stderr || fine=no
        [ "$fine" = yes ]
    )
    if [ $? -eq 0 ]; then
        echo "pass $name"
        passed=$((passed + 1))
    else
        echo "FAIL $name"
        printf '%s\n' "$report" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
