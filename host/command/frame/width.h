/* SPDX-License-Identifier: Apache-2.0 */
/* How much room there is on a line, and how much of it a text takes. Texts went through clq_printable. */
#ifndef CLQ_HOST_COMMAND_FRAME_WIDTH_H
#define CLQ_HOST_COMMAND_FRAME_WIDTH_H

#include <stddef.h>

/* The columns of a line on stdout: COLUMNS, else the terminal's, else 100. */
size_t cli_line_width(void);

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
