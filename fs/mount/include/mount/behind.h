/* A verb that goes on behind its caller: the caller waits until what was begun answers, or says why
 * not. It refuses to let a caller go before that. */
#pragma once

#include "kit/out.h"

/* Forks, before any key is in memory: locked memory is not inherited.  The child has RUN with a
 * descriptor for emr_behind_let_go, and ends with what it returns; the parent gets the code that
 * the child lets go with.  WHAT did not come about, if the child ends without a word. */
typedef int (*emr_behind_fn)(void *arg, int report_fd);
int emr_behind_run(emr_out *out, const char *what, emr_behind_fn run, void *arg);
/* In the child, once: nothing of ours holds the terminal or a pipe of the caller any more; then the
 * parent may go with CODE: at once when the child GOES_ON, also with a failure (its words could not
 * be written), else when it has ended. *REPORT_FD becomes -1; with -1 (in the foreground) nothing
 * happens. */
void emr_behind_let_go(int *report_fd, int code, bool goes_on);
