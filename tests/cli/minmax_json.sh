# SPDX-License-Identifier: Apache-2.0
# One object: numbers per tensor, arrays per channel and group, null where there is nothing.
. "$CLQ_TEST_FOLDER/files.inc"
f32 3f800000 c0000000 7fc00000 ff800000 | npy '<f4' '2, 2' >x.npy
for arguments in '' '--granularity channel' '--granularity group --group-size 1'; do
    # shellcheck disable=SC2086
    "$CLQUANT" minmax x.npy --json --nonfinite ignore $arguments | grep -v '"device"'
done
