# SPDX-License-Identifier: Apache-2.0
# NaN and infinity are counted and told after all results; by default they make the exit code 7.
. "$CLQ_TEST_FOLDER/files.inc"
f32 3f800000 7fc00000 c0000000 ff800000 7f800000 |
    safetensors '{"bad":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}}' >x.safetensors
"$CLQUANT" minmax x.safetensors --nonfinite ignore
echo "exit code $?"
"$CLQUANT" minmax x.safetensors --json >/dev/null 2>&1
echo "exit code $?"
"$CLQUANT" minmax x.safetensors
