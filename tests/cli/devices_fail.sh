# SPDX-License-Identifier: Apache-2.0
# What is told where there is no device, one that fails, or one that compiles nothing.
. "$CLQ_TEST_FOLDER/files.inc"
[ -n "$CLQ_ICD_FOLDER" ] || exit 77
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json --device reference | grep -q '"spec": "0:0"' || exit 77
f32 3f800000 c0000000 40400000 | npy '<f4' '3,' >x.npy
CLQUANT_DEVICE=auto
export CLQUANT_DEVICE
mkdir drivers empty
# A driver that is not there, one that is no library, and one that shows no device.
echo "$PWD/missing.so" >drivers/a.icd
echo "$PWD/x.npy" >drivers/b.icd
echo "$CLQ_ICD_FOLDER/libclquant_icd_hollow.so" >drivers/c.icd
shown() {
    said "$1" | sed -e "s,$PWD/,,g" -e 's,[^ ]*libclquant,libclquant,g'
}
echo "-- no device"
for OCL_ICD_VENDORS in drivers empty; do
    export OCL_ICD_VENDORS
    "$CLQUANT" devices >out
    sed -n '/^no OpenCL/,$p' out >told
    shown told
    "$CLQUANT" devices --json 2>/dev/null | sed -n '/"no_device"/,$p' >told
    shown told
    "$CLQUANT" minmax x.npy 2>told >/dev/null
    shown told
    "$CLQUANT" minmax x.npy --device cpu 2>told
    echo "$?: $(shown told)"
    for verb in verify tune; do # which do not do without
        "$CLQUANT" $verb 2>told
        echo "$verb: $?: $(shown told | tail -n 1)"
        grep 'computing with' told
    done
done
unset OCL_ICD_VENDORS

echo "-- a device that fails"
zoo() {
    habits=$1
    shift
    code=0
    CLQ_ZOO=$habits OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" "$@" >out 2>err || code=$?
    echo "$1: $code"
    said err | sed -e 's/^on device 0:0 .*/on device 0:0/' -e 's/minmax on .*: kernel/minmax on DEVICE: kernel/' -e 's/loops on .*: it cannot/loops on DEVICE: it cannot/'
}
f32 3f800000 c0000000 40400000 bf800000 | npy '<f4' '2, 2' >y.npy
zoo 'fail=clEnqueueNDRangeKernel:1:-2' minmax y.npy --device 0:0
zoo 'fail=clCreateContext:1:-6' devices
grep -c -e '^0:0 .*not usable' -e '^    problem  *clCreateContext failed with CL_OUT_OF_HOST_MEMORY' -e '^reference ' out
zoo 'fail=clCreateContext:3:-6' devices
grep -c -e '^0:0 ' -e '^reference ' out

echo "-- a compiler's first word"
printf '\001\002\003\004' | npy '|i1' '2, 2' >a.npy
printf 'void gemm_portable\tvoid void gemm_portable\n' >changes
CLQ_ZOO="mutate=$PWD/changes" OPENCL_LAYERS=$CLQ_ZOO_LAYER "$CLQUANT" gemm a.npy a.npy -o c.npy --variant portable \
    --device 0:0 2>err
echo "$?: $(grep -c '^on device 0:0 .*: .*gemm_portable.cl:' err) $(grep -c '^try -v, .*--device native' err)"

echo "-- names of kernels"
refused gemm a.npy a.npy -o c.npy --variant nonsense --device 0:0 | sed 's/portable, .*; other/portable, ...; other/'

echo "-- probes"
"$CLQUANT" devices --probe >out
echo "$?: $(grep -c '^    probe  *minmax compiles' out)"
zoo 'options=-nonsense' devices --probe --device 0:0
grep -c -e '^0:0 .*computes nothing' out
"$CLQUANT" devices --probe --json | grep -c '"probe_passed": true'
echo "-- reasons are told once"
"$CLQUANT" devices --device reference >out
sed -n 's/^    [a-z-]*  *[a-z-]* (\(.*\))$/\1/p' out | sort >reasons
[ "$(sort -u reasons | wc -l)" -ge 1 ] || echo "no reason"
awk '/^[0-9nr]/ { split("", seen) } match($0, /\(.*\)$/) && /^    / { r = substr($0, RSTART); if (r in seen) print "twice: " r; seen[r] }' out
