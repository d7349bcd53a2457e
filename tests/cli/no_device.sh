# SPDX-License-Identifier: Apache-2.0
# A device that is not there: exit code 4.
. "$CLQ_TEST_FOLDER/files.inc"
f32 3f800000 | npy '<f4' '1,' >x.npy
"$CLQUANT" minmax x.npy --device 'no such device'
