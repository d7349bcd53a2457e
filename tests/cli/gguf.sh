# SPDX-License-Identifier: Apache-2.0
# A .gguf through every verb: blocks of Q8_0 and Q4_0 made, shown, made real, compared; and what cannot be asked for.
. "$CLQ_TEST_FOLDER/tensors.inc"
. "$CLQ_TEST_FOLDER/gguf.inc"

# Rows of 32: 0, 1, ... 31 thirty-seconds, and -4 to 3.75.
ramp() {
    i=0
    while [ $i -lt 32 ]; do
        printf '%s\n' "$i"
        i=$((i + 1))
    done | awk '{ printf "%s ", $1 / 32 } END { for (i = 0; i < 32; i++) printf "%s ", i / 4 - 4 }'
}

# Bits of the multiples of 1/32 below 2^5, in hexadecimal.
bits() {
    awk -v list="$1" 'BEGIN {
        n = split(list, x, " ")
        for (i = 1; i <= n; i++) {
            v = x[i] < 0 ? -x[i] : x[i]
            e = 127
            if (v == 0) { printf "%08x ", x[i] < 0 ? 2147483648 : 0; continue }
            while (v >= 2) { v /= 2; e++ }
            while (v < 1) { v *= 2; e-- }
            printf "%08x ", (x[i] < 0 ? 2147483648 : 0) + e * 8388608 + (v - 1) * 8388608
        }
    }'
}

{
    printf GGUF
    number 3 4
    number 4 8
    number 3 8
    string general.architecture
    number 8 4
    string test
    string general.file_type
    number 4 4
    number 0 4
    string tokens
    number 9 4
    number 8 4
    number 2 8
    string a
    string bc
    entry a.weight 2 32 0
    entry a_norm.weight 1 32 256
    entry odd.weight 2 4 384
    entry output.weight 2 32 416
} >m.gguf
pad m.gguf
# shellcheck disable=SC2046
f32 $(bits "$(ramp)") >ramp
head -c 128 ramp >row
cat ramp row >>m.gguf
head -c 32 ramp >>m.gguf
cat ramp >>m.gguf

run() {
    echo "-- $*"
    "$CLQUANT" "$@" --device reference 2>&1 | sed 's/, [0-9.]* s .*//'
}

run info m.gguf --verbose
for type in q8_0 q4_0; do
    run quantize m.gguf -o $type.gguf --dtype $type
    run info $type.gguf --verbose
    run compare m.gguf $type.gguf
    run minmax $type.gguf
    run dequantize $type.gguf -o back.safetensors --force
    header back.safetensors
    run compare $type.gguf back.safetensors
    run dequantize $type.gguf -o back.gguf --dtype f16 --force
    run info back.gguf
    run compare $type.gguf back.gguf
done
run info q8_0.gguf --json
"$CLQUANT" quantize m.gguf -o json.gguf --include 'a.*' --json --device reference >report.json
members report.json name quantized_dtype granularity scale variant bytes_out

echo "-- the same by default, and after --dry-run, which writes nothing"
"$CLQUANT" quantize m.gguf -o default.gguf --dry-run --quiet
ls default.gguf 2>/dev/null
"$CLQUANT" quantize m.gguf -o default.gguf --quiet
cmp default.gguf q8_0.gguf
echo "-- chosen tensors alone"
run quantize m.gguf -o some.gguf --exclude 'output*' --verbose

echo "-- no other way"
for option in "--dtype s8" "--preset torch" "--granularity channel" "--axis 1" "--axis a*=1" "--group-size 64" \
    "--rounding even" "--zero-point-order before" "--arithmetic divide" "--scale 1" "--range -1:1" "--ranges r.json" \
    "--calibrate mse" "--min-rank 1" "--activations static" "--emit-config c.json" "--format clquant"; do
    # shellcheck disable=SC2086
    refused quantize m.gguf -o x.gguf $option
done
refused quantize m.gguf -o x.safetensors --dtype q8_0
refused quantize m.gguf -o x.safetensors --format gguf
refused quantize back.safetensors -o x.gguf
refused dequantize back.safetensors -o x.gguf
refused quantize q8_0.gguf -o x.safetensors
refused quantize m.gguf -o m.gguf --force
refused quantize m.gguf -o q8_0.gguf
refused quantize m.gguf -o x.gguf --strict
# The output is Q8_0, which was not asked for; without it the rest is as asked. What is named is asked for, whatever it is.
{
    head_of 3
    entry blk.0.a.weight 2 32 0
    entry blk.0.ffn_gate_inp.weight 2 32 256
    entry output.weight 2 32 512
} >strict.gguf
pad strict.gguf
head -c 768 /dev/zero >>strict.gguf
for options in '' '--exclude output.weight' '--exclude output.weight --include *' '--exclude output.weight --include *.a.*'; do
    set -f
    # shellcheck disable=SC2086
    refused quantize strict.gguf -o x.gguf --dtype q4_0 --strict --force $options -q
    set +f
done
rm -f x.gguf strict.gguf
printf 'GGUF\002\000\000\000%16s' '' >old.gguf
refused info old.gguf
ls
