/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/verify.h"

#include <stdlib.h>
#include <string.h>

/* A difference has no reason: each is a story of its own. */
int cli_verify_is_alike(const clq_verify_case *a, const clq_verify_case *b)
{
    return a == b ||
           (a->reason != NULL && b->reason != NULL && a->verdict == b->verdict && strcmp(a->reason, b->reason) == 0);
}

static cli_verify_story *story_of(const cli_verify_stories *stories, const clq_verify_case *c)
{
    for (size_t i = 0; i < stories->count; i++) {
        if (cli_verify_is_alike(stories->list[i].first, c)) {
            return &stories->list[i];
        }
    }
    return NULL;
}

static int begin_story(cli_verify_stories *stories, const clq_verify_case *c)
{
    if (stories->count == stories->capacity) {
        const size_t capacity = 2 * stories->capacity + 16;
        cli_verify_story *grown = realloc(stories->list, capacity * sizeof *grown);
        if (grown == NULL) {
            return 0;
        }
        stories->list = grown;
        stories->capacity = capacity;
    }
    stories->list[stories->count++] = (cli_verify_story){c, 1};
    return 1;
}

int cli_verify_find_stories(const clq_verify_report *report, cli_verify_stories *stories)
{
    memset(stories, 0, sizeof *stories);
    for (size_t i = 0; i < report->case_count; i++) {
        const clq_verify_case *c = &report->cases[i];
        cli_verify_story *known = cli_verify_is_failure(c) && c->reason != NULL ? story_of(stories, c) : NULL;
        if (known != NULL) {
            known->cases++;
        } else if (cli_verify_is_failure(c) && !begin_story(stories, c)) {
            free(stories->list);
            memset(stories, 0, sizeof *stories);
            return 0;
        }
    }
    return 1;
}

const clq_verify_case *cli_verify_first_alike(const cli_verify_stories *stories, const clq_verify_case *c)
{
    const cli_verify_story *story = c->reason != NULL ? story_of(stories, c) : NULL;
    return story != NULL ? story->first : c;
}

void cli_verify_release_stories(cli_verify_stories *stories)
{
    free(stories->list);
    memset(stories, 0, sizeof *stories);
}
