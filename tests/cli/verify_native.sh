# SPDX-License-Identifier: Apache-2.0
# The processor's own loops are judged by the cases that devices are; what is of OpenCL alone is refused, and the
# reference is what all is compared with.
. "$CLQ_TEST_FOLDER/files.inc"
"$CLQUANT" verify --device native --quick --seed 5 --report report.json >text 2>messages
echo "exit code $?"
cat messages
sed -n 1,2p text | sed 's/ [0-9.]*)$/ VERSION)/'
sed -n 's/^\([a-z-]*\)  *[0-9]*  *\([0-9]*\)  *0  *0  *[0-9]*  *[0-9.]*  *\(ok\)$/\1 \3/p' text
grep -o '"name": "[a-z-]*/plain/' report.json | sort -u | wc -l
grep '"reason"' report.json | grep -v -e 'has no such instructions' -e 'probes ask an OpenCL driver' | sort -u
echo "-- names and inputs follow from the seed"
"$CLQUANT" verify --device native --quick --only 'gemm/plain/*' --seed 5 --json >first
"$CLQUANT" verify --device native --quick --only 'gemm/plain/*' --seed 5 --json >second
sed 's/"seconds".*//' first >one
sed 's/"seconds".*//' second | cmp - one && grep -c '"verdict": "ok"' first
refused verify --device native --reproduce faults
refused verify --device reference
