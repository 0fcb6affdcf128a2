/* An exported file may hold what other writers said of records. This file decides how much of it
 * import may believe, and with the local ledger at hand compares it with that. */
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "share/domain.h"
#include "settle/whose.h"
#include "share/signed.h"

#include "parcel_private.h"

bool others_is_on_ledger(const emr_parcel_ledger *ledger, const emr_page_item *at, emr_id16 domain)
{
	emr_part_key key = {.domain = domain,
		.version = at->item.version,
		.family = at->item.op == EMR_OP_LISTKEY ? EMR_FAMILY_LISTKEY : EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	if (ledger == NULL)
		return false;
	memcpy(key.object.b, at->item.object_id, 16);
	return emr_replica_item_get(ledger->replica, &key, &bytes, &item) == EMR_OK &&
	       emr_id32_equal(item.item_id, at->item_id);
}

emr_status others_is_owner(
	const emr_parcel *p, const emr_page_item *at, emr_id16 domain, bool *out_is)
{
	emr_row_domain row;
	emr_id32 signer;
	emr_status status = emr_domain_row(p->ledger->replica, domain, &row);

	*out_is = false;
	memcpy(signer.b, at->item.signer_id, 32);
	if (status == EMR_OK)
		status = emr_signed_is_owner(
			p->ledger->replica, row.owner_pk, p->self.pk, signer, out_is);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* A link could lead anywhere, the folder's own name is the owner's, and a file stays one. */
bool others_may_say(const record *r, const emr_meta *meta)
{
	return meta->type != EMR_META_SYMLINK && !emr_id16_equal(r->object, r->domain) &&
	       (r->version == 0 || meta->type == r->meta.type);
}

emr_bytes others_name(const record *r, char room[EMR_WORDS_NAME_BYTES])
{
	static const char unnamed[] = "unnamed";

	if (!r->is_others_words)
		return r->meta.name;
	return emr_words_name(r->meta.type,
		r->meta.name.len > 0 ? r->meta.name : emr_bytes_of(unnamed, sizeof unnamed - 1),
		(emr_bytes){0}, room);
}

bool others_is_unplaced(const emr_parcel_ledger *ledger, const record *r)
{
	emr_row_domain row;

	return r->is_others_words &&
	       (ledger == NULL || emr_domain_row(ledger->replica, r->domain, &row) != EMR_OK ||
		       (row.head.flags & EMR_ITEM_INBOX) != 0);
}

/* Finds the ledger's item that brought the content. */
static emr_status find_item(const emr_parcel *p, const record *r, emr_replica_item *out_item)
{
	const emr_part_key key = {.domain = r->domain,
		.object = r->object,
		.version = r->pversion,
		.family = EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF bytes = {0};
	emr_status status =
		p->ledger != NULL ? emr_replica_item_get(p->ledger->replica, &key, &bytes, out_item)
				  : EMR_NOT_FOUND;

	out_item->bytes = (emr_bytes){0};
	return status == EMR_OK && !emr_id32_equal(out_item->item_id, r->put_item) ? EMR_NOT_FOUND
										   : status;
}

static emr_status judge(const emr_parcel *p, const record *r, emr_place place,
	const emr_bundle *bundle, emr_whose *out)
{
	memcpy(place.r_pid, r->r_pid, sizeof place.r_pid);
	return emr_facts_judge(p->ledger->facts, p->ledger->descriptor, &place, bundle, out);
}

/* As the folder judges it when it is opened there. */
emr_status others_check(const emr_parcel *p, const record *r, const emr_bundle *bundle)
{
	const emr_place place = {.domain = r->domain,
		.object = r->object,
		.record_id = r->put.record_id,
		.cver = r->put.cver,
		.version = r->pversion,
		.pversion = r->pversion,
		.padded = r->put.padded,
		.root = r->put.root};
	emr_replica_item item;
	emr_whose whose;
	emr_status status = find_item(p, r, &item);

	if (status == EMR_OK)
		status = judge(p, r, place, bundle, &whose);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_BAD_SIGNATURE : status;
	return whose.is.standing == EMR_SIGNED_MISMATCH || whose.is.standing == EMR_SIGNED_NONE
		       ? EMR_BAD_SIGNATURE
		       : EMR_OK;
}
