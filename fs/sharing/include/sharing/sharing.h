/* These functions share for an open folder: an order is written down, and carried out in the
 * background by a thread of its own, the clerk. The verbs, the attribute grant.WHO and the
 * directory shared-by-me all come here. It refuses to lose what was asked for: that is on the
 * ledger, or waits, or has failed and says so. */
#pragma once

#include <jansson.h>

#include "people/who.h"
#include "session/heard.h"
#include "session/session.h"
#include "share/request.h"
#include "sharing/notices.h"
#include "sharing/orders.h"
#include "view/giving.h"

typedef struct emr_sharing emr_sharing; /* thread-safe */

/* Reads what waits from last time; starts nothing.  EMR_DAMAGED, EMR_NEWER_FORMAT: the file of
 * orders. */
emr_status emr_sharing_new(emr_session *session, emr_notices *notices, emr_sharing **out_sharing);
/* The clerk begins with what waits.  Does nothing for a folder that is open for reading only. */
emr_status emr_sharing_start(emr_sharing *sharing);
/* After the order that is being done; the rest waits for the next time.  NULL is fine. */
void emr_sharing_end(emr_sharing *sharing);
void emr_sharing_free(emr_sharing *sharing);

/* Looks when the agents spoke last (emr_heard_look); of the office's thread. */
emr_status emr_sharing_hear(emr_sharing *sharing);
/* As of that look; of a SHARING that is NULL nothing is known. */
void emr_sharing_heard(emr_sharing *sharing, emr_heard *out);
/* [{name since since_unix}], the organisations whose agents are silent; owned by the caller; NULL
 * without memory. */
json_t *emr_agents_silent_json(emr_session *session);

/* Finds the domain that a share of PATH (from the top) would give: the one step from a path to a
 * domain, which an inner folder or a file is not before emr_view_make_domain. LABEL is the name
 * that the reader will see. WITH_ALL: also the whole folder, which only a
 * guardian has. EMR_NOT_FOUND, EMR_UNSUPPORTED (not by itself), EMR_DENIED (never):
 * said. */
emr_status emr_sharing_place(emr_session *session, const char *path, bool with_all,
	emr_id16 *out_domain, char out_label[EMR_ORDER_TEXT_MAX + 1], emr_problem *out_problem);
/* Where the root of DOMAIN lies now, owned by the caller; LABEL when it is nowhere.  NULL without
 * memory. */
char *emr_sharing_path(emr_session *session, emr_id16 domain, const char *label);
/* Whether anything may be asked or answered. EMR_DENIED: this person's key is revoked;
 * EMR_READ_ONLY: nor is anything said to a ledger that is not believed. OUT_PROBLEM says it. */
emr_status emr_sharing_may_act(emr_session *session, emr_problem *out_problem);
/* Whether something can be shared with WHO at all.  A dataset is joined, on its terms alone.
 * EMR_DENIED, EMR_UNSUPPORTED: said. */
emr_status emr_sharing_may_have(const emr_who *who, emr_problem *out_problem);
/* Whether WHO is a dataset that can be joined now, with what lies at PATH, on the terms whose hash
 * TERMS says in hexadecimal: those that somebody was shown.  ORDER gets them.  One that is
 * de-identified takes the folder of this person's copies for it (copies.h) and no other.
 * EMR_DENIED, EMR_NOT_FOUND: said. */
emr_status emr_sharing_may_join(emr_session *session, const char *path, const emr_who *who,
	const char *terms, emr_order *order, emr_problem *out_problem);

/* RIGHTS, with the owner's rule of who releases while the folder is closed (emr_away) where
 * something is to be read by them. */
uint16_t emr_sharing_by_rule(const emr_session *session, uint16_t rights);

/* Whether RIGHTS (share/write.h) are something that WHO can have, and at PATH: a team or an
 * organisation does not write, and nobody leaves files in a file.  EMR_DENIED: said; EMR_NOT_FOUND:
 * PATH is not there. */
emr_status emr_sharing_may_do(emr_session *session, const char *path, const emr_who *who,
	uint16_t rights, emr_problem *out_problem);

/* Writes ORDER down, a grant; returns at once.  The same that waits is asked for once (*out_number
 * is its), and what stands as it is asked for not again (0; ends that are under a minute apart are
 * the same: 30d is counted from now).  With REPLACES, what waits for the same person and domain is
 * forgotten, and what stands ends when this stands.  EMR_READ_ONLY, EMR_LIMIT, EMR_INVALID (its
 * time is over), EMR_CONFLICT (the request that it answers is answered), EMR_NO_SPACE, ... */
emr_status emr_sharing_give(emr_sharing *sharing, const emr_order *order, uint64_t *out_number);
/* Whether emr_sharing_give would have nothing to do: what ORDER asks for stands. */
emr_status emr_sharing_is_given(emr_sharing *sharing, const emr_order *order, bool *out_is);
/* Everything of WHO in DOMAIN ends: what waits is forgotten, what is on the ledger is revoked
 * (*out_number; 0: nothing was). EMR_NOT_FOUND: nothing is shared with that person there, nor asked
 * for. */
emr_status emr_sharing_take_back(emr_sharing *sharing, emr_id16 domain, const char *label,
	const emr_who *who, uint64_t *out_number);
/* Writes ROW down, which waits for a yes (EMR_ORDER_WAITS, EMR_ORDER_ASKED), in the place of one of
 * the same request; the oldest such row goes when there are too many. */
emr_status emr_sharing_note(emr_sharing *sharing, const emr_order *row);
/* REQUEST's row has STATE for an answer, or its person was told so.  EMR_NOT_FOUND; EMR_CONFLICT:
 * what waits for this person's yes is answered already. */
emr_status emr_sharing_told(emr_sharing *sharing, emr_id16 request, emr_share_request_state state);
/* Drops the rows that wait for this person's yes and whose time is over. */
emr_status emr_sharing_forget_over(emr_sharing *sharing);
/* EMR_CONFLICT: REQUEST is answered, or what answers it is ordered already.  EMR_NOT_FOUND. */
emr_status emr_sharing_check_open(emr_sharing *sharing, emr_id16 request);
/* Until order NUMBER is done.  EMR_TIMEOUT; EMR_REFUSED: it has failed, and OUT_FAILED says how
 * (may be NULL). */
emr_status emr_sharing_wait(
	emr_sharing *sharing, uint64_t number, int64_t deadline_boot_ns, emr_order *out_failed);
/* Grows whenever an order comes, goes or fails.  NULL: 0. */
uint64_t emr_sharing_changes(emr_sharing *sharing);
/* A copy of all orders. */
emr_status emr_sharing_orders(emr_sharing *sharing, emr_orders *out_orders);

/* Why an order failed, in words: "the time was over", "refused by the ledger (...)". */
void emr_sharing_cause(const emr_order *order, char *out, size_t size);
/* A handle of one's own on what SESSION has open. */
emr_status emr_sharing_handle(const emr_session *session, emr_share **out_share);
/* The same, for a deed: it begins with all that the ledger has now, and reads the copy as it stands
 * from there on.  *OUT_SHARE is there also with an error of following. */
emr_status emr_sharing_begin(const emr_session *session, emr_share **out_share);
/* Is the ledger there?  An order waits for it as long as it is not. */
bool emr_sharing_reaches_ledger(const emr_session *session);

/* ---- clerk.c ---- */
/* One order of sharing, done: through fs/share, for the clerk's thread (sharing.h).
 * It refuses to do twice what the ledger has already. */

#define CLERK_PAUSE_NS INT64_C(1000000000)
#define CLERK_PAUSE_MAX_NS INT64_C(60000000000)

typedef struct clerk_result {
	emr_status status;
	bool is_momentary; /* worth trying again */
	uint8_t code;	   /* the ledger's, when status is EMR_REFUSED */
	uint64_t left_out; /* of what was shared: records that do not open, or whose signature
			      does not fit */
} clerk_result;

/* May take as long as wrapping every record again does. */
clerk_result clerk_do(emr_session *session, const emr_order *order);
/* Whether STATUS (with CODE) is of the moment. */
bool clerk_is_momentary(emr_status status, uint8_t code);

/* ---- doors.c ---- */
/* The attribute grant.WHO, shared-with and the directory shared-by-me of an open folder
 * (view/giving.h), answered out of fs/sharing: the same orders as the verbs give. They refuse
 * people who are not in the book: a name in a file system must not be a guess. */

typedef struct emr_doors emr_doors; /* thread-safe */

/* SESSION and NOTICES are borrowed; session->sharing may come later. */
emr_status emr_doors_new(emr_session *session, emr_notices *notices, emr_doors **out_doors);
void emr_doors_free(emr_doors *doors);
/* For emr_view_options; the argument is the emr_doors. */
extern const emr_giving emr_doors_giving;
