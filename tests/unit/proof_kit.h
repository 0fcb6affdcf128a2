/* A small ledger made by hand, every signature good, and the proof of one document in it: what
 * tests change before or after it is signed. */
#pragma once

#include "emr_test.h"
#include "keyring/cert.h"
#include "keyring/keyring.h"
#include "proof/proof.h"

#define KIT_TIME UINT64_C(1700000000)
#define KIT_DAY UINT64_C(86400)

/* The one fault, although everything around it is signed. */
typedef enum kit_spoil {
	KIT_SOUND,
	KIT_REGISTRATION, /* signature of the batch that registers the key */
	KIT_BIND,	  /* the certificate's signature in it */
	KIT_COSIGNATURE,
	KIT_NO_COSIGNATURE,
	KIT_SUBMIT_SIGNATURE,
	KIT_BATCH_SIGNATURE,
	KIT_OTHER_HOST, /* the entry is of the other kind of ledger */
	KIT_DISAGREES,	/* the signature of the key that follows */
} kit_spoil;

/* The signed content, and its signer. */
typedef struct kit_wish {
	const emr_keyring *keyring; /* the patient */
	const emr_keyring *next;    /* whose key follows the patient's and saves the document; NULL:
				       none does */
	const emr_keyring *ca;	    /* whose CA issued the certificate; NULL = the patient's, as the
				       descriptor says */
	uint64_t cert_from, cert_to;
	bool has_no_org, has_other_org, has_no_role; /* the certificate */
	uint64_t
		between_to; /* not 0: an authority between the certificate and the CA, until then */
	uint64_t entry_time;
	uint8_t op, result;
	const uint8_t *text; /* the document */
	size_t text_len;
	bool has_holes;	       /* its content: segments of zeros are hashed alike */
	size_t items, item;    /* items in the batch, and which of them */
	size_t entries, entry; /* entries of the ledger, from 3, and which of them, from 2 */
	bool is_of_channel;    /* the network stands on Fabric: entries have no signature */
	kit_spoil spoil;
	bool is_other_patient; /* the statement is about somebody else */
	bool is_other_record;  /* the private part names another record */
} kit_wish;

extern const kit_wish kit_usual; /* but for the keyring and the text */

typedef struct kit_proof {
	emr_proof proof; /* borrows from the rest */
	emr_buf ca, chain, descriptor, key_file, next_file, note, item, entry, priv, directory,
		manifest;
	uint8_t statement[384], card[313], hk[32], r_pid[32], mime[64];
	size_t mime_len;
	emr_id16 net_id, domain;
} kit_proof;

void kit_make(const kit_wish *wish, kit_proof *out);
void kit_free(kit_proof *kit);
/* The part of that type, to change. */
emr_proof_part *kit_part(kit_proof *kit, emr_proof_type type);
