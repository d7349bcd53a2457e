# SPDX-License-Identifier: Apache-2.0
# A driver that ends the process, or does not come back, while it compiles a kernel, in a launch, or outside any case
# (tests/zoo): what was lost is told, all else is judged, and the program that is written does no more than that.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
echo '#include <CL/cl.h>' | cc -DCL_TARGET_OPENCL_VERSION=120 -E - >/dev/null 2>&1 || { echo "no cc with OpenCL's headers" >&2; exit 77; }
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
on_device() {
    habits=$1
    shift
    echo "-- $habits"
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" verify --quick --budget 9999 --seed 5 "$@" >text 2>messages
    echo "exit code $?"
    said messages | sed -e 's/^clquant: .*: \(the driver .* in [0-9]* \)of [0-9]* cases/clquant: \1cases/'
    sed -n '/^FAILED/,/^[0-9]* cases/p' text | sed 's/ in [0-9.]* s:/:/'
}
reproduce() { # FOLDER SECONDS: until what does not come back is the fault
    folder=faults/$1
    ls "$folder"
    cc -std=c11 -Wall -Wextra -Werror "$folder/reproduce.c" -o "$folder/reproduce" -lOpenCL || return
    (cd "$folder" && ./reproduce 0:0 600)
    code=0
    (cd "$folder" && OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits ./reproduce 0:0 "$2") 2>/dev/null || code=$?
    echo "with the fault: $code"
    rm -rf faults
}

# What is compiled here is in the compiler's cache below, where ten seconds are enough however busy the machine is. They
# take no processor: what is silent for so long is waited for beside the rest.
"$CLQUANT" verify --quick --budget 9999 --device 0:0 --only 'probe-memory/[ac]*[lty]' >/dev/null 2>&1
integers='probe-integer/*add*'
"$CLQUANT" verify --quick --budget 9999 --device 0:0 --only "$integers" >/dev/null 2>&1
mkdir silent-build silent-launch silent-source
(cd silent-build && {
    on_device hang-build=probe_integer --device 0:0 --only 'probe-[im]*/[ac]*[4y]' --timeout 10 --reproduce faults
    reproduce probe-integer-add-64 1
}) >silent-build.out 2>&1 &
silent_build=$!
(cd silent-launch && {
    on_device hang=probe_atomic --device 0:0 --only 'probe-memory/[ac]*[lty]' --timeout 10 --reproduce faults
    ls faults/probe-memory-atomics-global
    grep '#define LIMIT' faults/probe-memory-atomics-global/reproduce.c
}) >silent-launch.out 2>&1 &
silent_launch=$!
# One answer is waited for, whether the process that goes on has put the launches of the case together or not.
(cd silent-source && on_device hang=probe_integer --device 0:0 --only "$integers" --timeout 10 --reproduce faults) \
    >silent-source.out 2>&1 &
silent_source=$!
on_device crash-build=probe_integer --device 0:0 --only 'probe-[im]*/[ac]*[dy]*' --reproduce faults
reproduce probe-integer-add 600

# While nothing comes back, the folder of the report goes: that is told, and hides no verdict.
holds_something() {
    [ -n "$(ls -A "$1")" ]
}
mkdir gone
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=hang=probe_atomic "$CLQUANT" verify --quick --budget 9999 --seed 5 --device 0:0 \
    --only 'probe-memory/[ac]*[lty]' --timeout 2 --report gone/report.html >text 2>messages &
await holds_something gone
rm -r gone
code=0
wait $! || code=$?
echo "-- the report's folder is gone: exit code $code"
grep -o 'gone/report.html: cannot [a-z]*' messages

only='probe-memory/[ac]*[lty]'
on_device crash-call=clGetDeviceIDs:1 --device all --only "$only"
on_device crash-call=clCreateContext:1 --device 0:0 --only "$only"
on_device crash-call=clReleaseContext:1 --device 0:0 --only "$only" --report report.json
grep -c '"verdict": "ok"' report.json
wait $silent_build $silent_launch $silent_source
cat silent-build.out silent-launch.out silent-source.out
