/* This is the ledger as every part of emrfs sees it. A caller sends a batch, hears what changed,
 * reads entries and parts, and asks for proofs. It carries messages only (bytes in, bytes out), so
 * that another host can serve the same bytes; it refuses to decide whether an entry is genuine:
 * that is replica's work. */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/status.h"
#include "crypto/merkle.h"
#include "keyring/keyring.h"

#define EMR_LEDGER_BATCH_MAX (4u << 20) /* bytes of a whole batch */
#define EMR_LEDGER_ITEMS_MAX 1024u	/* items of a batch by its format; we send at most 500 */

/* Thread-safe: one handle serves every thread of a process.  Opening it again in other processes is
 * the normal case. */
typedef struct emr_ledger emr_ledger;

typedef struct emr_ledger_options {
	const char *path;	      /* network directory */
	const emr_keyring *submitter; /* its identity, a registered key, signs what it submits;
				       * borrowed; NULL = read only */
	const emr_clock *clock;	      /* NULL = the computer's */
	uint32_t busy_timeout_ms;     /* how long to wait for other processes; 0 = 10,000 */

	/* For who can go on without the ledger.  With KNOWN a ledger that cannot be opened is
	 * absent, not an error: the handle opens all the same, every call tries again (what stands
	 * there as it did when it could not be opened, at most once a second) and answers why it
	 * could not.  KNOWN gives the descriptor as it was when the ledger was there; asked only
	 * when it is not, and only during emr_ledger_open. */
	emr_status (*known)(int known_dirfd, emr_buf *out_descriptor);
	int known_dirfd;
	emr_bytes known_descriptor; /* what KNOWN gave, for who opens behind it; borrowed */
	/* How a handle on this directory is made; NULL = emr_embedded_open_woken (backend.h). */
	emr_status (*host)(
		const struct emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger);
	int stop_fd; /* of who stands in front of it: readable from emr_ledger_stop on; borrowed; 0
		      * = nobody */
	const emr_id32 *known_hash; /* SHA-256 of the descriptor: another ledger is EMR_FORK; NULL =
				     * not known */
} emr_ledger_options;

/* Errors: EMR_NOT_FOUND (no network there), EMR_EXPOSED (rights wider than the network allows, or
 * another owner), EMR_UNSUPPORTED (nfs, cifs or fuse below), EMR_NEWER_FORMAT, EMR_DAMAGED, EMR_IO,
 * EMR_BUSY, EMR_NO_MEMORY; EMR_FORK (known_hash says another).  With `known` the first two kinds of
 * trouble are an absence instead: not there, not readable or in use (NOT_FOUND, IO, DENIED, BUSY),
 * and there, but not to be used (DAMAGED, NEWER_FORMAT, FORK). */
emr_status emr_ledger_open(const emr_ledger_options *options, emr_ledger **out_ledger);
void emr_ledger_close(emr_ledger *ledger); /* NULL is fine; no other thread may be inside */
#define EMR_AUTO_LEDGER __attribute__((cleanup(emr_ledger_auto))) emr_ledger *
EMR_AUTO_CALL(emr_ledger_auto, emr_ledger *, emr_ledger_close);

/* Facts that never change. */
emr_id16 emr_ledger_net_id(const emr_ledger *ledger);
/* Where it began, by its descriptor: "embedded", in a directory, or "fabric", in a channel. */
const char *emr_ledger_kind(const emr_ledger *ledger);
/* Private parts may come after their entry: one that is not there is not damaged. */
bool emr_ledger_brings_parts_later(const emr_ledger *ledger);
/* Entry 0; lives as long as the handle. */
emr_bytes emr_ledger_descriptor(const emr_ledger *ledger);

/* The last batch that was sent and is not in the ledger, with the reason. */
typedef struct emr_ledger_unsent {
	uint64_t since_unix_s; /* the first time; 0: nothing */
	const char *fault;     /* what it is called in the log, static text */
	const char *stage;     /* "endorse", "sign", "submit" or "commit" */
	char said[200]; /* by those who answered, organisations among it; printable, not to be
			 * believed */
} emr_ledger_unsent;

/* Whether the ledger is there.  EMR_OFFLINE: it cannot be reached and may come back by itself;
 * EMR_DAMAGED, EMR_NEWER_FORMAT, EMR_FORK: something is there that must not be used.  These are
 * also what every other function answers meanwhile. */
typedef struct emr_ledger_absence {
	emr_status status;     /* EMR_OK: it is there */
	uint64_t since_unix_s; /* when this handle found out; 0 = it is there */
	bool is_asked;	       /* OFFLINE: nobody has answered yet, and not in vain (hurry) */
	const char *refusal;   /* OFFLINE, though somebody answers: what this is called in the log,
				* static text; NULL: nobody does */
	const char *sent_refusal; /* what those who answer had against what was sent last, as
				   * refusal; NULL: nothing.  Also where the ledger is there */
	emr_ledger_unsent unsent;
	int64_t ahead_s; /* of a host's clock before this computer's, as it signed last, also where
			  * the ledger is there; 0: less than EMR_LEDGER_CLOCKS_S, or not known */
} emr_ledger_absence;
#define EMR_LEDGER_CLOCKS_S 120
/* The kind of absence of a ledger with which CAUSE went wrong: EMR_DAMAGED, EMR_NEWER_FORMAT,
 * EMR_FORK and EMR_ROLLBACK as they are, everything else is EMR_OFFLINE. */
emr_status emr_ledger_absence_of(emr_status cause);
/* The name in the log of a host that itself cannot take anything because of STATUS (refusal, as
 * above); NULL: it says nothing of the host's computer. */
#define EMR_LEDGER_FULL "no-space"
#define EMR_LEDGER_STILL "read-only"
const char *emr_ledger_fault_of(emr_status status);
/* Tries again first, if the last try is a second old or something else stands there by now. */
void emr_ledger_look(emr_ledger *ledger, emr_ledger_absence *out_absence);
/* A caller that has a whole copy need not wait for a ledger that says nothing: from here on it
 * answers EMR_OFFLINE after a moment, once, and then at once, until a thread that waits for more
 * (emr_ledger_wait) has asked it for as long as that may take. */
void emr_ledger_hurry(emr_ledger *ledger);

/* The ledger's answer. refusal != 0: the whole batch was refused (wire codes 16..21, 37),
 * nothing was written and n_results is 0.  Otherwise results[i] is the wire code of item i: 0
 * applied, 1 already there, 16.. refused. */
typedef struct emr_ledger_answer {
	emr_id32 batch_id;
	uint64_t seq;
	uint64_t ledger_time; /* Unix seconds by the host's clock */
	uint8_t refusal;
	uint8_t is_repeat; /* the batch was there before: these are its old results */
	uint16_t n_results;
	uint8_t results[EMR_LEDGER_ITEMS_MAX];
} emr_ledger_answer;

/* Sends the bytes of one batch (header, items, private parts).  EMR_OK means: the ledger answered,
 * and what it wrote survives a power cut.  EMR_BUSY, EMR_TIMEOUT, EMR_IO, EMR_NO_SPACE,
 * EMR_NO_MEMORY leave the question open: send the same bytes again, the answer is the old one if it
 * had been written.  EMR_DENIED: opened read only.  EMR_LIMIT: over 4 MiB.  EMR_NEWER_RULES: the
 * network has agreed on rules that this program does not know, and nothing was sent.  EMR_DAMAGED:
 * the ledger contradicts itself; nothing was written.  EMR_OFFLINE: it is not where it was; nothing
 * was written, unless an earlier try of the same bytes did.  EMR_LETTERS_SPENT, EMR_BYTES_SPENT: no
 * more by this person today (contract/quota.h); nothing was written, and tomorrow the same is
 * taken. EMR_FORK: its host is distrusted (emr_ledger_distrust); nothing was sent. */
emr_status emr_ledger_submit(emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out_answer);

/* Number of entries, entry 0 included.  EMR_OFFLINE: the file is not where it was. */
emr_status emr_ledger_size(emr_ledger *ledger, uint64_t *out_size);

typedef struct emr_ledger_entry {
	uint64_t seq;
	emr_bytes entry; /* entry bytes; the descriptor for seq 0 */
	emr_bytes items; /* count x (item, public part); empty for seq 0 */
} emr_ledger_entry;

/* Borrowed bytes, valid during the call.  May call the ledger.  Any other status than EMR_OK ends
 * the walk and is returned. */
typedef emr_status (*emr_ledger_entry_fn)(void *arg, const emr_ledger_entry *entry);

/* At most MAX entries in order from FROM.  *out_n = how many were given; 0 at the end.
 * EMR_DAMAGED: entry FROM + *out_n (set in this case, too) is missing although a later one exists,
 * or cannot be read. */
emr_status emr_ledger_entries(emr_ledger *ledger, uint64_t from, size_t max, emr_ledger_entry_fn fn,
	void *arg, size_t *out_n);

/* Key of a private part: p/family/domain/object/version. */
typedef struct emr_part_key {
	emr_id16 domain;
	emr_id16 object;
	uint64_t version;
	uint8_t family; /* 0x20 for PUT, META, REWRAP */
} emr_part_key;

/* part.data == NULL: not there (purged, or never had one).  The bytes are as stored: check them
 * against priv_hash. */
typedef emr_status (*emr_ledger_part_fn)(void *arg, size_t index, emr_bytes part);
emr_status emr_ledger_fetch(
	emr_ledger *ledger, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);

/* RFC 6962 §2.1.1 (inclusion); crypto/merkle.h verifies it. */
typedef struct emr_ledger_path {
	size_t n;
	emr_merkle_hash hashes[EMR_MERKLE_PATH_MAX];
} emr_ledger_path;

/* Where an item stands.  EMR_NOT_FOUND.  Of one that several batches carry, the first that applied
 * it. */
emr_status emr_ledger_find_item(
	emr_ledger *ledger, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index);

/* Root over the first SIZE entries; EMR_INVALID when SIZE is 0 or larger than the ledger. */
emr_status emr_ledger_root(emr_ledger *ledger, uint64_t size, uint8_t out_root[32]);
/* Entry SEQ in the tree of the first SIZE entries. */
emr_status emr_ledger_inclusion(
	emr_ledger *ledger, uint64_t seq, uint64_t size, emr_ledger_path *out_path);

/* Everything that proves one item except the checkpoint: item -> batch root -> entry -> log root.
 */
typedef struct emr_ledger_proof {
	uint64_t seq;
	uint64_t size;	/* of the tree that log_path belongs to */
	uint16_t index; /* of the item in its batch */
	uint8_t result; /* wire code */
	emr_buf item;	/* item and public part */
	emr_buf entry;
	emr_ledger_path item_path;
	emr_ledger_path log_path;
} emr_ledger_proof;

emr_status emr_ledger_prove(emr_ledger *ledger, uint64_t seq, uint16_t index, uint64_t size,
	emr_ledger_proof *out_proof);
void emr_ledger_proof_free(emr_ledger_proof *proof);

/* The newest checkpoint note kept beside the ledger (ledger/checkpoint.h); EMR_NOT_FOUND when
 * nobody left one. */
emr_status emr_ledger_checkpoint(emr_ledger *ledger, emr_buf *out_note);
/* Leaves NOTE for others.  It must be a valid note of this network about a size that exists, with
 * the right root, and at least as large as the kept one; of two of one size the cosignatures are
 * united.  Signatures are judged by readers. */
emr_status emr_ledger_leave_checkpoint(emr_ledger *ledger, emr_bytes note);

/* ---- of a ledger that a host serves (served/server.h) ---- */

struct emr_checkpoint;

/* Appends the note that the host signed when it was asked for the size last: how far it says that
 * its ledger goes.  Nobody has compared it.  EMR_NOT_FOUND: it was not asked yet;
 * EMR_UNSUPPORTED: no host. */
emr_status emr_ledger_head(emr_ledger *ledger, emr_buf *out_note);
/* Whether HEAD is of this network, and bears the host's signature.  EMR_BAD_SIGNATURE,
 * EMR_NOT_FOUND: not; EMR_UNSUPPORTED: no host. */
emr_status emr_ledger_knows(emr_ledger *ledger, const struct emr_checkpoint *head);
/* From here on nothing is handed in by this handle (EMR_FORK): who keeps the ledger shows two
 * histories, and what is written into one of them is not in the other.  Any thread. */
void emr_ledger_distrust(emr_ledger *ledger);
/* From here on nothing is handed in by this handle (EMR_NEWER_RULES): its members have agreed on
 * RULES, which this program does not know.  Any thread. */
void emr_ledger_outgrows(emr_ledger *ledger, uint32_t rules);

/* Waits until the ledger has more than SINCE entries.  EMR_OK with *out_size; EMR_TIMEOUT;
 * EMR_ROLLBACK: a host says that it has fewer; EMR_INTERRUPTED after emr_ledger_wake.  One waiting
 * thread a handle.  Embedded: inotify on the write-ahead log and a look once a second. */
emr_status emr_ledger_wait(emr_ledger *ledger, uint64_t since, int timeout_ms, uint64_t *out_size);
/* Ends a wait, now or the next one.  Any thread; also from a signal handler. */
void emr_ledger_wake(emr_ledger *ledger);
/* The program ends: every call of this handle that somebody far away is asked by, under way or to
 * come, gives up at once with EMR_INTERRUPTED; what was sent may have been taken.  There is no way
 * back.  Any thread; also from a signal handler. */
void emr_ledger_stop(emr_ledger *ledger);

/* Walks everything the host keeps: chain, tree, batches, parts, state and index against a fresh
 * replay of the contract. Reads only.  EMR_DAMAGED with the first entry concerned and a short
 * English cause that names no record. */
typedef struct emr_ledger_trouble {
	emr_status status; /* EMR_OK when all is well */
	uint64_t seq;	   /* the entry that does not fit */
	char cause[120];
} emr_ledger_trouble;
emr_status emr_ledger_verify(emr_ledger *ledger, emr_ledger_trouble *out_trouble);

/* ---- a host that lost entries takes them from its members, and restarts (restart.h) ---- */

/* Appends what the host has of WHAT to OUT; or, where BODY has bytes, what it answers to them.
 * EMR_UNSUPPORTED where no host serves the ledger; EMR_NOT_FOUND: it has nothing of it;
 * EMR_OFFLINE. "recovery": id[16] and entries u64 of a host that is in recovery; it needs no token.
 * BODY, a head (emr_restart_bring) that the host signed once, and entries behind it up to that:
 * each proves itself.  A head of more entries than it has begins a recovery.  EMR_CONFLICT: the
 * host has another entry there, and waits; EMR_DENIED: it has not signed this. "kept/restarts":
 * all, the oldest first. "said": BODY, a statement by a member; "kept/said-" and 64 hex: this
 * member's newest. */
#define EMR_ASK_RECOVERY "recovery"
#define EMR_ASK_KEPT "kept/"
#define EMR_ASK_SAID "said"
/* The newest head under which hosts of other organisations have signed, too (a checkpoint). */
#define EMR_WITNESSED "witnessed"
#define EMR_ASK_WITNESSED EMR_ASK_KEPT EMR_WITNESSED
/* Hosts of other organisations, an address a line, as the host was told of them. */
#define EMR_HOSTS "hosts"
emr_status emr_ledger_ask(emr_ledger *ledger, const char *what, emr_bytes body, emr_buf *out);

/* Another organisation's host stands in while one's own is away; it is asked as that is, and the
 * own one again when it answers. */
#define EMR_LEDGER_HOSTS_MAX 16u
typedef struct emr_ledger_standing {
	/* With KEYS: only hosts with one of these may. */
	const emr_id32 *keys;
	size_t n_keys;
	/* Else, with SHOWN (EMR_FORK, EMR_DAMAGED, EMR_ROLLBACK): what the one that is asked has
	 * shown, so that the next is asked; but for EMR_ROLLBACK that one never again. */
	emr_status shown;
	/* Else it is said how things stand. */
	emr_id32 by;	       /* the key of the one that answers */
	uint64_t since_unix_s; /* since when one's own is away */
	emr_id32 refused;      /* the key of the one that showed something else last; 0: none */
} emr_ledger_standing;
/* EMR_NOT_FOUND: one's own host is asked; to SHOWN: it is for one's own host.  EMR_UNSUPPORTED. */
emr_status emr_ledger_stand_in(emr_ledger *ledger, emr_ledger_standing *io);

/* Sends BATCH, which names CERTIFICATE as that of KEYRING (the submitter), and KEYRING has it when
 * the ledger has taken that.  As emr_ledger_submit. */
emr_status emr_ledger_renew(emr_ledger *ledger, emr_keyring *keyring, emr_bytes certificate,
	emr_bytes batch, emr_ledger_answer *out_answer);
