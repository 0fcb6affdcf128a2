/* This header declares what every part of sharing needs: the identity of this keyring, and the
 * reason why something did not work. The owner grants and takes back, the owner's computer or
 * agents release keys, and a grantee reads. It refuses to act for a keyring that the ledger does
 * not know.
 *
 * Threads: one thread at a time in a handle and in what was opened through it; any number of
 * handles may stand on one replica and ledger. */
#pragma once

#include "base/clock.h"
#include "keyring/access.h"
#include "ledger/ledger.h"
#include "record/content.h"
#include "replica/people.h"

typedef struct emr_share emr_share;

/* All borrowed, all outlive the handle. */
typedef struct emr_share_options {
	emr_keyring *keyring;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_record_ctx *records; /* NULL: contents are not read (an agent) */
	const emr_clock *clock;	 /* NULL = the computer's */
	const char *owner_name,
		*owner_born; /* for the cards that emr_share_tie makes; NULL = nobody said them */
	/* NULL, or called with the root of what somebody else left and nobody can judge without its
	 * data, when a share leaves it out; at most 64 a folder and try, by chance.  Waits for
	 * nothing. */
	void (*lacks)(void *arg, const emr_cid *root);
	void *lacks_arg;
	/* NULL, or called before DOMAIN is given to somebody, so that what its owner has removed
	 * there is off the ledger first.  EMR_BUSY: some of it is not yet. */
	emr_status (*let_go)(void *arg, emr_id16 domain);
	void *let_go_arg;
} emr_share_options;

/* EMR_NO_MEMORY. */
emr_status emr_share_new(const emr_share_options *options, emr_share **out_share);
void emr_share_free(emr_share *share);
EMR_AUTO_CALL(emr_share_auto_free, emr_share *, emr_share_free);
#define EMR_AUTO_SHARE __attribute__((cleanup(emr_share_auto_free))) emr_share *

/* Why there is no key: what a person is told. */
typedef enum emr_share_why {
	EMR_WHY_NONE,
	EMR_WHY_NO_GRANT,   /* none of that id to me */
	EMR_WHY_NOT_YET,    /* it begins later */
	EMR_WHY_EXPIRED,    /* its time has passed */
	EMR_WHY_REVOKED,    /* it was taken back */
	EMR_WHY_PURPOSE,    /* it was not given for this purpose */
	EMR_WHY_RIGHTS,	    /* it does not give this right */
	EMR_WHY_UNPAID,	    /* its dataset pays for each folder, and this one was not paid */
	EMR_WHY_NO_RELEASE, /* too few answers: `missing` has not said anything (yet) */
	EMR_WHY_REFUSED,    /* all have answered, and not enough gave: `code` */
	EMR_WHY_LIAR,	    /* somebody who answered lied; ask again, the liar is left out now */
	EMR_WHY_LEDGER,	    /* the ledger refused: `code` */
} emr_share_why;

#define EMR_RESPONDERS_MAX (EMR_AGENTS_MAX + 1)

typedef struct emr_share_trouble {
	emr_share_why why;
	uint8_t code;		/* emr_result: the first refusal met */
	bool is_over_limit;	/* that is EMR_RESULT_LIMIT, and the ledger says so of the terms */
	bool is_owner_missing;	/* the owner's own computer has not answered either */
	unsigned missing_count; /* agents that have not answered */
	unsigned liar_count;
	emr_id32 missing[EMR_AGENTS_MAX];
	emr_id32 liars[EMR_RESPONDERS_MAX]; /* gave what cannot be right, once: left out */
} emr_share_trouble;

/* Whether GRANT opens any time: enough of the N AGENTS that it names are in force, take letters,
 * and may release to its grantee.  False: only while its owner's folder is open.  By this
 * computer's copy of the ledger, on the owner's computer and on the reader's. */
emr_status emr_share_opens_away(emr_share *share, const emr_known_grant *grant,
	const emr_id32 *agents, unsigned n, bool *out_opens);

/* The code of the ledger's last refusal to anything this handle sent; 0: none. */
uint8_t emr_share_refusal(const emr_share *share);
