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
	emr_id16 domain, parent;
	bool has_parent;
	bool is_unread; /* what was said last of its place cannot be read any more */
	emr_row_domain row;
	uint8_t patient_pk[32];
	placement last;
	share_reader *reader;
} placing;

static void placing_end(placing *p)
{
	share_reader_free(p->reader);
}
#define AUTO_PLACING __attribute__((cleanup(placing_end))) placing

/* Where a domain lies nobody else says, whatever he may write: the folder believes no other word.
 * *OUT_IS_HERS: she, or a computer of hers that is in force. */
static emr_status whose(const placing *p, emr_id32 signer, bool *out_counts, bool *out_is_hers)
{
	emr_bytes owner = emr_bytes_of(p->row.owner_pk, sizeof p->row.owner_pk);
	emr_status status = emr_signed_is_owner(
		p->share->o.replica, p->domain, p->row.owner_pk, p->patient_pk, signer, out_counts);

	*out_is_hers = emr_id32_equal(signer, emr_sha256_of(&owner, 1));
	return status != EMR_OK || *out_is_hers || !*out_counts
		       ? status
		       : emr_is_own_computer(p->share->o.keyring, p->share->o.replica, signer,
				 share_now(p->share), out_is_hers);
}

static emr_status look_at_item(placing *p, const emr_replica_item *item)
{
	AUTO_RECORD said = {0};
	bool counts = false, is_hers = false, is_put = false;
	emr_status status;

	EMR_TRY(whose(p, item->signer_id, &counts, &is_hers));
	if (!counts ||
		(item->op != EMR_OP_META && item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP))
		return EMR_OK;
	status = share_as_said(p->reader, p->domain, item->version, item->op != EMR_OP_META, &said);
	if (emr_status_is_local(status))
		return status;
	if (status == EMR_OK) {
		/* A signer who erased an entry about it has put it there, as far as anybody can
		 * tell. */
		is_put = !p->is_unread &&
			 !(p->has_parent && emr_id16_equal(said.meta.parent, p->parent));
		p->parent = said.meta.parent;
		p->has_parent = true;
		p->is_unread = false;
	} else if (!is_hers) {
		is_put = true;
		p->is_unread = true;
	}
	if (is_put)
		p->last = (placement){.by = item->signer_id, .seq = item->seq};
	return EMR_OK;
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

	EMR_TRY(share_reader_new(p->share, p->domain, &p->reader));
	while (emr_next(&items, &item))
		EMR_TRY(look_at_item(p, &item));
	return items.status;
}

emr_status share_placed_by_another(
	emr_share *share, emr_id16 domain, placement *out, bool *out_is_anothers)
{
	AUTO_PLACING p = {.share = share, .domain = domain};
	bool counts = false, is_hers = true, is_some = false;

	EMR_TRY(share_domain(share, domain, &p.row));
	EMR_TRY(emr_keyring_person_pk(share->o.keyring, p.patient_pk));
	EMR_TRY(is_some_anothers(&p, &is_some));
	if (is_some)
		EMR_TRY(find_place(&p));
	if (p.last.seq != 0)
		EMR_TRY(whose(&p, p.last.by, &counts, &is_hers));
	*out = p.last;
	*out_is_anothers = !is_hers;
	return EMR_OK;
}
