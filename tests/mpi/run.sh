#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clquant-mpi against clquant: the same bytes with any number of ranks, after faults too, and an end within seconds.
# usage: run.sh COMMAND MPI_COMMAND MPIEXEC. 77: ranks cannot be started here.
set -u
command=$1
together=$2
mpiexec=$3
kills=${CLQ_TEST_KILLS:-2}
here=$(cd "$(dirname "$0")" && pwd)
CLQ_TEST_FOLDER=$here/../cli
. "$here/ranks.inc"
. "$here/models.inc"
. "$CLQ_TEST_FOLDER/gguf.inc"
need_ranks
"$command" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
mkdir out whole

# The bytes of one process; symmetric, with zero points that all ranks have to know, and with scales that they find
# together, of every type.
"$command" quantize m.safetensors -o whole/q.safetensors --quiet || exit 1
"$command" dequantize whole/q.safetensors -o f16.safetensors --quiet --dtype f16 || exit 1
"$command" dequantize whole/q.safetensors -o bf16.safetensors --quiet --dtype bf16 || exit 1
all_counts='2 3 4 7'
! is_quick || all_counts=3
for options in m m,--granularity,tensor m,--granularity,group,--preset,onnx m,--preset,onnx,--memory,1M m,--dtype,s4 \
    f16,--granularity,tensor,--preset,onnx bf16,--granularity,tensor,--dtype,s4; do
    # shellcheck disable=SC2046
    set -- $(echo "$options" | tr , ' ')
    file=$1.safetensors
    shift
    "$command" quantize "$file" -o whole/q.safetensors --quiet --force "$@" || exit 1
    for count in $all_counts; do
        ranks $count quantize "$file" -o out/q.safetensors "$@" || fault "$count ranks $options: exit code $?"
        cmp -s out/q.safetensors whole/q.safetensors || fault "$count ranks $options: other bytes"
        grep -q '^53 quantized, 261 copied' report || fault "$count ranks $options: no report"
        [ "$(find out -type f | wc -l)" -eq 1 ] || fault "$count ranks $options: something is left"
        rm -rf out
        mkdir out
    done
done

# A .gguf, whose blocks lie in rows and whose tensors have gaps between them; and a model in shards, in a folder.
make_sample
make_gguf m.gguf
make_shards model
all_counts='1 2 5' # one rank too
! is_quick || all_counts=2
for options in '--dtype q8_0' '--dtype q4_0'; do
    # shellcheck disable=SC2086
    "$command" quantize m.gguf -o whole/q.gguf --quiet --force $options || exit 1
    for count in $all_counts; do
        # shellcheck disable=SC2086
        ranks $count quantize m.gguf -o out/q.gguf --force $options || fault "$count ranks $options: exit code $?"
        cmp -s out/q.gguf whole/q.gguf || fault "$count ranks $options: other bytes"
    done
done
rm -r out
mkdir out
"$command" quantize model -o whole/model --quiet || exit 1
for count in 2 3; do
    ! is_quick || [ $count -eq 3 ] || continue
    ranks $count quantize model -o out/model --plot out/p.svg --force || fault "$count ranks, a folder: exit code $?"
    diff -r out/model whole/model >&2 || fault "$count ranks, a folder: other files"
    [ "$(grep -c '<circle' out/p.svg)" -eq 5 ] || fault "$count ranks: no picture of all"
done
rm -r out
mkdir out

# What is wrong with the call is told once, and ends all.
fails 1 'nothing.safetensors: cannot open' ranks 3 quantize nothing.safetensors -o out/q.safetensors
fails 2 'runs in one process' ranks 2 info m.safetensors
fails 2 'missing option -o' ranks 2 quantize m.safetensors
fails 2 'for one process' ranks 2 quantize m.safetensors -o out/q.safetensors --part 1/2
differing() {
    timeout "$patience" "$mpiexec" -n 1 "$together" quantize m.safetensors -o out/q.safetensors : \
        -n 1 "$together" quantize m.safetensors -o out/q.safetensors --preset onnx >report 2>messages
}
fails 2 'differ in their version or arguments' differing
[ -z "$(ls -A out)" ] || fault "something is left after refusals: $(ls -A out)"

# A rank that is killed ends all; another number goes on. What is under OUT's name is whole, or not there.
random=$$
kill=0
while [ $kill -lt "$kills" ]; do
    random=$(((random * 1103515245 + 12345) % 2147483648))
    options=
    [ $((kill % 2)) -eq 0 ] || options='--granularity tensor' # whose scales ranks find together
    # shellcheck disable=SC2086
    "$command" quantize m.safetensors -o whole/q.safetensors --quiet --force $options || exit 1
    rm -rf out
    mkdir out
    # shellcheck disable=SC2086
    timeout "$patience" "$mpiexec" -n 3 "$together" quantize m.safetensors -o out/q.safetensors --resume $options >report 2>messages &
    process=$!
    sleep "0.$((random / 65536 % 9))"
    victim=$(living_ranks | sed -n "$((random % 3 + 1))p")
    [ -z "$victim" ] || kill -s KILL "$victim" 2>/dev/null
    wait $process && code=0 || code=$?
    have_ended "kill $kill"
    [ ! -e out/q.safetensors ] || cmp -s out/q.safetensors whole/q.safetensors || fault "kill $kill: half an output"
    if [ $code -ne 0 ] && [ ! -e out/q.safetensors ]; then
        # shellcheck disable=SC2086
        ranks $((random % 4 + 1)) quantize m.safetensors -o out/q.safetensors --resume $options || fault "kill $kill: resumed: $?"
    fi
    cmp -s out/q.safetensors whole/q.safetensors || fault "kill $kill: other bytes"
    kill=$((kill + 1))
done
exit $bad
