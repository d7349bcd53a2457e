#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `clquant quantize` costs for files of 1 MiB to 4 GiB in the page cache, beside cp of the same file and sync on
# the same disk: a table, or with --json one object. Rounds take turns, figures are medians.
#
#     bench/files.sh [--json] [--rounds N] [--smallest MIB] [--largest MIB] [--options "OPTIONS"] CLQUANT FOLDER
#
# FOLDER is where the files go: give it three times the largest of them, on the disk that is to be measured. Files are
# made of tensors of 64 MiB [16384, 1024]; the one of 4 GiB has one of 2 GiB in it. Needs GNU date and awk; peak memory
# is shown where GNU time is /usr/bin/time.
set -eu
json=0
rounds=5
smallest=1
largest=4096
options=
while [ $# -gt 2 ]; do
    case $1 in
    --json) json=1 ;;
    --rounds) rounds=$2 && shift ;;
    --smallest) smallest=$2 && shift ;;
    --largest) largest=$2 && shift ;;
    --options) options=$2 && shift ;;
    *) echo "files.sh: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done
[ $# -eq 2 ] || { sed -n '3,11p' "$0" >&2 && exit 2; }
clquant=$1
folder=$2/clquant-files-$$
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# 16 MiB of weights, which all files are made of: the last ones of a network of which all tensors are F32.
"$clquant" sample resnet-50 -o "$folder/sample.safetensors" --quiet
tail -c 16777216 "$folder/sample.safetensors" >"$folder/block"
rm "$folder/sample.safetensors"

# A file of $1 MiB.
make_model() {
    left=$1
    first=$([ "$1" -ge 4096 ] && echo 2048 || echo 64)
    header='{'
    at=0
    number=0
    while [ "$left" -gt 0 ]; do
        part=$([ "$number" -eq 0 ] && echo "$first" || echo 64)
        [ "$part" -le "$left" ] || part=$left
        [ "$number" -eq 0 ] || header="$header,"
        header="$header\"t$number.weight\":{\"dtype\":\"F32\",\"shape\":[$((part * 256)),1024],\"data_offsets\":[$at,$((at + part * 1048576))]}"
        at=$((at + part * 1048576))
        left=$((left - part))
        number=$((number + 1))
    done
    header="$header}"
    while [ $((${#header} % 8)) -ne 0 ]; do
        header="$header "
    done
    {
        # shellcheck disable=SC2059
        printf "$(printf '\\%03o\\%03o' $((${#header} % 256)) $((${#header} / 256)))\000\000\000\000\000\000"
        printf '%s' "$header"
        copies=0
        while [ $((copies * 16)) -lt "$1" ]; do
            cat "$folder/block"
            copies=$((copies + 1))
        done | head -c $(($1 * 1048576))
    } >"$folder/model.safetensors"
}

now() {
    date +%s.%N
}

# Seconds of a command, appended to a file.
timed() {
    to=$1
    shift
    begun=$(now)
    "$@"
    echo "$begun $(now)" | awk '{ printf "%.6f\n", $2 - $1 }' >>"$to"
}

copy_and_sync() {
    cp "$folder/model.safetensors" "$folder/copy"
    sync
}

quantize() {
    if [ -x /usr/bin/time ]; then
        # shellcheck disable=SC2086
        /usr/bin/time -a -o "$folder/memory" -f %M "$clquant" quantize "$folder/model.safetensors" \
            -o "$folder/quantized" $options >/dev/null
    else
        # shellcheck disable=SC2086
        "$clquant" quantize "$folder/model.safetensors" -o "$folder/quantized" $options >/dev/null
    fi
}

median() {
    sort -n "$1" | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
}

[ $json -eq 1 ] && printf '{"rows":[' || printf '%8s  %9s  %9s  %6s  %9s  %8s\n' \
    MiB 'cp+sync s' 'clquant s' ratio 'MiB/s' 'peak MiB'
separator=
for mib in 1 4 16 64 256 1024 2048 4096; do
    [ "$mib" -ge "$smallest" ] || continue
    [ "$mib" -le "$largest" ] || break
    make_model "$mib"
    rm -f "$folder/copies" "$folder/runs" "$folder/memory"
    echo 0 >"$folder/memory"
    sync
    round=0
    while [ $round -lt "$rounds" ]; do
        timed "$folder/copies" copy_and_sync
        rm -f "$folder/copy"
        sync
        timed "$folder/runs" quantize
        rm -f "$folder/quantized"
        sync
        round=$((round + 1))
    done
    row="$mib $(median "$folder/copies") $(median "$folder/runs") $(sort -n "$folder/memory" | tail -n 1)"
    if [ $json -eq 1 ]; then
        echo "$row" | awk -v separator="$separator" '{ printf "%s\n{\"mib\":%d,\"copy_seconds\":%.4f,\"quantize_seconds\":%.4f,\"ratio\":%.3f,\"peak_kib\":%d}", separator, $1, $2, $3, $3 / $2, $4 }'
        separator=,
    else
        echo "$row" | awk '{ printf "%8d  %9.3f  %9.3f  %6.2f  %9.0f  %8.0f\n", $1, $2, $3, $3 / $2, $1 / $3, $4 / 1024 }'
    fi
done
[ $json -eq 0 ] || printf '\n]}\n'
