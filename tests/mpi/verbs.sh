#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The verbs of clquant-mpi but quantize against clquant: the same text, files and exit codes with any number of ranks.
# usage: verbs.sh COMMAND MPI_COMMAND MPIEXEC. 77: ranks cannot be started here.
set -u
command=$1
together=$2
mpiexec=$3
here=$(cd "$(dirname "$0")" && pwd)
CLQ_TEST_FOLDER=$here/../cli
. "$here/ranks.inc"
. "$here/models.inc"
. "$CLQ_TEST_FOLDER/gguf.inc"
need_ranks
"$command" sample mobilenet-v2 -o m.safetensors --quiet || exit 1
"$command" quantize m.safetensors -o q4.safetensors --quiet --dtype s4 --granularity group || exit 1
"$command" dequantize q4.safetensors -o f16.safetensors --quiet --dtype f16 || exit 1
"$command" dequantize q4.safetensors -o bf16.safetensors --quiet --dtype bf16 || exit 1
make_sample
make_gguf m.gguf
"$command" quantize m.gguf -o q.gguf --quiet --dtype q8_0 || exit 1
"$command" quantize m.gguf -o q4.gguf --quiet --dtype q4_0 || exit 1
make_shards model
"$command" quantize model -o packed --quiet --format pack-quantized --dtype s4 --granularity group || exit 1

# Without times, and the number of pieces, which the ranks decide.
printed() {
    sed -e '/"seconds":/d; /"checked_pieces":/d; s/, [0-9.]* s on /, some time on /' "$1"
}

# One process and so many ranks, in folders of their own: alike RANKS VERB...
alike() {
    number=$1
    shift
    rm -rf one many out
    mkdir out
    case $* in
    *--json*) "$command" "$@" >whole 2>messages ;;
    *) timeout "$patience" "$mpiexec" -n 1 "$command" "$@" >whole 2>messages ;; # whose tables are as wide
    esac && want=0 || want=$?
    mv out one
    mkdir out
    ranks "$number" "$@" && code=0 || code=$?
    mv out many
    [ $code -eq $want ] || fault "$number ranks $*: exit code $code, not $want"
    printed whole >printed
    printed report | cmp -s - printed || fault "$number ranks $*: prints something else"
    diff -r one many >&2 || fault "$number ranks $*: writes something else"
}

alike 2 minmax m.safetensors
alike 7 minmax m.safetensors --json --granularity channel
alike 3 minmax m.safetensors --json --granularity group --group-size 31 --check all
alike 3 minmax f16.safetensors --json --granularity group --axis 1 --group-size 2
alike 7 minmax bf16.safetensors --tensor classifier.1.weight --memory 1M --json
alike 2 minmax q.gguf --json
alike 3 minmax model --verbose
alike 2 minmax m.safetensors --axis 9

alike 3 compare m.safetensors q4.safetensors
alike 7 compare bf16.safetensors f16.safetensors --json
alike 2 compare m.gguf q4.gguf --json --fail-sqnr-below 10
alike 3 compare m.safetensors q4.safetensors --fail-sqnr-below 90 --memory 1M
alike 2 compare model packed --quiet --plot out/plot.svg

set -- m.safetensors f16.safetensors m.safetensors bf16.safetensors --include 'features.1.*' -o out/r.json
alike 2 calibrate "$@" --method minmax
alike 3 calibrate "$@" --method moving-average
alike 7 calibrate "$@" --method mean --granularity channel --json
alike 7 calibrate "$@" --method percentile:99.9 --granularity channel --json
alike 3 calibrate "$@" --method mse --plot out/plot.svg
alike 2 calibrate "$@" --method entropy --preset onnx --histograms
alike 2 calibrate "$@" --include nothing

alike 7 dequantize q4.safetensors -o out/d.safetensors --json
alike 3 dequantize q4.safetensors -o out/d.safetensors --dtype f16 --check all
alike 2 dequantize q4.safetensors -o out/d.npy --tensor classifier.1.weight
alike 3 dequantize q.gguf -o out/d.gguf --dtype bf16
alike 2 dequantize q4.gguf -o out/d.safetensors --dtype f16
alike 3 dequantize packed -o out/folder --json
alike 2 dequantize m.safetensors -o out/d.safetensors

# What is wrong for all, or for one.
rm -rf out
mkdir out
fails 1 'nothing.safetensors: cannot open' ranks 3 minmax nothing.safetensors
fails 2 'missing option -o' ranks 2 dequantize q4.safetensors
"$command" dequantize q4.safetensors -o out/there.safetensors --quiet
fails 2 'there.safetensors' ranks 3 dequantize q4.safetensors -o out/there.safetensors
rm out/there.safetensors
[ -z "$(ls -A out)" ] || fault "something is left after refusals: $(ls -A out)"

# A rank that is killed ends all, and no part of an output stands under its name: what does is whole, for the signal may
# come when the output is in its place. Where all was done before it came, it is sent to another run. The next run is not
# disturbed.
kill_once() {
    timeout "$patience" "$mpiexec" -n 3 "$together" "$@" >report 2>messages &
    process=$!
    victim=
    while [ -z "$victim" ] && kill -0 $process 2>/dev/null; do
        sleep 0.1 # for the ranks to be there; a scan of /proc in a row would take their time
        victim=$(living_ranks | sed -n 2p)
    done
    [ -z "$victim" ] || kill -s KILL "$victim" 2>/dev/null
    wait $process && code=0 || code=$?
    have_ended "killed, $*"
}
killed() { # OUTPUT WHOLE VERB...
    output=$1
    whole=$2
    shift 2
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        rm -f "$output"
        kill_once "$@"
        [ ! -e "$output" ] || cmp -s "$output" "$whole" || fault "killed, $*: half an output"
        [ $code -eq 0 ] || return
    done
    fault "killed, $*: done before the signal, $attempt times"
}
"$command" dequantize q4.safetensors -o d.safetensors --quiet || exit 1
killed out/d.safetensors d.safetensors dequantize q4.safetensors -o out/d.safetensors
rm -f out/d.safetensors
ranks 3 dequantize q4.safetensors -o out/d.safetensors --quiet || fault "after a death: exit code $?"
[ "$(ls -A out)" = d.safetensors ] || fault "after a death something is left: $(ls -A out)"
killed out/nothing m.safetensors compare f16.safetensors q4.safetensors
set -- f16.safetensors bf16.safetensors --method mse
"$command" calibrate "$@" -o r.json --quiet || exit 1
killed out/r.json r.json calibrate "$@" -o out/r.json
exit $bad
