# SPDX-License-Identifier: Apache-2.0
# On this machine's own CPU processes share the cases: what one loses is its own case's alone, and the report has the
# order of the list. One that is killed from outside while others are at work, as a machine without memory does, leaves
# its case to one that is alone; where there is only one, it is judged.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json >devices
grep -q '"spec": "0:0"' devices || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
[ "$(sed -n '/"spec": "native"/,/"compute_units"/s/.*"compute_units": \([0-9]*\).*/\1/p' devices)" -gt 1 ] || {
    echo "there is one processor" >&2
    exit 77
}
only='[cm]*[er]*/strip/*[12]x*/*' # choose-parameters and merge-range: four groups
names() {
    sed -n 's/^ *"name": "\(.*\/.*\)",$/\1/p' "$1"
}
"$CLQUANT" verify --quick --budget 9999 --seed 5 --device 0:0 --only "$only" --report sound.json >text 2>messages
echo "exit code $?"
said messages
sed -n 's/ cases in .* s: .* ok, / cases, /p' text | sed 's/^[0-9]* /some /'

echo "-- lost in the compiler"
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO=crash-build=merge_range "$CLQUANT" verify --quick --budget 9999 --seed 5 --device 0:0 \
    --only "$only" --report lost.json --reproduce faults >text 2>messages
echo "exit code $?"
said messages | sed 's/^clquant: .*: the driver/clquant: the driver/;s/ of [0-9]* cases/ cases/'
names sound.json >planned
names lost.json | cmp - planned && echo "the same cases in the same order"
grep -o '"reason": "the driver.*' lost.json | sort
sed -n '/"name": "choose-parameters/,/"verdict"/s/.*"verdict": //p' lost.json | sort -u
ls faults

# Until each process stands still in a build; then the first is killed.
kill_one() { # HABITS PROCESSES
    : >hold
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="$1 hold-build=$PWD/hold" "$CLQUANT" verify --quick --budget 9999 --seed 5 --device 0:0 \
        --only "$only" --report killed.json >text 2>messages &
    process=$!
    await holds "$2"
    kill -s KILL "$(sed -n 1p hold)"
    rm hold
    code=0
    wait $process || code=$?
    echo "exit code $code"
    names killed.json | cmp - planned && echo "the same cases in the same order"
    grep -c '"verdict": "failed"' killed.json
    grep -o '"reason": "the driver.*' killed.json
}
holds() {
    [ "$(wc -l <hold)" -ge "$1" ]
}
echo "-- a device for one process"
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="exclusive=$PWD/lock" "$CLQUANT" verify --quick --budget 9999 --seed 5 --device 0:0 --only "$only" \
    --report alone.json >text 2>messages
echo "exit code $?"
said messages | sed 's/clCreateContext.*;/clCreateContext ...;/'
names alone.json | cmp - planned && echo "the same cases in the same order"

echo "-- killed beside another"
kill_one '' 2
echo "-- killed alone, as on a GPU each is"
kill_one type=gpu 1
