/* A ledger that a host serves (served/server.h), as every part of emrfs sees one. Nothing of it is
 * kept here: each call is a request, and a follower keeps a copy (replica/). It refuses a host with
 * another key than the settings name, and entries of another network. */
#pragma once

#include "ledger/copy.h"
#include "ledger/ledger.h"

/* In a network's directory beside its descriptor: where its host is. */
#define EMR_SERVED_SETTINGS "host"
/* The same of the host that serves the ledger of this directory, whose owner asks it for letters.
 */
#define EMR_SERVED_OWN "../host/at"

typedef struct emr_served_at {
	char url[256];	  /* https://HOST[:PORT] */
	char pin[64];	  /* "sha256//BASE64"; "": an authority vouches for the host's name */
	char socket[256]; /* instead of both: a path on this computer */
	emr_id32 key;	  /* Ed25519, by which the host signs how far its ledger goes */
	char word[144];	  /* what stands behind the # of the host's text that led here
			     (emr_address); "": there was none */
	bool has_login;	  /* the authority of one's own organisation is asked there (authority.h) */
	bool is_known;	  /* of an invitation: who comes by it is known to that authority as */
	char login[65];	  /* "": by a log-in of a directory, which the person types */
} emr_served_at;

/* A JSON object of FORMAT.md, "Served"; EMR_INVALID. */
emr_status emr_served_at_read(emr_bytes json, emr_served_at *out);
/* Appends the text that emr_served_at_read reads. */
emr_status emr_served_at_write(const emr_served_at *at, emr_buf *out);
/* "sha256//BASE64" of the hash of a public key. */
void emr_served_pin_text(emr_id32 pin, char out[64]);
bool emr_served_pin_read(const char *text, emr_id32 *out); /* false: it is none */
/* The same in one word, as people hand it to each other: "https://HOST[:PORT]#KEY", and behind a
 * comma the pin, if there is one.  EMR_INVALID: TEXT is no such word. */
#define EMR_SERVED_ADDRESS_CHARS 416
emr_status emr_served_address_read(const char *text, emr_served_at *out);
void emr_served_address_text(const emr_served_at *at, char out[EMR_SERVED_ADDRESS_CHARS]);
/* Such addresses with blanks or line ends between them, OUT of EMR_LEDGER_HOSTS_MAX.  EMR_INVALID:
 * something else is in TEXT, or there are more. */
emr_status emr_served_hosts_read(const char *text, emr_served_at *out, size_t *out_n);
/* In a network's directory beside the settings: the hosts that may stand in for its own. */
#define EMR_SERVED_HOSTS "hosts"
#define EMR_SERVED_HOSTS_BYTES ((size_t)EMR_LEDGER_HOSTS_MAX * EMR_SERVED_ADDRESS_CHARS)
/* Appends what the network of the host at AT began with (ID NULL), for somebody who has nothing of
 * it yet, or what waits there under ID: an invitation, until its end (EMR_NOT_FOUND); it is
 * believed as far as AT is.  EMR_OFFLINE: nobody answers; EMR_FORK: with another key. */
emr_status emr_served_meet(const emr_served_at *at, const emr_id16 *id, emr_buf *out);
/* Whether the host at AT answers, by who has no keyring open; *OUT_AHEAD_S as ahead_s of
 * emr_ledger_absence.  EMR_TIMEOUT, EMR_OFFLINE; EMR_FORK: with another key. */
emr_status emr_served_look(const emr_served_at *at, uint32_t timeout_ms, int64_t *out_ahead_s);

/* As options->host of emr_ledger_open: options->path has settings and descriptor, and its submitter
 * is who reads and writes.  It opens while the host is away.  EMR_NOT_FOUND: no settings there. */
emr_status emr_served_open(const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger);
/* Whether the directory PATH has such settings. */
bool emr_served_is_at(const char *path);
/* The refusal (emr_ledger_absence) of a host that takes from its members what its ledger lost. */
#define EMR_SERVED_RECOVERY "recovery"
/* The refusal of a host whose ledger has this key as none that is in force. */
#define EMR_SERVED_UNKNOWN "unknown key"
/* The fault (emr_ledger_unsent) of a host that does not know the rules by which it would judge. */
#define EMR_SERVED_OLD_HOST "newer-rules"
/* Whether the host of the ledger in PATH is in recovery (ledger/restart.h). */
bool emr_served_is_recovering(const char *path);
/* emr_ledger_open of a network's directory, whichever way leads to its ledger: it lies there, or a
 * host serves it.  Its owner's folder, too, asks the host of this directory while that takes what
 * it lost.  options->host is set here. */
emr_status emr_served_open_place(const emr_ledger_options *options, emr_ledger **out_ledger);

/* ---- letters of an invitation ---- */

#define EMR_SERVED_INVITATIONS_MAX 1000u /* that are open at a host, in equal shares */
#define EMR_SERVED_INVITATION_MAX_S (UINT64_C(366) * 86400) /* that one may be open */
#define EMR_SERVED_APPLICATIONS_MAX 100u		    /* that lie at a host, for a month */

/* DIR is the network's: DIR/ledger has the settings.  The administrator of an organisation, a
 * member with KEYRING, leaves an "invitation" under its id: its end (u64, Unix seconds) and what
 * emr_served_meet finds until then.  Until then, or until its answer, the invited leaves a
 * reply ("reply") under that id, which nobody else knows, and finds the answer ("certificate");
 * without a token, KEYRING NULL.  The administrator finds the one and leaves the other, which takes
 * the reply away.  An
 * organisation that asks to be admitted leaves an "application" under the first half of its
 * SHA-256; it goes when the organisation is a member.  EMR_NOT_FOUND: it is not there yet; to a
 * reply: no invitation is open; EMR_LIMIT: as many lie there as may, of invitations those of the
 * same organisation; EMR_INVALID: an end too far; EMR_DENIED: by no administrator. */
emr_status emr_served_leave(const char *dir, const emr_keyring *keyring, emr_id16 id,
	const char *step, emr_bytes letter);
emr_status emr_served_find(
	const char *dir, const emr_keyring *keyring, emr_id16 id, const char *step, emr_buf *out);
/* Calls FN with each application that lies there, for a member with KEYRING. */
typedef emr_status (*emr_served_letter_fn)(void *arg, emr_bytes letter);
emr_status emr_served_applications(
	const char *dir, const emr_keyring *keyring, emr_served_letter_fn fn, void *arg);

/* Appends the signature of the host at AT under HEAD, a checkpoint that another host has signed, as
 * a checkpoint (host's side: witness.c).  An eventfd CANCEL_FD ends it.  EMR_DENIED: HEAD is of no
 * member's host; EMR_CONFLICT: AT has another history; EMR_TIMEOUT: fewer entries; EMR_OFFLINE. */
emr_status emr_served_cosign(const emr_served_at *at, emr_bytes head, int cancel_fd, emr_buf *out);

/* ---- tokens, for what the host serves beside ---- */

typedef struct emr_served_tokens emr_served_tokens;

/* Of the host whose settings are in the directory PATH, or, with NUMBER > 0, of the one with this
 * number in EMR_SERVED_HOSTS (EMR_NOT_FOUND).  *KEYRING signs when a token is asked for; both are
 * borrowed and must live as long.  Speaks to nobody. */
emr_status emr_served_tokens_open(const char *path, size_t number, emr_keyring *const *keyring,
	emr_served_tokens **out_tokens);
void emr_served_tokens_close(void *tokens); /* NULL is fine */
/* Writes the token in force, NUL-terminated; asks the host when it is half a day old.  OUT NULL:
 * the host does not take it any more, and the next call asks.  Thread-safe.
 * EMR_DENIED, EMR_OFFLINE and others: the host's answer.  ROOT, a CID of 36 bytes: what stands in
 * its place in a request to let go of ROOT; signed again, without asking anybody. */
emr_status emr_served_token(void *tokens, emr_bytes root, char *out, size_t size);
/* Where the host is by now, as a node's place_of has it (ipfs/node.h).  Thread-safe. */
void emr_served_place(void *tokens, char out_url[256], char out_socket[256], char out_pin[64]);

/* ---- where the host is now ---- */

/* A text with which the host of a network says that it is at another address: signed by its key, at
 * most 200 characters for usual addresses, or, where that key has to be replaced, by administrators
 * of the members. FORMAT.md, "Served". It refuses other networks' and other hosts' texts, and what
 * is older than what is known. */
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
