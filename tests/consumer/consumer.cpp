// SPDX-License-Identifier: Apache-2.0
#include <clquant/clquant.h>

#include <cstring>

int main()
{
    clq_scheme scheme;
    clq_parameters parameters;
    clq_error error;
    const bool right = std::strcmp(clq_version(), CLQ_VERSION_STRING) == 0 &&
                       clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, &scheme, &error) == CLQ_OK &&
                       clq_choose_parameters(&scheme, -127.0, 127.0, &parameters, &error) == CLQ_OK &&
                       parameters.scale == 1.0f;
    return right ? 0 : 1;
}
