# SPDX-License-Identifier: Apache-2.0
# What bench refuses, before it measures anything: unknown operations and variants, options that exclude each other, and
# files of shapes with the line that is wrong.
. "$CLQ_TEST_FOLDER/files.inc"
refused bench quantise
refused bench minmax nonsense
refused bench --rounds 0
refused bench --rounds 201
refused bench --rounds
refused bench --shapes ''
refused bench --sweeps
refused bench -o x
refused bench --shapes missing
refused bench --sweep --shapes missing
refused bench --device nonsense | sed 's/there are: .*/there are: .../'

shapes() {
    printf "$@" >shapes.txt
    refused bench --shapes shapes.txt
}
shapes ''
shapes '# nothing\n\n   \n'
shapes '1024\nlarge\n'
shapes '1024\n\n4x axis=0\n'
shapes '64x64 axis=2'
shapes '64x64 axis=0 group=0'
shapes '64 rows=2'
shapes '0'
shapes '9999999999999'
shapes '1x1x65537'
shapes '64\0 64\n'
shapes '%300s\n' 64
i=0
while [ $i -le 64 ]; do
    echo 64
    i=$((i + 1))
done >shapes.txt
refused bench --shapes shapes.txt
mkdir folder
refused bench --shapes folder

echo '64x64 axis=1' >shapes.txt
refused bench gemm --shapes shapes.txt
refused bench batch --shapes shapes.txt
refused bench gemm-batch --shapes shapes.txt
echo 8x8x8 >shapes.txt
refused bench minmax gemm --shapes shapes.txt
# The reference has no variants, and another way to say so.
refused bench gemm --variant nonsense | cut -c 1-35
