# SPDX-License-Identifier: Apache-2.0
# Every way to get the command line wrong: exit code 2 and a line that says what was given and what is required.
. "$CLQ_TEST_FOLDER/files.inc"
refused nonsense
refused mimnax x
refused verify x
refused tune x
refused --bogus
refused -x
refused --device
refused --axis 1 minmax x
refused help nonsense
refused man x
refused completion
refused completion tcsh
refused completion bash zsh
refused info
refused info ''
refused devices x
refused minmax a b
refused minmax x --bogus
refused minmax x --tensr a
refused minmax x --preset onnx
refused minmax x --axis
refused minmax x --axis 1.5 --granularity channel
refused minmax x --axis 8 --granularity channel
refused minmax x --axis 1
refused minmax x --axis 1 --granularity tensor
refused minmax x --group-size 4
refused minmax x --group-size 0 --granularity group
refused minmax x --group-size -4 --granularity group
refused minmax x --granularity row
refused minmax x --granularity=
refused minmax x --nonfinite maybe
refused minmax x --json=yes
refused minmax x --progress sometimes
refused minmax x --memory 1
refused minmax x --memory 256MB
refused minmax x --memory 99999999999T
refused minmax x --memory -1
refused minmax -1 -2
refused quantize x
refused quantize -o y
refused quantize x -o ''
refused quantize x -o -
refused quantize x -o y --preset onx
refused quantize x -o y --dtype s9
refused quantize x -o y --rounding up
refused quantize x -o y --zero-point-order never
refused quantize x -o y --arithmetic multiply
refused quantize x -o y --range 1
refused quantize x -o y --range 2:1
refused quantize x -o y --range nan:1
refused quantize x -o y --range 0:inf
refused quantize x -o y --min-rank two
refused quantize x -o y --fail-sqnr-below high
refused quantize x -o y --calibrate percentile:0
refused quantize x -o y --calibrate percentile
refused quantize x -o y --calibrate moving-average
refused quantize x -o y --calibrate mean
refused quantize x -o y --ranges ""
refused calibrate
refused calibrate x
refused calibrate x -o y --granularity group
refused calibrate x -o y --axis 1
refused calibrate x -o y --method percentile:101
refused calibrate x -o y --method percentile:nan
refused calibrate x -o y --method moving-average:0
refused calibrate x -o y --method moving-average:1.5
refused calibrate x -o y --method median
refused calibrate x -o y --calibrate mse
refused calibrate x -o y --name ""
refused calibrate x -o y --preset int8
refused quantize x -o y --resume --dry-run
refused quantize x -o y --z 1
refused dequantize x -o y --dtype s8
refused compare x
refused gemm
refused gemm a.npy
refused gemm a.npy b.npy
refused gemm a.npy b.npy c.npy -o d.npy
refused gemm a.npy b.npy -o c.npy --transpose
refused gemm a.npy b.npy -o c.npy --transpose-a=1
refused gemm a.npy b.npy -o c.npy --scale 1
refused gemm a.npy b.npy -o c.npy --bias ''
refused multiplier
refused multiplier 1 2
refused multiplier one
refused multiplier nan
refused multiplier inf
refused multiplier ' 1'
refused multiplier 1x
refused multiplier -0.5
refused multiplier -.5
refused multiplier -- -0.5
refused multiplier 1e10
refused multiplier 1 --sample 1.5
refused multiplier 1 --sample 2147483648
refused multiplier 1 --max-shift 31
refused multiplier 1 --bits 0
refused multiplier 3 --bits 1
refused sample
refused sample alexnet -o x
refused sample resnet-50
refused sample resnet-50 -o x --seed -1
refused sample resnet-50 -o x --scale 0
refused sample resnet-50 -o x --scale 1001
