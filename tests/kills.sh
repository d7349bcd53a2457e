#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# SIGKILL at random moments while a model is quantized, a folder and a .gguf, each to a new place and over an old model by
# turns: what stands there is no mixture of two, and --resume makes it what an undisturbed run does. With many runs the
# models are so large that there is something to continue.
#
#     kills.sh COMMAND RUNS [SEED]
set -eu
command=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
CLQ_TEST_FOLDER=$(cd "$(dirname "$0")" && pwd)/cli
runs=$2
seed=${3:-$$}
echo "seed $seed"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/clquant-kills.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch"
CLQUANT_DEVICE=reference
CLQUANT_DRIVER_SECONDS=0
CLQUANT_COMPILE_SECONDS=0
export CLQUANT_DEVICE CLQUANT_DRIVER_SECONDS CLQUANT_COMPILE_SECONDS
. "$CLQ_TEST_FOLDER/gguf.inc"
scale=1
check=none
if [ "$runs" -ge 20 ]; then
    scale=4
    check=all # which takes time as well
fi
copies=$((scale * scale))

# A .gguf of $copies times 12 tensors of 1 MiB, of data at the end of a file of samples: gguf SAMPLES >FILE
gguf() {
    {
        head_of $((12 * copies))
        i=0
        while [ $i -lt $((12 * copies)) ]; do
            entry "blk.$i.weight" 1024 256 $((i * 1048576))
            i=$((i + 1))
        done
    } >head
    pad head
    cat head
    i=0
    while [ $i -lt $copies ]; do
        tail -c 12582912 "$1"
        i=$((i + 1))
    done
}

for kind in folder file; do
    mkdir $kind $kind/in $kind/old
done
"$command" sample mobilenet-v2 -o folder/in/model.safetensors --scale $scale --quiet
"$command" sample mobilenet-v2 -o folder/old/model.safetensors --seed 7 --quiet
for model in in old; do
    printf '{\n  "model_type": "%s"\n}\n' $model >folder/$model/config.json
    i=0
    while [ $i -lt 20 ]; do
        i=$((i + 1))
        mkdir -p folder/$model/files/$i
        echo "$model $i" >folder/$model/files/$i/text
    done
    gguf folder/$model/model.safetensors >file/$model/m.gguf
done

random() { # below $1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    echo $((seed / 65536 % $1))
}
wrong=0
killed=0
continued=0
complain() {
    echo "$kind, run $run, killed after $delay s: $*"
    wrong=$((wrong + 1))
}
for kind in folder file; do
    from=folder/in
    name=
    type=s8
    if [ $kind = file ]; then
        from=file/in/m.gguf
        name=/m.gguf # in a folder of its own, where its left-overs are
        type=q4_0
        rm -rf out
        mkdir out file/whole
    fi
    "$command" quantize $from -o $kind/whole$name --dtype $type --quiet
    begun=$(date +%s%N)
    "$command" quantize $from -o out$name --dtype $type --check $check --quiet
    took=$((($(date +%s%N) - begun) / 1000000))
    run=0
    while [ $run -lt "$runs" ]; do
        run=$((run + 1))
        rm -rf out
        force=
        if [ $((run % 2)) -eq 0 ]; then
            cp -r $kind/old out
            force=--force
        elif [ $kind = file ]; then
            mkdir out
        fi
        random $((took + took / 5 + 1)) >draw # not in a subshell: the seed goes on
        read -r delay <draw
        delay=$((delay / 1000)).$(printf '%03d' $((delay % 1000)))
        "$command" quantize $from -o out$name --dtype $type --check $check --quiet $force &
        process=$!
        sleep "$delay"
        kill -KILL $process 2>/dev/null || true
        wait $process 2>/dev/null || killed=$((killed + 1))
        # What a loader takes is the old model or the new one.
        for model in out/model.safetensors out/m.gguf; do
            if [ -e $model ] && { [ $kind = file ] || [ -e out/config.json ]; }; then
                diff -r -x '.*' out $kind/whole >/dev/null || diff -r -x '.*' out $kind/old >/dev/null ||
                    complain "a mixture"
            fi
        done
        if grep -q '^tensor ' out/.*.journal 2>/dev/null; then
            continued=$((continued + 1))
        fi
        # Of one that finished there is nothing to continue.
        diff -r out $kind/whole >/dev/null 2>&1 ||
            "$command" quantize $from -o out$name --dtype $type --check $check --quiet $force --resume || complain "exit code $?"
        diff -r out $kind/whole || complain "other files"
    done
done
echo "$runs runs of a folder and of a file, $killed killed, $continued continued, $wrong wrong"
[ $wrong -eq 0 ]
