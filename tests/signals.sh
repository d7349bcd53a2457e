#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Signals at random moments, while kernels are compiled (the caches are cold) and after: the command ends with the code
# of the signal or has finished, nothing half-made stays, and --json prints one whole object.
#
#     signals.sh COMMAND RUNS [SEED]
#
# Where CLQ_ZOO_LAYER names the layer of tests/zoo, the compiler takes away all handlers in every run, as it may.
# Runs alternate between two patterns: two SIGTERMs in quick succession, to the process and to its group, as tools send
# that end a job; and one signal while the report goes to a pipe. The first run of each is signalled as soon as the
# command takes signals, and so is ended; the others within 2.5 s.
set -eu
command=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
CLQ_TEST_FOLDER=$(cd "$(dirname "$0")" && pwd)/cli
runs=$2
seed=${3:-$$}
echo "seed $seed"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/clquant-signals.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch"
"$command" sample mobilenet-v2 -o m.safetensors --quiet
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_CACHE_DIR=
export CLQUANT_CACHE_DIR
if [ -n "${CLQ_ZOO_LAYER-}" ]; then
    OPENCL_LAYERS=$CLQ_ZOO_LAYER
    CLQ_ZOO=handlers
    export OPENCL_LAYERS CLQ_ZOO
fi
wrong=0
ended=0
complain() {
    echo "run $run, $pattern after $delay s: $*"
    wrong=$((wrong + 1))
}
random() { # below $1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    echo $((seed / 65536 % $1))
}
# The compiler's cache of each run is its own: a linker that it started goes on writing when the command has ended.
run=0 # setsid: each run is the leader of a group of its own
while [ $run -lt "$runs" ]; do
    run=$((run + 1))
    rm -rf "$scratch/pocl.$((run - 1))" 2>/dev/null || true
    POCL_CACHE_DIR=$scratch/pocl.$run
    export POCL_CACHE_DIR
    rm -rf out report.json messages pipe
    mkdir "$POCL_CACHE_DIR" out
    mkfifo pipe
    delay=0
    if [ $run -gt 2 ]; then
        random 2500 >draw # not in a subshell: the seed goes on
        read -r delay <draw
    fi
    delay=$((delay / 1000)).$(printf '%03d' $((delay % 1000)))
    cat pipe >report.json &
    reader=$!
    setsid "$command" quantize m.safetensors -o out/q.safetensors --json --calibrate entropy >pipe 2>messages &
    process=$!
    await or_ended takes_signals
    sleep "$delay"
    if [ $((run % 2)) -eq 0 ]; then
        pattern='two SIGTERMs'
        kill -TERM $process 2>/dev/null || true
        kill -TERM -$process 2>/dev/null || true
        expected=143
    else
        pattern='one SIGINT'
        kill -INT $process 2>/dev/null || true
        expected=130
    fi
    code=0
    wait $process || code=$?
    wait $reader
    [ $code -eq 0 ] || [ $code -eq $expected ] || complain "exit code $code: $(tail -n 1 messages)"
    [ $code -ne $expected ] || ended=$((ended + 1))
    left=$(ls -A out)
    [ $code -ne 0 ] || [ "$left" = q.safetensors ] || complain "finished, left '$left'"
    [ $code -eq 0 ] || [ -z "$left" ] || complain "exit code $code, left '$left'"
    opened=$(tr -cd '{[' <report.json | wc -c)
    closed=$(tr -cd '}]' <report.json | wc -c)
    [ "$(head -c 1 report.json)" = '{' ] && [ "$(tail -n 1 report.json)" = '}' ] && [ "$opened" -eq "$closed" ] ||
        complain "exit code $code, no whole object: $(tail -n 1 messages)"
done
echo "$runs runs, $ended ended by their signal, $wrong wrong"
[ $wrong -eq 0 ] && [ $ended -ge 2 ] # a signal that nobody takes changes nothing else
