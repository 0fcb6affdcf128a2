/* The part of the page about what happened lately, the newest first.  It refuses to list openings,
 * which have their own part. */
#pragma once

#include <stdio.h>

#include "page_facts.h"

/* EMR_NO_MEMORY. */
emr_status page_log(FILE *to, const page_facts *facts);
