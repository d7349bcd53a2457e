#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clquant-mpi when something goes wrong with one rank, or with who started them: what is wrong is told, all of them end
# within seconds, OUT is the old one, and --resume ends what was begun. usage: faults.sh COMMAND MPI_COMMAND MPIEXEC
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
mkdir out
"$command" quantize t.safetensors -o whole.safetensors --quiet || exit 1
echo old >out/q.safetensors

is_old() {
    [ "$(cat out/q.safetensors)" = old ] || fault "$1: OUT is not the old one"
}
is_new() {
    cmp -s out/q.safetensors whole.safetensors || fault "$1: other bytes"
    rm -rf out
    mkdir out
    echo old >out/q.safetensors
}
# The ranks that are left here: processes of the command in this folder.
left() {
    for folder in /proc/[0-9]*; do
        [ "$(readlink "$folder/exe" 2>/dev/null)" != "$together" ] || case $(readlink "$folder/cwd" 2>/dev/null) in
        "$work"*) echo "${folder#/proc/}" ;;
        esac
    done
}
are_gone() {
    [ -z "$(left)" ]
}
none_left() {
    await are_gone || fault "$1: ranks are left: $(left | tr '\n' ' ')"
}

# One rank may write no file of more than a megabyte, as on a full disk (tests/mpi/counted.c).
one_full() {
    CLQ_TEST_FULL=1:1048576 ranks 3 "$@"
}
for options in '' '--preset onnx' '--granularity tensor'; do
    # shellcheck disable=SC2086
    fails 1 'q.safetensors: cannot write .*: File too large' one_full \
        quantize t.safetensors -o out/q.safetensors --force $options
    is_old "a full disk $options"
    none_left "a full disk $options"
    rm -rf out
    mkdir out
    echo old >out/q.safetensors
done
fails 1 'cannot write .*: File too large' one_full quantize t.safetensors -o out/q.safetensors --force --resume
is_old 'a full disk with --resume'
ranks 2 quantize t.safetensors -o out/q.safetensors --force --resume || fault "after a full disk: exit code $?"
is_new 'after a full disk'

# What another run would meet again leaves nothing, of ranks that have done their share too and with --resume: NaN in the
# share of one, and a gate, which the first judges.
cp t.safetensors nan.safetensors
printf '\000\000\300\177' | dd of=nan.safetensors bs=1 seek=$((8 + sample_header + 12000000)) conv=notrunc 2>/dev/null
for options in '' '--resume' '--preset onnx' '--granularity tensor'; do
    # shellcheck disable=SC2086
    fails 7 'is NaN or infinite' ranks 3 quantize nan.safetensors -o out/q.safetensors --force $options
    is_old "NaN $options"
    [ "$(ls -A out)" = q.safetensors ] || fault "NaN $options: something is left: $(ls -A out)"
    # shellcheck disable=SC2086
    fails 6 'below the 1000 dB asked for' \
        ranks 3 quantize t.safetensors -o out/q.safetensors --force --fail-sqnr-below 1000 $options
    is_old "a gate $options"
    [ "$(ls -A out)" = q.safetensors ] || fault "a gate $options: something is left: $(ls -A out)"
done
fails 6 'below the 1000 dB asked for' ranks 2 quantize model -o out/m --fail-sqnr-below 1000
[ -z "$(ls -A out/m)" ] || fault "a gate of a folder: something is left: $(ls -A out/m)"

# The report has the device that worked, and not that of the joining alone, which has none.
ranks 3 quantize t.safetensors -o out/q.safetensors --force --json || fault "a report: exit code $?"
grep -q '^ *"device": "' report || fault "a report: without a device"
is_new 'a report'

# The same of a machine that shares nothing: others keep what they had too.
mkdir a b
cp -R model a/in
cp -R model b/in
for machine in a b; do
    "$command" quantize model -o $machine/out --dtype s8 --granularity tensor --quiet || exit 1
    rm $machine/out/*.safetensors
    echo old >$machine/out/model.safetensors.index.json
done
apart() { # RANKS_ON_A ARGUMENTS...
    on_a=$1
    shift
    timeout "$patience" "$mpiexec" -n "$on_a" -wdir "$work/a" "$together" "$@" : \
        -n 1 -wdir "$work/b" "$together" "$@" >report 2>messages
}
apart_full() {
    CLQ_TEST_FULL=1:65536 apart 1 "$@"
}
fails 1 'cannot write .*: File too large' apart_full quantize in -o out --no-shared --force
for machine in a b; do
    [ "$(cat $machine/out/model.safetensors.index.json)" = old ] || fault "a full disk of one machine: $machine has another OUT"
done

# With --resume what was finished stays, for those who have the same shards.
rm -r a/out b/out
fails 1 'cannot write .*: File too large' apart_full quantize in -o out --no-shared --resume
fails 2 'other shards are to be written here now' apart 2 quantize in -o out --no-shared --resume
apart 1 quantize in -o out --no-shared --resume || fault "after a full disk of one machine: exit code $?"
"$command" quantize model -o whole --quiet || exit 1
cp -R a/out union
cp -R b/out/. union
diff -r union whole >&2 || fault "after a full disk of one machine: other bytes"

# A rank of another version: the same program with another number in it.
version=$("$command" --version | sed -n 's/^clquant \([0-9.]*\).*/\1/p')
other=$(echo "$version" | tr '0-8' '1-9')
LC_ALL=C sed "s/$version/$other/g" "$together" >other
chmod +x other
differing() {
    timeout "$patience" "$mpiexec" -n 1 "$together" "$@" : -n 1 "$work/other" "$@" >report 2>messages
}
fails 2 'differ in their version or arguments' differing quantize t.safetensors -o out/q.safetensors --force
is_old 'another version'

# Who started them is killed while they work: they end too, and leave what goes on.
"$mpiexec" -n 3 "$together" quantize t.safetensors -o out/q.safetensors --force --resume --calibrate mse >report 2>messages &
starter=$!
have_begun() {
    [ -n "$(find out -name '.q*.journal')" ] || ! kill -s 0 $starter 2>/dev/null # else done before it was looked at
}
await have_begun
kill -s KILL $starter
wait $starter 2>/dev/null
none_left 'a killed mpiexec'
if [ "$(cat out/q.safetensors)" = old ]; then
    ranks 2 quantize t.safetensors -o out/q.safetensors --force --resume --calibrate mse || fault "after a killed mpiexec: exit code $?"
fi
"$command" quantize t.safetensors -o whole.safetensors --force --calibrate mse --quiet || exit 1
is_new 'after a killed mpiexec'
exit $bad
