/* These functions are a client of the gateway that a peer of Hyperledger Fabric has (2.4 and
 * later): they evaluate, have a transaction endorsed, submit it, ask what became of it, and hear
 * the events of the chaincode.
 *
 * The client refuses to sign anything but what was asked: the bytes that a gateway gives back after
 * endorsement is compared with the proposal byte for byte, and each endorsement is verified, before
 * our signature goes on it. It refuses an answer without a grpc-status, and clear text to another
 * computer. An answer to emr_gateway_evaluate is the word of one peer, and the caller must verify
 * it.
 *
 * Nothing is lost and nothing is done twice, if the caller does this: keep the envelope that
 * emr_gateway_endorse gives where a power cut leaves it, then send it, and give it to
 * emr_gateway_settle again until that says how it ended. A new proposal is a new transaction: make
 * one only after an end that is none (EMR_GATEWAY_OVERTAKEN and the like), never while is_open.
 *
 * Threads: every call has a connection of its own; all functions but open and close may be called
 * from several threads at once. No thread is started and no signal is raised. */
#pragma once

#include "base/clock.h"
#include "gateway/fault.h"
#include "gateway/identity.h"

#define EMR_GATEWAY_SAID_BYTES 512
#define EMR_GATEWAY_TX_ID_BYTES 65 /* 64 lower-case hex digits and NUL */
#define EMR_GATEWAY_ENDPOINTS_MAX 8
#define EMR_GATEWAY_NAME_MAX 249	    /* bytes of a channel's or chaincode's name */
#define EMR_GATEWAY_ARGS_MAX 4096	    /* arguments, the function's name among them */
#define EMR_GATEWAY_REQUEST_MAX (16u << 20) /* bytes of a proposal: four times a whole batch */
#define EMR_GATEWAY_ANSWER_MAX (64u << 20)  /* bytes of one answer */

typedef struct emr_gateway emr_gateway;

/* The certificate of TLS, and its CA, are not those of the identity. */
typedef struct emr_gateway_endpoint {
	const char *address; /* https://HOST:PORT; http://127.0.0.1:PORT for tests */
	const char *ca_file; /* PEM, the only authorities that may vouch for HOST; https needs it */
	const char *cert_file; /* PEM, of this computer, if the peer wants one; else NULL */
	const char *key_file;
} emr_gateway_endpoint;

/* Everything is copied but for the identity and the clock. */
typedef struct emr_gateway_options {
	const emr_gateway_endpoint *endpoints; /* asked in this order while they answer */
	size_t endpoint_count;		       /* 1..EMR_GATEWAY_ENDPOINTS_MAX */
	const char *channel;
	const char *chaincode;
	const emr_gateway_identity *identity;
	const char *version;	/* of emrfs, for the User-Agent */
	const emr_clock *clock; /* NULL = the computer's */
	/* Endorsements that must be there before we sign, each of another organisation; 0 = 1. */
	unsigned endorsers_least;
	/* The authorities of organisations: "MSP-ID" and PEM text by turns, ended by NULL. An
	 * endorser must lead to the one of its organisation. NULL: endorsers are not traced to
	 * anybody; peers do so when they commit. */
	const char *const *authorities;
	/* SHA-256 (32 bytes, copied) of the header of the channel's first block; NULL: nobody has
	 * said which it is, and the one that comes is taken. */
	const uint8_t *genesis;
} emr_gateway_options;

/* Looks at the options only, and speaks to nobody.  EMR_INVALID, EMR_FORBIDDEN (http://
 * to another computer), EMR_UNSUPPORTED (no libcurl, or one without HTTP/2), EMR_NO_MEMORY. */
emr_status emr_gateway_open(const emr_gateway_options *options, emr_gateway **out_gateway);
void emr_gateway_close(emr_gateway *gateway); /* NULL is fine; no call may run */

typedef enum emr_gateway_stage {
	EMR_GATEWAY_EVALUATE = 1,
	EMR_GATEWAY_ENDORSE,
	EMR_GATEWAY_SIGN, /* what was endorsed is compared and signed */
	EMR_GATEWAY_SUBMIT,
	EMR_GATEWAY_COMMIT,
	EMR_GATEWAY_EVENTS,
	EMR_GATEWAY_DELIVER, /* blocks as a stream */
} emr_gateway_stage;
const char *emr_gateway_stage_name(emr_gateway_stage stage); /* "submit"; never NULL */

/* How long a call may take, how it is ended early, and what became of it.  The functions below set
 * the lower half whatever they return; the status that they return is that of the fault. */
typedef struct emr_gateway_call {
	uint32_t timeout_ms; /* all of the call; at least 1; 0 for emr_gateway_events: no end */
	int cancel_fd;	     /* readable: give up at once, with EMR_INTERRUPTED; -1: nobody will */
	/* Of blocks that are read from the first on: whether their orderers have signed them
	 * (gateway/entries.h).  NULL: nobody looks. */
	struct emr_gateway_orderers *orderers;

	emr_gateway_fault fault;
	emr_gateway_stage stage; /* where it failed */
	char tx_id[EMR_GATEWAY_TX_ID_BYTES];
	/* The transaction may be committed or may still come to be, and nobody has said otherwise.
	 */
	bool is_open;
	int grpc_status;      /* -1: none came */
	int chaincode_status; /* of EMR_GATEWAY_REFUSED and _CHAINCODE; else 0 */
	int validation;	      /* TxValidationCode once it is in a block; -1: not known */
	size_t endpoint;      /* who was asked last */
	/* In the words of peers, orderers or libcurl: one line of printable characters, not to be
	 * believed. */
	char said[EMR_GATEWAY_SAID_BYTES];
} emr_gateway_call;

static inline emr_gateway_call emr_gateway_call_of(uint32_t timeout_ms, int cancel_fd)
{
	return (emr_gateway_call){.timeout_ms = timeout_ms, .cancel_fd = cancel_fd};
}

/* The call that the chaincode is to make. Everything is borrowed. */
typedef struct emr_gateway_invocation {
	const char *chaincode; /* to be evaluated only; NULL: the gateway's own */
	const emr_bytes *args; /* args[0] is the function */
	size_t arg_count;      /* 1..EMR_GATEWAY_ARGS_MAX */
	const char
		*transient_name; /* what is told to endorsers and not written into a block; NULL: */
	emr_bytes transient;	 /* nothing */
	const char *const
		*organisations; /* MSP ids that must endorse; NULL: the gateway chooses.  With
				 * transient data it asks those that it names alone */
	size_t organisation_count;
} emr_gateway_invocation;

/* Asks one peer, changes nothing.  Appends the chaincode's answer to OUT.  EMR_GATEWAY_REFUSED with
 * chaincode_status. */
emr_status emr_gateway_evaluate(emr_gateway *gateway, emr_gateway_call *call,
	const emr_gateway_invocation *invocation, emr_buf *out);

/* Has it endorsed, verifies what comes back, and signs it.  OUT_ENVELOPE gets the signed envelope,
 * OUT_RESULT (may be NULL) what the chaincode has answered; both are appended to, or untouched.
 * Nothing has happened yet and is_open is false: an envelope that is thrown away is no transaction.
 * EMR_GATEWAY_LIE: the gateway gave something else. */
emr_status emr_gateway_endorse(emr_gateway *gateway, emr_gateway_call *call,
	const emr_gateway_invocation *invocation, emr_buf *out_envelope, emr_buf *out_result);

/* Gives a signed envelope to the orderers, which is not yet a commit: is_open is true afterwards
 * whatever is returned.  The same envelope may be sent any number of times. */
emr_status emr_gateway_submit(emr_gateway *gateway, emr_gateway_call *call, emr_bytes envelope);

typedef struct emr_gateway_commit {
	int validation; /* 0 = valid */
	uint64_t block;
} emr_gateway_commit;

/* Waits until the transaction is in a block, or the time is over (EMR_GATEWAY_SLOW: nobody knows;
 * a gateway says the same of a transaction that was never sent).  EMR_OK with OUT_COMMIT also when
 * it is not valid. */
emr_status emr_gateway_commit_status(emr_gateway *gateway, emr_gateway_call *call,
	const char *tx_id, emr_gateway_commit *out_commit);

/* Brings an envelope to its end: asks for its commit first when IS_RETRY, sends it, and asks again.
 * EMR_OK: it is valid.  EMR_GATEWAY_OVERTAKEN, _POLICY, _DUPLICATE, _INVALID: it is in a block and
 * counts for nothing (is_open is false).  Anything else leaves it open: call again with IS_RETRY,
 * with the same envelope. */
emr_status emr_gateway_settle(emr_gateway *gateway, emr_gateway_call *call, emr_bytes envelope,
	bool is_retry, emr_gateway_commit *out_commit);

/* The transaction id of an envelope, which follows from its creator and nonce, and whether it is of
 * this channel and chaincode: EMR_DAMAGED otherwise.  Its creator may be a certificate that was
 * renewed since. */
emr_status emr_gateway_envelope_tx_id(
	const emr_gateway *gateway, emr_bytes envelope, char out[EMR_GATEWAY_TX_ID_BYTES]);

/* ---- Events ---- */

/* Borrowed during the call. */
typedef struct emr_gateway_event {
	uint64_t block;
	char tx_id[EMR_GATEWAY_TX_ID_BYTES];
	emr_bytes name;
	emr_bytes payload;
	bool is_block_end; /* no event: all of this block was told; tx_id, name, payload are empty
			    */
} emr_gateway_event;

/* Not EMR_OK ends it. */
typedef emr_status (*emr_gateway_event_fn)(void *arg, const emr_gateway_event *event);

/* Tells what the chaincode says in valid transactions from block START on, in order, until the
 * call's time is over (EMR_GATEWAY_SLOW), somebody ends it, or the line breaks. Events may be told
 * again after a break: go on from the block of the last is_block_end plus one. (A gateway that is
 * asked to go on behind a transaction that its peer does not have says nothing for ever; so it is
 * asked by blocks only.) A block without events is not told. */
emr_status emr_gateway_events(emr_gateway *gateway, emr_gateway_call *call, uint64_t start_block,
	emr_gateway_event_fn tell, void *arg);
