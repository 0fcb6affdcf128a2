/* The part of the page about other people: who can see what and how long still, and who opened what
 * lately. It refuses to call an opening proven: it says whose word it is. */
#pragma once

#include "page_facts.h"

/* NAME, ORGANISATION, as HTML. */
void page_who(FILE *to, const emr_who *who);
/* The same as part of a sentence (emr_html_piece): WHO is an emr_who. */
void page_who_piece(FILE *to, const void *who);
void page_people(FILE *to, const page_facts *facts);
