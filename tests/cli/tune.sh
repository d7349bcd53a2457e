# SPDX-License-Identifier: Apache-2.0
# Tuned values: searched, kept beside the kernels, carried from one folder to another, and told by `devices`. Which
# values win is a matter of the machine and of the hour, so a table is made here in the form that an export has.
. "$CLQ_TEST_FOLDER/files.inc"
[ "$CLQ_TEST_DEVICE" != reference ] || exit 77
"$CLQUANT" devices --json | grep -q '"auto": true' || exit 77
CLQUANT_CACHE_DIR=$PWD/cache
export CLQUANT_CACHE_DIR

# A row for each tunable that minmax depends on and that was reached; the others are counted in a line. All have a row in
# JSON.
"$CLQUANT" tune --budget 1 --operation minmax >table || echo "exit code $?"
tail -n 1 table | grep -c "cache/[0-9a-f]*\.tuning$"
rows=$(grep -c '^\(minmax\|columns\|memory\)\..* \(won\|kept\|taken back\)$' table)
left_out=$(sed -n 's/^not reached in the time that there was: \([0-9]*\) of 11 tunables, which keep their values; .*/\1/p' table)
[ $((rows + ${left_out:-0})) -eq 11 ] || cat table
[ "$(sed 's/  .*//;1q' table)" = tunable ] || [ "$rows" -eq 0 ] || cat table
"$CLQUANT" tune --budget 1 --operation minmax --json >json || echo "exit code $?"
grep -B 1 '"before"' json | sed -n 's/.*"name": "\([a-z]*\)\..*/\1/p' | sort | uniq -c | tr -s ' '
grep -c '"outcome": "\(won\|kept\|taken back\|not reached\)"' json
printf '4096\n' >shapes
"$CLQUANT" tune --budget 1 --operation minmax --shapes shapes >/dev/null || echo "exit code $?"

# What was kept before is where a search begins: it stays where there was no time, and where nothing won.
"$CLQUANT" tune --export kept.tuning >/dev/null || echo "exit code $?"
grep -v '^\(minmax.items\|walk.items\|checksum\)' kept.tuning >kept
printf 'minmax.items 128\nwalk.items 128\nchecksum none\n' >>kept
for operation in minmax quantize; do
    "$CLQUANT" tune --import kept >/dev/null || echo "exit code $?"
    "$CLQUANT" tune --budget 1 --operation $operation --json >json || echo "exit code $?"
    "$CLQUANT" tune --export kept.tuning --force >/dev/null || echo "exit code $?"
    for name in minmax.items walk.items; do
        outcome=$(grep -A 6 "\"name\": \"$name\"" json | sed -n 's/.*"outcome": "\(.*\)".*/\1/p')
        [ -z "$outcome" ] || grep -A 1 "\"name\": \"$name\"" json | grep -q '"before": 128,' || cat json
        [ "$outcome" = won ] || grep -q "^$name 128\$" kept.tuning || echo "$operation: $name was lost: $outcome"
    done
done

# Out, and back in on another machine. Values that ship for this one (kernels/tuned.def) are no matter here.
rm -rf cache
"$CLQUANT" tune --export out.tuning | sed -n '$s/.*: exported\(, without[^,]*\)*/exported/p'
sed -n 1p out.tuning
refused tune --export out.tuning
"$CLQUANT" tune --export out.tuning --force >/dev/null || echo "exit code $?"
"$CLQUANT" tune --import out.tuning | sed -n '$s/.*: imported\(, without[^,]*\)*, [^,]*cache.[0-9a-f]*\.tuning$/imported, .../p'
"$CLQUANT" tune --export again.tuning >/dev/null
cmp out.tuning again.tuning

# By hand: what runs then says so, and what nobody tuned does not.
sed 's/^checksum.*/gemm.tiles 8\nwalk.items 64\nchecksum none/' out.tuning >byhand
"$CLQUANT" tune --import byhand | grep '^walk.items'
"$CLQUANT" devices | grep -c '^    gemm  .*; tuned)$'
"$CLQUANT" devices | grep -c '^    choose-parameters  .*tuned'
"$CLQUANT" tune --budget 1 --operation gemm --json | grep -A 1 '"name": "walk.items"' # it stays: gemm was searched

# Tables that are none. The checksum is looked at last.
grep -v '^checksum' out.tuning >cut
refused tune --import cut | sed 's/line [0-9]*:/line N:/'
sed 's/^device .*/device another/' out.tuning >other
"$CLQUANT" tune --import other 2>message || echo "exit code $?"
said message | sed 's/, this is .*/, this is .../'
sed 's/^checksum/gemm.rows 5\nchecksum/' out.tuning >value
refused tune --import value | sed 's/line [0-9]*:/line N:/'
sed 's/^checksum/walk.lanez 8\nchecksum/' out.tuning >name
refused tune --import name | sed 's/line [0-9]*:/line N:/'
sed 's/^checksum/walk.items 8\nchecksum/' out.tuning >changed
refused tune --import changed | sed 's/line [0-9]*:/line N:/'
refused tune --import .
refused tune --import nowhere
head -c 10000 /dev/zero >zeros
refused tune --import zeros

# What was asked for makes no sense.
refused tune --budget 0
refused tune --budget much
refused tune --operation minmix
refused tune --operation batch --shapes shapes
refused tune --export a --import b
refused tune --export a --budget 5
refused tune x
CLQUANT_CACHE_DIR= refused tune --import out.tuning
CLQUANT_CACHE_DIR= refused tune
refused tune --device reference
refused tune --device native
refused tune --device native --export out.tuning --force
