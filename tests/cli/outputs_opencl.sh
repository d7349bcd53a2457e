# SPDX-License-Identifier: Apache-2.0
# As outputs.sh, of verbs that need a device of OpenCL. A report is replaced without --force, which verify does not have.
[ "$CLQ_TEST_DEVICE" != reference ] || exit 77
cat >verbs <<'END'
tune --export _.txt
verify --quick --only probe-integer/add --report _.json
verify --quick --only probe-integer/add --reproduce _.r
END
. "$CLQ_TEST_FOLDER/outputs.inc"
