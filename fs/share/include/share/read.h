/* The grantee's half: records that others have shared with this person, their names, their bytes,
 * and the report of openings.  It refuses names and bytes that do not authenticate, keys that are
 * not proven by what they open, and everything after the grant's end by this computer's clock or
 * the ledger. */
#pragma once

#include "share/share.h"
#include "share/signed.h"
#include "share/teams.h"

/* A grant to me, with its letter. */
typedef struct emr_received {
	emr_known_grant grant;
	emr_grant_phase phase;
	emr_grant_letter letter; /* label, where it begins, share id; its card is read already: */
	emr_card card;		 /* the domain's, signed by its owner */
	uint8_t B[32];		 /* the key for which it was given: mine then, or the team's */
	unsigned agents_count;
	emr_id32 agents[EMR_AGENTS_MAX];
	emr_id16 via;			     /* in the name of which team; zero: to me by name */
	char team[EMR_TEAM_NAME_MAX + 1];    /* how that is called; "" without */
	bool is_dataset;		     /* that is one; then: */
	emr_id16 line;			     /* the same before and after it got another key; its
						terms', too */
	char pseudonym[EMR_PSEUDONYM_CHARS]; /* what the owner is called in it */
	emr_id32 terms_id;		     /* SHA-256 of its terms' file; VIA has the terms */
} emr_received;
/* It belongs to a share that begins in another domain (letter.root_dir_id), and has its share id:
 * the root of this domain names as its parent the directory in which it hangs there. */
static inline bool emr_received_is_inner(const emr_received *received)
{
	return !emr_id16_equal(received->letter.root_dir_id, received->grant.domain);
}
/* Every grant to me, or to a team that I am or was in, in every state: one whose team I have left
 * is over (revoked) since then: emr_received, ... appended. A grant that cannot be opened is left
 * out, and counted in *out_unopened (may be NULL). */
typedef struct emr_unopened {
	size_t late;	/* a private part of it, or of the membership, is not here (yet) */
	size_t damaged; /* its letter does not open, or has another card than the ledger's domain */
} emr_unopened;
emr_status emr_share_received(emr_share *share, emr_buf *out_received, emr_unopened *out_unopened);

/* The message id that says why nothing is read by GRANT, which was taken back: "closed" (a dataset,
 * by its steward), "dropped" (the steward let this reader out of it), "left" (its participant has
 * left it), or "grant-revoked" where it was not to a dataset. By this computer's copy of the
 * ledger; a literal. */
const char *emr_share_end_id(emr_share *share, const emr_known_grant *grant);

/* This computer's copy of the ledger keeps the private parts of whatever is shared with me from now
 * on.  FETCH: earlier ones are brought in, too, where they are not here yet; without it (before
 * the first catch_up of a mount) only what is here goes on being kept.  EMR_NOT_FOUND: the ledger
 * does not know me. */
emr_status emr_share_keep_received(emr_share *share, bool fetch);

/* ---- one grant, open ---- */

typedef struct emr_shared
	emr_shared; /* holds listing and content keys in locked memory, nowhere else */

/* For this PURPOSE (bit number) and kind of reader.  EMR_DENIED with the cause in *out_trouble (may
 * be NULL): no grant, not yet, expired, revoked, purpose. */
emr_status emr_shared_open(emr_share *share, emr_id16 domain, emr_id16 grant, uint8_t purpose,
	emr_reader_class reader, emr_shared **out_shared, emr_share_trouble *out_trouble);
/* From now on what a state of LOG_SIZE entries has (share/frozen.h), and nothing else. */
void emr_shared_show_frozen(emr_shared *shared, uint64_t log_size);
void emr_shared_free(emr_shared *shared); /* wipes the keys */
const emr_received *emr_shared_grant(const emr_shared *shared);
/* Whether the grant is in force now.  EMR_DENIED with the cause; the keys are then wiped. */
emr_status emr_shared_check(emr_shared *shared, emr_share_trouble *out_trouble);

/* Whether the key of that content is here. */
bool emr_shared_has_key(const emr_shared *shared, emr_id16 object, uint64_t pversion);

/* ---- asking ---- */

/* How long after it was asked a question's answers are of use: programs wait for less, and who
 * answers need not do so afterwards. */
#define EMR_ASK_LIFE_S 60u

/* One question on the ledger, and the answers so far. */
typedef struct emr_ask emr_ask;

/* For the listing keys that are lacking.  *out_ask stays NULL when none is. */
emr_status emr_shared_ask_names(
	emr_shared *shared, emr_ask **out_ask, emr_share_trouble *out_trouble);
/* The same for several of SHARE, with one entry on the ledger.  Where one cannot be asked for, its
 * `ask` stays NULL, and nobody is told why: the others have nothing to do with it. */
typedef struct emr_names_asked {
	emr_shared *shared;
	emr_ask *ask;
} emr_names_asked;
emr_status emr_shared_ask_names_of(emr_share *share, emr_names_asked *all, size_t n);
/* For the contents of these records (at most 1,024), as they are now; those whose key is held
 * already are left out, and *out_ask stays NULL when none is lacking.  EMR_NOT_FOUND: one is not
 * there. */
emr_status emr_shared_ask_records(emr_shared *shared, const emr_id16 *objects, size_t n,
	emr_ask **out_ask, emr_share_trouble *out_trouble);
/* Frees it; must come before emr_shared_free.  NULL is fine. */
void emr_ask_free(emr_ask *ask);
/* Looks at what this computer's copy of the ledger has by now; waits for nothing.  EMR_OK: every
 * key is there.  EMR_BUSY: some are not, and `missing` may still answer.  EMR_DENIED: they will not
 * come.  Keys that did come are in use in any case.  Liars are named in *out_trouble whatever the
 * status. */
emr_status emr_ask_collect(emr_ask *ask, emr_share_trouble *out_trouble);
/* Nobody but the owner could answer, and none of the owner's computers, by whichever key, has put
 * anything onto the ledger since this question stands there, by this computer's copy: an open
 * folder of a busy owner does, and a closed one nothing.  It may be open all the same.  False also
 * where it cannot be known. */
bool emr_ask_owner_is_quiet(const emr_ask *ask);
/* ---- names and bytes ---- */

typedef struct emr_shared_record {
	emr_id16 object;
	emr_id16 record_id;
	uint64_t version;  /* of the row's chain */
	uint64_t pversion; /* of its content; 0: directory or link */
	uint64_t cver;
	uint32_t epoch;
	emr_id32 signer; /* of the item that describes it */
	bool is_owners;	 /* that is the owner, or a computer of the owner, */
	bool is_mine;	 /* or this keyring */
	emr_cid root;	 /* of its bundle, and how long its sealed content is; with pversion */
	uint64_t padded;
	uint64_t ledger_time; /* of the item that describes it */
	const emr_meta *meta;
} emr_shared_record;
typedef emr_status (*emr_shared_fn)(void *arg, const emr_shared_record *record);
/* KNOWN (may be NULL) is asked for each live record first.  EMR_OK: it need not be read, and FN is
 * not called; EMR_NOT_FOUND: it is read; any other ends the walk.  A record of the same version of
 * its chain says the same as long as the grant is the same. */
typedef emr_status (*emr_shared_known_fn)(void *arg, emr_id16 object, uint64_t version);
/* Every live record whose name can be read; META is valid during the call. Words of others about
 * the root of the domain are left out: META is then the owner's last before them. *out_unreadable
 * (may be NULL) counts the others (their listing key is lacking, or they are damaged). */
emr_status emr_shared_each(emr_shared *shared, emr_shared_known_fn known, emr_shared_fn fn,
	void *arg, uint64_t *out_unreadable);
/* Appends what the owner calls the share itself by now.  EMR_DENIED: with a listing key that is not
 * here. EMR_NOT_FOUND: it is no more. */
emr_status emr_shared_name(emr_shared *shared, emr_buf *out_name);
typedef struct emr_shared_word {
	emr_cid root; /* of the version's bundle */
	uint64_t pversion;
	emr_signed is;
	uint64_t time_unix_s; /* of the entry with which the version came; of what was placed, of
				 its statement */
	bool is_placed; /* by its owner, from where this copy does not see: the entry with which it
			   came is not known here */
	bool is_superseded; /* somebody else than the owner signed a newer one, which the owner put
			       this on top of */
} emr_shared_word;
/* The bytes of one record, and whose word they are.  A mismatch is a judgement, not an error: the
 * caller must not show the bytes.  EMR_NOT_FOUND; EMR_DENIED: its key was not released (ask first),
 * or the grant is over; EMR_DAMAGED, EMR_MISSING_DATA. */
emr_status emr_shared_open_signed(emr_shared *shared, emr_id16 object,
	emr_content_reader **out_reader, emr_shared_word *out_word);
/* As emr_signed_note. */
const char *emr_shared_word_note(const emr_shared_word *word);
/* The item with which the content that AT says came into its row: its PUT, or, of what was moved
 * there, the owner's REWRAP.  Needs no key.  EMR_NOT_FOUND. */
emr_status emr_shared_came(
	emr_replica *replica, const emr_part_key *at, emr_replica_item *out_item);

/* ---- keys at rest, until the grant's end ---- */

#define EMR_KEPT_KEY_BYTES 144 /* one key, sealed for this computer: FORMAT.md */
/* Appends one for every key that is held, of names and of contents, and was neither appended nor
 * taken out of there before. */
emr_status emr_shared_save_keys(emr_shared *shared, emr_buf *out);
/* Takes those of this grant, as its terms are now, out of any number of them, and those of grants
 * that it renews, as far as it shows the same; the latter, and the grant's that do not open, or
 * show what it shows no more, are removed from KEPT.  EMR_DAMAGED: one does not open; EMR_DENIED:
 * the grant is over. */
emr_status emr_shared_load_keys(emr_shared *shared, emr_buf *kept);
size_t emr_shared_names_held(const emr_shared *shared);
/* Which grant of which domain one belongs to, and when that ends. */
void emr_kept_key_of(const uint8_t kept[EMR_KEPT_KEY_BYTES], emr_id16 *out_domain,
	emr_id16 *out_grant, uint64_t *out_not_after);
/* By the ledger, and no grant took its place before: keys that are kept of it are taken over when
 * that one is opened. */
bool emr_kept_is_over(emr_replica *replica, emr_id16 domain, emr_id16 grant);

/* Tells the owner what was opened.  Also after the end of the grant.  EMR_INVALID, EMR_LIMIT. */
emr_status emr_shared_report(emr_shared *shared, const emr_report_row *rows, size_t n);
