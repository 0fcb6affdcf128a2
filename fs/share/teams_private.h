/* The files of this module use teams through this: a team as a grantee where a person could stand,
 * and a person who reads in a team's name. It refuses to let a person read in the name of a team
 * without being in it. */
#pragma once

#include "share/read.h"
#include "share/teams.h"
#include "share_private.h"

/* Terms of HASH out of the part of DATASET_NEW, into the fields of OUT that say so.  EMR_NOT_FOUND:
 * of another kind of dataset; EMR_DAMAGED. */
emr_status team_terms_read(emr_bytes part, const uint8_t hash[32], emr_team *out);

/* Whom GRANTEE means, a person's key or what grants to a team name: a team's root, keys and
 * organisation are put where a person's are.  *OUT_IS_ACTIVE (may be NULL): something can be shared
 * with him or it now.  EMR_NOT_FOUND. */
emr_status share_party(
	emr_share *share, emr_id32 grantee, emr_known_person *out, bool *out_is_active);

/* The key that goes on for the person (or team) whose first key is ROOT. */
emr_status share_present_key(emr_share *share, emr_id32 root, emr_id32 *out);
/* When the key ended that the person of KEY, one of his keys, has now: it was revoked, or his
 * organisation is no member any more; 0: it did not. A function that seals something for a person
 * calls this first. EMR_NOT_FOUND: the ledger knows no such key. */
emr_status share_key_end(emr_share *share, emr_id32 key, uint64_t *out_ended_unix_s);
/* Whether share_party put a team there. */
bool share_is_team(const emr_known_person *party);

/* Into P, behind GRANT of DOMAIN to ROOT: where that is a dataset that DOMAIN is not in, it joins
 * by that grant (*OUT_JOINS).  Behind the end of GRANTS: it leaves, when it was in by one of them.
 */
emr_status share_add_join(
	parcel *p, emr_id16 domain, emr_id32 root, emr_id16 grant, bool *out_joins);
emr_status share_add_leave(
	parcel *p, emr_id16 domain, emr_id32 root, const emr_id16 *grants, size_t n);

/* Into the part of GRANT to ROOT that P has in hand, where that is a dataset with a price: that it
 * lies in OUTER, a domain of this keyring, and is paid with it.  Nobody else is told. */
emr_status share_add_outer(parcel *p, emr_id32 root, emr_id16 outer);

/* Whether DOMAIN takes part in DATASET, by a grant that is in force. */
emr_status share_takes_part(emr_share *share, emr_id16 domain, emr_id16 dataset, bool *out_does);
/* Whether DATASET, which has a price, has paid for what GRANT gives it: it joined by this very
 * grant, or it lies in *OUT_OUTER, which takes part now, and whose key says so (else zero). */
emr_status share_is_paid(emr_share *share, emr_id16 dataset, const grant_facts *grant, bool *out_is,
	emr_id16 *out_outer);

/* How a grant is this person's. */
typedef struct standing {
	bool is_team, is_dataset;
	emr_id16 team_id;     /* with IS_TEAM, as the next two */
	const emr_team *team; /* borrowed; NULL once the share is open: its terms are large */
	emr_membership membership;
	emr_id32 root;		   /* this person's */
	uint64_t key_ended_unix_s; /* 0: the key that this person has here was not ended */
} standing;

/* *TEAM, which OUT points to, is filled where it is one.  EMR_NOT_FOUND: it is to somebody else. */
emr_status share_standing(
	emr_share *share, const emr_known_grant *known, emr_team *team, standing *out);
/* After a change of keys on the ledger: whether this person's own was ended. */
emr_status share_look_at_own_key(emr_share *share, standing *s);
/* KNOWN as it is for who stands so: a membership or a key that ended ends it, too. */
emr_grant_phase share_phase(emr_share *share, const standing *s, emr_known_grant *known);
/* Whether it was ever this person's: not when he had left before it was given.  The leader, who
 * keeps the key as a member of one minute, is no member of the past. */
emr_status share_was_his(
	emr_share *share, const standing *s, const emr_known_grant *known, bool *out_was);
/* The key of the team that was opened last is wiped: whoever is in no more does not keep it. */
void share_forget_team_key(emr_share *share);
/* The key that opens its letter, and to which converted keys are sealed. Either may be NULL. */
emr_status share_standing_keys(
	emr_share *share, const standing *s, emr_box_key **out_box, emr_grantee_key **out_key);
