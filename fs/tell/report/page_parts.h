/* The parts of report.html that have a file each, in the order of the page.  Each writes HTML of
 * what page_facts has found, and asks nobody. */
#pragma once

#include <stdio.h>

#include "page_facts.h"

/* ---- page_chart.c: a line over time, as SVG that follows the page's colours and width. ---- */

/* Of the files, or of the bytes. */
void page_chart(FILE *to, const page_facts *facts, bool of_bytes);

/* ---- page_people.c: who can see what and how long still, and who opened what lately.  It refuses
 * to call an opening proven: it says whose word it is. ---- */

/* NAME, ORGANISATION, as HTML. */
void page_who(FILE *to, const emr_who *who);
/* The same as part of a sentence (emr_html_piece): WHO is an emr_who. */
void page_who_piece(FILE *to, const void *who);
void page_people(FILE *to, const page_facts *facts);

/* ---- page_log.c: what happened lately, the newest first.  It refuses to list openings, which have
 * their own part. ---- */

/* EMR_NO_MEMORY. */
emr_status page_log(FILE *to, const page_facts *facts);
