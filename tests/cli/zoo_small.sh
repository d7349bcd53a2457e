# SPDX-License-Identifier: Apache-2.0
# Every verb that uses a device, on devices that have little of everything (tests/zoo): the bytes of the reference. Where
# buffers are smaller than OpenCL promises, a refusal with the limit is as good.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/verbs.inc"
on_device() {
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=$habits "$CLQUANT" "$@" --device "$kind"
}

kind=auto
which=0
for habits in tiny-3 narrow mesa; do
    verbs $which
    which=$((which + 1))
done
limit='the largest buffer on .* has [0-9]*'
for habits in 'narrow allocation=1048576' 'narrow allocation=131072 units=1 no-cache'; do
    same '' minmax m.safetensors --json --nonfinite ignore
    same q.safetensors quantize m.safetensors -o q.safetensors --json --nonfinite ignore
    case $habits in # on one of the two what compiles most
    *units=1*) same c.npy gemm a.npy b.npy -o c.npy --a-zero-point 3 --b-zero-point 128 ;;
    *) same q.safetensors quantize m.safetensors -o q.safetensors --json --nonfinite ignore --calibrate mse ;;
    esac
done
[ $refused -lt 6 ] || echo "all refused"
echo "$((count + refused)) runs"
