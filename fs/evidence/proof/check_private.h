/* This is what the checks of one proof share. They refuse to go on past the first thing that
 * does not fit. */
#pragma once

#include "contract/item.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "keyring/cert.h"
#include "ledger/checkpoint.h"
#include "proof/proof.h"
#include "record/format.h"

/* An organisation that came in after the network was made. */
typedef struct admitted {
	uint8_t org[16];
	uint64_t seq;	    /* of the approval that completed it */
	emr_bytes ca, name; /* borrowed from PART */
	emr_buf part;
} admitted;

/* A key that this ledger registered, with the certificate that vouches for it. */
typedef struct known_key {
	emr_id32 signer_id;
	uint8_t pk[32];
	emr_pub_key_reg pub;
	emr_cert_facts certificate;
	const admitted *by; /* to whose CA its chain leads; NULL: to one of the description */
	uint64_t seq;	    /* of its registration */
	const struct known_key *before; /* which it followed; its certificate is that one's */
} known_key;

typedef struct checking {
	const emr_proof *proof;
	emr_proof_verdict *verdict;
	const emr_id16 *net; /* expected; NULL = any */
	int copy_fd;
	emr_status status; /* not EMR_OK: the check itself failed */
	emr_checkpoint head;
	emr_entry entry;
	emr_header header;
	emr_item item;
	emr_put_part put;
	emr_statement statement;
	bool has_holes; /* the content: then all segments of zeros are hashed alike */
	known_key keys[EMR_PROOF_KEYS_MAX];
	size_t n_keys;
	const known_key *owner; /* whose domain the item is in */
	admitted admissions[EMR_PROOF_ADMISSIONS_MAX];
	size_t n_admissions;
} checking;

/* Notes why the proof fails, for `return fail(...)`. */
bool fail(checking *c, emr_proof_step step, const char *why);
/* The key with that id; NULL when the file shows none. */
const known_key *key_of(const checking *c, const uint8_t signer_id[32]);
/* The first of the keys of one person, as far as the file shows them. */
const known_key *first_of(const known_key *key);

/* PROOF's entry stands in the tree of HEAD. */
bool is_in_log(const emr_proof *proof, const emr_checkpoint *head, const emr_entry *entry);
/* PROOF's item stands in the batch of HEADER. */
bool is_in_batch(const emr_proof *proof, const emr_header *header);
/* By who HEADER names. */
bool batch_is_signed(const emr_entry *entry, const emr_header *header);

/* A proof of one item inside a proof. */
typedef struct nested {
	emr_proof proof;
	emr_entry entry;
	emr_header header;
	emr_item item;
	bool is_out_of_memory;
} nested;
/* FILE is the proof of an item of ITEM_LEN bytes, under the same checkpoint, signed by who it
 * names, accepted.  Else what is wrong with it, after "... ".  nested_end in either case. */
const char *read_nested(const checking *c, emr_bytes file, size_t item_len, nested *out);
emr_span nested_pub(const nested *n);
void nested_end(nested *n);
#define AUTO_NESTED __attribute__((cleanup(nested_end))) nested
/* PRIV is what the item commits to. */
bool priv_fits(const emr_item *item, emr_bytes priv);

/* How the network calls KEY's organisation, as it came in with the CA that vouches for KEY: another
 * admission of it in the file says nothing about this key.  Shown safely; "" when the file does not
 * say. */
void organisation_name(const checking *c, const known_key *key, char out[EMR_PROOF_NAME_BYTES]);
/* DER is a CA of ORG: of the network's description (*OUT_BY is NULL then), or of an admission that
 * came before entry SEQ. */
bool is_ca_of(const checking *c, emr_bytes der, const uint8_t org[16], uint64_t seq,
	const admitted **out_by);

/* The steps; each false when it failed. */
bool check_keys(checking *c);
bool check_admissions(checking *c);
bool check_certificates(checking *c);
bool check_private_part(checking *c);
bool check_content(checking *c);
bool check_statement(checking *c);
bool check_owner(checking *c);
bool check_patient(checking *c);
bool check_type(checking *c);
bool check_copy(checking *c);
