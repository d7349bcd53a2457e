/* SPDX-License-Identifier: Apache-2.0 */
static int differs(const char *got, const char *operand, size_t first, size_t bytes)
{
    size_t all;
    const char *want = load("expected.bin", &all);
    for (size_t i = 0; i < bytes; i++) {
        if (got[first + i] != want[first + i]) {
            printf("%s, byte %zu: got 0x%02x, want 0x%02x\n", operand, i, (unsigned char)got[first + i],
                   (unsigned char)want[first + i]);
            return 1;
        }
    }
    return 0;
}
