/* This file says how much goes along to another ledger, and makes the words of writers harmless for
 * which the owner signs there. */
#include "settle/takeover.h"

#include <string.h>

#include "facts_private.h"

/* ---- counting ---- */

/* Equal ones beside each other. */
static int by_size(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

emr_status emr_takeover_look(emr_facts *facts, emr_takeover_tally *out_tally)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(facts);
	EMR_AUTO_BUF sizes = {0}; /* uint64_t, ... */
	emr_takeover_tally tally = {0};
	emr_place place;
	emr_meta meta;
	size_t n;

	while (emr_facts_next(&all, &place, &meta)) {
		tally.directories += meta.type == EMR_META_DIR;
		tally.links += meta.type == EMR_META_SYMLINK;
		if (meta.type != EMR_META_FILE)
			continue;
		tally.files++;
		tally.bytes += place.padded;
		EMR_TRY(emr_buf_append(&sizes, &place.padded, sizeof place.padded));
	}
	tally.unreadable = all.damaged;
	n = sizes.len / sizeof(uint64_t);
	emr_buf_sort(&sizes, sizeof(uint64_t), by_size);
	for (size_t i = 0; i < n; i++)
		tally.sizes += i == 0 || by_size(sizes.data + i * 8, sizes.data + (i - 1) * 8) != 0;
	if (all.status == EMR_OK)
		*out_tally = tally;
	return all.status;
}

/* ---- words of writers ---- */

/* As fs/view/core/writers.c shows them in the folder. */
emr_status facts_harmless(emr_facts *facts, const emr_place *place, emr_id32 signer, emr_meta *meta,
	char name[EMR_WORDS_NAME_BYTES], emr_buf *attributes)
{
	emr_replica_head parent;
	bool is_owners = true;

	if (!emr_id16_equal(place->object, place->domain))
		EMR_TRY(facts_signed_by_owner(facts, place->domain, signer, &is_owners));
	if (is_owners)
		return EMR_OK;
	if ((meta->type == EMR_META_FILE) != (place->pversion != 0) ||
		(meta->type == EMR_META_SYMLINK && emr_words_lead_away(meta->target)))
		return EMR_DENIED;
	meta->name = emr_words_name(meta->type, meta->name, (emr_bytes){0}, name);
	meta->mode = emr_words_mode(meta->type, meta->mode);
	if (emr_replica_head_get(facts->replica, place->domain, meta->parent, &parent) != EMR_OK)
		meta->parent = place->domain;
	EMR_TRY(emr_words_attributes(meta->xattrs, (emr_bytes){0}, attributes, &meta->xattr_count));
	meta->xattrs = emr_buf_view(attributes);
	return EMR_OK;
}
