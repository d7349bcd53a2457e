/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler alone is asked: nothing is run. */
static int run(cl_context context, cl_device_id device, cl_command_queue queue)
{
    (void)queue;
    build(context, device, SOURCE, OPTIONS);
    printf("it builds: the fault is gone\n");
    return 0;
}
