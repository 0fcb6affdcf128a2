/* These functions read and make teams as the ledger has them: a name, a key that its members share,
 * its members, and the newer team that took its place. They refuse terms that are not the ones its
 * leader signed, and a team in the name of which nothing can be read as a grantee.
 *
 * On the ledger a team is a dataset of members without price; what people call a dataset is a
 * team of readers, with terms on which others join it. Its key never changes: when somebody leaves,
 * its leader makes another team of the same name that names this one as the one before, and owners
 * give that one what this one has (FORMAT.md). */
#pragma once

#include "keyring/pseudonym.h"
#include "replica/ask.h"
#include "share/terms.h"

#define EMR_TEAM_NAME_MAX 64

typedef enum emr_team_kind {
	EMR_TEAM_CHOSEN = 1, /* whom its leader named */
	EMR_TEAM_STAFF =
		2, /* everybody who works in the organisation: the organisation as a grantee */
	EMR_TEAM_DATASET = 3, /* whom the steward of a dataset admitted */
} emr_team_kind;

typedef struct emr_team {
	emr_id16 id;
	emr_id32 grantee; /* what grants to it name */
	emr_row_dataset row;
	emr_id16 org;	    /* of its leader */
	emr_team_kind kind; /* with the next four: as its terms say */
	char name[EMR_TEAM_NAME_MAX + 1];
	bool has_box; /* without: nothing can be shared with it */
	uint8_t x25519[32];
	emr_id16 before; /* zero: it is the first */
	/* Of a dataset: */
	emr_terms terms;
	emr_id32 terms_id; /* SHA-256 of the terms' file */
	uint8_t sealed[EMR_PSEUDONYM_SEALED_BYTES];
} emr_team;

/* The part of DATASET_NEW (appended), and its hash for the public part.  NAME has 1 to
 * EMR_TEAM_NAME_MAX bytes. */
emr_status emr_team_terms_make(emr_team_kind kind, const char *name, const uint8_t x25519[32],
	emr_id16 before, emr_buf *out_part, uint8_t out_hash[32]);

/* The same of a dataset.  FILE: its terms, at most EMR_TERMS_FILE_MAX bytes; AGREEMENT: the text
 * that they name, or nothing; PSEUDONYM_KEY is sealed to X25519 and goes on with the team that
 * takes the dataset's place. */
emr_status emr_dataset_terms_make(const char *name, const uint8_t x25519[32], emr_id16 before,
	emr_bytes file, emr_bytes agreement, const uint8_t pseudonym_key[EMR_PSEUDONYM_KEY_BYTES],
	emr_buf *out_part, uint8_t out_hash[32]);
typedef enum emr_dataset_text { EMR_DATASET_TERMS, EMR_DATASET_AGREEMENT } emr_dataset_text;
/* Appends a file that TEAM, a dataset, was called with; nothing where it has no agreement.
 * EMR_MISSING_DATA. */
emr_status emr_dataset_file(
	emr_replica *replica, const emr_team *team, emr_dataset_text which, emr_buf *out);
/* EMR_NOT_FOUND: no team, or of terms that nobody has or that do not fit their hash. */
emr_status emr_team_get(emr_replica *replica, emr_id16 id, emr_team *out);
/* Whom a grant names. */
emr_status emr_team_of_grantee(emr_replica *replica, emr_id32 grantee, emr_team *out);
/* The next team of ASKED, which asks a question of teams (replica/ask.h), in the order of their
 * ids; one of terms that nobody has or that do not fit is passed over.  False: there is none, or
 * asked->status says why. Between two nothing takes long: the database cannot take its log in
 * meanwhile. */
bool emr_team_next(emr_asking *asked, emr_team *out);
#define EMR_TEAM_ANY ((emr_team_kind)0)
/* The same of open ones of KIND without those whose place another has taken. */
bool emr_team_next_present(emr_asking *asked, emr_team_kind kind, emr_team *out);
/* The open team that took TEAM's place, or the one that took that one's, to the last, also where
 * one in between was closed; TEAM itself when none did.  Only a team of the same leader, name, kind
 * and terms can, the first that names it, which stands later on the ledger. */
emr_status emr_team_present(emr_replica *replica, const emr_team *team, emr_team *out);
/* Whether TEAM is a later key of the team that FORMER was a key of, whichever of them is closed by
 * now: it names FORMER, or one that leads to it, as the one before, in the way that
 * emr_team_present counts. */
emr_status emr_team_follows(
	emr_replica *replica, const emr_team *team, const emr_team *former, bool *out_does);
/* *OUT_SEQ: the entry with which the first such key came; 0: TEAM is the last. */
emr_status emr_team_followed_in(emr_replica *replica, const emr_team *team, uint64_t *out_seq);
/* Whether something can be shared with it at NOW: open, in its time, its leader's key in force,
 * with a receiving key. */
emr_status emr_team_is_active(
	emr_replica *replica, const emr_team *team, uint64_t now_unix_s, bool *out_is_active);

/* ---- who is in ---- */

typedef struct emr_membership {
	emr_row_member row;
	uint64_t ended_seq; /* of the entry that ended it; 0: neither its leader nor the member has
			     */
	uint64_t ended_unix_s;
} emr_membership;

/* Of the person whose first key is ROOT. EMR_NOT_FOUND: that person was never in. */
emr_status emr_team_membership(
	emr_replica *replica, emr_id16 team, emr_id32 root, emr_membership *out);
bool emr_membership_is_on(const emr_membership *membership, uint64_t now_unix_s);
/* The same of TEAM, where a dataset's reader who has not signed its agreement is in at no time,
 * whatever its steward says. */
emr_status emr_team_reader(
	emr_replica *replica, const emr_team *team, emr_id32 root, emr_membership *out);

/* ---- the agreement of a dataset: a request to its steward that says so, by the reader's key ----
 */

/* In the place of its salt a request by which a reader signs the agreement of DATASET has this. */
emr_id32 emr_agreement_salt(const emr_team *dataset);
/* When the person whose first key is ROOT signed it, by any key of his; 0: never. */
emr_status emr_agreement_signed(
	emr_replica *replica, const emr_team *dataset, emr_id32 root, uint64_t *out_unix_s);
static inline bool emr_dataset_has_agreement(const emr_team *dataset)
{
	return dataset->terms.words[EMR_TERMS_AGREEMENT][0] != '\0';
}
/* Whether somebody who knows TEAM's key is in no more, dropped or out of time, and has not been for
 * QUIET_S; its leader does not count. */
emr_status emr_team_has_lost_one(emr_replica *replica, const emr_team *team, uint64_t now_unix_s,
	uint64_t quiet_s, bool *out_has_lost);
/* The team's key, out of the newest letter to ROOT, who is KEYRING's.  EMR_NOT_FOUND: none that is
 * here opens. */
emr_status emr_team_key(emr_replica *replica, const emr_keyring *keyring, const emr_team *team,
	emr_id32 root, emr_grantee_key **out);
/* Whether it is by GRANT, which is to DATASET, that a folder takes part in it: one inside another
 * folder that does is granted, and does not count. */
emr_status emr_dataset_has(
	emr_replica *replica, const emr_team *dataset, const emr_known_grant *grant, bool *out_has);
/* By what a dataset that ROOT, who is KEYRING's, reads is known in emr_received. EMR_NOT_FOUND:
 * that person was never admitted. */
emr_status emr_dataset_line(emr_replica *replica, const emr_keyring *keyring, const emr_team *team,
	emr_id32 root, emr_id16 *out_line);
/* Every grant to the person of ROOT, by name first, then to each team that this person is or was
 * in: emr_known_grant, ... appended. */
emr_status emr_grants_to_person(emr_replica *replica, emr_id32 root, emr_buf *out_grants);
