/* A text with which the host of a network says that it is at another address: signed by its key, at
 * most 200 characters for usual addresses, or, where that key has to be replaced, by administrators
 * of the members. FORMAT.md, "Served". It refuses other networks' and other hosts' texts, and what
 * is older than what is known. */
#pragma once

#include "ledger/copy.h"
#include "served/client.h"

#define EMR_ADDRESS_TEXT_MAX 12288u
#define EMR_ADDRESS_VOICES_MAX 64u
#define EMR_ADDRESS_MESSAGE_MAX 400u

typedef struct emr_address_voice {
	emr_id32 signer;
	uint8_t sig[64];
} emr_address_voice;

typedef struct emr_address {
	emr_served_at at;  /* of a successor with its key, else without one */
	bool is_successor; /* it takes the place of the host's key, and administrators sign it */
	uint64_t unix_s;
	uint8_t sig[64]; /* of the host's key; of a successor none */
	size_t n_voices;
	emr_address_voice voices[EMR_ADDRESS_VOICES_MAX];
} emr_address;

/* White space around TEXT is nothing.  EMR_INVALID: it is none. */
emr_status emr_address_read(emr_bytes text, emr_address *out);
/* Appends the one text of it, with a newline behind.  EMR_LIMIT. */
emr_status emr_address_write(const emr_address *address, emr_buf *out);
/* The text that led to AT.  EMR_INVALID: there was none. */
emr_status emr_address_of(const emr_served_at *at, emr_address *out);
/* The bytes that are signed (EMR_SIGN_ADDRESS), for the network NET_ID whose host has the key HOST;
 * how many. */
size_t emr_address_message(const emr_address *address, emr_id16 net_id, emr_id32 host,
	uint8_t out[EMR_ADDRESS_MESSAGE_MAX]);
/* How many member organisations have an administrator whose signature is in it, by the rows of
 * ROWS.
 */
emr_status emr_address_votes(const emr_address *address, emr_id16 net_id, emr_id32 host,
	emr_ledger_copy *rows, unsigned *out_n);
/* Where HAVE goes on, by a text of the host's own key.  EMR_BAD_SIGNATURE: of another key or
 * network; EMR_ROLLBACK: older than HAVE. */
emr_status emr_address_follow(
	const emr_address *address, emr_id16 net_id, const emr_served_at *have, emr_served_at *out);
