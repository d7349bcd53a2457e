# SPDX-License-Identifier: Apache-2.0
# A verification of cases that are all skipped is no success; of some of them it is. Probes are of builds with OpenCL.
[ "$CLQ_TEST_DEVICE" != reference ] || exit 77
"$CLQUANT" verify --device native --only 'probe-f*' --json >json 2>messages
echo "exit code $?"
cat messages
grep -o '"\(exit_code\|status\)": [^,]*' json
"$CLQUANT" verify --device native --only '*-f*' --quick >text 2>messages # some of it
echo "exit code $?"
cat messages
