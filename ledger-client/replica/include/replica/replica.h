/* The replica is the ledger as this computer has verified it: every entry checked and replayed
 * through the contract once, its own state tables, and the items and parts of its own domains,
 * kept in a private SQLite file. It refuses to go back, to follow a fork, and to believe state
 * that others computed. */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "contract/item.h"
#include "ledger/ledger.h"

typedef struct emr_replica
	emr_replica; /* reads: any thread, any number at once; catch_up: one at a time (it locks) */

/* The key of what VERSION of an object brought. */
static inline emr_part_key emr_part_of_object(emr_id16 domain, emr_id16 object, uint64_t version)
{
	return (emr_part_key){.domain = domain,
		.object = object,
		.version = version,
		.family = EMR_FAMILY_OBJECT};
}

/* Decides by its D row (bytes after the 48-byte head: owner_pk, box, A) whether items and parts of
 * a domain are kept. */
typedef bool (*emr_replica_mine_fn)(void *arg, emr_id16 domain, emr_bytes d_row);

typedef struct emr_replica_options {
	int state_dirfd;	     /* private directory (0700); stays the caller's */
	emr_ledger *ledger;	     /* borrowed; outlives the replica */
	const emr_clock *clock;	     /* NULL = the computer's */
	emr_replica_mine_fn is_mine; /* NULL = every domain */
	void *is_mine_arg;
} emr_replica_options;

/* The network's descriptor as this computer has verified it: entry 0 of the copy in the private
 * directory STATE_DIRFD; for when the ledger itself cannot say it.  EMR_NOT_FOUND, EMR_DAMAGED,
 * EMR_NEWER_FORMAT, EMR_IO. */
emr_status emr_replica_descriptor(int state_dirfd, emr_buf *out_descriptor);

/* How far the copy in STATE_DIRFD must reach to be all that this computer has verified, and the
 * root of these entries: the high-water mark.  EMR_NOT_FOUND, EMR_DAMAGED (also when damage of the
 * copy was found). */
emr_status emr_replica_reaches(int state_dirfd, uint64_t *out_size, uint8_t out_root[32]);

/* Opens or makes replica.sqlite and replica.hw there.  A damaged, foreign or older file than the
 * high-water mark says is rebuilt from the ledger by the next catch_up, never trusted; the
 * high-water mark stays.  It is not thrown away before the ledger can be read: EMR_OFFLINE; and one
 * that was found damaged stays as it is while the ledger lacks what may be whole in it.
 * EMR_EXPOSED, EMR_NEWER_FORMAT, EMR_DAMAGED (the high-water mark file
 * itself is damaged: remove it by hand to start again), EMR_FORK (the files belong to another
 * network), EMR_BUSY, EMR_IO.  Several processes may have one state open; catch_up locks between
 * them. */
emr_status emr_replica_open(const emr_replica_options *options, emr_replica **out_replica);
void emr_replica_close(emr_replica *replica);
/* It is as long as what this computer has verified, and no damage of it is known: it will do for as
 * long as the ledger is away. */
bool emr_replica_is_whole(emr_replica *replica);
/* Damage of the copy was met since it was opened, and there is a ledger: a caller that opens it
 * again has a new one. */
bool emr_replica_should_reopen(emr_replica *replica);
/* After much was read, and before there is quiet: what is kept to be read again is given back. */
void emr_replica_rest(emr_replica *replica);
#define EMR_AUTO_REPLICA __attribute__((cleanup(emr_replica_auto))) emr_replica *
EMR_AUTO_CALL(emr_replica_auto, emr_replica *, emr_replica_close);

/* One item that a new entry carries. */
typedef struct emr_replica_change {
	emr_id16 domain;
	emr_id16 object;
	uint64_t version;
	uint64_t seq;
	emr_id32 item_id;
	emr_id32 signer_id;
	uint64_t ledger_time;
	uint16_t index;
	uint16_t flags;
	uint8_t op;
	uint8_t family;
	uint8_t result;
	uint8_t is_mine;
} emr_replica_change;
typedef void (*emr_replica_change_fn)(void *arg, const emr_replica_change *change);

/* One run by oneself, past all who wait: for tests.  A module that needs new entries asks the
 * follower (replica/follower.h), which makes the runs. Verifies and takes in every new entry; then
 * calls CHANGE (may be NULL) for each of their items, in order, with no lock held.  *out_n (may be
 * NULL) = entries taken in.  Errors leave what was verified before them in place and are also kept
 * for emr_replica_trouble: EMR_ROLLBACK, EMR_FORK, EMR_DAMAGED; and EMR_NEWER_FORMAT (other rules),
 * EMR_BUSY, EMR_IO, EMR_NO_SPACE, EMR_INTERRUPTED. EMR_OFFLINE: the ledger is away, and the copy is
 * all that was verified here.  Away, with a copy that is older than the mark, is EMR_ROLLBACK; with
 * one that was found damaged, EMR_DAMAGED. */
emr_status emr_replica_catch_up(
	emr_replica *replica, emr_replica_change_fn change, void *arg, uint64_t *out_n);

/* After erasures: what they took leaves the write-ahead log of this copy, too.  A reader that is in
 * the way is waited for a moment; then the next checkpoint does it. */
void emr_replica_forget_erased(emr_replica *replica);

/* Why the ledger is not believed any more; status EMR_OK when all is well. */
typedef emr_ledger_trouble emr_replica_trouble;
void emr_replica_last_trouble(emr_replica *replica, emr_replica_trouble *out_trouble);

/* ---- of a ledger that a host serves: that it shows everybody the same ---- */

/* Appends the newest note of the host (ledger/checkpoint.h) that this copy fits, to be given to
 * other members by any other way than the host.  EMR_NOT_FOUND: there is none, or no host. */
emr_status emr_replica_note(emr_replica *replica, emr_buf *out_note);
/* NOTE is what the host has signed for another member.  Follows the ledger as far as the note goes,
 * if it can.  EMR_OK: this copy fits it, or the host is away, and it will be compared when the copy
 * reaches so far; or no host signs here.  EMR_ROLLBACK: the host shows less than that, and until it
 * does not, that is what following gives.  EMR_FORK: the host shows two
 * histories, and from here on nothing is handed in, also by who opens this copy later.
 * EMR_DAMAGED, EMR_LIMIT, EMR_BAD_SIGNATURE, EMR_NOT_FOUND: no note of the host; it says nothing.
 */
emr_status emr_replica_hear(emr_replica *replica, emr_bytes note);

/* The file in the state directory that proves it (FORMAT.md); its presence is what counts. */
#define EMR_REPLICA_FORKED "replica.forked"
/* Whether the host is known to show two histories. */
bool emr_replica_is_forked(const emr_replica *replica);

/* Since when (Unix seconds) entries of a network in a channel are there by the word of one
 * organisation's host alone: no host of another one has signed a head with them.  0: that is so of
 * none, it is not known yet, or it is no channel's. */
emr_status emr_replica_alone_since(emr_replica *replica, uint64_t *out_unix_s);

typedef struct emr_replica_position {
	uint64_t size; /* verified entries */
	uint8_t root[32];
	emr_id32 last_leaf;  /* leaf hash of entry size - 1: seen_leaf of new batches */
	uint64_t last_time;  /* ledger_time of entry size - 1 */
	int64_t freshness_s; /* since a catch_up last reached the ledger's end; -1 = never in this
				life */
} emr_replica_position;
emr_status emr_replica_at(emr_replica *replica, emr_replica_position *out_position);

/* Root of the tree of the first SIZE entries; EMR_NOT_FOUND when there are not that many. */
emr_status emr_replica_root_at(emr_replica *replica, uint64_t size, uint8_t out_root[32]);

/* Until its end, what this thread asks REPLICA by state_get, head_get, part and item_get, and all
 * questions (ask.h), is answered out of one state of the ledger by one connection, so that the
 * locks of the database are taken once. Short: the database cannot take its log in meanwhile.  One
 * that begins within another is part of that. EMR_BUSY, EMR_IO, EMR_NO_MEMORY, EMR_DAMAGED. */
typedef struct emr_replica_snapshot {
	emr_replica *replica; /* NULL: none, or part of another */
	struct emr_chain *chain;
} emr_replica_snapshot;
emr_status emr_replica_snapshot_begin(emr_replica *replica, emr_replica_snapshot *out_snapshot);
void emr_replica_snapshot_end(emr_replica_snapshot *snapshot); /* zero-initialised is fine */
#define EMR_AUTO_SNAPSHOT __attribute__((cleanup(emr_replica_snapshot_end))) emr_replica_snapshot

/* A state row by its printable key ("D/<hex>", "K/<hex>": contract/rows.h).  EMR_NOT_FOUND,
 * EMR_DAMAGED. */
emr_status emr_replica_state_get(emr_replica *replica, const char *key, emr_buf *out_row);
/* Head of an object (an O row). */
typedef struct emr_replica_head {
	emr_id16 domain;
	emr_id16 object;
	uint64_t version; /* of the row's chain */
	emr_id32 item_id; /* its last item */
	emr_id32 creator;
	uint64_t pversion; /* item version and id of the last PUT or REWRAP; 0 if none */
	emr_id32 pitem;
	uint64_t seq;	      /* entry of the last item */
	uint64_t ledger_time; /* of that entry */
	uint32_t epoch;	      /* of the last PUT or REWRAP (META of a directory: of that) */
	uint16_t flags;	      /* 1 NOCONTENT */
	uint8_t state;	      /* 1 live 2 unlinked 3 erased */
} emr_replica_head;
emr_status emr_replica_head_get(
	emr_replica *replica, emr_id16 domain, emr_id16 object, emr_replica_head *out_head);
/* A private part, as it was when its item's priv_hash was checked.  EMR_NOT_FOUND: erased, not
 * mine, or none; EMR_MISSING_DATA: the ledger should have it and had it not, or damaged;
 * EMR_DAMAGED: our own copy is. */
emr_status emr_replica_part(emr_replica *replica, const emr_part_key *key, emr_buf *out_part);

/* A local copy: bytes that this computer has sealed for itself beside a private part of an object,
 * so that it needs the part less often.  Nobody else gets them, and the replica does not understand
 * them.  It goes when its part goes, in the same transaction, whatever takes that away. */
typedef struct emr_replica_local {
	emr_part_key at; /* of the part */
	emr_bytes sealed;
} emr_replica_local;
/* EMR_NOT_FOUND. */
emr_status emr_replica_local_get(emr_replica *replica, const emr_part_key *at, emr_buf *out_sealed);
/* All in one transaction; what has no part (any more) is left out.  Waits for the thread that
 * follows the ledger.  EMR_READ_ONLY: the disk takes nothing. */
emr_status emr_replica_put_locals(emr_replica *replica, const emr_replica_local *all, size_t n);
/* All of them, also from free pages and, as soon as no reader holds it, the write-ahead log. */
emr_status emr_replica_drop_locals(emr_replica *replica);

/* One item of a row's chain. */
typedef struct emr_replica_item {
	emr_id32 item_id;
	emr_id32 batch_id;
	emr_id32 signer_id;
	emr_id32 submitter_id;
	uint64_t seq;
	uint64_t ledger_time;
	uint64_t version;
	uint32_t priv_len;
	uint32_t epoch;
	uint16_t index;
	uint16_t flags;
	uint8_t op;
	uint8_t is_time_suspect; /* ledger_time is over 600 s ahead of this clock */
	emr_bytes
		bytes; /* item and public part; borrowed from the owner named where this is given */
} emr_replica_item;
/* The applied item at KEY; its bytes are left in *out_bytes, which out_item->bytes borrows. */
emr_status emr_replica_item_get(emr_replica *replica, const emr_part_key *key, emr_buf *out_bytes,
	emr_replica_item *out_item);
/* The oldest version of the object at HEAD whose private part is still here; when none is, the one
 * that HEAD says.  Erased parts are gone from there on. */
emr_status emr_replica_oldest_part(
	emr_replica *replica, const emr_replica_head *head, uint64_t *out_version);
/* The answer to one's own batch, if an entry carries it: for settling an ambiguous submit.
 * EMR_NOT_FOUND. */
emr_status emr_replica_find_batch(
	emr_replica *replica, emr_id32 batch_id, emr_ledger_answer *out_answer);

/* Whether the items and parts of DOMAIN are kept here.  A domain that the ledger does not have is
 * nobody's. */
emr_status emr_replica_is_mine(emr_replica *replica, emr_id16 domain, bool *out_is_mine);
/* For a domain about which is_mine begins to say yes (a grant to me): brings in the parts of what
 * was followed before, checked against their items.  *out_n (may be NULL) = parts brought in; run
 * again when some were not at hand.  EMR_BUSY, EMR_IO, EMR_NO_SPACE, EMR_DAMAGED as catch_up. */
emr_status emr_replica_adopt(emr_replica *replica, emr_id16 domain, uint64_t *out_n);
/* The parts of DOMAIN, which is another's, are kept from now on and for the life of this handle (a
 * grant to me): say it again in the next one before the first catch_up, else emr_replica_adopt
 * brings in what was missed. */
emr_status emr_replica_keep(emr_replica *replica, emr_id16 domain);

/* The domains of which is_mine is said, emr_id16, ..., appended to OUT. */
emr_status emr_replica_own_domains(emr_replica *replica, emr_buf *out);

/* An item of an entry, with its result. */
typedef struct emr_replica_listing {
	emr_replica_item item;
	emr_id16 domain;
	emr_id16 object;
	emr_id32 prev_entry;
	uint8_t family;
	uint8_t result;
} emr_replica_listing;

/* Reads the whole ledger again from entry 0 and compares chain, signatures, results, parts of my
 * domains, own state and own copies with it.  EMR_DAMAGED, EMR_FORK or EMR_ROLLBACK with the entry
 * in *out_trouble.  *out_checked = entries. */
emr_status emr_replica_verify_chain(
	emr_replica *replica, emr_replica_trouble *out_trouble, uint64_t *out_checked);
/* The same with this computer's copy alone, while the ledger is away: every kept entry is verified
 * and replayed again and must lead to its own state, and the copy must reach the high-water mark.
 */
emr_status emr_replica_verify_own(
	emr_replica *replica, emr_replica_trouble *out_trouble, uint64_t *out_checked);

/* ---- rot: bytes that change on a disk by themselves ---- */

typedef struct emr_replica_mended {
	bool ledger, own;	     /* was damaged, and is built again */
	uint64_t missing;	     /* parts kept here that neither has whole */
	emr_replica_trouble trouble; /* what could not be put right */
} emr_replica_mended;
/* Parts of one's own that neither the ledger had nor this copy has, with the entry of the first:
 * what they belong to cannot be opened. */
emr_status emr_replica_missing(emr_replica *replica, uint64_t *out_n, uint64_t *out_first);
/* Where the ledger or this computer's copy is damaged, it is built again of what is whole in the
 * two: a replay of the rules from entry 0 makes all that is written, and the high-water mark must
 * fit. EMR_OK: nothing is wrong any more. EMR_DAMAGED: something is whole in neither; EMR_FORK,
 * EMR_ROLLBACK: that is no damage; EMR_DENIED: the ledger is open for reading only, this computer's
 * copy is built; EMR_UNSUPPORTED: its host looks after it, and the copy is whole; EMR_OFFLINE.
 * Damage that could not be put right is from then on what emr_replica_last_trouble says; a part
 * that is gone is not, because later saves do not rest on it. */
emr_status emr_replica_mend(emr_replica *replica, emr_replica_mended *out_mended);
