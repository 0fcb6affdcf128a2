/* Joining and updating give files through this: one copy after the other is made, and whoever asked
 * is told what was withheld and why. */
#pragma once

#include "private.h"

typedef struct giving {
	emr_research *research;
	const char *dataset; /* as people call it; NULL: it is the one that was asked about */
	bool only_look;
	cleaner c;
	const emr_sink *sink; /* NULL: it is once, when the folder is opened, and may stop */
	json_t *withheld;     /* not said yet; owned */
	size_t portion;	      /* about its bytes */
	uint64_t looked_at, copies, added, added_again, changed, removed, n_withheld;
	int64_t said_boot_ns;
	unsigned made; /* folders of the copies' path that were not there, from the last */
} giving;

/* Adds the files at and below PATH to P; EMR_NOT_FOUND: there is nothing.  G (may be NULL)
 * withholds a link, or what else is no file, and may end the gathering, which is EMR_INTERRUPTED
 * then. */
emr_status giving_gather(giving *g, pass *p, const char *path);
/* Makes the copy of ONE, or says why there is none. */
emr_status giving_take(giving *g, pass *p, original *one);
/* It is for nobody, and the folder closes or somebody wants to make copies. */
bool giving_has_to_stop(const giving *g);
emr_status giving_say_withheld(giving *g);
