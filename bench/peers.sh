#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: peers.sh [--rounds N] [--layers N] CLQUANT FOLDER: what it takes to turn a checkpoint with the shapes of
# TinyLlama (1.1 billion weights of bf16, 2.2 GB in a folder of Hugging Face layout, random) into W8A8, by
#
#     clquant       quantize IN -o OUT
#     llm-compressor   its model_free_ptq, scheme W8A8, on the CPU
#     torch         a plain script: a matrix at a time, amax of each row, round, save_file
#     cp, sync      the same bytes copied and flushed
#
# in turns, medians; clquant's codes and scales are compared with the script's first. FOLDER, on the disk that is to be
# measured (20 GiB), keeps the Python environment that the first run installs. Needs GNU time.
set -eu
rounds=3
layers=22
while [ $# -gt 2 ]; do
    case $1 in
    --rounds) rounds=$2 && shift ;;
    --layers) layers=$2 && shift ;;
    *) echo "peers.sh: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done
[ $# -eq 2 ] || { sed -n 3,13p "$0" >&2; exit 2; }
clquant=$(realpath "$1")
folder=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
python=$folder/environment/bin/python
mkdir -p "$folder"
if [ ! -x "$python" ]; then
    python3 -m venv "$folder/environment"
    "$folder/environment/bin/pip" install --progress-bar off llmcompressor
fi
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error CLQUANT_CACHE_DIR="$folder/cache"
work=$(mktemp -d "$folder/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$python" "$here/peers.py" model "$layers" "$work/in"

# Seconds and MiB of a command into the file of its name; what it wrote is flushed within the time.
measured() {
    name=$1
    shift
    rm -rf "$work/out-$name"
    # sh -c: the flush belongs to the time.
    /usr/bin/time -f '%e %M' -a -o "$work/$name" sh -c '"$@" >"$0" 2>&1 && sync -f "$0"' "$work/log-$name" "$@" ||
        { tail -n 20 "$work/log-$name" >&2; exit 1; }
}

for round in $(seq 0 "$rounds"); do
    measured clquant "$clquant" quantize "$work/in" -o "$work/out-clquant"
    measured torch "$python" "$here/peers.py" torch "$work/in" "$work/out-torch"
    measured llm-compressor "$python" "$here/peers.py" llm-compressor "$work/in" "$work/out-llm-compressor"
    measured cp cp -r "$work/in" "$work/out-cp"
    if [ "$round" -eq 0 ]; then # everything was read once, and is what it should be
        "$python" "$here/peers.py" compare "$work/out-clquant" "$work/out-torch" "$work/out-llm-compressor"
        rm "$work/clquant" "$work/torch" "$work/llm-compressor" "$work/cp"
    fi
done

echo "| $(nproc) cores, $rounds rounds | seconds | peak MiB | of cp and sync |"
echo "|---|---|---|---|"
copy=$(awk '{print $1}' "$work/cp" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}')
for name in clquant llm-compressor torch cp; do
    seconds=$(awk '{print $1}' "$work/$name" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}')
    mib=$(awk '{m = $2 > m ? $2 : m} END {printf "%.0f", m / 1024}' "$work/$name")
    awk -v n="$name" -v s="$seconds" -v m="$mib" -v c="$copy" 'BEGIN {printf "| %s | %.2f | %s | %.2f |\n", n, s, m, s / c}'
done
