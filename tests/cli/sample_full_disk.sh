# SPDX-License-Identifier: Apache-2.0
# A device is no place for a model, and a disk that is too small is told before anything is written.
. "$CLQ_TEST_FOLDER/files.inc"
[ -e /dev/full ] || exit 77
refused sample transformer-block -o /dev/full --force | cut -c 1-60
refused sample resnet-50 -o big.safetensors --scale 1000 | cut -c 1-35
ls -A
# A limit on the size of files stands for the disk that fills up while it is written to.
(
    trap '' XFSZ 2>/dev/null
    ulimit -f 64 || exit 77
    refused sample transformer-block -o x.safetensors | cut -c 1-60
)
ls -A
