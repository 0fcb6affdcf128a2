/* These functions make one ledger operation of one change: bundle, wrapped key, sealed metadata,
 * private part; keys are wrapped ahead by a thread of its own. They submit nothing. */
#pragma once

#include "keyring/content.h"
#include "ledger/batch.h"
#include "settle/settle.h"

/* A content's key for one epoch of one domain, and which content it is. */
typedef struct wrapped_key {
	emr_cid root;
	uint64_t padded;
	uint8_t capsule[EMR_CAPSULE_BYTES];
	uint8_t wdek[EMR_WDEK_BYTES];
} wrapped_key;

/* The facts that every item of one batch shares. */
typedef struct build_ctx {
	emr_keyring *keyring;
	emr_record_ctx *records;
	emr_facts *facts;
	emr_id16 domain;
	uint32_t epoch;
	uint8_t A[32]; /* the domain's public key of EPOCH */
	emr_id32 listkey_id;
	const emr_list_key *list_key;
	uint64_t now_unix_s;
	emr_bytes descriptor;  /* the network's: what is wrapped again is judged before */
	uint8_t person_pk[32]; /* the patient's identity key, for statements */
	emr_signer signer;     /* of the batch, and of statements */
	bool is_foreign;       /* the domain is another's */
	struct known_statements *statements; /* in others' domains (amend.h) */
	uint64_t issued;		     /* the number of the last statement for that patient */
	struct ahead *ahead;  /* NULL, or keys of REWRAPs that are wrapped already (ahead.c) */
	uint8_t cert_ref[32]; /* in statements: zero, or the certificate of a signer who is not the
				 owner */
} build_ctx;

/* The key of the content that CHANGE, a REWRAP, brings again, for the epoch of CTX: its item says
 * to everybody else that the owner vouches for what is signed there.  EMR_BAD_SIGNATURE: she does
 * not. Any thread. */
emr_status build_wrap(const build_ctx *ctx, const emr_change *change, wrapped_key *out);
/* HEAD is where the row stands now (version 0 and a zero item when it is new).  *OUT_OP borrows
 * from OUT_PRIV; OUT_PLACE is where the record will stand when the item is applied. */
emr_status build_operation(const build_ctx *ctx, const emr_change *change,
	const emr_replica_head *head, emr_buf *out_priv, emr_operation *out_op,
	emr_place *out_place);

/* ---- the media type that a name suggests; it never looks at content (mime.c) ---- */

/* A static string; "application/octet-stream" for anything unknown. */
const char *mime_of_name(emr_bytes name);

/* ---- ahead.c ---- */
/* Keys wrapped before they are asked for: by a thread of its own, while the asker seals, sends and
 * waits for the disk, and by the asker instead of waiting for that thread.  Only advice: without
 * memory or a thread everything is done when it is asked for. */

typedef struct ahead ahead;

/* For the REWRAPs among the N CHANGES, which are borrowed until the end, as is what CTX names. NULL
 * when there are too few. */
ahead *ahead_begin(const build_ctx *ctx, const emr_change *changes, size_t n);
/* Whether it works for the epoch and the key of CTX. */
bool ahead_fits(const ahead *a, const build_ctx *ctx);
/* The result of build_wrap for CHANGE, one of CHANGES. One asker at a time. */
emr_status ahead_get(ahead *a, const emr_change *change, wrapped_key *out);
/* Waits for the one key that the thread is at.  Fine for NULL. */
void ahead_end(ahead *a);
