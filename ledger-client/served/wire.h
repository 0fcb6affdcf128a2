/* This header has the bytes that client and server of a served ledger exchange (FORMAT.md,
 * "Served"), for the files of this folder and their tests. Each reader refuses what is not exactly
 * one message. */
#pragma once

#include "base/codec.h"
#include "contract/item.h"
#include "ledger/ledger.h"

#define WIRE_ROOT "/emrfs/v1/"
#define WIRE_STATUS_HEADER "Emrfs-Status"
#define WIRE_LOGIN_HEADER "Emrfs-Login" /* who asks the authority behind the host */

#define WIRE_KINDS_MAX 20	       /* of statuses that an answer has */
#define WIRE_PORTION ((size_t)1 << 20) /* bytes of entries or parts after which an answer ends */
#define WIRE_ANSWER_MAX (WIRE_PORTION + 2 * (size_t)EMR_LEDGER_BATCH_MAX)
#define WIRE_KEYS_MAX 1024u /* parts that one request asks for */
#define WIRE_KEY_BYTES 41
#define WIRE_SUBMIT_HEAD 96 /* submitter's id, and what it signed */
#define WIRE_BODY_MAX (WIRE_SUBMIT_HEAD + (size_t)EMR_LEDGER_BATCH_MAX)
/* A longer batch is taken with a token only: that of a newcomer has one item, a key. */
#define WIRE_OPEN_MAX ((size_t)64 << 10)
#define WIRE_WAIT_MAX_MS 60000u
#define WIRE_LETTER_MAX ((size_t)12 << 10)
#define WIRE_NOTE_MAX ((size_t)64 << 10)

/* A token: whose, until when, and the server's seal; as text base64url without padding. */
#define WIRE_TOKEN_BYTES 72
#define WIRE_TOKEN_CHARS 96
#define WIRE_TOKEN_S 86400u
#define WIRE_CLOCKS_APART_S 600u
#define WIRE_ROOT_BYTES 36
#define WIRE_TOKEN_MESSAGE_BYTES (88 + WIRE_ROOT_BYTES)
/* A member's key, time and signature; in the place of a token as text, where a root is let go. */
#define WIRE_TOKEN_REQUEST_BYTES 104
#define WIRE_TOKEN_REQUEST_CHARS 139
/* The token, and the host's signature over it and the request. */
#define WIRE_TOKEN_ANSWER_BYTES (WIRE_TOKEN_CHARS + 64)
#define WIRE_TOKEN_GIVEN_BYTES (21 + WIRE_TOKEN_REQUEST_BYTES + WIRE_TOKEN_CHARS)
/* In the place of a token that is refused: the host's time, and its signature over both. */
#define WIRE_TIME_BYTES (8 + 64)

/* A member who asks for a token signs network, the host's key, own id and time; one who lets go of
 * a root that the host keeps signs ROOT (else empty), too, with each request for that.  How many
 * bytes of OUT it is. */
size_t wire_token_message(emr_id16 net_id, emr_id32 host, emr_id32 signer, uint64_t unix_s,
	emr_bytes root, uint8_t out[WIRE_TOKEN_MESSAGE_BYTES]);
/* The message that the host signs when it gives a token, or its time, to who sent REQUEST.  How
 * many bytes of OUT it is. */
size_t wire_token_given(const uint8_t request[WIRE_TOKEN_REQUEST_BYTES], emr_bytes given,
	uint8_t out[WIRE_TOKEN_GIVEN_BYTES]);

/* An emr_status as HTTP has it, and as its word; what has none is 500 and "failed". */
unsigned wire_http_of(emr_status status);
const char *wire_word_of(emr_status status);
/* EMR_OFFLINE for an unknown word: who says it is no host. */
emr_status wire_status_of(const char *word);

emr_status wire_put_answer(const emr_ledger_answer *answer, emr_buf *out);
emr_status wire_read_answer(emr_bytes bytes, emr_ledger_answer *out);
/* The word of kind I of a failure, in the order of wire_kind_of; NULL: there are no more. */
const char *wire_word_at(size_t i);
size_t wire_kind_of(emr_status status);
emr_status wire_put_keys(const emr_part_key *keys, size_t n, emr_buf *out);
/* OUT has room for WIRE_KEYS_MAX. */
emr_status wire_read_keys(emr_bytes bytes, emr_part_key *out, size_t *out_n);
emr_status wire_put_entry(const emr_ledger_entry *entry, emr_buf *out);
/* The next entry of READER, borrowed; false at the end, and when it is bad. */
bool wire_read_entry(emr_reader *reader, emr_ledger_entry *out);
/* Parts with their keys, at most WIRE_KEYS_MAX, of which each part is there; borrowed. */
emr_status wire_read_given(emr_bytes bytes, emr_part_key *keys, emr_bytes *parts, size_t *out_n);
/* PART.data NULL: there is none. */
emr_status wire_put_part(emr_bytes part, emr_buf *out);
bool wire_read_part(emr_reader *reader, emr_bytes *out);
