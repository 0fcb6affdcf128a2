/* This file tells the reader of a shared record who signed the content of a version, and so vouches
 * for it. It goes through the items of the record on the ledger, as far as this computer has them.
 * The owner's computer looks up the same before it seals a record again, because readers believe
 * what the owner has signed. */
#include <stdlib.h>
#include <string.h>

#include "keyring/coowned.h"

#include "shared_private.h"

/* How the content came into its row. */
typedef struct arrival {
	emr_replica_item item; /* a PUT; of what was moved here, the owner's REWRAP */
	uint64_t cver_before;  /* what it has to be above; 0: nothing that is known */
	bool is_there;
} arrival;

/* The content in hand, on its way through the items of its row. */
typedef struct coming {
	const emr_put_part *mine;
	uint64_t version;   /* of the item that says it; what comes later is past it */
	arrival now, first; /* as the row holds it, and the first time */
	uint64_t
		highest; /* in the row since the owner last said which version is the present one */
	bool last_fits, is_past;
} coming;

typedef struct chain {
	emr_share *share;
	const record_facts *facts;
	emr_signed_place *place;
	coming content;
	emr_id16 number;   /* of the row's first content */
	emr_put_part last; /* the row's content, without its slices */
	bool has_number, is_superseded;
} chain;

static emr_status is_by_owner(const chain *c, emr_id32 signer, bool *out_is)
{
	return emr_signed_is_owner(c->share->o.replica, c->place->domain, c->place->owner_pk,
		c->place->patient_pk, signer, out_is);
}

/* Sealing it again where it lies, or bringing it back, makes no new arrival. */
static void note_content(coming *c, const emr_replica_item *item, bool fits)
{
	const arrival new = {.item = *item, .cver_before = c->highest, .is_there = fits};

	if (item->op == EMR_OP_PUT)
		c->now = new;
	else if (!fits || !c->last_fits)
		c->now = fits && c->first.is_there ? c->first : new;
	c->now.item.bytes = (emr_bytes){0};
	if (fits && !c->first.is_there)
		c->first = c->now;
	c->last_fits = fits;
}

static bool is_same_part(const emr_put_part *a, const emr_put_part *b)
{
	return a->cver == b->cver && emr_id16_equal(a->record_id, b->record_id) &&
	       emr_cid_equal(&a->root, &b->root);
}

/* PART: what the item says; NULL when that is not here.  Whether it is the content in hand. */
static bool pass(coming *c, const emr_replica_item *item, const emr_put_part *part)
{
	bool fits = part != NULL && is_same_part(part, c->mine);

	if (!c->is_past)
		note_content(c, item, fits);
	c->is_past |= item->version == c->version;
	return fits;
}

/* Somebody else has signed a newer version, on top of which this one lies. */
static emr_status note_newer(chain *c, const emr_replica_item *item, const emr_put_part *part)
{
	bool is_owner = true;
	emr_status status;

	if (item->op != EMR_OP_PUT || (part == NULL && !c->content.first.is_there) ||
		(part != NULL && part->cver <= c->facts->put.cver))
		return EMR_OK;
	if (part != NULL && part->cver - c->facts->put.cver > EMR_CVER_JUMP)
		return EMR_OK;
	status = is_by_owner(c, item->signer_id, &is_owner);
	c->is_superseded |= !is_owner;
	return status;
}

/* As the owner does (fs/settle): something lower in between does not make an older version the next
 * one. */
static emr_status note_highest(chain *c, const emr_replica_item *item, const emr_put_part *part)
{
	bool is_owner = false, is_again = item->op == EMR_OP_REWRAP && is_same_part(&c->last, part);
	emr_status status = is_again ? EMR_OK : is_by_owner(c, item->signer_id, &is_owner);

	c->last = (emr_put_part){
		.cver = part->cver, .record_id = part->record_id, .root = part->root};
	if (!is_again && (is_owner || (part->cver > c->content.highest &&
					      part->cver - c->content.highest <= EMR_CVER_JUMP)))
		c->content.highest = part->cver;
	return status;
}

static emr_status look_at_item(chain *c, const emr_replica_item *item)
{
	EMR_AUTO_BUF bytes = {0};
	emr_put_part part = {.cver = 0};
	bool has_part, fits;
	emr_status status;

	if (item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP)
		return EMR_OK;
	status = share_part(c->share, EMR_FAMILY_OBJECT, c->facts->head.domain,
		c->facts->head.object, item->version, &bytes);
	if (emr_status_is_local(status))
		return status;
	has_part = status == EMR_OK && emr_put_part_decode(emr_buf_view(&bytes), &part) == EMR_OK;
	if (has_part && !c->has_number) {
		c->number = part.record_id;
		c->has_number = true;
	}
	fits = pass(&c->content, item, has_part ? &part : NULL);
	EMR_TRY(has_part ? note_highest(c, item, &part) : EMR_OK);
	return fits ? EMR_OK : note_newer(c, item, has_part ? &part : NULL);
}

/* Content that another writer put into the row continues the row: it has its number, and a higher
 * version than the content before. */
static emr_status judge_row(const chain *c, emr_signed *is)
{
	const emr_put_part *put = &c->facts->put;
	bool by_owner = false, owners_row = false,
	     has_number = emr_id16_equal(put->record_id, c->facts->head.object);

	if ((is->standing != EMR_SIGNED_VALID && is->standing != EMR_SIGNED_STALE) ||
		!c->content.now.is_there)
		return EMR_OK;
	EMR_TRY(is_by_owner(c, c->content.now.item.signer_id, &by_owner));
	EMR_TRY(is_by_owner(c, c->facts->head.creator, &owners_row));
	if (by_owner)
		return EMR_OK;
	has_number |= owners_row && c->has_number && emr_id16_equal(put->record_id, c->number);
	if (has_number && c->content.now.cver_before < put->cver)
		return EMR_OK;
	is->standing = EMR_SIGNED_MISMATCH;
	is->fault = EMR_SIGNED_STATEMENT;
	is->verdict = has_number ? EMR_STATEMENT_WRONG_VERSION : EMR_STATEMENT_WRONG_RECORD;
	return EMR_OK;
}

static void take_arrival(const chain *c)
{
	emr_signed_place *place = c->place;
	const arrival *now = &c->content.now;

	if (!now->is_there) { /* its own item at least is there, or it would not have been read */
		place->seq = c->facts->head.seq;
		place->time_unix_s = c->facts->head.ledger_time;
		return;
	}
	place->is_put = now->item.op == EMR_OP_PUT;
	place->seq = now->item.seq;
	place->time_unix_s = now->item.ledger_time;
	place->put_signer = now->item.signer_id;
}

static emr_signed_place place_of(emr_share *share, const uint8_t patient_pk[32],
	const uint8_t owner_pk[32], const record_facts *facts)
{
	emr_signed_place place = {.descriptor = emr_ledger_descriptor(share->o.ledger),
		.domain = facts->head.domain,
		.patient_pk = patient_pk,
		.r_pid = facts->meta.r_pid,
		.record_id = facts->put.record_id,
		.cver = facts->put.cver,
		.is_reencrypted = (facts->put_flags & EMR_ITEM_REENC) != 0,
		.put_signer = facts->put_signer};

	memcpy(place.owner_pk, owner_pk, sizeof place.owner_pk);
	return place;
}

static emr_status find_arrival(chain *c)
{
	const emr_replica_head *head = &c->facts->head;
	emr_replica_item item;
	EMR_ASK(items, c->share->o.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = head->domain, .object = head->object);

	c->content = (coming){.mine = &c->facts->put, .version = head->pversion};
	while (emr_next(&items, &item))
		EMR_TRY(look_at_item(c, &item));
	EMR_TRY(items.status);
	take_arrival(c);
	return EMR_OK;
}

static emr_status judge(const chain *c, const emr_bundle *bundle, emr_signed *out)
{
	EMR_TRY(emr_signed_judge(c->share->o.replica, c->place, bundle, out));
	return judge_row(c, out);
}

static emr_status open_and_judge(const chain *c, const emr_content_key *key, emr_signed *out)
{
	const emr_put_part *put = &c->facts->put;
	EMR_AUTO_FREE emr_bundle *bundle = calloc(1, sizeof *bundle);

	EMR_TRY(bundle == NULL		      ? EMR_NO_MEMORY
		: c->share->o.records == NULL ? EMR_UNSUPPORTED
					      : emr_bundle_open(c->share->o.records, &put->root,
							key, put->record_id, put->cver, bundle));
	return judge(c, bundle, out);
}

emr_status share_vouch(emr_share *share, const emr_row_domain *row, const record_facts *facts,
	const emr_content_key *key)
{
	emr_signed_place place;
	chain c = {.share = share, .facts = facts, .place = &place};
	emr_signed is = {.standing = EMR_SIGNED_SELF};
	uint8_t patient_pk[32];
	bool is_hers = false;

	EMR_TRY(emr_keyring_person_pk(share->o.keyring, patient_pk));
	place = place_of(share, patient_pk, row->owner_pk, facts);
	EMR_TRY(find_arrival(&c));
	EMR_TRY(is_by_owner(&c, place.put_signer, &is_hers));
	if (!is_hers)
		EMR_TRY(open_and_judge(&c, key, &is));
	return is.standing == EMR_SIGNED_MISMATCH ? EMR_BAD_SIGNATURE : EMR_OK;
}

emr_status share_word(emr_shared *shared, const emr_bundle *bundle, const record_facts *facts,
	emr_shared_word *out)
{
	emr_signed_place place =
		place_of(shared->share, shared->received.card.id_pk, shared->row.owner_pk, facts);
	chain c = {.share = shared->share, .facts = facts, .place = &place};
	emr_shared_word word = {.root = facts->put.root, .pversion = facts->head.pversion};

	EMR_TRY(find_arrival(&c));
	EMR_TRY(judge(&c, bundle, &word.is));
	word.is_placed = !place.is_put;
	word.time_unix_s =
		word.is_placed && word.is.kind != 0 ? word.is.issued_at : place.time_unix_s;
	word.is_superseded = c.is_superseded;
	*out = word;
	return EMR_OK;
}

const char *emr_shared_word_note(const emr_shared_word *word)
{
	return emr_signed_note(word->is_superseded, word->is.kind == EMR_STATEMENT_AMENDMENT, false,
		word->is_placed);
}

/* ---- before anything was opened ---- */

static emr_status part_of(
	emr_replica *replica, const emr_part_key *at, emr_buf *bytes, emr_put_part *out_part)
{
	EMR_TRY(emr_replica_part(replica, at, bytes));
	return emr_put_part_decode(emr_buf_view(bytes), out_part);
}

emr_status emr_shared_came(emr_replica *replica, const emr_part_key *at, emr_replica_item *out_item)
{
	EMR_AUTO_BUF bytes = {0};
	emr_put_part mine, part;
	coming content = {.mine = &mine, .version = at->version};
	emr_part_key key = *at; /* of the item in hand */
	emr_replica_item item;
	EMR_ASK(items, replica, HISTORY, .family = at->family, .domain = at->domain,
		.object = at->object);

	EMR_TRY(part_of(replica, at, &bytes, &mine));
	while (emr_next(&items, &item)) {
		EMR_AUTO_BUF other = {0};
		emr_status status;

		if (item.op != EMR_OP_PUT && item.op != EMR_OP_REWRAP)
			continue;
		key.version = item.version;
		status = part_of(replica, &key, &other, &part);
		if (emr_status_is_local(status))
			return status;
		(void)pass(&content, &item, status == EMR_OK ? &part : NULL);
	}
	EMR_TRY(items.status);
	if (!content.now.is_there)
		return EMR_NOT_FOUND;
	*out_item = content.now.item;
	return EMR_OK;
}
