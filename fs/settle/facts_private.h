/* This is what facts.c and history.c share: reading one item of a row with its description. It
 * refuses as facts.h does. */
#pragma once

#include "base/worker.h"
#include "contract/codes.h"
#include "replica/ask.h"
#include "settle/facts.h"
#include "share/write.h"

#include "list_keys.h"
#include "unreadable.h"

/* A member that names no lock is set before there are several threads. The replica's locks are
 * inside of these. */
struct emr_facts {
	emr_keyring *keyring;
	emr_replica *replica;
	emr_record_ctx *records;
	pthread_mutex_t lock;
	list_keys keys;	       /* protected by lock */
	unreadable unreadable; /* protected by lock */
	emr_buf noted;	       /* protected by lock; of emr_opened: to be kept */
	bool has_said_unfit;   /* protected by lock; of what reopen.c keeps */
	int cache_dirfd;       /* -1: nothing is kept */
	emr_annex annex;       /* facts NULL: there is none */
};

/* Reads the item at HEAD's version, with the content of the one at its pversion; META points into
 * *PLAIN. Of HEAD only domain, object, version and pversion are used. *OUT_ITEM (may be NULL) is
 * that item, without its bytes. EMR_MISSING_DATA when a part is not there, whatever the reason. */
emr_status facts_read(emr_facts *facts, const emr_replica_head *head, emr_place *out_place,
	emr_buf *plain, emr_meta *out_meta, emr_replica_item *out_item);
/* WORDS, what ITEM says of content at HEAD's version, become what may be believed of it: of the
 * root of a domain, a file that is shared by itself, only length, time and number are another's to
 * say; the rest is as its owner said last before. */
emr_status facts_root_words(emr_facts *facts, const emr_replica_head *head,
	const emr_replica_item *item, emr_buf *words);
/* The private part of the PUT or REWRAP at HEAD's pversion; *OUT_PART points into *BYTES.
 * EMR_MISSING_DATA. */
emr_status facts_read_put(
	emr_facts *facts, const emr_replica_head *head, emr_buf *bytes, emr_put_part *out_part);
/* The key and description of a published content: private part, capsule, bundle, commitment,
 * manifest, in this order.  Whose word it is nobody has asked yet: outside of this room only
 * settle/whose.h gives a key. */
emr_status facts_open_bundle(emr_facts *facts, const emr_place *place, emr_bundle *out_bundle,
	emr_content_key **out_key);
/* True for a fault of this record, and not of this moment: a disk that does not answer must not
 * make records vanish. */
bool facts_is_damage(emr_status status);
/* HEAD, live, was read with STATUS.  *OUT_IS_JUNK: somebody else than the owner wrote what was not
 * read, and all of it is here, so it will never open: then it is noted among what is unreadable,
 * and is no damage of this folder. */
emr_status facts_note_reading(
	emr_facts *facts, const emr_replica_head *head, emr_status status, bool *out_is_junk);
/* Whether SIGNER speaks for the owner of DOMAIN. */
emr_status facts_signed_by_owner(
	const emr_facts *facts, emr_id16 domain, emr_id32 signer, bool *out_is);
/* VERSION of the row is such a one; 0: none is, any more. */
emr_status facts_note_junk(emr_facts *facts, emr_id16 domain, emr_id16 object, uint64_t version);

/* ---- carried.c ---- */

/* Becomes, of a record on its way to another ledger, what the owner may say there: META, of the one
 * at PLACE whose words are SIGNER's, points to NAME and ATTRIBUTES (owned by the caller) then.
 * EMR_DENIED: nothing of it. */
emr_status facts_harmless(emr_facts *facts, const emr_place *place, emr_id32 signer, emr_meta *meta,
	char name[EMR_WORDS_NAME_BYTES], emr_buf *attributes);

/* ---- annex.c: the ledgers before a move and the present one as one ---- */

/* The facts of the ledger where VERSION lies. */
const emr_facts *facts_at(const emr_facts *facts, uint64_t version);
emr_status facts_part(emr_facts *facts, const emr_part_key *at, emr_buf *out_part);
/* The item only says again, on the present ledger, what the annex had said: nothing happened then.
 */
bool facts_is_carried(const emr_facts *facts, uint64_t version, uint64_t seq);
/* A question to all of them. When there is no next row, of.status says why. */
typedef struct facts_asked {
	emr_asking of;
	emr_facts *facts;
	uint64_t mark; /* of the versions of the ledger that the last row is of */
	uint64_t last; /* the same of the ledger that is asked last */
} facts_asked;
static inline void facts_asked_end(facts_asked *asked)
{
	emr_asked_end(&asked->of);
}
#define AUTO_FACTS_ASKED __attribute__((cleanup(facts_asked_end))) facts_asked
/* Every object once: the present heads, then one's own that are only on a ledger that was left.
 * Shares of others stay behind with it. */
facts_asked facts_heads(emr_facts *facts);
bool facts_next_head(facts_asked *asked, emr_replica_head *out);
/* All items of an object, oldest first. */
facts_asked facts_chain(emr_facts *facts, emr_id16 domain, emr_id16 object);
bool facts_next_item(facts_asked *asked, emr_replica_item *out);
/* The next item of a chain that brought content.  *OUT_IS_READ: its part is here and whole, and
 * *OUT_PART is that, without its slices; else *OUT_PART is zeroed. */
bool facts_next_content(
	facts_asked *chain, emr_replica_item *out, emr_put_part *out_part, bool *out_is_read);
/* By MARK of the ledger, oldest first, entry and index. */
typedef struct facts_order {
	uint64_t version, seq;
	uint16_t index;
} facts_order;
int facts_by_order(const void *a, const void *b);
/* It brought content. */
static inline bool facts_is_content(const emr_replica_item *item)
{
	return item->op == EMR_OP_PUT || item->op == EMR_OP_REWRAP;
}

/* ---- to which record an object's content belongs (number.c) ---- */

/* SAID is the number that the content of (DOMAIN, OBJECT) names; *OUT is that which is believed: of
 * a row that the owner began, that of its first content (she may have moved the record there); of
 * any other row, its object. */
emr_status facts_number(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_id16 said, emr_id16 *out);
