/* The owner's half: who may see a domain, until when, and what happens when that ends. It refuses
 * to share a domain of somebody else, to people that the ledger does not know as active, and terms
 * that the ledger would not have.
 *
 * What is shared is a domain: a top-level folder with everything below it, down to the next domain.
 * An inner folder or a single file must become a domain of its own first (emr_view_make_domain),
 * and is granted when it is whole.  Domains inside a shared one are given with it: emr_share_tie.
 *
 * These functions read this computer's copy of the ledger as it stands: a caller brings it up to
 * date once, where its deed begins (emr_share_begin).
 */
#pragma once

#include "share/share.h"

typedef struct emr_grant_order {
	emr_id16 domain;
	emr_id32 grantee;  /* signer id of the person's present key, or the grantee of a team
			      (share/teams.h): without WRITES */
	uint16_t rights;   /* EMR_GRANT_LIST, _READ, _TWO, _GUARDIAN (which WRITES says), and a rule
			      of emr_away, by which agents are   chosen; 0: nothing is shown, only
			      WRITES is given */
	uint16_t writes;   /* EMR_WRITES_ALL, _DEPOSIT, _GUARDIAN (share/write.h), or 0 */
	const char *rule;  /* a guardian's: share/request.h; NULL: as the one that stands there */
	bool replaces;	   /* WRITES instead of what there is, not besides it */
	uint32_t purposes; /* bit n = purpose n; of reading */
	uint64_t not_before_unix_s; /* 0 = now */
	uint64_t not_after_unix_s;
	const char *label;	/* the folder's name, as the grantee will see it */
	const char *owner_name; /* for the domain's card; may be ""; NULL: as SHARE was opened */
	const char *owner_born; /* YYYY-MM-DD or "" */
	const emr_id32 *agents; /* NULL = chosen: up to three, of different organisations */
	unsigned agents_count;
	uint8_t threshold; /* with AGENTS; 0 = 2, or 1 of 1 */
	emr_id16 share_id; /* ties it to the grants of domains around it; zero = a share of its own;
			      with EMR_GRANT_TWO the word of the card that opens it, after which
			      the grant is called */
	unsigned hours;	   /* with EMR_GRANT_TWO: that it is open then */
	emr_id16 root_dir; /* where that share begins; zero = here */
	emr_id16 grant;	   /* what it is called: the id of the request that it answers, so that one
			      request has one grant, on whichever computer it is answered; zero = a
			      name of its own */
} emr_grant_order;

/* The arrangement that a grant makes, to be told to the owner before or after. */
typedef struct emr_grant_made {
	emr_id16 grant; /* or what a deposit is called, as in emr_given */
	uint32_t epoch;
	uint64_t wrapped_again; /* records that got a new key wrap, so that their past stays hidden
				 */
	uint64_t left_out; /* live records that do not open here, or are forged: not shared; not of
			      a preview */
	uint8_t t, n;	   /* 0 of 0: only while the owner's computer is on */
	emr_away away; /* OWN: the agent is of the owner's organisation; NOBODY: there is none */
	emr_id32 agents[EMR_AGENTS_MAX];
	emr_id16 share_id;
} emr_grant_made;

/* Makes everything that the folder shows now and later readable for the grantee. A
 * folder with a past (earlier versions, deleted files, former names) first gets a new epoch into
 * which all live records are wrapped; when that is interrupted, the next call goes on.
 * GRANT is sent last. WRITES goes into the same batch, with the same end; a right to write is one
 * for a person and a domain: the same one again lasts as long as the longer of both, and a wider
 * one takes the place of a narrower. Begins at once, so not_before with WRITES is EMR_INVALID;
 * EMR_EXISTS: the person may write more there already, and REPLACES was not said, or a grant is
 * called GRANT there, in whatever state. EMR_UNSUPPORTED: also WRITES for a team. EMR_NOT_FOUND: no
 * such domain or person; EMR_DENIED: not one's own, or the person may not act; EMR_INVALID: terms;
 * EMR_REFUSED: emr_share_refusal says; ledger and store errors. */
emr_status emr_share_grant(
	emr_share *share, const emr_grant_order *order, emr_grant_made *out_made);

/* Computes the arrangement that emr_share_grant would make now for ORDER: agents and threshold.
 * Sends nothing; grant, epoch and wrapped_again are left zero. While the ledger is away it is said
 * of what was verified here. Errors as there. */
emr_status emr_share_preview(
	emr_share *share, const emr_grant_order *order, emr_grant_made *out_made);
/* How many records of DOMAIN a grant would wrap again now. */
emr_status emr_share_count_past(emr_share *share, emr_id16 domain, uint64_t *out_n);

/* One grant (or deposit), from now on, with the right to write that came with it and with no other
 * that stays, in one batch. EMR_NOT_FOUND; EMR_DENIED: over already or not one's own. */
emr_status emr_share_revoke(emr_share *share, emr_id16 domain, emr_id16 grant);
/* All that are in force or to come for this person there, and every right to write; *out_n how many
 * there were. */
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
	uint16_t writes; /* the right to write that came with it and is in force; 0: reading only */
} emr_given;
/* Nothing is shown, only left there: a right to write without a GRANT.  Of grant.row only grantee,
 * rights (0), not_before, not_after and head.state are said; grant.grant is made of the operation's
 * id. */
static inline bool emr_given_is_deposit(const emr_given *given)
{
	return given->grant.row.rights == 0;
}
static inline bool emr_phase_stands(emr_grant_phase phase) /* in force or to come */
{
	return phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
}
/* Every grant of DOMAIN, in every state: emr_given, ... appended to OUT_GIVEN.  EMR_NOT_FOUND: not
 * on the ledger yet; EMR_DENIED: not one's own (any more). */
emr_status emr_share_given(emr_share *share, emr_id16 domain, emr_buf *out_given);
/* The same for every domain of one's own; those that emr_share_given refuses have none. */
emr_status emr_share_given_everywhere(emr_share *share, emr_buf *out_given);

/* Why an agent that is on the ledger would not release the keys of a new grant. */
typedef enum emr_left_out_why {
	EMR_LEFT_OUT_NOT,
	EMR_LEFT_OUT_YOURS,	    /* of the owner's organisation */
	EMR_LEFT_OUT_THEIRS,	    /* of one of which somebody could read */
	EMR_LEFT_OUT_ALSO_A_PERSON, /* its key has a role of a person: it could read itself */
	EMR_LEFT_OUT_OVER,	    /* its key, or its organisation, is in force no more */
	EMR_LEFT_OUT_NO_LETTER,	    /* its receiving key is one that nothing can be sealed to */
	EMR_LEFT_OUT_TWICE,	    /* another of the same organisation does */
	EMR_LEFT_OUT_ENOUGH,	    /* three others do */
} emr_left_out_why;
typedef struct emr_left_out {
	emr_id32 agent;
	emr_left_out_why why;
} emr_left_out;
/* Every agent that a grant to GRANTEE by RULE (bits of emr_away) would not name now, by this
 * computer's copy: emr_left_out, ... appended to OUT.  EMR_NOT_FOUND: no such grantee. */
emr_status emr_share_agents_left_out(
	emr_share *share, emr_id32 grantee, uint16_t rule, emr_buf *out);
/* Whether those who release GIVEN are all in force and take letters, none of the organisation of
 * somebody who could read, and no fewer than a new grant to GRANTEE (the present key) by RULE would
 * name, nor any that RULE does not allow: then giving it again would change nothing. */
emr_status emr_share_agents_fit(
	emr_share *share, emr_id32 grantee, uint16_t rule, const emr_given *given, bool *out_fit);

/* ---- domains inside domains ---- */

/* All domains of a folder: each after the one that its root hangs in. */
typedef struct emr_nested {
	emr_id16 domain;
	emr_id16 outer; /* zero, or not among them: it hangs in none */
} emr_nested;

/* Makes the grants of inner domains what the tree says: a reader who may see the outer one gets a
 * grant of the same terms and the same share id, unless it was taken back there by a person; what
 * came with a share in which the domain does not lie any more, or that has ended, is revoked.  To
 * be called after a GRANT or REVOKE on a domain with others inside, when a domain is made or moved,
 * and at a start: what an interrupted call left out is done by the next one.  Domains that the
 * ledger does not know yet are passed over.  *out_changes (may be NULL): grants and revocations
 * sent. */
emr_status emr_share_tie(emr_share *share, const emr_nested *tree, size_t n, uint64_t *out_changes);
/* As emr_share_revoke_person, with the same shares in all domains below.  *out_n counts those of
 * DOMAIN. */
emr_status emr_share_revoke_below(emr_share *share, const emr_nested *tree, size_t n,
	emr_id16 domain, emr_id32 grantee, size_t *out_n);
/* The grants that stand in a domain only because it lies in a shared one: emr_id16, ... appended. A
 * list of shares leaves them out: one share is listed once, where it begins. */
emr_status emr_share_inner_grants(
	emr_share *share, const emr_nested *tree, size_t n, emr_buf *out_grants);

/* A team whose key changed (share/teams.h): everything that its former one has is given to the
 * present one, on the same terms, and ends for the former one; with what lies inside (TREE as for
 * emr_share_tie).  To be called when the ledger says something about teams, and at a start.
 * *OUT_CHANGES (may be NULL): shares that were moved.  The first failure; what can be done is done.
 * EMR_MISSING_DATA: what others left in one cannot be judged, as its data is elsewhere; the new
 * grant is there without it, and the former one stays until it is called again and the data came.
 */
emr_status emr_share_follow_teams(
	emr_share *share, const emr_nested *tree, size_t n, uint64_t *out_changes);

/* A person who may write in an own domain and goes on under another key has the same right by that.
 * When it is called is as for emr_share_follow_teams.  *OUT_CHANGES (may be NULL): rights that were
 * given.
 */
emr_status emr_share_follow_writers(emr_share *share, uint64_t *out_changes);

/* A share whose agents are no agents any more (their organisation left, their key was revoked or
 * ran out, somebody of their organisation can read now): too few are left to answer. */
typedef struct emr_handover {
	emr_given given;
	emr_id32 gone[EMR_AGENTS_MAX];
	unsigned gone_n;
	bool is_made;	     /* else it is open only while the owner's computer is on */
	emr_grant_made made; /* what took its place */
} emr_handover;
/* Gives each such share again on the same terms, with what lies inside, through agents that are
 * there now, and ends the former one; unless of these fewer must agree than the owner was told when
 * it was shared: that is left to the owner. Appends each to OUT_HANDOVERS (emr_handover, ...), also
 * those before an error. Shares that another one covers are passed over. TREE as for emr_share_tie.
 * To be called when the ledger says something about keys, organisations or members of teams, and at
 * a start. EMR_MISSING_DATA: as for emr_share_follow_teams; everything else is done. */
emr_status emr_share_replace_agents(
	emr_share *share, const emr_nested *tree, size_t n, emr_buf *out_handovers);

/* ---- epochs ---- */

/* Whether the next content of DOMAIN, one's own, needs another key: somebody's grant has ended
 * since the present epoch began, or the key or team that it is to; a key that is no computer of the
 * owner (any more) was let manage since, whatever its right is by now; or the epoch is not the
 * owner's. */
emr_status emr_share_epoch_is_due(emr_share *share, emr_id16 domain, bool *out_is_due);
/* A new epoch: EPOCH, the owner's listing key and fragments for those who remain, in one batch.
 * Earlier records stay as they are, readable for those who remain. */
emr_status emr_share_begin_epoch(emr_share *share, emr_id16 domain);
/* Does so when it is due: to be called before the owner writes there, or once a day.  A domain that
 * is not there yet needs nothing. */
emr_status emr_share_renew(emr_share *share, emr_id16 domain);
