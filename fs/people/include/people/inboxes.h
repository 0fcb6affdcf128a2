/* The Inboxes of everybody in the book of people into which this keyring may leave records, for the
 * folder that shows them. It refuses cards whose keys are not those of the ledger. */
#pragma once

#include "session/session.h"
#include "share/deposit.h"

typedef struct emr_inbox_list {
	const emr_session *session; /* open as long as the view's threads run */
	bool is_waiting;	    /* some card's Inbox was not on this copy of the ledger yet */
} emr_inbox_list;

/* ARG is an emr_inbox_list; one thread. */
extern const emr_inboxes emr_inboxes_of_book;
