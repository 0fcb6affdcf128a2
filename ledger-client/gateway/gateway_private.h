/* This header declares what the parts of the client share: endpoints with their connections, one
 * call that runs, the bytes of proposals and transactions. It refuses redirects and proxies of the
 * environment. */
#pragma once

#include <openssl/x509.h>
#include <string.h>

#include "base/worker.h"
#include "gateway/entries.h"
#include "http/curl.h"
#include "grpc.h"
#include "ledger/ledger.h"
#include "proto.h"

#define LINES_IDLE_MAX 4
#define TX_ID_CHARS 64
#define HASH_BYTES 32
#define METADATA_MAX 16
#define NONCE_BYTES 24

static inline void certificate_free(X509 **certificate)
{
	X509_free(*certificate);
}
static inline bool is_text(emr_bytes bytes, const char *text)
{
	return emr_bytes_equal(bytes, emr_bytes_of(text, strlen(text)));
}

/* A connection with what drives it: one call at a time, because libcurl 7.88 loses trailers of
 * calls that share one. */
typedef struct gateway_line {
	CURLM *multi;
	CURL *easy;
} gateway_line;

typedef struct gateway_endpoint {
	char *address, *ca_file, *cert_file, *key_file;
	gateway_line idle[LINES_IDLE_MAX];
	size_t idle_count;
	unsigned failures; /* one after the other */
	int64_t rests_until_ns;
	int64_t deferred_until_ns; /* until then others are asked first */
} gateway_endpoint;

/* The authority that may vouch for endorsers of one organisation. */
typedef struct gateway_authority {
	char *msp_id;
	X509_STORE *store;
} gateway_authority;

struct emr_gateway {
	gateway_endpoint endpoints[EMR_GATEWAY_ENDPOINTS_MAX];
	size_t endpoint_count;
	char *channel, *chaincode, *agent;
	const emr_gateway_identity *identity;
	const emr_clock *clock;
	unsigned endorsers_least;
	gateway_authority *authorities;
	size_t authority_count;
	bool has_authorities;
	bool has_genesis;
	uint8_t genesis[32];  /* the hash that the first block must have */
	pthread_mutex_t lock; /* of idle lines, failures and rests, and what follows */
	bool has_doubt;
	emr_ledger_doubt doubt; /* the last one */
};

/* One call of gateway.h, which may make several of gRPC in its time. */
typedef struct gateway_run {
	emr_gateway *gateway;
	emr_gateway_call *call;
	bool has_end;
	int64_t deadline_ns; /* of the clock's boot time */
} gateway_run;

gateway_run gateway_run_begin(
	emr_gateway *gateway, emr_gateway_call *call, emr_gateway_stage stage);
uint32_t gateway_run_left_ms(const gateway_run *run); /* 0: it is over */
/* Before what was overtaken is proposed again: many that one member signs at once meet in the rows
 * that count his day (contract/quota.h), and would meet there again if none of them waited.  By
 * chance, and longer after each of the TRIES.  False: somebody has ended the call. */
bool gateway_wait_apart(const emr_gateway_call *call, unsigned tries);
/* Sets the fault and what was said (NULL: nothing), and returns the fault's status. */
emr_status gateway_run_fail(gateway_run *run, emr_gateway_fault fault, const char *said);
/* Our own side failed: returns STATUS. */
emr_status gateway_run_fail_here(gateway_run *run, emr_status status);

/* Into the private log: what failed, where, what to do, and in which transaction. */
void gateway_log_fault(const char *who, const emr_gateway_call *call);

/* ---- Endpoints (endpoints.c) ---- */

emr_status endpoint_open(gateway_endpoint *endpoint, const emr_gateway_endpoint *options);
void endpoint_close(gateway_endpoint *endpoint);
/* Which to ask, leaving out those of the bits of TRIED; -1: none that does not rest. */
int endpoint_choose(emr_gateway *gateway, unsigned tried);
void endpoint_judge(emr_gateway *gateway, size_t index, emr_gateway_fault fault);
/* It answers late, or its peer has not got the blocks that others have: they are asked first for a
 * while. */
void endpoint_defer(emr_gateway *gateway, size_t index);
/* Nobody there has seen the call, or nobody there can say more: another one may. */
bool endpoint_is_failure(emr_gateway_fault fault);
emr_status line_take(emr_gateway *gateway, size_t index, gateway_line *out_line);
void line_give_back(emr_gateway *gateway, size_t index, gateway_line *line, bool is_good);

/* ---- One call of gRPC (call.c) ---- */

typedef struct gateway_request {
	const char *path; /* "/gateway.Gateway/Submit" */
	emr_bytes message;
	bool is_stream;
	grpc_message_fn take; /* each message of the answer */
	void *arg;
} gateway_request;

/* Asks one endpoint after the other while they fail as lines, in the run's time.  EMR_OK: status 0
 * and, but for a stream, exactly one message. */
emr_status gateway_ask(gateway_run *run, const gateway_request *request);

/* Asks a peer of the organisation with authority I for ARGS of "qscc", and takes the answer under
 * its signature, whichever gateway brings it. Nothing is signed but the question. */
emr_status gateway_attest(emr_gateway *gateway, emr_gateway_call *call, size_t i,
	const emr_bytes *args, size_t count, emr_buf *out_answer);

/* ---- Blocks as a stream (deliver.c) ---- */

/* Appends SeekPosition. */
emr_status seek_position_write(uint64_t block, emr_buf *out);
/* Blocks FROM (not 0) to TO in this order, as many of them as the peer has.  Nothing is verified.
 */
emr_status deliver_blocks(emr_gateway *gateway, emr_gateway_call *call, uint64_t from, uint64_t to,
	grpc_message_fn take, void *arg);

/* ---- Bytes (proposal.c, prepared.c) ---- */

typedef struct gateway_proposal {
	char tx_id[EMR_GATEWAY_TX_ID_BYTES];
	emr_buf channel_header, signature_header;
	emr_buf payload; /* ChaincodeProposalPayload without transient data, as it goes into a block
			  */
	emr_buf bytes;	 /* Proposal */
} gateway_proposal;
/* By NONCE (24 bytes) at NOW.  EMR_LIMIT, EMR_INVALID. */
emr_status proposal_make(const emr_gateway *gateway, const emr_gateway_invocation *invocation,
	const uint8_t nonce[24], int64_t now_ns, gateway_proposal *out);
void proposal_free(gateway_proposal *proposal);
/* Appends SignedProposal. */
emr_status proposal_sign(
	const emr_gateway *gateway, const gateway_proposal *proposal, emr_buf *out);
/* nonce || creator, hashed. */
void proposal_tx_id(emr_bytes nonce, emr_bytes creator, char out[EMR_GATEWAY_TX_ID_BYTES]);

/* The parts of an envelope's payload, borrowed from it. */
typedef struct gateway_prepared {
	emr_bytes channel_header, signature_header;
	emr_bytes action_header, proposal_payload;
	emr_bytes response_payload; /* ProposalResponsePayload */
	emr_bytes action_payload;   /* ChaincodeActionPayload */
	size_t endorsement_count;
	emr_bytes proposal_hash;
	emr_bytes chaincode_name;
	uint64_t status;
	emr_bytes result;
} gateway_prepared;
emr_status prepared_read(emr_bytes payload, gateway_prepared *out);
/* The endorsements of what was read, as many as it has: free the list.  NULL: no memory. */
emr_bytes *prepared_endorsements(const gateway_prepared *p);
/* NULL: peers of LEAST organisations have endorsed this very proposal, each by a certificate that
 * leads to its organisation.  Others' endorsements, and those that do not verify, count for
 * nothing, as at peers.  Else what is wrong. */
const char *endorsements_wrong(
	const emr_gateway *gateway, const gateway_prepared *prepared, size_t least);
/* The gateway was opened with an authority of organisation MSP_ID. */
bool gateway_knows(const emr_gateway *gateway, emr_bytes msp_id);
/* CERTIFICATE, as somebody's of organisation MSP_ID, leads to an authority of it.  Fabric does not
 * ask whether it has ended: its chain is looked at as it was when it began. */
bool gateway_is_by_authority(const emr_gateway *gateway, emr_bytes msp_id, X509 *certificate);
/* In a channel whose certificates say by their units what somebody is, it says ROLE; where units
 * say nothing of the kind, everybody of an organisation may be that. */
bool gateway_is_role(X509 *certificate, const char *role);
/* SIGNATURE is of PAYLOAD || SIGNER, in any form that Fabric takes. */
bool gateway_is_signed_by(
	X509 *certificate, emr_bytes signature, emr_bytes payload, emr_bytes signer);
/* Decodes the first block of TEXT that Go's encoding/pem takes for one. EMR_NOT_FOUND: none. */
emr_status pem_decode(emr_bytes text, emr_buf *out);
/* The certificate in it, as an MSP of Fabric reads one: whatever the block is called; NULL: none.
 */
X509 *gateway_certificate_of(emr_bytes pem);
/* NULL: SIGNATURE is of PAYLOAD by the certificate in CREATOR. */
const char *creator_wrong(emr_bytes creator, emr_bytes payload, emr_bytes signature);
/* NULL: PAYLOAD is what PROPOSAL asks, endorsed by enough, byte for byte what has to be signed.
 * Else what is wrong, in a few words. */
const char *prepared_wrong(const emr_gateway *gateway, const gateway_proposal *proposal,
	emr_bytes payload, gateway_prepared *out_prepared);

/* ---- Blocks (blocks.c, block_header.c) ---- */

#define BLOCK_HEADER_DER_MAX 128
/* Writes the bytes that a block's hash is of, and that orderers sign; returns their length. */
size_t block_header_der(uint64_t number, emr_bytes previous, emr_bytes data_hash,
	uint8_t der[BLOCK_HEADER_DER_MAX]);
void block_hash(uint64_t number, emr_bytes previous, emr_bytes data_hash, uint8_t out[32]);
/* A transaction that the peer which was asked calls valid, and that is wrong here. */
typedef struct block_doubt {
	uint64_t number;
	uint8_t hash[32]; /* of the block */
	size_t tx;	  /* its place in there */
	emr_bytes transaction;
	const char *wrong; /* static text */
	bool may_count;	   /* it enters nothing, or peers of enough organisations have endorsed it:
			    * that    it is valid is then the word of the one that is asked, as of any
			    * other */
} block_doubt;

typedef struct block_reader {
	emr_gateway_entry_fn visit;
	void *arg;
	/* EMR_OK: it is valid, and counts as far as it can be read.  EMR_DAMAGED: it is not.
	 * Another error ends the reading for now.  NULL: nothing of the kind is valid. */
	emr_status (*confirm)(void *arg, const block_doubt *doubt);
	void *confirm_arg;
} block_reader;

/* Reads the codes of a block's transactions from BYTES, a byte for each (0: valid), and its hash;
 * the giver is believed that they belong together. */
emr_status block_flags(emr_bytes bytes, uint8_t out_hash[32], emr_buf *out_filter);

/* The entries of the block BYTES, which must be the one that POSITION expects; then POSITION is
 * behind it.  EMR_FORK: it does not follow the one before, or is the first and another than the
 * gateway was opened with.  *OUT_WRONG: it is not what its header
 * says; else NULL. */
emr_status block_visit(const emr_gateway *gateway, emr_bytes bytes, emr_gateway_position *position,
	const block_reader *reader, const char **out_wrong);

/* ---- What is in doubt (doubts.c) ---- */

/* The statement of an organisation's peer about the block, signed. */
typedef struct block_said {
	bool is_asked, has_said;
	uint8_t hash[32];
	emr_buf filter;
} block_said;

/* Those of one block: however many of its transactions are in doubt, each organisation is asked
 * once, and all of them in the time of one call. */
typedef struct block_doubts {
	emr_gateway *gateway;
	emr_gateway_call *call;
	gateway_run run;
	block_said *said; /* one for each authority; NULL: nobody was asked yet */
} block_doubts;
void block_doubts_free(block_doubts *doubts);
/* A block_reader's confirm; ARG is block_doubts.  EMR_UNSUPPORTED with the fault "doubt": too few
 * have said whether it is valid. */
emr_status block_doubts_decide(void *arg, const block_doubt *doubt);
/* In one line: block, transaction, certificate, what is wrong. */
void block_doubt_name(const block_doubt *doubt, char *out, size_t size);
/* The last one.  EMR_NOT_FOUND: there was none. */
emr_status gateway_doubted(emr_gateway *gateway, emr_ledger_doubt *out);

/* ---- What a channel's configuration says (orderers.c) ---- */

/* CONFIG (common.Config) names a peer of the members' organisation MSP that others find it by.
 * EMR_NOT_FOUND: none. */
emr_status config_has_anchor(emr_bytes config, const char *msp);

/* Looks at the block BYTES, the next after those that ORDERERS has seen.  EMR_DAMAGED and
 * *OUT_WRONG: orderers of organisations that are known should have signed it, and too few have. */
emr_status orderers_look(const emr_gateway *gateway, emr_gateway_orderers *orderers,
	emr_bytes bytes, const char **out_wrong);
