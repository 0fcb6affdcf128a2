/* What the checks of one proof share.  They refuse to go on past the first thing that does not fit. */
#pragma once

#include "contract/item.h"
#include "contract/pubs.h"
#include "keyring/cert.h"
#include "ledger/checkpoint.h"
#include "proof/proof.h"
#include "record/format.h"

/* A key that this ledger registered, with the certificate that vouches for it. */
typedef struct known_key {
	emr_id32 signer_id;
	uint8_t pk[32];
	emr_pub_key_reg pub;
	emr_cert_facts certificate;
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
	known_key keys[EMR_PROOF_KEYS_MAX];
	size_t n_keys;
	const known_key *owner; /* whose domain the item is in */
} checking;

/* Notes why the proof fails, for `return fail(...)`. */
bool fail(checking *c, emr_proof_step step, const char *why);
/* The key with that id; NULL when the file shows none. */
const known_key *key_of(const checking *c, const uint8_t signer_id[32]);

/* PROOF's entry stands in the tree of HEAD. */
bool is_in_log(const emr_proof *proof, const emr_checkpoint *head, const emr_entry *entry);
/* PROOF's item stands in the batch of HEADER, which its signer signed. */
bool is_in_batch(const emr_proof *proof, const emr_header *header);
bool batch_is_signed(const emr_entry *entry, const emr_header *header);

/* The steps; each false when it failed. */
bool check_keys(checking *c);
bool check_certificates(checking *c);
bool check_private_part(checking *c);
bool check_content(checking *c);
bool check_statement(checking *c);
bool check_owner(checking *c);
bool check_patient(checking *c);
bool check_type(checking *c);
bool check_copy(checking *c);
