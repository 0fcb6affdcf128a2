/* These functions write names of other people as names of directories and as values of
 * attributes. They refuse to let such a name contain a slash, or look like something that emrfs
 * itself says. */
#pragma once

#include "view/received.h"

#include "node.h"

/* A text of another person as a part of a name: the texts themselves were checked when their letter
 * was opened (controls, marks of direction), but a slash ends a name. */
void owner_tame(char *text, const char *nothing, size_t size);
/* NAME, any bytes, as a name that shows as it is: every other character, and what a path is made
 * of, becomes "_". */
void owner_show_plainly(emr_bytes name, char out[EMR_NAME_MAX + 1]);
/* The names of the N people of IDS, as emr_view_options.names says them; no lock. */
emr_status owner_names(const emr_view *view, const emr_id32 *ids, size_t n, emr_owner_called *out);
/* The words of user.emrfs.patient for the person with CARD, as CALLED stands for him.  Any lock. */
void owner_call(const emr_owner_called *called, const emr_card *card, char out[EMR_NAME_MAX + 1]);
/* How his directory is called: the handle, with a number behind it where others had it before. A
 * code stands in it only where nothing else tells whose it is: without a handle, or with one that
 * looks like another's or is no name of a directory; and behind the word of CARD, which stands
 * there where a patient's certificate names nobody. No two people have one.  Any lock. */
void owner_name_directory(
	const emr_owner_called *called, const emr_card *card, char out[EMR_NAME_MAX + 1]);
/* The same of the person with CARD, of whom owner_call says NAME ("": it is looked up). No lock. */
emr_status owner_say(const emr_view *view, const char *name, const emr_card *card, emr_buf *out);
