/* SPDX-License-Identifier: Apache-2.0 */
int main(int argc, char **argv)
{
    open_device(argc, argv);
    return run();
}
