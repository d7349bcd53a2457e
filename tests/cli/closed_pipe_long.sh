# SPDX-License-Identifier: Apache-2.0
# bench and verify work for minutes, and all they make is what they print: when nobody reads it any more, they end at
# once, without a word. What also writes a report goes on.
. "$CLQ_TEST_FOLDER/files.inc"

# closed SECONDS ARGUMENT...: the command with a stdout that nobody reads, ended after so long.
mkfifo pipe
closed() {
    seconds=$1
    shift
    code=0
    head -c 0 <pipe &
    reader=$!
    exec 3>pipe
    wait $reader
    timeout "$seconds" "$CLQUANT" "$@" >&3 2>said || code=$?
    exec 3>&-
    echo "$1: $code$(grep -v '^clquant: compiling ' said | sed 's/^/ /')"
}
closed 60 bench --quick --device reference
closed 60 bench --quick --device reference --json
"$CLQUANT" devices --json | grep -q '"spec": "0:0"' || exit 77
closed 60 verify --device 0:0 --full
closed 60 verify --device 0:0 --full --json
closed 60 verify --device 0:0 --quick --only 'minmax/strip/f32/*' --report r.json
grep -c '"complete": true' r.json
