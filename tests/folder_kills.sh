#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# SIGKILL at random moments while a model's folder is quantized, into a new folder and over an old model by turns: what
# stands there is no mixture of two, and --resume makes it what an undisturbed run does.
#
#     folder_kills.sh COMMAND RUNS [SEED]
set -eu
command=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
runs=$2
seed=${3:-$$}
echo "seed $seed"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/clquant-kills.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch"
CLQUANT_DEVICE=reference
CLQUANT_DRIVER_SECONDS=0
export CLQUANT_DEVICE CLQUANT_DRIVER_SECONDS
mkdir in old
"$command" sample mobilenet-v2 -o in/model.safetensors --quiet
"$command" sample mobilenet-v2 -o old/model.safetensors --seed 7 --quiet
for folder in in old; do
    printf '{\n  "model_type": "%s"\n}\n' $folder >$folder/config.json
    i=0
    while [ $i -lt 20 ]; do
        i=$((i + 1))
        mkdir -p $folder/files/$i
        echo "$folder $i" >$folder/files/$i/text
    done
done
"$command" quantize in -o whole --quiet
begun=$(date +%s%N)
"$command" quantize in -o out --quiet
took=$((($(date +%s%N) - begun) / 1000000))
random() { # below $1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    echo $((seed / 65536 % $1))
}
wrong=0
killed=0
complain() {
    echo "run $run, killed after $delay s: $*"
    wrong=$((wrong + 1))
}
run=0
while [ $run -lt "$runs" ]; do
    run=$((run + 1))
    rm -rf out
    force=
    if [ $((run % 2)) -eq 0 ]; then
        cp -r old out
        force=--force
    fi
    random $((took + took / 5 + 1)) >draw # not in a subshell: the seed goes on
    read -r delay <draw
    delay=$((delay / 1000)).$(printf '%03d' $((delay % 1000)))
    "$command" quantize in -o out --quiet $force &
    process=$!
    sleep "$delay"
    kill -KILL $process 2>/dev/null || true
    wait $process 2>/dev/null || killed=$((killed + 1))
    # A folder that a loader takes is the old model or the new one.
    if [ -e out/config.json ] && [ -e out/model.safetensors ]; then
        diff -r -x '.*' out whole >/dev/null || diff -r -x '.*' out old >/dev/null || complain "a mixture"
    fi
    # Of one that finished there is nothing to continue.
    diff -r out whole >/dev/null 2>&1 || "$command" quantize in -o out --quiet $force --resume || complain "exit code $?"
    diff -r out whole || complain "other files"
done
echo "$runs runs, $killed killed, $wrong wrong"
[ $wrong -eq 0 ]
