/* An open keyring uses the book of people with these functions: it answers who is in it, finds
 * the Inboxes of those people, and says who vouches for somebody who shares. They refuse to give
 * out anything but cards and what is said of them, and cards whose keys or names are not those
 * of the ledger. */
#pragma once

#include "kit/frame.h"
#include "kit/message.h"
#include "session/answer.h"
#include "session/session.h"
#include "share/deposit.h"

/* One's own card (`mine`: {"done":true,"card","qr","name","born","code","valid_until"}); or, as
 * {"people":[...]} with "done" in the last: whom the book has, or the one of `who`; who comes with
 * `card` (and "change": added, same, renewed, rekeyed); with `number` the safety number, noted as
 * compared, or with `drop` as not. */
emr_answer_fn emr_answer_people;

/* ---- card_argument.c ---- */
/* CARD on the command line: a file, "-", or the text of its QR code.  It refuses what is no card,
 * and reads nothing of what it says. */

/* Into REQUEST's card, and the note behind it.  Errors are said. */
emr_status emr_card_argument(const char *from, emr_request *request, emr_problem *out_problem);

/* ---- inboxes.c ---- */
/* The Inboxes of everybody in the book of people into which this keyring may leave records, for the
 * folder that shows them. It refuses cards whose keys are not those of the ledger. */

typedef struct emr_inbox_list {
	const emr_session *session; /* open as long as the view's threads run */
	bool is_waiting;	    /* some card's Inbox was not on this copy of the ledger yet */
	uint64_t seen;		    /* entries that were looked through for the next */
	uint64_t ends;		    /* of keys and organisations: an owner's may be among them */
} emr_inbox_list;

/* ARG is an emr_inbox_list; one thread. */
extern const emr_inboxes emr_inboxes_of_book;
