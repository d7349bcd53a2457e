# SPDX-License-Identifier: Apache-2.0
# Devices of other habits (tests/zoo) that are sound: nothing differs and nothing fails. What a device cannot have, as
# large work-groups, is skipped.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
on_device() {
    echo "-- $1"
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$1 "$CLQUANT" verify --quick --budget 9999 --device 0:0 --only "$2" >text 2>/dev/null
    echo "exit code $?"
    sed -n '/^\(DIFFERS\|FAILED\)/,$p' text
}
on_device 'type=gpu discrete late' 'probe-*'
on_device 'type=accelerator kernel-group=48' 'probe-*'
on_device 'type=gpu discrete' 'dequantize/grid/*-u4/*'
on_device 'type=accelerator kernel-group=48' 'gemm/portable/*'
on_device 'type=accelerator kernel-group=48' 'batch-*'
