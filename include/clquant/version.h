/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQUANT_VERSION_H
#define CLQUANT_VERSION_H

#define CLQ_VERSION_MAJOR 0
#define CLQ_VERSION_MINOR 1
#define CLQ_VERSION_PATCH 0
#define CLQ_VERSION_STRING "0.1.0"

#endif
