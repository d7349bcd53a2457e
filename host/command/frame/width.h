/* SPDX-License-Identifier: Apache-2.0 */
/* How much room there is on a line, and how much of it a text takes. Texts went through clq_printable. */
#ifndef CLQ_HOST_COMMAND_FRAME_WIDTH_H
#define CLQ_HOST_COMMAND_FRAME_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/* The columns of a line on stdout: COLUMNS, else the terminal's. */
size_t cli_line_width(void);

/* What it is without COLUMNS where a file or a pipe is read by programs, which search for whole names: no limit. */
#define CLI_ANY_WIDTH SIZE_MAX

/* Whether there is a terminal with room for pictures made of characters. */
int cli_has_room_for_bars(void);

/* The columns that a terminal shows the text in: wide characters take two, marks that combine none. */
size_t cli_text_width(const char *text);

/* The bytes of the text that fit so many columns, up to the last blank that is among them or behind them; 0: no blank
 * is.
 */
size_t cli_fold(const char *text, size_t width);

/* Cut a wider text to at most `width` columns (at least 5) in place, with "..." in its middle. */
void cli_elide(char *text, size_t width);

#endif
