#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clquant-mpi --no-shared: ranks with folders of their own, here those they are started in, as on machines that share no
# file system. Together they hold the bytes of one process. usage: apart.sh COMMAND MPI_COMMAND MPIEXEC
set -u
command=$1
together=$2
mpiexec=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/ranks.inc"
. "$here/models.inc"
need_ranks
make_sample
make_shards model
for machine in a b c; do
    mkdir $machine
    cp -R model $machine/in # with times of their own
done

# So many ranks in each of three folders: apart 2,1,1 OPTIONS...
apart() {
    # shellcheck disable=SC2046
    set -- $(echo "$1" | tr ',' ' ') -- "$@"
    on_a=$1
    on_b=$2
    on_c=$3
    shift 5
    timeout "$patience" "$mpiexec" -n "$on_a" -wdir "$work/a" "$together" quantize in "$@" : \
        -n "$on_b" -wdir "$work/b" "$together" quantize in "$@" : \
        -n "$on_c" -wdir "$work/c" "$together" quantize in "$@" >report 2>messages
}

# All machines' folders OUT together are what one process writes, and each shard is in one of them.
same_together() {
    rm -rf union
    for machine in a b c; do
        for file in $(cd $machine/out && find . -type f); do
            if [ -e "union/$file" ]; then
                case $file in
                *.safetensors) fault "$1: $file is in two folders" ;;
                *) cmp -s "union/$file" "$machine/out/$file" || fault "$1: $file differs between folders" ;;
                esac
            fi
            mkdir -p "union/$(dirname "$file")"
            cp -p "$machine/out/$file" "union/$file"
        done
    done
    diff -r union whole >&2 || fault "$1: other bytes than one process"
}
forget() {
    rm -rf a/out b/out c/out
}

all_counts='1,1,1 2,1,2 1,3,1'
! is_quick || all_counts='2,1,2'
for options in '' '--granularity group' '--format clquant --preset onnx'; do
    # shellcheck disable=SC2086
    "$command" quantize model -o whole --quiet --force $options >one || exit 1
    for counts in $all_counts; do
        # shellcheck disable=SC2086
        apart "$counts" -o out --no-shared $options || fault "$counts $options: exit code $?"
        same_together "$counts $options"
        grep -q '^5 quantized, 5 copied' report || fault "$counts $options: the report is not of all"
        [ "$(find a/out b/out c/out -name '*.safetensors' | wc -l)" -eq 5 ] || fault "$counts $options: not five shards"
        for machine in a b c; do
            [ -e $machine/out/model.safetensors.index.json ] || fault "$counts $options: $machine has no index"
        done
        forget
    done
done

# The index of weights alone; more machines than shards; a file of the configuration, once.
"$command" quantize model -o whole/q.safetensors.index.json --quiet || exit 1
mkdir a/out b/out c/out
apart 1,1,1 -o out/q.safetensors.index.json --no-shared || fault "an index: exit code $?"
for file in a/out/* b/out/* c/out/*; do
    cmp -s "$file" "whole/${file#*/out/}" || fault "an index: other bytes in $file"
done
rm -rf whole
forget
apart 1,1,1 -o out --no-shared --emit-config config.json || fault "a configuration: exit code $?"
[ -e a/config.json ] && [ ! -e b/config.json ] && [ ! -e c/config.json ] || fault "a configuration: not of the first alone"
rm a/config.json
forget

# What one rank finds wrong is so for all, and nobody puts anything in its place.
nothing_there() {
    [ ! -e a/out ] && [ ! -e b/out ] && [ ! -e c/out ] || fault "$1: something is there: $(find a/out b/out c/out 2>/dev/null)"
    forget
}
fails 2 'would be a single file' apart 1,1,1 -o q.safetensors --no-shared
fails 2 'is not the same folder for ranks 0 and 1; --no-shared' apart 1,1,1 -o out
fails 6 'below the 1000 dB asked for' apart 1,1,1 -o out --no-shared --fail-sqnr-below 1000
for machine in a b c; do
    [ ! -e $machine/out/model.safetensors.index.json ] || fault "a gate: $machine has its index"
done
forget
cp b/in/model-3.safetensors kept
printf x >>b/in/model-3.safetensors
fails 3 'model-3.safetensors' apart 1,1,1 -o out --no-shared
mv kept b/in/model-3.safetensors
sed 's/layers.4.norm/layers.4.Norm/' c/in/model-4.safetensors >kept
cp c/in/model.safetensors.index.json kept.index
cp kept c/in/model-4.safetensors
sed -i 's/layers.4.norm/layers.4.Norm/' c/in/model.safetensors.index.json
fails 2 'model-4.safetensors: its header or data is not the same for ranks 0 and 2' apart 1,1,1 -o out --no-shared
nothing_there 'other inputs'
cp model/model-4.safetensors c/in/
mv kept.index c/in/model.safetensors.index.json
rm kept

# Ranks that write to one folder and read copies of other times: nobody could join what they do.
touch -t 200101010000 b/in/*.safetensors
fails 2 'model-1.safetensors: its time of modification is not the same for ranks 0 and 1' \
    apart 1,1,1 -o "$work/common" --no-shared
fails 2 'model-1.safetensors: its time of modification is not the same for ranks 0 and 1' apart 1,1,1 -o "$work/common"
[ ! -e common ] || fault "ranks with inputs of other times have begun"

# A shard of an older output that another machine writes now would be taken for the new one.
mkdir b/out
cp model/model-1.safetensors b/out/
fails 2 'another rank writes the shard of this name' apart 1,1,1 -o out --no-shared --force
cmp -s model/model-1.safetensors b/out/model-1.safetensors || fault "an old shard was touched"
forget

# Continued with as many ranks where they were, and refused elsewhere.
"$command" quantize model -o whole --quiet || exit 1
apart 1,1,1 -o out --no-shared --resume || fault "--resume with nothing to continue: exit code $?"
same_together 'resumed'
exit $bad
