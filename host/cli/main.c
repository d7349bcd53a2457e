/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "stack.h"

int main(int argc, char **argv)
{
    return cli_with_stack(cli_run, argc, argv);
}
