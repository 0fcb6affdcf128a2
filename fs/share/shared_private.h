/* This header declares a grant that is open for reading: the keys that it has brought so far, and
 * questions on their way. It refuses to keep a key past the grant's end. */
#pragma once

#include "share/read.h"
#include "share_private.h"
#include "teams_private.h"

typedef struct held_name_key {
	emr_id32 listkey_id;
	emr_list_key *key;
	bool is_kept; /* at rest, too */
} held_name_key;

typedef struct held_content_key {
	emr_id16 object;
	uint64_t pversion;
	emr_content_key *key;
	bool is_kept;
} held_content_key;

struct emr_shared {
	emr_share *share;
	emr_received received;
	standing standing;
	emr_id16 outer; /* the dataset paid for that domain, which this one lies in; else zero */
	emr_grant_terms terms;
	emr_row_domain row;
	uint8_t owner_pk[32]; /* signed the fragments */
	emr_grantee_key *me;
	uint8_t my_B[32];
	uint8_t purpose;
	emr_reader_class reader;
	uint64_t frozen_at; /* what is shown came before that entry; 0: what is there now */
	emr_buf names;	    /* held_name_key, ... */
	emr_buf contents;   /* held_content_key, ... */
	emr_buf closed;	    /* emr_id32, ...: listing keys that open for nobody: asked no more */
	emr_id32 liars[EMR_RESPONDERS_MAX]; /* are asked no more */
	unsigned liars_n;
};

/* OBJECT's row, as it is shown.  EMR_NOT_FOUND: there is nothing to show. */
emr_status shared_head(const emr_shared *shared, emr_id16 object, emr_replica_head *out);
const emr_list_key *shared_name_key(const emr_shared *shared, emr_id32 listkey_id);
const emr_content_key *shared_content_key(
	const emr_shared *shared, emr_id16 object, uint64_t pversion);
/* A writer can publish a listing key that opens for nobody: it is told apart from a key that did
 * not come yet, so that nobody waits for it. */
bool shared_is_closed_name(const emr_shared *shared, emr_id32 listkey_id);
emr_status shared_note_closed_name(emr_shared *shared, emr_id32 listkey_id);
bool shared_is_liar(const emr_shared *shared, emr_id32 id);
void shared_note_liar(emr_shared *shared, emr_id32 id);
/* Take the key over, also when they fail; IS_KEPT: it is at rest, too. */
emr_status shared_keep_name_key(
	emr_shared *shared, emr_id32 listkey_id, emr_list_key *key, bool is_kept);
emr_status shared_keep_content_key(
	emr_shared *shared, emr_id16 object, uint64_t pversion, emr_content_key *key, bool is_kept);
/* write.c: the listing keys that this keyring published there itself. */
emr_status shared_take_own_names(emr_shared *shared);
/* A grant's letter and card, checked against the ledger. */
emr_status share_open_letter(emr_share *share, const standing *s, const emr_box_key *box,
	const emr_known_grant *known, emr_received *out, emr_grant_terms *out_terms);
/* The same without opening it again, where emr_share_received read it and nothing has changed
 * since; false: it has to be opened. */
bool share_letter_said(emr_share *share, const standing *s, const emr_known_grant *known,
	emr_received *out, emr_grant_terms *out_terms);

/* ---- a question on its way ---- */

typedef struct asked_slot {
	emr_access_slot slot;
	capsule_facts capsule;
	bool is_there;
	bool is_closed;	 /* what its writer sealed opens for nobody: no more answers would help */
	uint8_t refusal; /* the first code that came instead */
} asked_slot;

typedef struct responder {
	emr_id32 id;
	bool is_owner;
	bool has_answered, is_liar;
	emr_answer *answer; /* NULL: refused, or not readable */
} responder;

struct emr_ask {
	emr_shared *shared;
	emr_box_key *epk;
	emr_known_release release;
	asked_slot *slots;
	size_t n;
	responder who[EMR_RESPONDERS_MAX];
	unsigned who_n;
	uint8_t refusal;
	bool has_counted, is_over_limit; /* see emr_share_trouble */
};

/* daily.c: sets is_over_limit of ASK, once, where somebody refused it for the limit. */
emr_status ask_count_own(emr_ask *ask);

/* combine.c: whatever the answers so far give for slot I. */
emr_status ask_combine(emr_ask *ask, size_t i);

/* word.c: whose word the version of FACTS in BUNDLE is. */
emr_status share_word(emr_shared *shared, const emr_bundle *bundle, const record_facts *facts,
	emr_shared_word *out);
