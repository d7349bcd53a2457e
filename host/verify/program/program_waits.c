/* SPDX-License-Identifier: Apache-2.0 */
static void too_late(int number)
{
    static const char text[] = "no answer: the fault is there\n";
    _exit(number > 0 && write(2, text, sizeof text - 1) > 0 ? 1 : 2);
}

int main(int argc, char **argv)
{
    unsigned seconds = LIMIT;
    need(argc < 4 || sscanf(argv[3], "%u", &seconds) == 1, "SECONDS is a number", argc, 2);
    signal(SIGALRM, too_late);
    alarm(seconds);
    open_device(argc, argv);
    return run();
}
