/* Questions to the person at the terminal, whatever the standard streams are connected to.
 *
 * The terminal is /dev/tty.  It refuses to guess: an answer that is neither yes nor no is asked for
 * again, and the end of the input is no answer.  Keys that were typed ahead of a question that
 * never came are thrown away when a verb fails (emr_terminal_drop_typed), because the shell would
 * run it.
 *
 * Where EMRFS_DIALOG names a program, that asks instead, in a window: it gets what it is to do as
 * its argument ("ask", "yes", "page", "say" or "busy"), the text on its standard input,
 * and prints the answer ("yes" or "no" to "yes"); another exit code than 0 is no answer.  The
 * window of the question shows the lines that the verb has written until then.  "busy" stays until
 * its input ends; who closes it ends the program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "kit/message.h"

bool emr_terminal_there(void);
/* It is such a program. */
bool emr_terminal_is_dialog(void);

/* One visible line without its newline; what does not fit into SIZE bytes is cut.  EMR_NOT_FOUND
 * without a terminal; EMR_INTERRUPTED at the end of the input or by a signal; EMR_IO. */
emr_status emr_terminal_ask(const char *question, char *out, size_t size);

/* Asks QUESTION until the answer is yes or no (y and n will do, in any case), five times at most.
 * EMR_NOT_FOUND without a terminal; EMR_INTERRUPTED when no answer came; *out_is_yes is false then.
 */
emr_status emr_terminal_ask_yes(const char *question, bool *out_is_yes);

/* Where a verb says something: kept for the window of the next question where there are windows,
 * else stdout.  Lines that no window has shown are printed at the end. */
FILE *emr_terminal_gather(void);
void emr_terminal_print_gathered(void);

/* Shows TEXT in a window while somebody has to wait; another TEXT takes its place. */
void emr_terminal_busy(const char *text);
void emr_terminal_busy_end(void);

/* In English, or in the language of the question. */
bool emr_terminal_is_yes(const char *answer);
bool emr_terminal_is_no(const char *answer);

/* Whether a person is there to be asked, by a verb that otherwise does not ask, and has not said
 * that NONE of it is wanted. */
bool emr_terminal_asks(bool none);
/* True for a yes alone: not for a no, nor for no terminal, nor for no answer. */
bool emr_terminal_says_yes(const char *question);
/* The last such question was answered with no. */
bool emr_terminal_said_no(void);

/* A page that leaves nothing on the screen nor in its history of lines: TEXT is shown on the
 * terminal's second screen until the person presses Enter.  A terminal without a second screen is
 * cleared.  EMR_NOT_FOUND, EMR_INTERRUPTED and EMR_IO as above; the page is gone in any case.  A
 * signal that ends the program takes the page away, too. */
emr_status emr_terminal_show_page(const char *text);

/* Shows the sentence and the hint of PROBLEM: for what is asked again.  Nothing without a terminal.
 */
void emr_terminal_say(const emr_problem *problem);

/* Throws away what was typed and not read, if anything was asked in this process. */
void emr_terminal_drop_typed(void);

/* How wide standard output is. */
unsigned emr_terminal_columns(void);
