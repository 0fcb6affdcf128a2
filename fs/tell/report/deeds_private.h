/* This is what the files that make the log share. */
#pragma once

#include "report/deeds.h"

/* What the owner is called in it; borrowed from SESSION. */
const char *deeds_own_name(const emr_session *session);
/* NAME, as people read it: "you" and "the owner", which stand in JSON, are words. */
const char *deeds_called(const char *name);
/* The path of ENTRY, or how many files in which folder when it stands for several (folding.c);
 * OTHERWISE when nobody knows it. */
void deeds_put_path(FILE *to, const json_t *entry, const char *otherwise);
/* Who did ENTRY, as people read it. */
void deeds_who(const json_t *entry, char *out, size_t size);
