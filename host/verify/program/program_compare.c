/* SPDX-License-Identifier: Apache-2.0 */
static int compare(const char *got)
{
    size_t bytes, at = 0;
    const char *want = load("expected.bin", &bytes);
    while (at < bytes && got[at] == want[at]) {
        at++;
    }
    if (at == bytes) {
        printf("the bytes are right: the fault is gone\n");
        return 0;
    }
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        if (at >= operands[i].offset && at - operands[i].offset < operands[i].bytes) {
            printf("%s, byte %zu: ", operands[i].name, at - operands[i].offset);
        }
    }
    printf("got 0x%02x, want 0x%02x\n", (unsigned char)got[at], (unsigned char)want[at]);
    return 1;
}
