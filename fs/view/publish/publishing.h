/* This is what the parts of one publishing run share: candidates, the changes made of them, and
 * the answers. */
#pragma once

#include "edit.h"

/* One change with everything it borrows, copied out of the tree. */
typedef struct work {
	emr_change change;
	emr_meta meta;
	emr_content content;
	emr_place from;
	char *name, *target;
	char *sent_name; /* NULL: NAME */
	emr_buf attributes;
	unsigned depth;
	uint64_t wrote;
	bool has_content; /* the node's bytes of `wrote` go with it */
	emr_id16 parent;  /* as rows name it */
	bool is_done;
} work;

typedef struct publishing {
	emr_view *view;
	bool all;
	bool gives_way; /* what the ledger brought is looked at, and nothing is sent */
	node **nodes;	/* candidates, each with one open counted */
	size_t nnodes, nodes_cap;
	work *works;
	size_t nworks, works_cap;
} publishing;

#define PUBLISH_RUN_MAX 2000 /* bounds the memory of one run; the next one follows at once */
#define PUBLISH_RETRY_NS INT64_C(5000000000) /* after a refusal of the moment */

/* quiet.c: how long N must not have changed before it is published.  Under view->lock. */
int64_t quiet_ns_of(const emr_view *view, const node *n);

/* heirs.c: names that went away */

/* Its newest bytes lie in a spill that could not be read: what stands in for them is nobody's
 * version. */
bool heirs_lack_bytes(const node *n);
/* The unpublished file that has the name of a record which went away, NULL if there is none.  Under
 * view->lock. */
node *heirs_find(const emr_view *view, const vacated *v);
/* Somebody writes what will be the record's next version, or it failed: nothing else is waited for.
 */
bool heirs_are_awaited(const emr_view *view, const vacated *v);
/* Under view->lock: gives vacated records to whoever holds their name now, and marks the rest that
 * are quiet. */
emr_status heirs_settle(publishing *p);
/* Without view->lock: N has a local-only name and leaves its record, which stays vacated under the
 * name it had. */
emr_status heirs_leave_record(emr_view *view, node *n);
/* Under view->lock: the record that N came from has an heir, so N will be a record of its own. */
void heirs_forget_living_record(const emr_view *view, const node *n);

/* lacking.c: blocks that only nodes have */

/* All without view->lock.  EMR_BUSY: N waits for a block; EMR_AWAITED: for a place that is away,
 * which a person was told.  Another run looks again. */

/* N's bytes are to go under another key, and what that needs is here. */
emr_status lacking_look(emr_view *view, node *n);
/* file_freeze, of a working copy whose old bytes may be elsewhere. */
emr_status lacking_freeze(emr_view *view, node *n);
/* A call for N gave STATUS in this thread: that again unless it lacked a block that may come. */
emr_status lacking_bring(emr_view *view, node *n, emr_status status);
/* A person knows which places do not give what N needs. */
bool lacking_was_told(emr_view *view, const node *n);

/* tops.c: the numbers of new versions */

/* Without view->lock: asks the ledger for the highest version of the records that get new content,
 * where it is not known. */
emr_status tops_learn(publishing *p);

/* headers.c: what DICOM, PDF and FHIR files say about themselves */

/* Without view->lock: notes it with every candidate that has new content. */
void headers_learn(publishing *p);

/* copies.c: what is a copy of a signed record */

/* Without view->lock: says so of every candidate that is one, once. */
void copies_tell(publishing *p);

/* describe.c: candidates become changes */
emr_status describe_all(publishing *p);
void describe_free(publishing *p);

/* answers.c: answers become state */

/* The argument of answers_apply, an emr_outcome_fn. */
typedef struct answering {
	emr_view *view;
	const publishing *run; /* NULL for batches of an earlier run */
} answering;
emr_status answers_apply(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n);
void answers_tell_failures(const publishing *p);
