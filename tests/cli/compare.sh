# SPDX-License-Identifier: Apache-2.0
# compare: errors tensor by tensor, worst first; what is missing, extra or of another shape; the exit code.
. "$CLQ_TEST_FOLDER/tensors.inc"
model() {
    safetensors '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"n":{"dtype":"I32","shape":[2],"data_offsets":[24,32]}}'
}
compare() {
    echo "== compare $*"
    "$CLQUANT" compare "$@"
    echo "exit $?"
}
f32 3f800000 40000000 40400000 40800000 3f800000 40000000 00000001 00000002 | model >m.safetensors
f32 3f800000 40000000 40400000 40a00000 3f800000 40000000 00000001 00000002 | model >worse.safetensors
f32 3f800000 40000000 40400000 40800000 3f800000 40000000 00000001 00000003 | model >bytes.safetensors
f32 3f800000 7fc00000 40400000 7f800000 3f800000 40000000 00000001 00000002 | model >nan.safetensors
compare m.safetensors m.safetensors
compare m.safetensors m.safetensors --fail-sqnr-below 1000 --quiet
compare m.safetensors worse.safetensors
compare m.safetensors worse.safetensors --fail-sqnr-below 10 --quiet
compare m.safetensors worse.safetensors --fail-sqnr-below 20 --quiet
compare m.safetensors bytes.safetensors
compare m.safetensors nan.safetensors
compare nan.safetensors nan.safetensors --quiet --fail-sqnr-below 1000
compare m.safetensors nan.safetensors --quiet --fail-sqnr-below 1
"$CLQUANT" compare m.safetensors worse.safetensors --json | grep -v seconds
# The first in the order is the one with NaN; the worst SQNR is the other's.
f32 3f800000 7fc00000 40400000 40800000 3f800000 40400000 00000001 00000002 | model >both.safetensors
"$CLQUANT" compare m.safetensors both.safetensors --json | grep '"name"\|sqnr_db'

echo "-- other tensors"
f32 3f800000 40000000 40400000 40800000 3f800000 40000000 |
    safetensors '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"n":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"c":{"dtype":"F32","shape":[0],"data_offsets":[24,24]}}' >other.safetensors
compare m.safetensors other.safetensors
"$CLQUANT" compare m.safetensors other.safetensors --json | grep -v seconds

echo "-- arrays"
f32 3f800000 c0000000 40400000 | npy '<f4' '3,' >x.npy
f32 3f800000 c0000000 40000000 | npy '<f4' '3,' >y.npy
"$CLQUANT" quantize x.npy -o q.safetensors --quiet
compare x.npy q.safetensors
compare x.npy y.npy
compare y.npy q.safetensors
compare q.safetensors q.safetensors --quiet --fail-sqnr-below 1000
# 1, -2, 2.5 as f64; 1, -2, 3 as f16
printf '\000\000\000\000\000\000\360\077\000\000\000\000\000\000\000\300\000\000\000\000\000\000\004\100' | npy '<f8' '3,' >z.npy
printf '\000\074\000\300\000\102' | npy '<f2' '3,' >h.npy
compare z.npy x.npy
compare x.npy h.npy
compare x.npy nowhere.npy

echo "-- no elements"
safetensors '{"none":{"dtype":"F32","shape":[0,2],"data_offsets":[0,0]}}' </dev/null >none.safetensors
"$CLQUANT" compare none.safetensors none.safetensors
