# SPDX-License-Identifier: Apache-2.0
# Devices whose largest buffer is small (tests/zoo): a case that needs a larger one is skipped, with both sizes, and the
# run goes on with the others. A driver that does not give what it says it has is at fault, case by case.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
on_device() {
    habits=$1
    only=$2
    shift 2
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" verify --quick --budget 9999 --device 0:0 --seed 3 --verbose \
        --only "$only" "$@" >text 2>messages
    echo "exit code $? of $only on $habits"
}
sizes() { # what skipped and failed cases say, once each
    sed -n 's/^skipped [^:]*: \(a buffer of\) [0-9]* \(bytes .*\)/    \1 N \2/p
        s/^skipped [^:]*: \(.* bytes of local memory .*\)/    \1/p
        s/^    \(memory for a trial of .*: \)*\(clCreateBuffer .*\)/    \2/p' text | sort -u
    sed -n 's/^[0-9]* cases in [^:]*: \(.*\)/    \1/p; /^ended/p' text | sed 's/\([^0-9]\|^\)[1-9][0-9]* /\1N /g'
}
small() {
    on_device "$@"
    sizes
}
small 'narrow allocation=1048576' 'histogram/strip/f32/*'
small 'narrow allocation=131072' 'minmax/strip/f32/*'
small 'narrow allocation=131072' 'batch-m*/strip/*'
small 'narrow allocation=131072' 'gemm/split-k/*'
small 'narrow allocation=131072' 'histogram/grid/*'
small 'narrow allocation=131072' 'probe-[qp]*'
small 'narrow allocation=16384' 'probe-memory/*'
small 'narrow allocation=4096' 'batch-*'
small 'allocation=1024' '[mb]*-c*/strip/*'
small 'allocation=256' 'probe-integer/*'
small 'gives=65536' 'minmax/strip/f32/*'
small 'gives=65536' 'probe-queue/*'
