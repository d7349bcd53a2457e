/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_COMMAND_FRAME_DRIVER_LIST_H
#define CLQ_HOST_COMMAND_FRAME_DRIVER_LIST_H

#include "command/frame/drivers.h"

/* The drivers that the loader will find: up to CLI_DRIVERS_MOST, in the order of their files' names. Returns how many.
 */
size_t cli_list_drivers(cli_driver *drivers);

/* Where it looks for them: a folder, or what OCL_ICD_VENDORS says. */
const char *cli_drivers_place(void);

/*
 * The name, for the cache, of the note that these drivers can be loaded: it changes with their .icd files and with what
 * else decides which libraries are loaded and what they do then.
 */
typedef struct cli_drivers_note {
    char name[32];
} cli_drivers_note;
cli_drivers_note cli_name_drivers_note(const cli_driver *drivers, size_t count);

/* Write it, in the process that has just loaded them: it lists the libraries. Where it cannot, there is none. */
void cli_write_drivers_note(const char *cache, const cli_drivers_note *note);

/* Whether it is there and all libraries are what they were. */
int cli_drivers_note_holds(const char *cache, const cli_drivers_note *note);

#endif
