/* SPDX-License-Identifier: Apache-2.0 */
/* A libOpenCL.so.1 from before OpenCL 1.2: not all functions are there. */
int clGetPlatformIDs(unsigned capacity, void *platforms, unsigned *count);

__attribute__((visibility("default"))) int clGetPlatformIDs(unsigned capacity, void *platforms, unsigned *count)
{
    (void)capacity;
    (void)platforms;
    *count = 0;
    return 0;
}
