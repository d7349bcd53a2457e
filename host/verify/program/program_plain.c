/* SPDX-License-Identifier: Apache-2.0 */
static int run(cl_context context, cl_device_id device, cl_command_queue queue)
{
    clq_plain p;
    size_t bytes;
    cl_int code;
    memset(&p, 0, sizeof p);
    p.context = context;
    p.device = device;
    p.queue = queue;
    p.source = load(SOURCE, &bytes);
    p.kernel = clCreateKernel(build(context, device, SOURCE, OPTIONS), "probe_step", &code);
    RUN("clCreateKernel", code);
    p.before = (unsigned char *)load("arena.bin", &p.bytes);
    p.got = (unsigned char *)load("arena.bin", &p.bytes);
    for (size_t i = 0; operands[i].bytes != 0; i++) {
        p.offsets[i] = operands[i].offset;
    }
    p.words = WORDS;
    p.local = LOCAL;
    p.number = NUMBER;
    if (!PROBE(&p)) {
        give_up(p.failed, (int)p.code, fails ? 1 : 2);
    }
    return compare((char *)p.got);
}
