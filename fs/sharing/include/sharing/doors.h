/* The attribute grant.WHO, shared-with and the directory shared-by-me of an open folder
 * (view/giving.h), answered out of fs/sharing: the same orders as the verbs give. They refuse
 * people who are not in the book: a name in a file system must not be a guess. */
#pragma once

#include "sharing/sharing.h"
#include "view/giving.h"

typedef struct emr_doors emr_doors; /* thread-safe */

/* SESSION and NOTICES are borrowed; session->sharing may come later. */
emr_status emr_doors_new(emr_session *session, emr_notices *notices, emr_doors **out_doors);
void emr_doors_free(emr_doors *doors);
/* For emr_view_options; the argument is the emr_doors. */
extern const emr_giving emr_doors_giving;
