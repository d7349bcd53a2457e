# SPDX-License-Identifier: Apache-2.0
# Each of verify, bench and tune is told otherwise which operations: what belongs to another one leads on.
. "$CLQ_TEST_FOLDER/files.inc"
refused verify quantize
refused verify --operation quantize
refused bench --only 'quantize/*'
refused bench --operation quantize
refused tune quantize
refused tune --only 'quantize/*'
echo "-- what else belongs to another"
refused tune --seed 3
refused verify --export file
refused devices quantize
echo "-- unknown operations"
refused bench nothing
refused tune --operation nothing
refused verify --device native --only quantize
refused verify --device native --only 'nothing/*' | sed 's/begin with \(probe.*program, \)*minmax/begin with minmax/'
