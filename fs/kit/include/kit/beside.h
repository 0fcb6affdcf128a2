/* This finds programs that are installed beside emrfs. It refuses to look for them in PATH,
 * which others may have set. */
#pragma once

#include <stdbool.h>

/* The absolute path of libexec/emrfs/NAME below the prefix that the running program was installed
 * in, owned by the caller; NULL when it is not there. */
char *emr_beside(const char *name);
/* Whether the desktop has a message bus to be reached. */
bool emr_has_session_bus(void);
