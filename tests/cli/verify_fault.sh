# SPDX-License-Identifier: Apache-2.0
# A compiler that changes a kernel (tests/zoo, the habit `mutate`): the operation at fault is named and no other, and the
# program that is written shows the fault on that device and that it is gone on a sound one.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
echo '#include <CL/cl.h>' | cc -DCL_TARGET_OPENCL_VERSION=120 -E - >/dev/null 2>&1 || { echo "no cc with OpenCL's headers" >&2; exit 77; }
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
old='real_of_float(reals_of(v, (map)->scale, (map)->zero_point))'
printf '%s\t%s\n' "$old" 'real_of_float(reals_of(v, (map)->scale, (map)->zero_point + 1))' >fault
on_faulty() {
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mutate=$PWD/fault" "$@" 2>>messages
}
on_faulty "$CLQUANT" devices >/dev/null
if grep -q "no habit" messages; then
    echo "the layer has no habit 'mutate'" >&2
    exit 77
fi
on_faulty "$CLQUANT" verify --quick --budget 9999 --device 0:0 --seed 5 --only '*quantize/strip/f32-*' --reproduce faults \
    --report report.html >text
echo "exit code $?"
sed -n 's/^\([a-z-]*quantize\) .* \(ok\|DIFFERS\)$/\1 \2/p' text
grep -c '<svg ' report.html | sed 's/^[1-9][0-9]*$/pictures/'
ls faults
ls -A faults/dequantize-strip-f32-u16
cd faults/dequantize-strip-f32-u16 || exit 1
cc -std=c11 -Wall -Wextra -Werror reproduce.c -o reproduce -lOpenCL || exit 1
./reproduce 0:0 >found 2>/dev/null
echo "without the fault: $? $(cat found)"
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mutate=$OLDPWD/fault" ./reproduce 0:0 >found 2>/dev/null
echo "with the fault: $? $(sed 's/got .*/got other bytes/' found)"
