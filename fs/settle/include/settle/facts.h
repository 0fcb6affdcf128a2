/* The replica's facts, decrypted: which records there are, what they are called, and how their
 * bytes are opened. Refuses to show anything whose item, hash or authentication does not fit. */
#pragma once

#include "base/codec.h"
#include "base/id.h"
#include "keyring/keyring.h"
#include "record/content.h"
#include "record/format.h"
#include "replica/ask.h"

/* Where a record stands on the ledger, as this computer last verified it. */
typedef struct emr_place {
	emr_id16 domain;
	emr_id16 object;
	emr_id16 record_id; /* files: names the record over moves between domains; zero otherwise */
	uint64_t cver;	  /* version of the content that people see; 0 for directories and links */
	uint64_t version; /* of the row's chain; with EMR_VERSION_ANNEX: in the ledger before a join
			   */
	uint64_t pversion; /* item version of its last PUT or REWRAP */
	uint64_t padded;   /* L' */
	emr_cid root;	   /* bundle of the content */
	uint8_t r_pid[32]; /* opens the statement's patient commitment */
} emr_place;

typedef struct emr_facts emr_facts;

/* All borrowed.  The cache of listing keys inside is thread-safe. */
emr_status emr_facts_new(
	emr_keyring *keyring, emr_replica *replica, emr_record_ctx *records, emr_facts **out_facts);
void emr_facts_free(emr_facts *facts);

/* The ledger that was left by a move (join, network leave), and this computer's copy of it: the
 * past of what was taken along.  Its items are told from those of the present ledger by a mark in
 * their version, which every function here understands. */
typedef struct emr_annex {
	emr_ledger *ledger;
	emr_keyring *keyring; /* of the key that it knows; NULL: that of the session */
	emr_replica *replica;
	emr_facts *facts;     /* on that replica; they have an annex where it was not the first */
	uint64_t joined_size; /* entries of the ledger after it that only say again what the annex
				 had said */
} emr_annex;
/* The mark counts how many moves ago that was. */
#define EMR_MOVES_MAX 7
#define EMR_VERSION_MOVE (UINT64_C(1) << 60)
#define EMR_VERSION_ANNEX (EMR_MOVES_MAX * EMR_VERSION_MOVE)
/* The files that ANNEX names are borrowed. To be called before anything else, from one thread. */
void emr_facts_set_annex(emr_facts *facts, const emr_annex *annex);
/* NULL: there is none. */
const emr_annex *emr_facts_annex(const emr_facts *facts);
/* Goes back to the ledger where the content at *PLACE came first: *FACTS become its facts, *PLACE
 * the content's place there, *OUT_ANNEX what it is, and *DESCRIPTOR that ledger's (borrowed).  Both
 * may be NULL.  Nothing changes when that is the ledger of *FACTS. */
emr_status emr_facts_first(
	emr_facts **facts, emr_place *place, emr_bytes *descriptor, const emr_annex **out_annex);
/* emr_replica_item_get and emr_replica_head_get in the ledger where it is; a head that is in both
 * is the present one. */
emr_status emr_facts_item(
	emr_facts *facts, const emr_part_key *at, emr_buf *out_bytes, emr_replica_item *out_item);
emr_status emr_facts_head(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_replica_head *out_head);

/* The item with which the content at PLACE came onto the present ledger, or that of the annex if
 * PLACE is there: its PUT, wherever the record lay then and whatever has wrapped it again since.  A
 * REWRAP only when no PUT of it is here any more. */
emr_status emr_facts_registered(
	emr_facts *facts, const emr_place *place, emr_replica_item *out_item);
/* The same, and in the annex, if the present ledger only carried it over. */
emr_status emr_facts_origin(emr_facts *facts, const emr_place *place, emr_replica_item *out_item);

/* A question for every live record of every domain of mine, in no order:
 *
 *	EMR_AUTO_FACTS_WALK all = emr_facts_all(facts);
 *
 *	while (emr_facts_next(&all, &place, &meta))
 *		...
 *	return all.status;
 *
 * META's slices are valid until the next one. A record that cannot be read is counted and named in
 * the log by id; the walk goes on.  A record that somebody else left there, that is all here and
 * does not open, is no damage: it is counted by emr_facts_unreadable. */
typedef struct emr_facts_walk {
	emr_status status; /* EMR_OK when all were given */
	uint64_t damaged;
	/* facts_each.c only */
	emr_facts *facts;
	struct facts_cache *cache; /* owned; NULL: all of it is read from the replica */
	emr_asking heads;
	emr_buf own, objects, plain;
	size_t next_own, next; /* of OWN, domains, and of OBJECTS */
	bool is_in_cache, has_changed, is_over, is_borrowed, is_of_run;
	const struct emr_kept_run *run; /* that begins; NULL: it has begun */
} emr_facts_walk;
emr_facts_walk emr_facts_all(emr_facts *facts);
/* The same from the file that emr_facts_keep left, brought up to date from the replica: for opening
 * the folder, and not for judging what is on the disk. */
emr_facts_walk emr_facts_all_kept(emr_facts *facts);
bool emr_facts_next(emr_facts_walk *walk, emr_place *out_place, emr_meta *out_meta);

/* The file that emr_facts_keep left, opened for the folder that is to be shown: its files may rest
 * there until somebody looks into their directory.  Not thread-safe: its owner locks. */
typedef struct facts_cache emr_kept_facts;
/* META, a record at PLACE, may rest, says JUDGE, which is the caller's. */
struct emr_loading;
typedef bool (*emr_may_rest)(
	struct emr_loading *judge, const emr_place *place, const emr_meta *meta);
/* Files of one directory that rest behind one another. */
typedef struct emr_kept_run {
	emr_id16 domain, directory;
	uint64_t page, offset; /* facts_cache.c only */
	uint64_t count, bytes; /* of their contents */
	bool is_ambiguous;     /* one of them begins as another file that rests, here or elsewhere:
				  it must not rest, or that one would be taken for it */
	void *owner;	       /* these are the caller's, and zero at first */
	uint32_t next;
	bool is_over;
} emr_kept_run;
/* FACTS is borrowed until emr_kept_close.  All of the file was checked then.
 * EMR_NOT_FOUND: there is none that can be used. */
emr_status emr_kept_open(emr_facts *facts, emr_may_rest may_rest, struct emr_loading *judge,
	emr_kept_facts **out_kept);
void emr_kept_close(emr_kept_facts *kept); /* NULL is fine */
/* As emr_facts_all_kept, without what rests; NULL: nothing does. */
emr_facts_walk emr_kept_awake(emr_facts *facts, emr_kept_facts *kept);
/* The files of RUN, one walk at a time.  A disk that fails meanwhile is the walk's status. */
emr_facts_walk emr_kept_resting(emr_facts *facts, emr_kept_facts *kept, const emr_kept_run *run);
emr_kept_run *emr_kept_runs(emr_kept_facts *kept, uint32_t *out_count); /* of KEPT */
/* A run in which OBJECT may rest: something in it begins so; in others, too, if it is ambiguous.
 * False: there is none. */
bool emr_kept_find(const emr_kept_facts *kept, emr_id16 object, uint32_t *out_run);
/* The ledger has said something of one's own records since the file was left. */
bool emr_kept_has_changed(const emr_kept_facts *kept);
/* Appends the first 8 bytes of all that rest, each a uint64_t, big-endian in the id. */
emr_status emr_kept_prefixes(const emr_kept_facts *kept, emr_buf *out);
static inline uint64_t emr_kept_prefix(emr_id16 object)
{
	return emr_get_u64(object.b);
}
void emr_facts_walk_end(emr_facts_walk *walk);
#define EMR_AUTO_FACTS_WALK __attribute__((cleanup(emr_facts_walk_end))) emr_facts_walk

/* The file is in DIRFD (a private directory; stays the caller's).  Without this nothing is kept.
 * Before anything else, from one thread. */
emr_status emr_facts_keep_in(emr_facts *facts, int dirfd);
/* Leaves a new file there when so much has changed that it pays.  Unreadable entries are in it,
 * too: those that will never open are not tried again, all others are.  Nobody may follow the
 * ledger meanwhile.  Of the entries behind the first SHOWN nobody has looked at what they say: it
 * counts as changed since.  A file that could not be made costs time at the next start, nothing
 * else. */
emr_status emr_facts_keep(emr_facts *facts, uint64_t shown);
/* Removes the file: names that must not be anywhere any more may be in it. */
emr_status emr_facts_forget_kept(emr_facts *facts);
/* One record; META points into *out_bytes.  EMR_NOT_FOUND when it is not live. */
emr_status emr_facts_get(emr_facts *facts, emr_id16 domain, emr_id16 object, emr_place *out_place,
	emr_buf *out_bytes, emr_meta *out_meta);
/* How many records of others lie in domains of mine and do not open, as far as they were met by
 * walks and by emr_facts_get. */
uint64_t emr_facts_unreadable(emr_facts *facts);
/* Appends those that are still live and still what did not open, emr_named_object. */
emr_status emr_facts_unreadable_objects(emr_facts *facts, emr_buf *out);
/* Whether the content at PLACE says the number of another record than it belongs to
 * (place->record_id, as everywhere here, is the one that is believed: number.c). */
emr_status emr_facts_names_another(emr_facts *facts, const emr_place *place, bool *out_does);

/* Appends an emr_pin, REGISTERED, for the bundle of every version of one's own objects, and of
 * every version that one's own identity signed in a folder of another, that this computer has the
 * private part of, erased ones left out: what must stay in the store.  Where a part is gone that
 * was not erased, nobody can say what it led to: EMR_MISSING_DATA, or, unless OUT_LACKS is NULL,
 * true there and the others.  IS_OF_OTHERS: only of what somebody else put into a folder of one's
 * own. */
emr_status emr_facts_bundles(
	emr_facts *facts, bool is_of_others, bool *out_lacks, emr_buf *out_pins);
/* The listing key that LISTKEY_ID names in this domain; borrowed, lives as long as FACTS. */
emr_status emr_facts_list_key(
	emr_facts *facts, emr_id16 domain, emr_id32 listkey_id, const emr_list_key **out_key);
