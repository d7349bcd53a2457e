# SPDX-License-Identifier: Apache-2.0
# Interrupted in the middle: exit code 130 for SIGINT, 143 for SIGTERM, and nothing stays.
interrupt() {
    "$CLQUANT" sample resnet-50 --scale 4 -o x.safetensors &
    process=$!
    tries=0
    # The temporary file shows that writing has begun.
    while [ -z "$(ls -A)" ] && [ $tries -lt 500 ]; do
        sleep 0.01
        tries=$((tries + 1))
    done
    kill -s "$1" $process
    wait $process
    echo "$1: $?, left: '$(ls -A)'"
}
interrupt INT
interrupt TERM
