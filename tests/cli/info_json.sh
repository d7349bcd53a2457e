# SPDX-License-Identifier: Apache-2.0
# One object, also with several files and failures; the exit code is that of the first failure.
. "$CLQ_TEST_FOLDER/files.inc"
{
    f32 3d000000 3e000000
    printf '\001\002\003\004'
} | safetensors '{"__metadata__":{"format":"pt"},"w_scale":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"w":{"dtype":"I8","shape":[2,2],"data_offsets":[8,12]}}' >q.safetensors
"$CLQUANT" info --json q.safetensors nowhere.npy 2>/dev/null
