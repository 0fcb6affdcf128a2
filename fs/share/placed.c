/* This file tells which computer put a folder where it is. A folder that is moved into a shared one
 * is shared with it, in the owner's name, and must not be when it was moved on a computer that was
 * stolen. All of it is read from the ledger, where each place has its signer. */
#include <string.h>

#include "keyring/coowned.h"
#include "share/devices.h"
#include "share/give.h"
#include "share/signed.h"
#include "share_private.h"

typedef struct placing {
	emr_share *share;
	emr_id16 domain;
	emr_id16 parent;
	bool has_parent;
	bool is_unread; /* what was said last of its place cannot be read any more */
	uint8_t owner_pk[32], patient_pk[32];
	placement last;
	share_reader *reader; /* NULL: nothing was read yet */
} placing;

static void placing_end(placing *p)
{
	share_reader_free(p->reader);
}
#define AUTO_PLACING __attribute__((cleanup(placing_end))) placing

static emr_status placing_begin(emr_share *share, emr_id16 domain, placing *out)
{
	emr_row_domain row;
	emr_status status = share_domain(share, domain, &row);

	*out = (placing){.share = share, .domain = domain};
	if (status == EMR_OK)
		memcpy(out->owner_pk, row.owner_pk, sizeof out->owner_pk);
	return status == EMR_OK ? emr_keyring_person_pk(share->o.keyring, out->patient_pk) : status;
}

/* Where a domain lies nobody else says, whatever he may write: the folder believes no other word.
 * *OUT_IS_HERS: she, or a computer of hers that is in force. */
static emr_status whose(const placing *p, emr_id32 signer, bool *out_counts, bool *out_is_hers)
{
	emr_bytes owner = emr_bytes_of(p->owner_pk, sizeof p->owner_pk);
	emr_status status = emr_signed_is_owner(
		p->share->o.replica, p->owner_pk, p->patient_pk, signer, out_counts);

	*out_is_hers = emr_id32_equal(signer, emr_sha256_of(&owner, 1));
	return status != EMR_OK || *out_is_hers || !*out_counts
		       ? status
		       : emr_is_own_computer(p->share->o.keyring, p->share->o.replica, signer,
				 share_now(p->share), out_is_hers);
}

static void note_place(placing *p, const emr_replica_item *item, const record_facts *said)
{
	bool is_same =
		p->has_parent && !p->is_unread && emr_id16_equal(said->meta.parent, p->parent);

	/* A signer who erased an entry about it has put it there, as far as anybody can tell. */
	if (!is_same && !p->is_unread)
		p->last = (placement){.by = item->signer_id, .seq = item->seq};
	p->parent = said->meta.parent;
	p->has_parent = true;
	p->is_unread = false;
}

static void note_unread(placing *p, const emr_replica_item *item, bool is_hers)
{
	if (is_hers)
		return;
	p->last = (placement){.by = item->signer_id, .seq = item->seq};
	p->is_unread = true;
}

static emr_status look_at_item(placing *p, const emr_replica_item *item)
{
	AUTO_RECORD said = {0};
	bool counts = false, is_hers = false;
	emr_status status = EMR_OK;

	EMR_TRY(whose(p, item->signer_id, &counts, &is_hers));
	if (!counts ||
		(item->op != EMR_OP_META && item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP))
		return EMR_OK;
	if (p->reader == NULL)
		status = share_reader_new(p->share, p->domain, &p->reader);
	if (status == EMR_OK)
		status = share_as_said(
			p->reader, p->domain, item->version, item->op != EMR_OP_META, &said);
	if (status == EMR_OK)
		note_place(p, item, &said);
	else if (!emr_status_is_local(status))
		note_unread(p, item, is_hers);
	return emr_status_is_local(status) ? status : EMR_OK;
}

/* Nearly always she and her computers are all who ever said it, and nothing is opened. */
static emr_status is_some_anothers(const placing *p, bool *out_is)
{
	emr_replica_item item;
	EMR_ASK(items, p->share->o.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = p->domain, .object = p->domain);

	while (!*out_is && emr_next(&items, &item)) {
		bool counts = false, is_hers = false;

		EMR_TRY(whose(p, item.signer_id, &counts, &is_hers));
		*out_is = counts && !is_hers;
	}
	return items.status;
}

static emr_status find_place(placing *p)
{
	emr_replica_item item;
	EMR_ASK(items, p->share->o.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = p->domain, .object = p->domain);

	while (emr_next(&items, &item))
		EMR_TRY(look_at_item(p, &item));
	return items.status;
}

emr_status share_placed_by_another(
	emr_share *share, emr_id16 domain, placement *out, bool *out_is_anothers)
{
	AUTO_PLACING p = {.share = share};
	bool counts = false, is_hers = true, is_some = false;

	EMR_TRY(placing_begin(share, domain, &p));
	EMR_TRY(is_some_anothers(&p, &is_some));
	if (is_some)
		EMR_TRY(find_place(&p));
	if (p.last.seq != 0)
		EMR_TRY(whose(&p, p.last.by, &counts, &is_hers));
	*out = p.last;
	*out_is_anothers = !is_hers;
	return EMR_OK;
}
