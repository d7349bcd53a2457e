#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clquant-mpi against clquant: the same bytes with any number of ranks, after faults too, and an end within seconds.
# usage: run.sh COMMAND MPI_COMMAND MPIEXEC. 77: ranks cannot be started here.
set -u
command=$1
together=$2
mpiexec=$3
kills=${CLQ_TEST_KILLS:-2}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 CLQUANT_DEVICE=reference
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0
fault() {
    echo "FAIL $*" >&2
    [ ! -s messages ] || sed 's/^/    /' messages >&2
    bad=1
}
# As so many ranks, for a minute at most.
ranks() {
    count=$1
    shift
    timeout 60 "$mpiexec" -n "$count" "$together" "$@" >report 2>messages
}
ranks 2 quantize --help || {
    echo "no ranks can be started by $mpiexec" >&2
    exit 77
}
"$command" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
mkdir out whole

# The bytes of one process; symmetric, and with zero points that all ranks have to know.
for options in '' '--granularity tensor' '--granularity group --preset onnx' '--preset onnx --memory 1M' '--dtype s4'; do
    # shellcheck disable=SC2086
    "$command" quantize m.safetensors -o whole/q.safetensors --quiet --force $options || exit 1
    for count in 1 2 3 4 7; do
        # shellcheck disable=SC2086
        ranks $count quantize m.safetensors -o out/q.safetensors $options || fault "$count ranks $options: exit code $?"
        cmp -s out/q.safetensors whole/q.safetensors || fault "$count ranks $options: other bytes"
        grep -q '^53 quantized, 261 copied' report || fault "$count ranks $options: no report"
        [ "$(find out -type f | wc -l)" -eq 1 ] || fault "$count ranks $options: something is left"
        rm -rf out
        mkdir out
    done
done
"$command" quantize m.safetensors -o whole/q.safetensors --quiet --force || exit 1

# What is wrong with the call is told once, and ends all.
fails() {
    want=$1
    words=$2
    shift 2
    code=0
    "$@" || code=$?
    [ $code -eq "$want" ] || fault "$*: exit code $code, not $want"
    grep -q "clquant-mpi: rank [0-9]*: .*$words" messages || fault "$*: '$words' is not told"
}
fails 1 'nothing.safetensors: cannot open' ranks 3 quantize nothing.safetensors -o out/q.safetensors
fails 2 'runs in one process' ranks 2 info m.safetensors
fails 2 'missing option -o' ranks 2 quantize m.safetensors
fails 2 'for one process' ranks 2 quantize m.safetensors -o out/q.safetensors --part 1/2
differing() {
    timeout 60 "$mpiexec" -n 1 "$together" quantize m.safetensors -o out/q.safetensors : \
        -n 1 "$together" quantize m.safetensors -o out/q.safetensors --preset onnx >report 2>messages
}
fails 2 'differ in their version or arguments' differing
[ -z "$(ls -A out)" ] || fault "something is left after refusals: $(ls -A out)"

# A rank that is killed ends all; another number goes on. What is under OUT's name is whole, or not there.
random=$$
kill=0
while [ $kill -lt "$kills" ]; do
    random=$(((random * 1103515245 + 12345) % 2147483648))
    rm -rf out
    mkdir out
    timeout 60 "$mpiexec" -n 3 "$together" quantize m.safetensors -o out/q.safetensors --resume >report 2>messages &
    process=$!
    sleep "0.$((random / 65536 % 9))"
    # One of the ranks, which are processes of this command in this folder.
    victim=$(for folder in /proc/[0-9]*; do
        [ "$(readlink "$folder/cwd" 2>/dev/null)" != "$work" ] || [ "$(readlink "$folder/exe" 2>/dev/null)" != "$together" ] ||
            echo "${folder#/proc/}"
    done | sed -n "$((random % 3 + 1))p")
    [ -z "$victim" ] || kill -s KILL "$victim" 2>/dev/null
    begun=$(date +%s)
    wait $process && code=0 || code=$?
    [ $(($(date +%s) - begun)) -le 15 ] || fault "kill $kill: the others went on for $(($(date +%s) - begun)) s"
    [ ! -e out/q.safetensors ] || cmp -s out/q.safetensors whole/q.safetensors || fault "kill $kill: half an output"
    if [ $code -ne 0 ] && [ ! -e out/q.safetensors ]; then
        ranks $((random % 4 + 1)) quantize m.safetensors -o out/q.safetensors --resume || fault "kill $kill: resumed: $?"
    fi
    cmp -s out/q.safetensors whole/q.safetensors || fault "kill $kill: other bytes"
    kill=$((kill + 1))
done
exit $bad
