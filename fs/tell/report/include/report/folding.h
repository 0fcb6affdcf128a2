/* Lines for people, where what one person did to many files of one folder within a minute is one
 * line.  It refuses to fold what is not the same deed of the same person: JSON and .emrfs/log have
 * every entry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/status.h"

typedef struct emr_folding emr_folding;

/* One line, without its line feed; borrowed. */
typedef void (*emr_line_fn)(void *arg, const char *line);
/* EMR_NO_MEMORY. */
emr_status emr_folding_new(emr_line_fn fn, void *arg, emr_folding **out_folding);
/* ENTRY comes next (of emr_deeds_next, in its order; not kept as it is).  Lines are given once the
 * minute is over. */
emr_status emr_folding_add(emr_folding *folding, const json_t *entry);
/* The entries that are left. */
emr_status emr_folding_end(emr_folding *folding);
/* Some line so far was about several entries. */
bool emr_folding_has_folded(const emr_folding *folding);
void emr_folding_free(emr_folding *folding); /* NULL is fine */
