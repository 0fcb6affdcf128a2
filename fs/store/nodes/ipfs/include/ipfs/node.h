/* This is the client of one IPFS node: Kubo by its RPC, or any trustless gateway for reading. It
 * refuses what it has not verified itself: a block counts by its hash, a push by each of its roots
 * and the number of its blocks, because a proxy may drop the part of an answer in which a node
 * says that it failed.
 *
 * It keeps nothing but idle connections, starts no thread, and never writes a block alone: a block
 * that is not below a pin is what the node's collection removes.  Clear text goes to a socket or to
 * this computer only.
 *
 * Sources: kubo core/commands (RPC v0, 0.43.1), ipfs/specs http-gateways/trustless-gateway. */
#pragma once

#include "ipfs/fault.h"
#include "store/unixfs.h"

#define EMR_IPFS_KUBO_LEAST "0.43.1"
#define EMR_IPFS_ROOTS_MAX 500
#define EMR_IPFS_CAR_MAX ((uint64_t)512 << 20)
#define EMR_IPFS_SAID_BYTES 256
#define EMR_IPFS_VERSION_BYTES 32

typedef struct emr_ipfs emr_ipfs; /* thread-safe; each call that runs has a connection of its own */

typedef enum emr_ipfs_kind {
	EMR_IPFS_KUBO = 1,
	EMR_IPFS_GATEWAY = 2, /* reads only: everything else is EMR_UNSUPPORTED */
	EMR_IPFS_CLUSTER = 3, /* an IPFS Cluster: cluster.h */
} emr_ipfs_kind;

/* All texts are copied. */
typedef struct emr_ipfs_options {
	emr_ipfs_kind kind;
	const char *address; /* unix:/PATH, http://127.0.0.1:PORT, https://HOST[:PORT][/PREFIX] */
	const char *token;   /* sent as "Authorization: Bearer"; of a cluster USER:PASSWORD, too,
				which goes as "Basic"; NULL: none */
	const char *
		ca_file; /* PEM: the only authorities that may vouch for HOST; NULL: the system's */
	const char *version; /* of emrfs, for the User-Agent */
	const char *pin;     /* "sha256//BASE64" of HOST's key, which counts instead of its name */
	/* Instead of TOKEN: writes the token of a request (at most EMR_IPFS_TOKEN_MAX with the
	 * NUL); any thread; a failure is a request without one.  OUT NULL: the node did not take
	 * it, and the next is a new one.  TOKEN_ARG is freed with the node. */
	emr_status (*token_of)(void *arg, emr_bytes root, char *out, size_t size);
	void (*token_free)(void *arg);
	void *token_arg;
	/* With TOKEN_OF, before each request, any thread: where the node is by now, a URL without
	 * prefix or, with its path in SOCKET, "http://node"; and its pin ("": none). */
	void (*place_of)(void *arg, char url[256], char socket[256], char pin[64]);
} emr_ipfs_options;
#define EMR_IPFS_TOKEN_MAX 1024

/* Looks at the options only, and speaks to nobody.  EMR_INVALID (EMR_IPFS_ADDRESS), EMR_FORBIDDEN
 * (EMR_IPFS_CLEAR_TEXT), EMR_NO_MEMORY.  OUT_FAULT may be NULL. */
emr_status emr_ipfs_open(
	const emr_ipfs_options *options, emr_ipfs **out_node, emr_ipfs_fault *out_fault);
void emr_ipfs_close(emr_ipfs *node);		    /* NULL is fine; no call may run */
const char *emr_ipfs_address(const emr_ipfs *node); /* that it was opened with */
/* Spoken to in clear text: it runs on this computer, or something here leads to it. */
bool emr_ipfs_is_near(const emr_ipfs *node);

#define EMR_AUTO_IPFS __attribute__((cleanup(emr_ipfs_auto_close))) emr_ipfs *
EMR_AUTO_CALL(emr_ipfs_auto_close, emr_ipfs *, emr_ipfs_close);

/* ---- One call ---- */

/* How long a call may take, how it is ended early, and what became of it.  Each of the functions
 * below takes one, sets the lower half whatever it returns, and may be given the same one again.
 * The status that they return is that of the fault. */
typedef struct emr_ipfs_call {
	uint32_t timeout_ms; /* all of the call; at least 1 */
	int cancel_fd;	     /* readable: give up at once, with EMR_INTERRUPTED; -1: nobody will */

	emr_ipfs_fault fault;
	long http_status;		/* 0: there was no answer */
	char said[EMR_IPFS_SAID_BYTES]; /* in the node's own words, or libcurl's: one line of
					   printable characters, not to be believed */
} emr_ipfs_call;

static inline emr_ipfs_call emr_ipfs_call_of(uint32_t timeout_ms, int cancel_fd)
{
	return (emr_ipfs_call){.timeout_ms = timeout_ms, .cancel_fd = cancel_fd};
}

/* Its version: "0.43.1" of a Kubo, "1.1.6" of a cluster, "" of a gateway, which need not say it.
 * EMR_IPFS_OLD when it is older than EMR_IPFS_KUBO_LEAST; OUT is filled then, too. */
emr_status emr_ipfs_version(emr_ipfs *node, emr_ipfs_call *call, char out[EMR_IPFS_VERSION_BYTES]);

/* The id of its store of blocks, in hex, as its last answer to that said it: another one where it
 * may have lost what it had.  "": only a host of emrfs says it. */
void emr_ipfs_store(emr_ipfs *node, char out[33]);

/* ---- Reading ---- */

/* The bytes of CID, at most 2 MiB, verified, appended to OUT; OUT is untouched otherwise.
 * EMR_IPFS_MISSING.  With IS_ONLINE a Kubo also asks other nodes, which ends by the timeout when
 * none has it; a gateway does as it is configured. */
emr_status emr_ipfs_block(
	emr_ipfs *node, emr_ipfs_call *call, const emr_cid *cid, bool is_online, emr_buf *out);

/* Leaves that follow each other in one file, of what the node has itself, in one request.  TAKE is
 * called with each as soon as it is whole, in their order: verified, and the bytes may be taken out
 * of the buffer.  Any other status than EMR_OK ends the call. */
typedef struct emr_ipfs_window {
	const emr_unixfs_run *run; /* of 1 leaf and more */
	uint32_t still_ms;	   /* one leaf may take so long; 0: all the time of the call */
	emr_status (*take)(void *arg, size_t leaf, emr_buf *block);
	void *arg;
} emr_ipfs_window;

/* EMR_OK: each came.  After anything else those that TAKE was given are right all the same.  Of a
 * Kubo only: EMR_UNSUPPORTED. */
emr_status emr_ipfs_read_window(emr_ipfs *node, emr_ipfs_call *call, const emr_ipfs_window *window);

/* ---- Copies ---- */

/* Trees of blocks to be kept: every block that can be reached from the roots, in any order, each
 * once.  NEXT gives the next; its bytes stay valid until NEXT is called again. */
typedef struct emr_ipfs_parcel {
	const emr_cid *roots; /* distinct, and each among the blocks */
	size_t root_count;    /* 1..EMR_IPFS_ROOTS_MAX */
	emr_status (*next)(void *arg, bool *out_more, emr_block *out_block);
	void *arg;
	emr_buf *lent;	   /* where NEXT leaves bytes, or NULL; may be exchanged for another buffer,
			    * which saves a copy where two are sent at a time */
	uint64_t bytes;	   /* about how many; 0: nobody knows */
	uint32_t still_ms; /* a second import of which the node takes no byte for so long, and has
			    * not all, ends both; 0: 60 s */
} emr_ipfs_parcel;

/* Has the node keep them: EMR_OK when it has named each root once as pinned and counted as many
 * blocks as were sent.  EMR_IPFS_TOO_LARGE over EMR_IPFS_CAR_MAX bytes, before more of it is sent.
 * After any failure some roots may be kept: ask emr_ipfs_holds of each before it is sent again,
 * because pinning what is pinned first removes the pin.  A status of NEXT is returned as it is;
 * NEXT may be called in another thread, but only once at a time. */
emr_status emr_ipfs_push(emr_ipfs *node, emr_ipfs_call *call, const emr_ipfs_parcel *parcel);

typedef struct emr_ipfs_holding {
	bool is_pinned; /* the root itself, with all that is below */
	bool is_whole;	/* every block was read where the node stores it; asked only when pinned */
	uint64_t blocks;
} emr_ipfs_holding;

/* Whether the node keeps the whole of ROOT, asking no other node.  Not to be pinned, or to lack a
 * block, is an answer: EMR_OK. */
emr_status emr_ipfs_holds(
	emr_ipfs *node, emr_ipfs_call *call, const emr_cid *root, emr_ipfs_holding *out_holding);

/* Ends the pin; the next collection removes what nothing else keeps.  EMR_OK also when it was not
 * pinned. */
emr_status emr_ipfs_let_go(emr_ipfs *node, emr_ipfs_call *call, const emr_cid *root);

/* Every root that is pinned with what is below, in no order.  Roots that emrfs cannot have written
 * (store/cid.h) are passed over.  VISIT must not call the node. */
typedef emr_status (*emr_ipfs_pin_visit)(void *arg, const emr_cid *root);
emr_status emr_ipfs_each_pin(
	emr_ipfs *node, emr_ipfs_call *call, emr_ipfs_pin_visit visit, void *arg);

/* ---- Whether it waits for its disk ---- */

typedef enum emr_ipfs_verdict {
	EMR_IPFS_KEPT = 1,
	EMR_IPFS_BROKEN,
	EMR_IPFS_UNKNOWN, /* it cannot be seen from here */
} emr_ipfs_verdict;

/* Whether a block is on its disk before it is said to be kept, by its configuration.
 * EMR_IPFS_NOT_ALLOWED: this token may not see that. */
emr_status emr_ipfs_syncs(emr_ipfs *node, emr_ipfs_call *call, emr_ipfs_verdict *out);
