/* SPDX-License-Identifier: Apache-2.0 */
static void too_late(int number)
{
    static const char text[] = "no answer: the fault is there\n";
    _exit(number > 0 && write(2, text, sizeof text - 1) > 0 ? 1 : 2);
}
