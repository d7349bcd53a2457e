# SPDX-License-Identifier: Apache-2.0
# A driver that cannot be loaded (tests/zoo/broken_icd.c) beside one that can: it is left out, with a warning, and
# nothing of it shows in the output.
. "$CLQ_TEST_FOLDER/files.inc"
[ -n "$CLQ_ICD_FOLDER" ] || exit 77
"$CLQUANT" devices --json >plain || exit 1
grep -q '"spec": "0:0"' plain || exit 77
"$CLQUANT" devices >plain.text || exit 1
mkdir drivers tmp
cp /etc/OpenCL/vendors/*.icd drivers || exit 77
f32 3f800000 c0000000 40400000 | npy '<f4' '3,' >x.npy
"$CLQUANT" quantize x.npy -o want.safetensors --device reference --quiet || exit 1
TMPDIR=$PWD/tmp
CLQUANT_DRIVER_SECONDS=300 # only what hangs takes them
OCL_ICD_VENDORS=drivers
export TMPDIR CLQUANT_DRIVER_SECONDS OCL_ICD_VENDORS

# Run the command; print its exit code and what it says, but for folders and for how long it waited.
run() {
    code=0
    "$CLQUANT" "$@" >"$1.out" 2>"$1.err" || code=$?
    echo "$1: $code: $(said "$1.err" | sed -e 's/[^ ]*lib/lib/' -e 's/[0-9]* s$/N s/')"
}
broken() {
    echo "$CLQ_ICD_FOLDER/libclquant_icd_$1.so" >drivers/bad.icd
}
each_verb() {
    (run quantize x.npy -o y.safetensors --device 0:0 --force >later) &
    run devices --json
    sed -n '/"left_out"/,$p' devices.out | sed -e '/"driver"/s/[^ ]*lib/"lib/' -e 's/[0-9]* s"/N s"/'
    sed '/"left_out"/,$d' devices.out >list
    sed '/"left_out"/,$d' "$top/plain" | cmp - list || echo "other devices"
    wait $!
    cat later
    cmp y.safetensors "$top/want.safetensors"
}

# Waiting takes no processor: what hangs is waited for beside the others.
top=$PWD
hangs() {
    mkdir hangs
    cp -r drivers x.npy hangs
    cd hangs || exit 1
    broken hangs
    (CLQUANT_DRIVER_SECONDS=10 && each_verb)
    CLQ_ICD_LOG=$PWD/log "$CLQUANT" minmax x.npy --device 0:0 >out 2>err &
    process=$!
    await [ -s log ]
    kill -INT $process
    code=0
    wait $process || code=$?
    echo "$code: $(cat err)"
}
(hangs) >hangs.out 2>&1 &
hanging=$!

for kind in aborts_loaded aborts_asked exits hollow; do
    echo "-- $kind"
    broken $kind
    each_verb
done
echo "-- told by devices"
broken aborts_asked
run devices
sed '/^left out/,$d' devices.out >text
{ cat plain.text; echo; } | cmp - text
sed -n '/^left out/,$p' devices.out | sed 's/[^ ]*lib/lib/'
run minmax x.npy --device 0:0 --quiet

echo "-- no device is needed"
run minmax x.npy --device reference
run info x.npy

echo "-- none is left, none was there"
mkdir bad empty
mv drivers/bad.icd bad
for OCL_ICD_VENDORS in bad bad/bad.icd "$(cat bad/bad.icd)" empty; do
    run minmax x.npy
    run quantize x.npy -o y.safetensors --device cpu --force
done
OCL_ICD_VENDORS=drivers

echo "-- the time is no time"
CLQUANT_DRIVER_SECONDS=soon run minmax x.npy

echo "-- what could be loaded is noted until it changes"
CLQUANT_CACHE_DIR=$PWD/cache
CLQ_ICD_LOG=$PWD/log
export CLQUANT_CACHE_DIR CLQ_ICD_LOG
cp "$CLQ_ICD_FOLDER/libclquant_icd_hollow.so" driver.so
echo "$PWD/driver.so" >drivers/bad.icd
loads() {
    rm -f log
    run minmax x.npy --device 0:0
    echo "loaded $(grep -c loaded log) times"
}
loads
loads
for note in cache/*.drivers; do
    sed '$d' "$note" >part && cp part "$note"
done
loads
loads
cp "$CLQ_ICD_FOLDER/libclquant_icd_aborts_asked.so" other.so && mv other.so driver.so
run minmax x.npy --device 0:0 | sed 's/driver .*driver.so/driver driver.so/'
echo "-- hangs"
wait $hanging
cat hangs.out
ls -A tmp
ls -A cache | grep -v 'program$\|verdict$' | sed 's/^[0-9a-f]*/N/'
