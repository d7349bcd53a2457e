# SPDX-License-Identifier: Apache-2.0
# Devices with faults (tests/zoo), as tests/zoo/faults.txt has them: `verify` ends with the right exit code and names what
# is at fault, and nothing else; the programs that it writes show the fault on that device, and that it is gone on a
# sound one. In the suite the quick rows; CLQ_EVERY_FAULT=1 has all.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
printf '#include <CL/cl.h>\nint main(void) { return clGetPlatformIDs(0, 0, 0) == 0; }\n' >x.c
cc -DCL_TARGET_OPENCL_VERSION=120 x.c -o x -lOpenCL 2>/dev/null || { echo "no cc with OpenCL's headers" >&2; exit 77; }
printf '%s\t%s\n' 'LOWER(c->lo0, c->lo1)' 'c->lo0' >minmax.change
# Where no buffer may have more than 4 GiB there is nothing to see of offsets beyond.
largest=$("$CLQUANT" devices --json | sed -n 's/.*"maximum_allocation_bytes": \([0-9]*\).*/\1/p' | head -n 1)

told() {
    echo "[$habits] $only: $*"
}
fits() { # NAME PATTERN...
    name=$1
    shift
    for pattern in "$@"; do
        # shellcheck disable=SC2254
        case $name in $pattern) return 0 ;; esac
    done
    return 1
}
judge_names() {
    sed -n 's/^\(DIFFERS\|FAILED\) //p' text >names
    set -f
    # shellcheck disable=SC2086
    set -- $named
    while read -r name; do
        fits "$name" "$@" || told "$name is named"
    done <names
    for pattern in "$@"; do
        while read -r name; do
            fits "$name" "$pattern" && continue 2
        done <names
        told "nothing is named that fits $pattern: $(tr '\n' ' ' <names)"
    done
    set +f
}
# Somebody is to read it: 100 lines beside arguments and where operands lie, 5 more for each further launch or buffer,
# and, where the host is what is tried, its part.
is_short() {
    further=$(grep -c 'clEnqueueNDRangeKernel\|^    cl_mem memory' reproduce.c)
    lines=$(grep -vc '^ \* .* from [0-9]\|clSetKernelArg\|^ \{8\}[0-9]\|^ \{4\}const cl_uint value_\|^ \{4\}};' reproduce.c)
    grep -q '^int clq_plain_' reproduce.c && most=300 || most=$((100 + 5 * (further > 1 ? further - 1 : 0)))
    [ "$lines" -le "$most" ]
}
judge_programs() {
    [ -n "$(ls -A faults 2>/dev/null)" ] || told "no program is written"
    for folder in faults/*/; do
        rm -f ./*.bin ./*.cl ./*.c fault.txt
        cp "$folder"* .
        cc -std=c11 -Wall -Wextra -Werror reproduce.c -o reproduce -lOpenCL || exit 1
        OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits ./reproduce 0:0 >found 2>&1
        with=$?
        ./reproduce 0:0 >gone 2>&1
        without=$?
        is_short || told "${folder#faults/}: $lines lines, at most $most"
        [ "$with $without" = "$program 0" ] ||
            told "${folder#faults/}: with the fault $with, without $without: $(cat found gone)"
    done
    rm -rf faults
}
row() {
    code=0
    [ "$program" = - ] && reproduce= || reproduce='--reproduce faults'
    # shellcheck disable=SC2086
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" verify --budget 9999 --seed 5 --device 0:0 --verbose \
        --only "$only" $reproduce >text 2>messages || code=$?
    [ "$code" = "$exit" ] || told "exit code $code: $(tail -n 1 messages)"
    case $named in
    -) grep -q ' s: [1-9][0-9]* ok, ' text && ! grep '^DIFFERS\|^FAILED' text || told "$(tail -n 1 text)" ;;
    \"*)
        named=${named#\"}
        grep -qF -e "${named%\"}" messages || told "$(cat messages)"
        ;;
    *) judge_names ;;
    esac
    case $habits in
    lost*) grep -qF 'the device is lost behind probe-memory/atomics-global' messages || told "$(cat messages)" ;;
    esac
    [ "$program" = - ] || judge_programs
}

rows=0
bar='[[:blank:]]*|[[:blank:]]*'
grep -v '^#\|^$' "$CLQ_TEST_FOLDER/../zoo/faults.txt" | sed "s/$bar/|/g" >table
while IFS='|' read -r habits only exit named program when why; do
    [ -n "$why" ] || echo "no row: $habits"
    case $habits in *wrap-offsets*) [ "$largest" -gt 4294967296 ] || continue ;; esac
    case $when in suite | faults) ;; *) echo "neither suite nor faults: $habits" ;; esac
    [ "$when" = suite ] || [ -n "$CLQ_EVERY_FAULT" ] || continue
    rows=$((rows + 1))
    row </dev/null
done <table
[ $rows -ge 15 ] && echo "all rows" || echo "$rows rows"
