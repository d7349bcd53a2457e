# SPDX-License-Identifier: Apache-2.0
# What a person reads in the end: the worst tensors first and not all of them, what was copied and why, what was clipped,
# and advice only where the numbers give a reason.
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_DEVICE=reference
export CLQUANT_DEVICE
"$CLQUANT" sample mobilenet-v2 -o sample.safetensors --quiet || exit 1
tail -c 1048576 sample.safetensors >weights

# model COUNT: so many tensors [16, 128], a vector and a tensor of integers.
model() {
    header=$(awk -v count="$1" 'BEGIN {
        printf "{"
        for (i = 0; i < count; i++) {
            printf "\"w%02d\":{\"dtype\":\"F32\",\"shape\":[16,128],\"data_offsets\":[%d,%d]},", i, i * 8192, i * 8192 + 8192
        }
        at = count * 8192
        printf "\"bias\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[%d,%d]},", at, at + 32
        printf "\"gain\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[%d,%d]},", at + 32, at + 64
        printf "\"ids\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[%d,%d]}}", at + 64, at + 80
    }')
    tail -c $(($1 * 8192 + 80)) weights | safetensors "$header" >m.safetensors
}
# The report without what differs from run to run and the columns of numbers.
told() {
    echo "== $*"
    "$CLQUANT" quantize m.safetensors -o q.safetensors --force "$@" >report || exit 1
    sed -e 's/, [0-9.]* s .*/, .../' -e 's/^w[0-9]* .*/row/' -e 's/^w\* .*  \([0-9]*\)$/kind of \1/' \
        -e 's/^tensor .*/titles/' report | uniq -c |
        sed 's/^ *//'
}
model 40
told
told --verbose
"$CLQUANT" quantize m.safetensors -o q.safetensors --force >report
sed -n 's/^w[0-9]* .* \([0-9.]*\) dB .*/\1/p' report >order
sort -n order | cmp - order && echo "the worst come first"
model 12
told --quiet
told
told --range -0.001:0.001 | sed 's/ [0-9.]*%/ N%/; s/clipped: [0-9]* /clipped: N /; s/(N.*%)/(N%)/; s/hint: N% of .w../hint: N% of wNN/'
model 1
told --dry-run

echo "== one value far from all others"
{
    head -c 2044 weights
    f32 3f800000
} >data
# advice SHAPE OPTION...
advice() {
    npy '<f4' "$1" <data >m.npy
    shift
    "$CLQUANT" quantize m.npy -o q.safetensors --force "$@" | grep hint || echo "no advice: $*"
}
advice '4, 128' --granularity tensor
advice '4, 128' --granularity channel
advice '1, 512'
advice '1, 512' --granularity group --group-size 512
advice '1, 512' --granularity group --group-size 32
advice '512,'
"$CLQUANT" quantize m.npy -o q.safetensors --force --json | grep -c hint || true
# All of it.
f32 447a0000 447a0000 c47a0000 c47a0000 | safetensors '{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >beyond.safetensors
"$CLQUANT" quantize beyond.safetensors -o beyond_q.safetensors --scale 0.1 | grep '^clipped\|^hint'
