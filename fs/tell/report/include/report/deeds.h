/* This tells what happened to the records, from the ledger's history, who asked for them, got keys
 * and opened them, and what the owner gave, took back, answered and left in others' folders: for
 * `emrfs log`, .emrfs/log and .emrfs/log.json. It refuses to call proven what a reader's
 * computer only says, and to guess names: all is called what it was called then, and not at all
 * once what said so was erased. */
#pragma once

#include "people/authors.h"
#include "session/session.h"
#include "settle/chronicle.h"
#include "share/audit.h"
#include "share/dealings.h"

#define EMR_NO_TEAM SIZE_MAX

/* An entry that is no event of the chronicle: an opening (somebody asked for a key, got it or
 * reports an opening), or a dealing of the owner with somebody. */
typedef struct emr_told {
	uint64_t seq, at;	   /* as the two below have them */
	emr_audit_entry *opening;  /* in the list's openings; NULL: a dealing */
	emr_share_dealing dealing; /* kind 0: an opening; `asked` is NULL: it is the path */
	size_t who;		   /* in the list's people; of a dealing the other party */
	size_t by;		   /* of a dealing: the guardian who did it; else EMR_NO_TEAM */
	size_t team;	/* of an opening: in the name of which team, there as well; EMR_NO_TEAM */
	size_t subject; /* of the chronicle, counted from 1; 0: none */
	uint8_t type;	/* of a dealing: emr_meta_type; 0: not known */
	char *path; /* as it was then, or in the asker's words (DENIED: hostile); owned; NULL: not
		       known (any more) */
	/* of an opening */
	bool is_staff;	      /* an auditor's: of somebody's records, by numbers */
	uint64_t cver;	      /* version of the content; 0: not known */
	uint64_t content_seq; /* the entry that brought it */
	unsigned records;     /* of a question as a whole; 0: one record */
	char folder[9];	      /* then: the beginning of its number */
	/* of what was LEFT */
	char *into;	/* the folder, as its owner calls it; PATH is the name alone; of an
			   emergency why; owned */
	uint64_t bytes; /* with a name */
	size_t next;	/* gathering.c only */
} emr_told;

typedef struct emr_openings {
	emr_told *list; /* in the order of the ledger, those that expired last and by their time;
			   owned */
	size_t n, cap;
	emr_who *people; /* owned */
	size_t n_people;
	emr_buf own, staff; /* emr_audit_entry, ... */
	emr_buf guardians; /* emr_id32, ...: first keys of those who act, or acted, for the owner */
	uint64_t damaged;  /* questions and reports that do not open */
} emr_openings;

/* Everything about own folders, and what their owner gave and took back, since SINCE_UNIX_S; for an
 * auditor also what the staff of the auditor's organisation asked for.  The chronicle must have
 * caught up.  A question that nobody has answered is told after two minutes.  ONLY_STAFF: the
 * auditor's half alone, each question as one entry, with how many records it was about;
 * EMR_DENIED: no auditor. */
emr_status emr_openings_collect(const emr_session *session, bool only_staff, uint64_t since_unix_s,
	uint64_t now_unix_s, emr_openings *out);
void emr_openings_free(emr_openings *openings);
void emr_told_free(emr_told *told); /* what it owns */

typedef struct emr_deeds {
	emr_event *events; /* oldest first; path and from are owned */
	size_t n, cap;
	emr_openings openings;
	emr_authors authors;
	size_t at_event, at_told, at_expired; /* of emr_deeds_next */
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
/* One entry of that answer: EVENT, else TOLD.  NULL without memory. */
json_t *emr_deeds_entry(const emr_session *session, const emr_deeds *deeds, const emr_event *event,
	const emr_told *told);
/* A dealing as such an entry, besides `with`, `rights`, `until` and `goes_on`, or of what was left
 * `into`; OWN is what the owner is called, WHO the other party, BY the guardian
 * who did it (NULL: the owner).  NULL without memory. */
json_t *emr_dealing_json(
	const emr_told *dealing, const emr_who *who, const emr_who *by, const char *own);
/* Whether ENTRY was made by it. */
bool emr_dealing_is(const json_t *entry);
/* Removes the members of an entry that only emr_deed_line needs: every caller that shows JSON calls
 * this. */
void emr_deed_strip(json_t *entry);
void emr_deeds_free(emr_deeds *deeds);
#define EMR_AUTO_DEEDS __attribute__((cleanup(emr_deeds_free))) emr_deeds

/* One line for people, made of that entry; owned by the caller; NULL without memory. */
char *emr_deed_line(const json_t *entry);
#define EMR_DEEDS_LEGEND                                                                           \
	N_("proven: on the ledger, your deeds signed by your key, others' before the key was "     \
	   "released.  reported: told by the "                                                     \
	   "reader's own computer.")

/* .emrfs/log, or .emrfs/log.json. */
emr_status emr_deeds_file(emr_session *session, bool as_json, emr_buf *out);
