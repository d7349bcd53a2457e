# SPDX-License-Identifier: Apache-2.0
# An existing file is replaced under --force only; a failure leaves nothing behind.
. "$CLQ_TEST_FOLDER/files.inc"
echo old >x.safetensors
refused sample transformer-block -o x.safetensors
cat x.safetensors
"$CLQUANT" sample transformer-block -o x.safetensors --force
refused sample transformer-block -o missing/x.safetensors
mkdir folder
refused sample transformer-block -o folder --force
refused sample transformer-block -o folder/
ls -A . folder
"$CLQUANT" sample transformer-block -o folder/-x.safetensors -q
ls -A folder
