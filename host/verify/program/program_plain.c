/* SPDX-License-Identifier: Apache-2.0 */
static char *probe(clq_plain *p)
{
    size_t bytes;
    p->context = context;
    p->device = device;
    p->queue = queue;
    p->source = load(SOURCE, &bytes);
    p->kernel = build(SOURCE, OPTIONS, "probe_step");
    p->before = (unsigned char *)load("arena.bin", &p->bytes);
    p->got = (unsigned char *)load("arena.bin", &p->bytes);
    need(PROBE(p), p->failed, (int)p->code, IF_A_CALL_FAILS);
    return (char *)p->got;
}
