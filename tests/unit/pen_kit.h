/* A person of the story who writes in somebody else's folder: the writer's own journal and settle,
 * and changes one at a time. A failed step fails the test; what the ledger or this computer says of
 * a change is given back. */
#pragma once

#include "settle/settle.h"
#include "share/write.h"
#include "story_kit.h"

typedef struct pen {
	story *s;
	person *m;
	char path[400];
	emr_store *store;
	emr_journal *journal;
	emr_facts *facts;
	emr_settle *settle;
	emr_change_outcome last; /* of the newest outcome */
	size_t outcomes;	 /* since the last call */
	emr_status status;	 /* of the last publish or resend */
	uint64_t says_n;	 /* how long content is said to be; 0: as long as it is */
} pen;

void pen_open(story *s, pen *p, person *m, const char *name);
/* Of somebody who may write in Imaging for a week, and knows it. */
emr_grant_made pen_writes(story *s, pen *p, person *m, const char *name);
void pen_close(pen *p);
/* As after the end of the process: everything is opened again. */
void pen_restart(pen *p);
/* Batches that were on their way are sent again. */
void pen_resend(pen *p);

/* A new file NAME with TEXT in the directory PARENT; the outcome is p->last, its object *OUT (may
 * be NULL). */
void pen_file(pen *p, emr_id16 domain, emr_id16 parent, const char *name, const char *text,
	emr_id16 *out);
/* The same into an Inbox whose card one has. */
void pen_deposit(pen *p, emr_id16 domain, emr_bytes card, const char *name, const char *text);
void pen_dir(pen *p, emr_id16 domain, emr_id16 parent, const char *name, emr_id16 *out);
/* Content for AT's object, under whatever numbers AT has. */
void pen_over(pen *p, const emr_place *at, emr_id16 parent, const char *name, const char *text);
/* The same, with a description of one's own making; its length becomes that of TEXT unless
 * IS_LYING. */
void pen_claim(pen *p, const emr_place *at, const emr_meta *meta, const char *text, bool is_lying);
void pen_rename(pen *p, const emr_shared_record *record, emr_id16 domain, emr_id16 parent,
	const char *name);
/* The file at FROM in another domain of the same owner's, by a computer of hers; where it was it
 * is, too, until pen_unlink.  It is as long as SAYS_N says. */
void pen_move(pen *p, const emr_place *from, emr_id16 domain, emr_id16 parent, const char *name);
/* By one who cannot read what it says of the file. */
void pen_rename_blindly(
	pen *p, emr_id16 domain, emr_id16 object, emr_id16 parent, const char *name);
void pen_unlink(pen *p, emr_id16 domain, emr_id16 object);

/* Says what a writer's own computer would not: of an object that is there, everything again; and a
 * link. */
void pen_describe(pen *p, emr_meta_type type, emr_id16 domain, emr_id16 object, emr_id16 parent,
	const char *name);
void pen_describe_as_link(pen *p, emr_id16 domain, emr_id16 object, emr_id16 parent,
	const char *name, const char *target);
void pen_link(pen *p, emr_id16 domain, emr_id16 parent, const char *name, const char *target,
	emr_id16 *out);

/* Ana's folder then: how many objects live in DOMAIN, and how reading PATH ends. */
size_t pen_live_in(const story *s, emr_id16 domain);
emr_status pen_owner_reads(story *s, const char *path);
