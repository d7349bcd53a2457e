/* SPDX-License-Identifier: Apache-2.0 */
/* Knows of an engine (tests/embedder), and nothing of clquant. */
int engine_has_devices(void);

int main(void)
{
    return engine_has_devices() ? 0 : 1;
}
