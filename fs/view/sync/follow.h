/* These functions bring into the tree what the owner's other computers, and people who may write
 * here, put on the ledger. */
#pragma once

#include "replica/follower.h"

#include "edit.h"
#include "rest.h"
#include "writers.h"

/* An object to look at. */
typedef struct sought {
	emr_id16 domain, object;
	emr_id32 signer_id;    /* of the entry that named it; zero: not known */
	int64_t until_boot_ns; /* its part did not come with its entry and is waited for; 0: it was
				  not looked at yet */
} sought;

/* One object as the ledger has it now. */
typedef struct arrival {
	emr_id16 domain, object;
	emr_id32 signer_id;    /* as in sought */
	int64_t until_boot_ns; /* as in sought */
	bool is_live;
	bool is_erased;
	emr_place place; /* when it lives, as all below */
	emr_buf bytes;
	emr_meta meta; /* points into BYTES */
	bool is_done;
	bool is_waiting;	 /* for its name, on the stack of arrive_in_turn */
	bool is_others;		 /* a writer of the owner's folder said it, or removed it */
	writers_word word;	 /* what META points into then */
	struct deposit *deposit; /* owned; NULL: it is none (deposits.h) */
	emr_id16 was; /* not zero: the object that this record was until now, and that is known here
		       */
} arrival;

/* Changes that the kernel must be told once the lock is gone. */
typedef struct telling {
	uint64_t node;
	bool has_name;
	char name[EMR_NAME_MAX + 1];
} telling;

typedef struct following {
	emr_view *view;
	arrival *all;
	size_t n, cap;
	size_t again;	     /* how many of them were looked for before */
	emr_buf tell;	     /* telling, ... */
	emr_buf conflicts;   /* view_conflict, ... */
	emr_buf leaving;     /* emr_leaving, ... */
	uint64_t seen_seq;   /* of the last item looked at */
	bool is_cut;	     /* more entries follow it */
	bool is_last;	     /* what still lacks its directory hangs at the top */
	arrival *in_the_way; /* of arrive: what has the name of the one it looked at last, */
	struct node *there;  /* and its node */
	unsigned waiting;    /* how many wait for their names on the stack */
	bool some;	     /* something was done in this pass */
} following;

/* By the publisher, at the beginning of a run: everything in the copy that is new since the last
 * call; FOLLOWED: what bringing it up to date came to.  Where a file is being written the look is
 * put off until it is closed. */
emr_status follow_run(emr_view *view, emr_status followed);
/* Under view->lock, or before there are threads: look at this object at the next call, whatever was
 * seen of it. */
emr_status follow_note(emr_view *view, emr_id16 domain, emr_id16 object);
/* Under view->lock: when follow_run has something to do, INT64_MAX if nothing. */
int64_t follow_due(const emr_view *view);
/* Two domains have an object of one id: whether that of DOMAIN came first on the ledger. */
emr_status follow_is_first(
	emr_view *view, emr_id16 domain, emr_id16 other, emr_id16 object, bool *out_is);
/* The view's line in the table of the ledger's follower. */
emr_listener follow_listener(emr_view *view);

/* arrive.c: under view->lock. Applies A, together with the node that has the name of A and changes
 * in the same step: for everybody else the name goes over from one to the other. Those are done
 * then. EMR_BUSY: not now, ask again; EMR_NOT_FOUND: its directory is not there yet. */
emr_status arrive_in_turn(following *f, arrival *a);

/* ---- adopt.c ---- */
/* Another computer of the owner may move a record to another shared folder, where it gets
 * another id. This keeps it one node here, so that open files and changes survive the move. */

/* Under view->lock: the directory that was known as ID before it was moved; NULL.  Looks at all of
 * them. */
node *adopt_directory(const emr_view *view, emr_id16 id);
/* Without view->lock: sets `was` of every arrival whose record some node here has under another id.
 */
emr_status adopt_find(following *f);
/* Under view->lock: A, whose `was` is set.  As arrive_in_turn. */
emr_status adopt(following *f, const arrival *a);

/* N's version is none any more, or moves; when all is in the tree, whoever wants to know is asked.
 */
emr_status adopt_note_leaving(following *f, const node *n, bool is_moving);
void adopt_ask_leaving(following *f);

/* arrive.c */
emr_status arrive_new(following *f, const arrival *a);
/* EMR_NOT_FOUND: its directory, or its name there, is not free yet. */
emr_status arrive_has_room(following *f, const arrival *a, const node *n);
emr_status arrive_meta(following *f, const arrival *a, node *n);
emr_status arrive_new_bytes(following *f, const arrival *a, node *n);
bool arrive_is_same_content(const emr_place *a, const emr_place *b);
