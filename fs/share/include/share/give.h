/* The owner's half: who may see a domain, until when, and what happens when that ends.  It refuses
 * to share what is not one's own, to people that the ledger does not know as active, and terms that
 * the ledger would not have.
 *
 * What is shared is a domain: a top-level folder with everything below it.  An inner folder or a
 * single file must become a domain of its own first; that is not done here yet. */
#pragma once

#include "share/share.h"

typedef struct emr_grant_order {
	emr_id16 domain;
	emr_id32 grantee;	    /* signer id of the person's present key */
	uint16_t rights;	    /* EMR_GRANT_LIST, _READ, _HISTORY */
	uint32_t purposes;	    /* bit n = purpose n */
	uint64_t not_before_unix_s; /* 0 = now */
	uint64_t not_after_unix_s;
	const char *label;	/* the folder's name, as the grantee will see it */
	const char *owner_name; /* for the domain's card; may be "" */
	const char *owner_born; /* YYYY-MM-DD or "" */
	const emr_id32 *agents; /* NULL = chosen: up to three, of different organisations */
	unsigned agents_count;
	uint8_t threshold; /* with AGENTS; 0 = 2, or 1 of 1 */
} emr_grant_order;

/* What was arranged, to be told to the owner before or after. */
typedef struct emr_grant_made {
	emr_id16 grant;
	uint32_t epoch;
	uint64_t wrapped_again; /* records that got a new key wrap, so that their past stays hidden
				 */
	uint8_t t, n;		/* 0 of 0: only while the owner's computer is on */
	emr_id32 agents[EMR_AGENTS_MAX];
} emr_grant_made;

/* What the folder shows now and later becomes readable for the grantee.  Unless HISTORY is granted,
 * a folder with a past (earlier versions, deleted files, former names) first gets a new epoch into
 * which all live records are wrapped; when that is interrupted, the next call goes on.  GRANT is
 * sent last. EMR_NOT_FOUND: no such domain or person; EMR_DENIED: not one's own, or the person may
 * not act; EMR_INVALID: terms; EMR_UNSUPPORTED: another's names are in it that cannot be opened;
 * EMR_REFUSED: emr_share_refusal says; ledger and store errors. */
emr_status emr_share_grant(
	emr_share *share, const emr_grant_order *order, emr_grant_made *out_made);

/* One grant, from now on.  EMR_NOT_FOUND; EMR_DENIED: over already or not one's own. */
emr_status emr_share_revoke(emr_share *share, emr_id16 domain, emr_id16 grant);
/* All that are in force or to come for this person there; *out_n how many there were. */
emr_status emr_share_revoke_person(
	emr_share *share, emr_id16 domain, emr_id32 grantee, size_t *out_n);

/* As the owner sees it. */
typedef struct emr_given {
	emr_known_grant grant;
	emr_grant_phase phase;
	emr_id16 share_id;
	char label[EMR_NOTE_LABEL_MAX + 1]; /* "" when the part is gone */
	unsigned agents_count;
	emr_id32 agents[EMR_AGENTS_MAX];
} emr_given;
typedef emr_status (*emr_given_fn)(void *arg, const emr_given *given);
/* Every grant of DOMAIN, in every state. */
emr_status emr_share_given(emr_share *share, emr_id16 domain, emr_given_fn fn, void *arg);

/* ---- epochs ---- */

/* Whether somebody's grant has ended since the present epoch began, so that what is written next
 * needs another key. */
emr_status emr_share_epoch_is_due(emr_share *share, emr_id16 domain, bool *out_is_due);
/* A new epoch: EPOCH, the owner's listing key and fragments for those who remain, in one batch.
 * Records of before stay as they are, readable for those who remain. */
emr_status emr_share_begin_epoch(emr_share *share, emr_id16 domain);
/* Does so when it is due: to be called before the owner writes there, or once a day.  A domain that
 * is not there yet needs nothing. */
emr_status emr_share_renew(emr_share *share, emr_id16 domain);
