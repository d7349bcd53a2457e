/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clquant-bench: `clquant bench` with the peers that this program is linked with; the same options, rows and JSON.
 *
 *     clquant-bench [OP...] [OPTION]...
 */
#include <stdlib.h>

#include "command/verbs/bench_verb.h"
#ifdef CLQ_BENCH_ONEDNN
#include "peer_onednn.h"
#endif

int main(int argc, char **argv)
{
    char verb[] = "bench";
    char **words = calloc((size_t)argc + 2, sizeof *words);
    int code = 0;
    if (words == NULL) {
        return CLI_FAILURE;
    }
    words[0] = argv[0];
    words[1] = verb;
    for (int i = 1; i < argc; i++) {
        words[i + 1] = argv[i];
    }
#ifdef CLQ_BENCH_ONEDNN
    cli_bench_set_peers(peer_onednn());
#endif
    code = cli_main(argc + 1, words);
    free(words);
    return code;
}
