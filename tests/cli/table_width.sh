# SPDX-License-Identifier: Apache-2.0
# Tables fit the line of a terminal, or COLUMNS: names are cut in their middle, columns without a word are left out, the
# last ones give way and are named; the tensors that are not listed are told by kind of layer. In a file or a pipe, which
# programs search, nothing is cut.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE

# model LAYERS PART >FILE: matrices [4, 32] of blocks as in a transformer, with norms; PART is in all names.
model() {
    header=$(awk -v layers="$1" -v part="$2" 'BEGIN {
        printf "{"
        for (i = 0; i < layers; i++) {
            for (j = 1; j <= 3; j++) {
                name = j == 1 ? "mlp.up_proj" : j == 2 ? "mlp.down_proj" : "self_attn.q_proj"
                printf "\"model.%s.layers.%d.%s.weight\":{\"dtype\":\"F32\",\"shape\":[4,32],", part, i, name
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
    byte $((length % 256))
    byte $((length / 256 % 256))
    byte $((length / 65536))
    printf '\000\000\000\000\000%s' "$header"
    cat data
}
# widest FILE: the longest line of tables, which begin with names; lines of prose may be longer.
widest() {
    sed -n '/^tensor/,/^[(0-9]/p' "$1" | sed '/^[(0-9]/d' | awk '{ if (length($0) > most) most = length($0) } END { print most }'
}
model 8 language_model >m.safetensors
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
COLUMNS=x "$CLQUANT" compare m.safetensors q.safetensors | cmp - piped
COLUMNS=1000 "$CLQUANT" compare m.safetensors q.safetensors | cmp - piped

echo "-- every name is whole in a pipe, and each line of it has all columns"
model 8 language_model_that_has_a_long_name_so_that_nothing_fits_into_a_hundred_columns____ >l.safetensors
# names VERB [ARGUMENT...]: how many lines have the whole name of a matrix, and "..." or what there was no room for.
names() {
    "$CLQUANT" "$@" >names 2>/dev/null || echo "$* fails"
    echo "$1: $(grep -c '^model[.]language_model_that_.*____[.]layers[.][0-7][.][a-z_.]*[.]weight ' names)" \
        "$(grep -c '[a-z][.][.][.][a-z]\|no room for' names)"
}
names info l.safetensors
names minmax l.safetensors
names minmax l.safetensors --granularity channel --verbose
names quantize l.safetensors -o lq.safetensors --verbose
names quantize l.safetensors -o lq2.safetensors --exclude '*' --allow-empty --verbose
names quantize l.safetensors -o lq2.safetensors --force --dry-run
names info lq.safetensors
names compare l.safetensors lq.safetensors --verbose
names calibrate l.safetensors -o l.json

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
COLUMNS=100 "$CLQUANT" compare w.safetensors w.safetensors | sed -n 's/.*; \(COLUMNS=[0-9]*\) shows all)/\1/p' >advice
cat advice
env "$(cat advice)" "$CLQUANT" compare w.safetensors w.safetensors | sed -n 2p | wc -c
# One such name does not make every row as long.
"$CLQUANT" compare w.safetensors w.safetensors | awk '{ print length($0) }'

echo "-- a terminal has bars, and its own width"
if command -v script >/dev/null; then
    script -qec "stty cols 120; $CLQUANT compare m.safetensors q.safetensors --progress never" /dev/null </dev/null | tr -d '\r' >terminal
    [ "$(widest terminal)" -le 120 ] || echo "terminal: $(widest terminal)"
    [ "$(grep -c ' #' terminal)" -eq 10 ] || cat terminal
    script -qec "stty cols 80; $CLQUANT compare m.safetensors q.safetensors --progress never" /dev/null </dev/null | tr -d '\r' >terminal
    [ "$(widest terminal)" -le 80 ] || echo "terminal: $(widest terminal)"
    [ "$(grep -c ' #' terminal)" -eq 0 ] || cat terminal
fi
