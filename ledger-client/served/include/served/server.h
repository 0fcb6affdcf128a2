/* A network's directory, served: its owner runs this, and members with computers of their own are
 * its clients (served/client.h). It judges and appends the batches that it is sent, and gives
 * entries, private parts, proofs and checkpoints to members, over HTTPS or over a Unix socket.
 *
 * It refuses reading without a token, tokens of keys that are not in force, requests beyond stated
 * limits, long bodies of strangers, and more connections and bytes than it has room for. It cannot
 * make a batch that a member did not sign; it can withhold, delay, and say wrong times. FORMAT.md,
 * "Served", has the requests. */
#pragma once

#include "http/serve.h"
#include "ledger/ledger.h"
#include "served/client.h"

typedef struct emr_served emr_served;

typedef struct emr_served_options {
	const char *path;	/* the network's directory; its owner alone has it open */
	const emr_clock *clock; /* NULL = the computer's */
	int mail_dirfd;		/* where letters of invitations lie; borrowed; -1: none are taken */
	int host_dirfd;		/* DIR/host, where it keeps what it needs when entries of its ledger
				 * are lost (ledger/restart.h); borrowed; 0: it then goes on as is */
	int listen_fd;		/* a listening socket of TCP or Unix; the server closes it */
	/* PEM, both NULL: HTTP without TLS, which is for a Unix socket. */
	const char *key, *certificate;
	/* Stays the same as long as the network does: the host's signing key is derived from it. */
	uint8_t secret[32];
	unsigned connections_max; /* 0 = 512, of which one key has 64, and one address 64 more */
	uint64_t bytes_max;	  /* that requests hold together; 0 = 256 MiB */
	/* Hosts of the same channel, which sign this host's heads; borrowed. */
	const emr_served_at *others;
	size_t n_others;
	emr_serve_set beside; /* what is served at the same address; none: zero */
	/* Of emr_serve_options. */
	void (*over)(void *arg, emr_id32 key, uint64_t times);
	void *over_arg;
} emr_served_options;

/* Serves until it is stopped, in threads of its own.  Errors: those of emr_ledger_open; EMR_IO when
 * the library cannot start. */
emr_status emr_served_start(const emr_served_options *options, emr_served **out_served);
/* Waiting clients are answered first.  NULL is fine. */
void emr_served_stop(emr_served *served);

/* The public key (Ed25519) that signs checkpoints of a host with SECRET, for the settings of its
 * clients. */
emr_id32 emr_served_key(const uint8_t secret[32]);

/* AT gets the word by which members of NET_ID believe that the host with SECRET is there
 * (emr_address).  EMR_INVALID: AT is no place. */
emr_status emr_served_say_at(
	const uint8_t secret[32], emr_id16 net_id, uint64_t unix_s, emr_served_at *at);

#define EMR_SERVED_FAILURES 20 /* kinds */
typedef struct emr_served_counts {
	uint64_t entries, newest_unix_s; /* of the ledger, and the time of the newest */
	struct {
		const char *word; /* of the answer; NULL: there is no other kind */
		uint64_t n;
	} failures[EMR_SERVED_FAILURES];
	uint64_t requests, refused; /* since it was started; refused: 4xx */
	uint64_t batches;	    /* that were judged */
	unsigned waiting;	    /* clients that wait for more entries now */
	uint64_t bytes;		    /* that requests hold now */
	bool is_recovering;	    /* entries of its ledger are lost */
} emr_served_counts;
emr_served_counts emr_served_count(emr_served *served);

/* For routes beside: whether CALL shows the token of a member, which call->asks is from then on.
 * One that lets go of ROOT, a CID of 36 bytes (else empty), shows in the place of a token, which
 * does not do for that, what the member signed for this host and this root within the last ten
 * minutes. EMR_BAD_SIGNATURE (401), EMR_DENIED (403). */
emr_status emr_served_check(emr_served *served, emr_serve_call *call, emr_bytes root);

/* EMR_DENIED: in a channel SIGNER is of an organisation that has said another host of its own, and
 * this one another organisation's: it reads and hands in here, and leaves nothing. */
emr_status emr_served_at_home(emr_served *served, emr_id32 signer);

/* A key, and a certificate that the KEY (PEM) signs itself: for a host that is known by its key.
 * Each appends PEM, ended by NUL. */
emr_status emr_served_make_key(emr_buf *out_key);
emr_status emr_served_make_certificate(const char *key, emr_buf *out_certificate);
/* The pin of a certificate (PEM, of any authority): the SHA-256 of its public key.  EMR_DAMAGED. */
emr_status emr_served_pin(const char *certificate, emr_id32 *out_pin);
