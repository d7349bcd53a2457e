# SPDX-License-Identifier: Apache-2.0
# CLQUANT_EMULATE: a variant that is written for an instruction runs without it, but only where it is forced.
. "$CLQ_TEST_FOLDER/arrays.inc"
case $CLQ_TEST_DEVICE in
reference | native) exit 77 ;;
esac
CLQUANT_EMULATE=
export CLQUANT_EMULATE
head -c 6300 "$CLQUANT" | npy '|i1' '70, 90' >a.npy
head -c 4500 "$CLQUANT" | npy '|i1' '90, 50' >b.npy
"$CLQUANT" gemm a.npy b.npy -o reference.npy --quiet --device reference || exit 1

echo "without it, what the device lacks is told:"
for variant in cpu-amx khr-dot nvidia-mma intel-dpas amd-mfma amd-mfma32 amd-wmma nvidia-dp4a amd-dot arm-dot; do
    if "$CLQUANT" gemm a.npy b.npy -o c.npy --force --quiet --variant $variant 2>message; then
        cmp c.npy reference.npy # it has it
    elif ! grep -q "the forced variant $variant cannot run this on .*: \(the device lacks cl_\|dp4a needs\|its tensor cores need\|the processor has no AMX\|the device is no gfx\|the system \|not \)" message &&
        ! grep -q 'clBuildProgram failed' message; then
        echo "$variant: $(cat message)"
    fi
done

echo "with it, all run:"
CLQUANT_EMULATE=1
for variant in cpu-amx khr-dot nvidia-mma intel-dpas amd-mfma amd-mfma32 amd-wmma nvidia-dp4a amd-dot arm-dot; do
    rm -f c.npy
    "$CLQUANT" gemm a.npy b.npy -o c.npy --variant $variant --json >report || exit 1
    cmp c.npy reference.npy
    sed -n 's/ *"\(variant\|reason\)": \("[^;]*\).*/\2/p' report
done

# Of tensor cores the lesser tile is tried where a driver has not the greater.
if [ -n "$CLQ_ZOO_LAYER" ]; then
    printf '#define STAGES 3\ttypedef char too_large[TILE == 128 ? -1 : 1];\\n#define STAGES 3\n' >changes
    head -c 18000 "$CLQUANT" | npy '|i1' '180, 100' >wide_a.npy
    head -c 17000 "$CLQUANT" | npy '|i1' '100, 170' >wide_b.npy
    "$CLQUANT" gemm wide_a.npy wide_b.npy -o wide.npy --quiet --device reference || exit 1
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="mutate=$PWD/changes" "$CLQUANT" gemm wide_a.npy wide_b.npy -o c.npy --force \
        --variant nvidia-mma --json >report 2>message
    grep -c 'kernel gemm_mma does not build' message
    cmp c.npy wide.npy
    sed -n 's/ *"reason": "[^;]*; \([^"]*\)".*/\1/p' report
else
    printf '1\ntiles of 64 x 64\n'
fi

echo "and none is chosen:"
"$CLQUANT" gemm a.npy b.npy -o c.npy --force --json >report || exit 1
cmp c.npy reference.npy
grep -c emulated report

echo "other values:"
for value in 2 -1 yes; do
    (CLQUANT_EMULATE=$value && refused gemm a.npy b.npy -o d.npy)
done
CLQUANT_EMULATE=0
"$CLQUANT" gemm a.npy b.npy -o c.npy --force --quiet
