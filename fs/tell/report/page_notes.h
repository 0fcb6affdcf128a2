/* These functions say what is superseded or lacks the version that it amends: on the page it
 * stands with what is not safe. They refuse to grow: a few are named, the others counted. */
#pragma once

#include <stdio.h>

#include "session/session.h"

#define PAGE_NOTES_MAX 8

typedef struct page_note {
	char *path;
	bool is_gap;
} page_note;

typedef struct page_notes {
	page_note list[PAGE_NOTES_MAX];
	size_t n;
	uint64_t more;
} page_notes;

/* Looks at one file.  EMR_NO_MEMORY. */
emr_status page_notes_look(
	page_notes *notes, const emr_session *session, uint64_t node, const char *path);
void page_notes_put(FILE *to, const page_notes *notes);
void page_notes_free(page_notes *notes);
