/* This takes one batch through the contract, for a host that is written in another language: it
 * copies the input of the host; the host reads the answer from an emr_outcome. It decides nothing;
 * it knows how rows and parts lie in Fabric's state, and checks who hands in. */
#pragma once

#include "contract/contract.h"
#include "contract/quota.h"

/* Fabric takes a row without a value for a deleted one.  So an empty value is stored as this one
 * byte; no row of the contract is that short.  Rows that may be empty are never read by it. */
#define HOSTED_EMPTY 0x00

typedef struct hosted hosted;

/* Once, before everything else; false when the cryptography cannot be used here. */
bool hosted_begin(void);

/* BYTES are a whole batch.  NULL when there is no memory. */
hosted *hosted_new(const uint8_t *bytes, size_t len);
/* The rows N and M that DESCRIPTOR makes, as an outcome that is applied.  NULL when it is no
 * descriptor, or there is no memory. */
hosted *hosted_genesis(const uint8_t *descriptor, size_t len);
void hosted_free(hosted *run);

/* How many of the bytes are header and items; the rest are private parts.  All of them when they
 * cannot be split. */
size_t hosted_public_len(const hosted *run);

/* The bringer, as far as nothing has to be checked. */
void hosted_caller(hosted *run, int host, const uint8_t net_id[16], const uint8_t submitter_id[32]);
/* For replays of recorded batches only: what another host found then. */
void hosted_seen(hosted *run, int seen);
emr_contract_status hosted_recorded(hosted *run, const uint8_t *results, size_t len);
emr_contract_status hosted_cert(hosted *run, const uint8_t ref[32], const uint8_t org[16],
	const uint8_t enrolment[32], uint16_t roles, uint64_t not_after_unix_s, uint8_t key_alg,
	const uint8_t *key, size_t len);

/* The K rows of who hands in and of the batch's signer; often the same. */
void hosted_submitter(const hosted *run, emr_key_text *out_key);
void hosted_signer(const hosted *run, emr_key_text *out_key);
/* SIGNATURE is the submitter's over network and batch: by the batch's own key, where that is the
 * submitter's, else by the one in ROW, the submitter's.  Of a batch that is not, or cannot be
 * split, the outcome is a refusal. */
bool hosted_is_handed_in(hosted *run, const uint8_t signature[64], emr_span row);
/* The M row of the one organisation that vouches for the certificate in a lone registration, whose
 * signer has the K row SIGNER; false: there is none. */
bool hosted_org_of(const hosted *run, emr_span signer, emr_key_text *out_key);
/* That certificate counts when it leads, at NOW, to the CA that the organisation has by its M row,
 * ROW: the one in DESCRIPTOR, or AUTHORITY (DER), which is brought along where the organisation was
 * admitted after the beginning, or has another one since. Otherwise the caller stays without one,
 * and the contract says what that means. */
emr_contract_status hosted_certificate(hosted *run, emr_span descriptor, emr_span authority,
	emr_span signer, emr_span row, uint64_t now_unix_s);

/* The rows to fetch in PASS 1, then 2. */
emr_contract_status hosted_keys(hosted *run, int pass);
size_t hosted_keys_count(const hosted *run);
const char *hosted_key(const hosted *run, size_t i);
/* Row I of this pass, once; BYTES NULL when it is absent. */
emr_contract_status hosted_give(hosted *run, size_t i, const uint8_t *bytes, size_t len);
/* Where the item of a part stands: i/... of p/..., and b/... of an i row. */
void hosted_place_key(const char *part_key, emr_key_text *out_key);
bool hosted_batch_key(const uint8_t *place_row, size_t len, emr_key_text *out_key);

/* The priv_hash of the item of a part, which is what the contract asks by a key that begins with
 * "p/": from its i row and the b row of the batch that this names. */
emr_contract_status hosted_part_hash(const uint8_t *place_row, size_t place_len,
	const uint8_t *batch_row, size_t batch_len, uint8_t out_hash[32]);

/* ---- Letters of invitations, which no batch brings (contract/quota.h) ---- */

/* The rows in which a day's letters are counted: those of the invitation or application ID, and
 * those that members of MSP leave, in one of EMR_QUOTA_PLACES by the id. They are rows of the
 * host's own, as followers hear of no letter. */
void hosted_letters_keys(const uint8_t id[16], const char *msp, emr_key_text out_keys[2]);
/* One more on ROW (NULL: it is absent), at NOW. *OUT_FITS: the row is OUT_ROW then. */
emr_contract_status hosted_letters_take(const uint8_t *row, size_t row_len, bool is_of_org,
	uint64_t now_unix_s, bool *out_fits, uint8_t out_row[EMR_ROW_QUOTA_BYTES]);

emr_contract_status hosted_judge(hosted *run, uint64_t now_unix_s);
const emr_outcome *hosted_outcome(const hosted *run);

/* The collection in which the part of a key that begins with "p/" lies. */
const char *hosted_collection(const char *part_key);
