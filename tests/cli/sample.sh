# SPDX-License-Identifier: Apache-2.0
# The same bytes on every machine (the checksums), for every seed others; the shapes are those of the real networks.
set -e
for model in mobilenet-v2 resnet-50 transformer-block; do
    "$CLQUANT" sample $model -o $model.safetensors
    cksum <$model.safetensors
    "$CLQUANT" minmax --device reference $model.safetensors | awk '$4 != 0' | wc -l | tr -d ' '
done
"$CLQUANT" info mobilenet-v2.safetensors | grep -e '^features.0.0.weight' -e '^features.2.conv' \
    -e '^features.18.0.weight' -e '^classifier'
"$CLQUANT" info resnet-50.safetensors | grep -e '^conv1' -e '^layer4.0.*conv' -e '^layer4.0.down' -e '^fc'
"$CLQUANT" info transformer-block.safetensors
"$CLQUANT" sample mobilenet-v2 -o again.safetensors --quiet
cmp again.safetensors mobilenet-v2.safetensors
"$CLQUANT" sample mobilenet-v2 -o seed.safetensors --seed 1 --json
! cmp -s seed.safetensors mobilenet-v2.safetensors
"$CLQUANT" sample mobilenet-v2 -o wide.safetensors --scale 2
"$CLQUANT" info wide.safetensors | grep -e '^features.0.0' -e '^features.2.conv.[0-9.]*weight' -e '^features.18.0' -e '^classifier'
"$CLQUANT" sample transformer-block -o deep.safetensors --scale 3 --progress always 2>/dev/null
"$CLQUANT" info deep.safetensors | grep -c '^model.layers.[012].mlp.up_proj.weight '
