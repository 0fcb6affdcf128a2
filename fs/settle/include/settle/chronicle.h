/* The ledger as a readable history: who of the records was saved, renamed, deleted, brought back,
 * and when, under the paths they had then.  Built once by reading the entries of our own domains
 * from the first on, then only what is new; kept in memory, which does not grow with what others
 * write. It refuses to name what was erased: after an erasure it forgets everything and reads
 * again. */
#pragma once

#include "settle/facts.h"

typedef struct emr_chronicle emr_chronicle;

typedef enum emr_deed {
	EMR_DEED_MADE = 1, /* a directory or a link */
	EMR_DEED_SAVED,	   /* new content */
	EMR_DEED_RENAMED,  /* another name or directory: FROM is where it was */
	EMR_DEED_CHANGED,  /* mode, time or attributes */
	EMR_DEED_DELETED,
	EMR_DEED_RESTORED, /* an earlier version, or after a deletion */
	EMR_DEED_ERASED,   /* keys destroyed for good */
} emr_deed;

typedef struct emr_event {
	uint64_t seq;	      /* entry of the ledger */
	uint64_t time_unix_s; /* of that entry */
	uint64_t cver, bytes; /* of a file's content after it; 0 of directories and links */
	const char *path;     /* as it was then; NULL: what said so was erased */
	const char *from;     /* RENAMED, or saved under another name; else NULL */
	emr_id32 batch_id, signer_id;
	uint32_t subject; /* equal for all events of one record, whatever it was called */
	uint16_t index;	  /* in the batch */
	uint8_t deed;	  /* emr_deed */
	uint8_t type;	  /* emr_meta_type; 0: not known any more */
	bool in_annex;	  /* SEQ and BATCH_ID are of the ledger before a join */
} emr_event;

/* The history of one record. */
typedef struct emr_story {
	uint64_t added_unix_s;	 /* first event */
	uint64_t changed_unix_s; /* newest content */
	uint64_t versions;	 /* contents ever saved */
	uint32_t subject;
} emr_story;

/* Both borrowed.  Any thread. */
emr_status emr_chronicle_new(emr_facts *facts, emr_replica *replica, emr_chronicle **out_chronicle);
void emr_chronicle_free(emr_chronicle *chronicle);
/* Reads what is new on the ledger.  *OUT_DAMAGED (may be NULL): items of ours that could not be
 * read, in all. */
emr_status emr_chronicle_catch_up(emr_chronicle *chronicle, uint64_t *out_damaged);
/* Every event as of the last catch_up, oldest first:
 *
 *	EMR_AUTO_EVENTS events = emr_chronicle_events(chronicle);
 *
 *	while (emr_events_next(&events, &event))
 *		...
 *
 * The chronicle is locked until the end of that block: copy, and go on. */
typedef struct emr_events {
	emr_chronicle *chronicle;
	size_t next;
} emr_events;
emr_events emr_chronicle_events(emr_chronicle *chronicle);
bool emr_events_next(emr_events *events, emr_event *out);
void emr_events_end(emr_events *events);
#define EMR_AUTO_EVENTS __attribute__((cleanup(emr_events_end))) emr_events

/* Of the record that OBJECT is; EMR_NOT_FOUND. */
emr_status emr_chronicle_story(emr_chronicle *chronicle, emr_id16 object, emr_story *out_story);
/* Lets the memory go; the next catch_up reads everything again. */
void emr_chronicle_forget(emr_chronicle *chronicle);
