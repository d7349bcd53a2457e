# SPDX-License-Identifier: Apache-2.0
# Every verb that uses a device, where this has work-groups of three items at most (a habit of PoCL's, which other devices
# do not mind): the bytes of the reference.
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/verbs.inc"
on_device() {
    POCL_MAX_WORK_GROUP_SIZE=3 "$CLQUANT" "$@" --device "$kind"
}

kind=auto
habits='groups of 3'
verbs
echo "$count runs"
