/* The functions of our chaincode (ledger-client/chaincode) through a gateway: bring a batch, read
 * rows and parts.  It refuses answers that are not of the form that the chaincode gives; the reader
 * of rows and parts must verify that they are genuine, against what was signed. */
#pragma once

#include "base/id.h"
#include "contract/contract.h"
#include "gateway/gateway.h"

/* The contract's answer, as the peers of enough organisations gave it
 * (emr_gateway_options.endorsers_least). */
typedef struct emr_gateway_answer {
	emr_outcome_kind kind;
	uint8_t refusal;    /* wire code of EMR_OUTCOME_REFUSED */
	uint16_t n_results; /* of the others: one for each item */
	uint8_t results[EMR_BATCH_COUNT_MAX];
} emr_gateway_answer;

/* The registered key that hands a batch in, and its signature over that (emr_batch_sign_submit). */
typedef struct emr_gateway_handed {
	emr_id32 submitter;
	uint8_t signature[64];
} emr_gateway_handed;

/* Has BATCH (header, items, private parts) judged and endorsed for who HANDED it in. AUTHORITY
 * (DER; may be empty) is the CA of the organisation that vouches for a lone registration, where it
 * was admitted after the beginning. Private parts go to endorsers only. EMR_OK is an answer:
 * APPLIED, then OUT_ENVELOPE is the transaction, to be kept and settled; KNOWN or REFUSED, then
 * there is nothing to send, and OUT_ENVELOPE is untouched. A batch that is known once settled
 * before: the same batch in a new proposal cannot be entered twice. EMR_LIMIT, and what
 * emr_gateway_endorse has. */
emr_status emr_gateway_register(emr_gateway *gateway, emr_gateway_call *call,
	const emr_gateway_handed *handed, emr_bytes batch, emr_bytes authority,
	emr_buf *out_envelope, emr_gateway_answer *out_answer);

/* DATA NULL: there is no such row at the peer that was asked.  Not EMR_OK ends it. */
typedef emr_status (*emr_gateway_row_fn)(void *arg, size_t index, emr_bytes value);
#define EMR_GATEWAY_KEYS_MAX EMR_BATCH_COUNT_MAX
/* The rows of KEYS (at most EMR_GATEWAY_KEYS_MAX), in their order, once all are there. */
emr_status emr_gateway_rows(emr_gateway *gateway, emr_gateway_call *call, const char *const *keys,
	size_t count, emr_gateway_row_fn visit, void *arg);

/* The letters (letters.h) at PLACES, "ID/KIND", in their order; as rows. */
emr_status emr_gateway_letters(emr_gateway *gateway, emr_gateway_call *call,
	const char *const *places, size_t count, emr_gateway_row_fn visit, void *arg);

/* ID is in hex. */
typedef emr_status (*emr_gateway_application_fn)(void *arg, emr_bytes id, emr_bytes letter);
/* Some of the applications from the id FROM on ("": all), in the order of their ids. */
emr_status emr_gateway_applications(emr_gateway *gateway, emr_gateway_call *call, const char *from,
	emr_gateway_application_fn visit, void *arg);

typedef enum emr_gateway_part_state {
	EMR_GATEWAY_PART_HERE = 1,
	EMR_GATEWAY_PART_ON_ITS_WAY, /* its hash is there: this peer has not got it yet; ask later,
					or another one */
	EMR_GATEWAY_PART_PURGED,     /* the item is there, and neither part nor hash */
	EMR_GATEWAY_PART_UNKNOWN,    /* no item: there is none, or this peer is behind */
} emr_gateway_part_state;

typedef emr_status (*emr_gateway_part_fn)(
	void *arg, size_t index, emr_gateway_part_state state, emr_bytes part);
/* Private parts by keys that begin with p/.  Check them against the items' hashes. */
emr_status emr_gateway_parts(emr_gateway *gateway, emr_gateway_call *call, const char *const *keys,
	size_t count, emr_gateway_part_fn visit, void *arg);
