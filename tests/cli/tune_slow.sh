# SPDX-License-Identifier: Apache-2.0
# A compiler that takes longer than tune has (tests/zoo, the habit `hold-build`): it is waited for, and behind it neither
# its binary is made, on a processor, nor another kernel compiled, nor a case of it compared.
[ -n "$CLQ_ZOO_LAYER" ] || exit 77
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
. "$CLQ_TEST_FOLDER/files.inc"
CLQUANT_CACHE_DIR=$PWD/cache
export CLQUANT_CACHE_DIR
: >hold
OPENCL_LAYERS=$CLQ_ZOO_LAYER CLQ_ZOO="hold-build=$PWD/hold" "$CLQUANT" tune --budget 1 --operation minmax --device 0:0 \
    --verbose >text 2>messages &
await grep -q '^clquant: compiling .* cannot be stopped; nothing else is begun$' messages
rm hold
wait $! || echo "exit code $?"
sed 's/^[^ ].*: not tuned, .*/DEVICE: not tuned/; s/: [0-9]* of [0-9]*/: N of N/' text
grep -c '^clquant: built ' messages
grep '^clquant: comparing ' messages || :
