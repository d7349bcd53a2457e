# SPDX-License-Identifier: Apache-2.0
# Tables fit the line: names are cut in their middle, columns without a word are left out, the last ones give way and are
# named; the tensors that are not listed are told by kind of layer.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE

# model LAYERS: matrices [4, 32] of blocks as in a transformer, with norms.
model() {
    header=$(awk -v layers="$1" 'BEGIN {
        printf "{"
        for (i = 0; i < layers; i++) {
            for (j = 1; j <= 3; j++) {
                name = j == 1 ? "mlp.up_proj" : j == 2 ? "mlp.down_proj" : "self_attn.q_proj"
                printf "\"model.language_model.layers.%d.%s.weight\":{\"dtype\":\"F32\",\"shape\":[4,32],", i, name
                printf "\"data_offsets\":[%d,%d]},", at, at + 512
                at += 512
            }
        }
        printf "\"model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[%d,%d]}}", at, at + 32
        print at + 32 >"data_bytes"
    }')
    # Weights of different sizes, so that the order is not that of the file: 2^-3 to 2^3, and a row of others.
    awk -v count="$(($(cat data_bytes) / 4))" 'BEGIN {
        for (i = 0; i < count; i++) {
            code = (i * 7919) % 251 + 1
            printf "\\%03o\\%03o\\%03o\\%03o", code, (i * 31) % 256, code % 128, 62 + i % 2
        }
    }' >octal
    # shellcheck disable=SC2059
    printf "$(cat octal)" >data
    length=${#header}
    {
        byte $((length % 256))
        byte $((length / 256 % 256))
        byte $((length / 65536))
        printf '\000\000\000\000\000%s' "$header"
        cat data
    } >m.safetensors
}
# widest FILE: the longest line of tables, which begin with names; lines of prose may be longer.
widest() {
    sed -n '/^tensor/,/^[(0-9]/p' "$1" | sed '/^[(0-9]/d' | awk '{ if (length($0) > most) most = length($0) } END { print most }'
}
model 8
"$CLQUANT" quantize m.safetensors -o q.safetensors --quiet || exit 1
for width in 40 80 120 200; do
    COLUMNS=$width
    export COLUMNS
    "$CLQUANT" quantize m.safetensors -o q2.safetensors --force >quantize
    "$CLQUANT" compare m.safetensors q.safetensors >compare
    "$CLQUANT" compare m.safetensors q.safetensors --verbose >verbose
    "$CLQUANT" info q.safetensors >info
    "$CLQUANT" minmax m.safetensors --granularity channel --verbose 2>/dev/null >minmax
    for verb in quantize compare verbose info minmax; do
        [ "$(widest $verb)" -le $width ] || echo "$verb is $(widest $verb) wide of $width"
    done
    sed -n 1,2p compare
done
unset COLUMNS
"$CLQUANT" compare m.safetensors q.safetensors >piped
[ "$(widest piped)" -le 100 ] || echo "piped: $(widest piped)"
COLUMNS=x "$CLQUANT" compare m.safetensors q.safetensors | cmp - piped

echo "-- kinds"
sed -n '/by kind/,$p' quantize | sed 's/, [0-9.]* s .*/, .../'
sed -n '/by kind/,$p' compare
grep -c 'by kind' verbose
grep -c '^model' verbose

echo "-- wide and combining characters"
one() {
    f32 3f800000 40000000 | safetensors "{\"$1\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}" >w.safetensors
    COLUMNS=40 "$CLQUANT" info w.safetensors | sed -n 2,3p
}
one '日本語の重み'
one "e$(printf '\314\201')tude"
one '層層層層層層層層層層層層層層層層層層層層層層層層'
one "$(printf 'x\314\201y\314\201%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25)"

echo "-- what is advised shows all"
one "$(printf 'n%.0s' $(seq 12000))" >/dev/null
"$CLQUANT" compare w.safetensors w.safetensors | sed -n 's/.*; \(COLUMNS=[0-9]*\) shows all)/\1/p' >advice
cat advice
env "$(cat advice)" "$CLQUANT" compare w.safetensors w.safetensors | sed -n 2p | wc -c

echo "-- a terminal has bars, and its own width"
if command -v script >/dev/null; then
    script -qec "stty cols 120; $CLQUANT compare m.safetensors q.safetensors --progress never" /dev/null </dev/null | tr -d '\r' >terminal
    [ "$(widest terminal)" -le 120 ] || echo "terminal: $(widest terminal)"
    [ "$(grep -c ' #' terminal)" -eq 10 ] || cat terminal
    script -qec "stty cols 80; $CLQUANT compare m.safetensors q.safetensors --progress never" /dev/null </dev/null | tr -d '\r' >terminal
    [ "$(widest terminal)" -le 80 ] || echo "terminal: $(widest terminal)"
    [ "$(grep -c ' #' terminal)" -eq 0 ] || cat terminal
fi
