/* These functions keep what a keyring remembers of what follows from its seed: public halves of
 * keys, and local keys in locked memory. It knows nothing of folders whose keys came by letter.
 * Any thread. */
#pragma once

#include "base/id.h"
#include "base/secret.h"
#include "keyring/content.h"
#include "keyring/keyring.h"

typedef struct emr_memo emr_memo;

typedef enum emr_memo_kind {
	MEMO_NONE,
	MEMO_IDENTITY,	  /* NUMBER: its generation */
	MEMO_DOMAIN_SIGN, /* ID: the domain; NUMBER: the generation */
	MEMO_LOG,	  /* ID: the network */
	MEMO_DOMAIN_BOX,  /* ID: the domain */
	MEMO_DOMAIN_PRE,  /* ID: the domain; NUMBER: the epoch */
} emr_memo_kind;

typedef struct emr_memo_key {
	emr_memo_kind kind;
	emr_id16 id;
	uint32_t number;
	size_t seed; /* its number */
} emr_memo_key;

emr_memo *emr_memo_new(void);	    /* NULL without memory */
void emr_memo_free(emr_memo *memo); /* wipes; NULL is fine */
/* False: not remembered, or forgotten for another. */
bool emr_memo_find(emr_memo *memo, const emr_memo_key *of, uint8_t out[32]);
void emr_memo_keep(emr_memo *memo, const emr_memo_key *of, const uint8_t bytes[32]);
/* Of the identity, as of generation OUT->gen (in), all but the device. */
bool emr_memo_find_public(emr_memo *memo, emr_public *out);
void emr_memo_keep_public(emr_memo *memo, const emr_public *made);
/* WHAT (a hash of a domain and its owner's key) was found to be another's. */
bool emr_memo_is_others(emr_memo *memo, const emr_id16 *what);
void emr_memo_keep_others(emr_memo *memo, const emr_id16 *what);
/* The local key of USE that was kept for this device and seed: a copy.  EMR_NO_MEMORY. */
typedef struct emr_memo_device {
	emr_id16 id;
	uint8_t seed; /* its number */
} emr_memo_device;
emr_status emr_memo_local(emr_memo *memo, emr_local_use use, const emr_memo_device *of,
	emr_secret *out, bool *out_found);
emr_status emr_memo_keep_local(
	emr_memo *memo, emr_local_use use, const emr_memo_device *of, const emr_secret *key);
