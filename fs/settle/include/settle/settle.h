/* Settle turns files that nobody changes any more into confirmed versions. It seals the small
 * blocks of a version, wraps its key, signs a batch, keeps the batch in the journal, submits it,
 * and hands the answers back with the journal transaction that forgets it. It decides nothing
 * about names: the view says what has to become true. */
#pragma once

#include "base/clock.h"
#include "journal/journal.h"
#include "ledger/ledger.h"
#include "settle/facts.h"

struct emr_nested;

typedef struct emr_settle emr_settle;

/* Journal row kinds of this module and of the view. */
enum {
	EMR_ROW_NODE = 'N',    /* what a node should be (view) */
	EMR_ROW_VACATED = 'U', /* a published name that went away (view) */
	EMR_ROW_INO = 'I',     /* st_ino that is not made from the object id (view) */
	EMR_ROW_MOVED = 'P',   /* the object id that a directory got instead of this one (view) */
	EMR_ROW_TIMES = 'T',   /* ctimes of files, many in a row (view) */
	EMR_ROW_DIRECTORY_TIMES = 'D', /* both times of a directory (view) */
	EMR_ROW_SEEN = 'H',	       /* how far the ledger has been seen */
	EMR_ROW_OUTBOX = 'B',	       /* a signed batch whose answer is not known yet */
	EMR_ROW_AWAITING = 'W',	 /* a signed batch that is not sent before its copies are made */
	EMR_ROW_ISSUED = 'Q',	 /* the last number of a statement for this patient */
	EMR_ROW_ERASED_TO = 'A', /* how far others' erasures were looked for (view) */
	EMR_ROW_LEAVING = 'K', /* an erased root that places may have (view; mount/publishing.c) */
	EMR_ROW_LOST = 'Z',    /* a version that was on the ledger and is gone: again.c */
	EMR_ROW_ERASING = 'E', /* an object whose keys are to be destroyed (view) */
};

/* For copies_first: two, one of them at the network's host; one while another host stands in. */
#define EMR_COPIES_HOST 1000u

typedef struct emr_settle_options {
	emr_keyring *keyring;
	emr_journal *journal;
	emr_store *store;
	emr_record_ctx *records;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_facts *facts;
	const emr_clock *clock;
	const char *owner_name, *owner_born; /* as emr_share_options has them; may be NULL */
	/* So many copies, this computer's included, are wanted of what is new before the ledger
	 * gets it; the network's rules may want more.  0: one. */
	unsigned copies_first;
	/* In how many places all of what is below ROOT is.  NULL: here alone. */
	void (*copies)(void *arg, const emr_cid *root, unsigned *out_held, unsigned *out_wanted);
	void *copies_arg;
} emr_settle_options;

emr_status emr_settle_new(const emr_settle_options *options, emr_settle **out_settle);
void emr_settle_free(emr_settle *settle);

/* Before records go on with another network: its ledger, as far as this computer has seen it, is
 * remembered as the journal remembers its own, for the settle that will be opened on it. */
emr_status emr_settle_expect(emr_journal *journal, emr_id16 net_id, const emr_replica_position *at);

typedef enum emr_change_kind {
	EMR_CHANGE_PUT = 1,  /* new content (and metadata) */
	EMR_CHANGE_META = 2, /* name, place, mode, time, attributes; makes directories and links */
	EMR_CHANGE_REWRAP = 3, /* the same content in another domain */
	EMR_CHANGE_UNLINK = 4,
	EMR_CHANGE_ERASE =
		5, /* the private parts of versions go for ever; with the newest one, the object */
} emr_change_kind;

#define EMR_ERASE_SPAN 256 /* versions in one EMR_CHANGE_ERASE */

typedef struct emr_change {
	emr_change_kind kind;
	emr_id16 node;	 /* whose change: given back with the answer, also after a restart */
	uint64_t change; /* the node's change number, given back too */
	emr_id16 domain, object;    /* the row it goes to */
	emr_id16 record_id;	    /* PUT, REWRAP */
	uint64_t cver;		    /* PUT, REWRAP: the version this content has */
	const emr_meta *meta;	    /* PUT, META, REWRAP; meta->n of a file is right */
	const emr_content *content; /* PUT */
	const emr_place *from;	    /* REWRAP: where the content is now */
	const uint8_t *amends; /* PUT in another's domain: SHA-256 of the statement that it amends;
				  NULL: that of FROM, if known */
	bool is_inbox;	       /* META of a domain root that does not exist yet */
	uint64_t erase_from, erase_to; /* ERASE: versions, both included */
	uint64_t base_version;	       /* of the row, as the caller knows it; 0: it knows none */
	emr_bytes owner_card;	       /* in another's Inbox: the card of that domain; else empty */
	bool is_bound; /* to all others of the call: few, in one batch or not at all */
} emr_change;

/* The outcome of one change of a batch. */
typedef struct emr_change_outcome {
	emr_change_kind kind;
	emr_id16 node;
	uint64_t change;
	emr_status error; /* not EMR_OK: the change could not be made into an operation, nothing was
			     sent */
	uint8_t result;	  /* the ledger's code: 0 applied, 1 already there, else refused */
	emr_place place;  /* of the row after it; valid when result <= 1 */
} emr_change_outcome;

/* Called once per answered batch.  TXN already forgets the batch; FN adds what follows from the
 * outcomes and commits it (or rolls it back, on an error: the batch is asked again later), under
 * whatever lock keeps its rows in order. */
typedef emr_status (*emr_outcome_fn)(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n);

/* Publishes CHANGES, all of ONE domain, parents before children.  Makes the domain and its listing
 * key first when they do not exist.  A transport error (EMR_BUSY, EMR_IO, ...) leaves the batch in
 * the journal: emr_settle_resend.  EMR_OFFLINE, EMR_ROLLBACK, EMR_FORK, EMR_DAMAGED of a ledger
 * that is away or not what it was: before anything is built.  One thread at a time.
 *
 * In a domain of somebody else's, where this keyring may write (share/write.h): no domain and no
 * epoch is made, only the listing key; PUT, META and UNLINK are signed by the identity.  A change
 * that the right does not allow, because it has ended or is too narrow, has the outcome EMR_DENIED
 * and is not sent; REWRAP, ERASE and a domain's root EMR_UNSUPPORTED. A batch whose epoch has
 * passed meanwhile is made again under the new one, here and in one's own domains.
 *
 * Where copies are wanted first, a batch with new content is kept in the journal, and EMR_OK: FN is
 * not called for it before emr_settle_resend finds the copies made.  Until then changes of that
 * domain that bring content are EMR_AWAITED; the others go on, unless that batch makes the keys
 * that they need. */
emr_status emr_settle_publish(
	emr_settle *settle, const emr_change *changes, size_t n, emr_outcome_fn fn, void *arg);
/* Whether the last of them in DOMAIN went under its former key, though somebody's access has ended,
 * because a new one could not begin: said once, until one has begun.  It is tried with each call.
 * *OUT_CODE: with EMR_REFUSED, the ledger's. */
bool emr_settle_kept_former_key(
	emr_settle *settle, emr_id16 domain, emr_status *out_why, uint8_t *out_code);
/* Sends every batch whose answer is unknown (after a restart, or a transport error) and hands out
 * the answers. */
emr_status emr_settle_resend(emr_settle *settle, emr_outcome_fn fn, void *arg);

/* How many copies are wanted, this computer's included, before the ledger gets what is new.  Any
 * thread. */
unsigned emr_settle_copies_first(emr_settle *settle);
/* One change of a batch that waits for copies. */
typedef struct emr_awaiting {
	emr_id16 domain, node, object;
	uint64_t version; /* that it makes */
	bool has_root;	  /* it brings content: below ROOT */
	bool is_new;	  /* ROOT is of no version that the ledger has: it is pinned as sent */
	emr_cid root;
} emr_awaiting;
/* All of them, emr_awaiting, appended.  WITH_SENT: also of those that were sent and have no answer
 * yet.  Any thread; a batch that cannot be read names nothing. */
emr_status emr_settle_awaiting(emr_settle *settle, bool with_sent, emr_buf *out);
/* A batch that waits for copies is forgotten, and can be made again: the ledger knows nothing of
 * it. */
emr_status emr_settle_take_back(emr_settle *settle);
/* The grants of domains inside domains become what the tree says (emr_share_tie): TREE has every
 * domain of the folder, each after the one it hangs in.  Refusals of the ledger are told in
 * the log; other errors are transient. */
emr_status emr_settle_tie(emr_settle *settle, const struct emr_nested *tree, size_t n);
/* ID is SHA-256 of the statement of the version at ROOT, which another shares and was opened here:
 * a new version saved there amends it.  Any thread. */
void emr_settle_know_statement(emr_settle *settle, const emr_cid *root, const uint8_t id[32]);
/* The replica takes in what is new on the ledger, at the beginning of a run: what is sent in it
 * goes from there on, and nothing is sent where that failed.  IS_NOW: all that the ledger
 * has at this moment, and not lately only (replica/follower.h).  EMR_ROLLBACK, EMR_FORK: the ledger
 * is older than, or another than, the journal remembers; also when replica and high-water mark were
 * put back with it. EMR_OFFLINE: the ledger is away, and what this computer has verified is all it
 * has seen.
 */
emr_status emr_settle_catch_up(emr_settle *settle, bool is_now);
/* The same of a ledger that was followed already, which gave FOLLOWED; and how it was last. */
emr_status emr_settle_hear(emr_settle *settle, emr_status followed);
emr_status emr_settle_followed(const emr_settle *settle);
/* Whether the verified copy goes on from what the journal remembers of it, as it is now; nobody is
 * asked.  *OUT_SEEN: so many entries it remembers, 0 nothing; also with EMR_ROLLBACK and EMR_FORK.
 * EMR_DAMAGED, EMR_NEWER_FORMAT: what it remembers cannot be read.  Any thread. */
emr_status emr_settle_compare_seen(emr_settle *settle, uint64_t *out_seen);

/* A version that this computer itself has put on the ledger, and the journal knows nothing of. */
typedef struct emr_unheard {
	emr_id16 object;
	uint64_t version;
} emr_unheard;
/* All of them, appended to OUT (of emr_unheard), in no order.  A batch is in the journal before the
 * ledger has it, so there are some only where the journal has lost its end, or is an earlier copy.
 * Before emr_settle_resend, behind whose answers nothing is looked for any more.  *OUT_IS_BEHIND:
 * there are, and the journal remembers a ledger before them. */
emr_status emr_settle_unheard(emr_settle *settle, emr_buf *out, bool *out_is_behind);

/* After a restart of the ledger's host that took entries of this computer's copy away
 * (emr_replica_must_go_on): what was its own among them is signed once more, the journal is made to
 * fit, and the next opening finds all of it registered, but for what is told by
 * emr_settle_each_lost. Nothing else is done with SETTLE or its replica afterwards: both are
 * closed.  It may be interrupted anywhere and run again. EMR_NOT_FOUND: there is no such restart;
 * else what the ledger gives. */
emr_status emr_settle_go_on(emr_settle *settle);
/* Versions that could not be signed again, by name. */
emr_status emr_settle_each_lost(emr_settle *settle, emr_journal_visit fn, void *arg);
