# SPDX-License-Identifier: Apache-2.0
# A driver that ends the process in one kernel's launches (tests/zoo, the habit `crash`): the cases that launch it failed,
# all others are judged as on a sound device, and every report tells so.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
cases() { # whose verdict fits, without what differs between two runs
    sed -n 'N;s/^ *"name": "\(.*\)",\n *"verdict": "\('"$2"'\)",$/\1 \2/p;D' "$1"
}
on_crashing() {
    habit=$1
    shift
    OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="crash=$habit" "$CLQUANT" verify --quick --budget 9999 --seed 5 "$@"
}

only='probe-[aim]*/[alsw]*'
"$CLQUANT" verify --quick --budget 9999 --seed 5 --device 0:0 --only "$only" --json 2>/dev/null >sound
echo "-- a signal"
on_crashing probe_atomic --device 0:0 --only "$only" --report report.json --reproduce faults >text 2>messages
echo "exit code $?"
said messages | sed 's/^clquant: .*: the driver/clquant: the driver/;s/ in \([0-9]*\) of [0-9]* cases/ in \1 cases/'
sed -n '/^FAILED/,/^[0-9]* cases/{/ cases in /!p;}' text
cases sound '[a-z]*' | sed 's/ .*//' >planned
cases report.json '[a-z]*' | sed 's/ .*//' | cmp - planned && [ "$(wc -l <planned)" -gt 10 ] && echo "the same cases"
cases report.json ok >ok
cases sound ok | diff - ok
echo "-- an exit code, all devices, JUnit and JSON"
on_crashing probe_atomic:3 --device all --only "$only" --report report.xml --json 2>/dev/null >json
echo "exit code $?"
cases json failed
grep -o '"reason": "the driver.*' json | sort | uniq -c | sed 's/^ *//'
grep -o '"exit_code": [0-9]*' json
grep -o '<error message="the driver[^"]*"' report.xml | sort | uniq -c | sed 's/^ *//'
echo "-- too many"
on_crashing probe_integer --device 0:0 --only 'probe-integer/*' >text 2>messages
echo "exit code $?"
said messages | sed 's/.*: given/given/'
sed -n '/^ended/p' text
echo "-- the program that is written"
cd faults/* || exit 1
ls
cc -std=c11 reproduce.c -o reproduce -lOpenCL 2>/dev/null || { echo "no cc with OpenCL's headers" >&2; exit 77; }
./reproduce 0:0 2>/dev/null
(OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="crash=probe_atomic" ./reproduce 0:0) >/dev/null 2>&1
echo "with the fault: $?"
