/* This tells what happened to the records, from the ledger's history, and who opened them: for
 * `emrfs log`, .emrfs/log and .emrfs/log.json. It refuses to call proven what a reader's
 * computer only says. */
#pragma once

#include "report/openings.h"
#include "people/authors.h"
#include "session/session.h"
#include "settle/chronicle.h"

typedef struct emr_deeds {
	emr_event *events; /* oldest first; path and from are owned */
	size_t n, cap;
	emr_openings openings;
	emr_authors authors;
	size_t at_event, at_opening, at_dealing, at_expired; /* of emr_deeds_next */
} emr_deeds;

/* The question. */
typedef struct emr_deeds_wish {
	const char *path;      /* a clean path; NULL: all */
	uint64_t since_unix_s; /* 0: ever */
	const emr_who *who;    /* NULL: everybody; else only what that person did, or was given */
	uint32_t purposes; /* 0: any; else only what others did, or was shared, for one of these */
	bool only_software;
	bool only_staff;     /* an auditor: what the staff asked for, and nothing else */
	uint64_t now_unix_s; /* 0: by this computer's clock */
} emr_deeds_wish;

/* Everything, or what happened to the path: to the file that is there now under all its names, to
 * what was deleted from there, and to everything below a directory; also what was shared of the
 * folders around it.  EMR_NOT_FOUND when the path is not there and never was; EMR_DENIED:
 * only_staff, and the keyring is no auditor's. */
emr_status emr_deeds_collect(emr_session *session, const emr_deeds_wish *wish, emr_deeds *out);
/* The next entry of the JSON answer in the order of the ledger, owned by the caller: NULL at the
 * end.  EMR_NO_MEMORY. */
emr_status emr_deeds_next(const emr_session *session, emr_deeds *deeds, json_t **out_entry);
/* Removes the members of an entry that only emr_deed_line needs: every caller that shows JSON calls
 * this. */
void emr_deed_strip(json_t *entry);
void emr_deeds_free(emr_deeds *deeds);
#define EMR_AUTO_DEEDS __attribute__((cleanup(emr_deeds_free))) emr_deeds

/* "saved", "renamed", ... */
const char *emr_deed_text(emr_deed deed);
/* One line for people, made of that entry; owned by the caller; NULL without memory. */
char *emr_deed_line(const json_t *entry);
#define EMR_DEEDS_LEGEND                                                                           \
	N_("proven: on the ledger, your deeds signed by your key, others' before the key was "     \
	   "released.  reported: told by the "                                                     \
	   "reader's own computer.")

/* .emrfs/log and .emrfs/log.json. */
emr_status emr_deeds_text(emr_session *session, emr_buf *out);
emr_status emr_deeds_json(emr_session *session, emr_buf *out);
