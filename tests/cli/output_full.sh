# SPDX-License-Identifier: Apache-2.0
# Results that cannot be printed are a failure, also when stdout is closed; nothing lands in another file.
[ -e /dev/full ] || exit 77
"$CLQUANT" --help >/dev/full
echo $?
"$CLQUANT" multiplier 0.5 --json >/dev/full
echo $?
"$CLQUANT" sample transformer-block -o x.safetensors >&-
echo $?
"$CLQUANT" info x.safetensors >/dev/null
echo $?
"$CLQUANT" minmax nowhere >/dev/full
echo $?
