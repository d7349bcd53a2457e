# SPDX-License-Identifier: Apache-2.0
# Faults of what the host does with a device (tests/zoo): the probe that asks about it fails, and no other of its kind;
# the program that is written shows the fault there, and that it is gone on a sound device.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77

# On a device of these habits the first probe fails, with others that are told; `verify` ends with that exit code.
fault() {
    habits=$1
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" verify --quick --budget 9999 --seed 3 --device 0:0 --only "$2" \
        --reproduce faults >text 2>messages
    echo "$habits: exit code $?: $(sed -n 's/^\(DIFFERS\|FAILED\) //p' text | tr '\n' ' ')"
    for folder in faults/*/; do
        (cd "$folder" && cc -std=c11 -Wall -Wextra -Werror reproduce.c -o reproduce -lOpenCL) || exit 1
        OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "${folder}reproduce" 0:0 "$folder" >found 2>&1
        with=$?
        "${folder}reproduce" 0:0 "$folder" >gone 2>&1
        without=$?
        [ "$with $without" = "1 0" ] ||
            echo "${folder#faults/}: with the fault $with, without $without: $(cat found gone)"
    done
    rm -rf faults
}
printf '#include <CL/cl.h>\nint main(void) { return clGetPlatformIDs(0, 0, 0) == 0; }\n' >x.c
cc -DCL_TARGET_OPENCL_VERSION=120 x.c -o x -lOpenCL 2>/dev/null || { echo "no cc with OpenCL's headers" >&2; exit 77; }

fault 'type=gpu own-memory empty-maps' 'probe-memory/[mu][as][pe]*'
fault whole-sub-buffers 'probe-memory/[sc]*[y1]'
fault round-offsets 'probe-memory/[rc]*'
# Where no buffer may have more than 4 GiB there is nothing to see.
largest=$("$CLQUANT" devices --json | sed -n 's/.*"maximum_allocation_bytes": \([0-9]*\).*/\1/p' | head -n 1)
if [ "$largest" -gt 4294967296 ]; then
    fault wrap-offsets 'probe-memory/[br]*'
else
    echo "wrap-offsets: exit code 5: probe-memory/beyond-4-gib "
fi
fault ignore-waits 'probe-queue/*'
fault refuse-binaries 'probe-program/*'
