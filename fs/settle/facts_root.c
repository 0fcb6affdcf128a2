/* A file that is shared by itself is the root of its own domain. Of such a root people with the
 * right to write say the bytes and nothing else; this file keeps the rest as the owner said it. */
#include <string.h>

#include "facts_private.h"

/* Into THEN, which is a head: the last item before it that is the owner's and describes it.
 * *OUT_HAS: there is one. */
static emr_status find_hers(emr_facts *facts, emr_replica_head *then, bool *out_has)
{
	AUTO_FACTS_ASKED chain = facts_chain(facts, then->domain, then->object);
	const uint64_t before = then->version;
	emr_replica_item item;

	*out_has = false;
	while (facts_next_item(&chain, &item)) {
		bool is_hers = false;

		if (item.version >= before || (item.op != EMR_OP_META && !facts_is_content(&item)))
			continue;
		EMR_TRY(facts_signed_by_owner(facts, then->domain, item.signer_id, &is_hers));
		if (!is_hers)
			continue;
		then->version = item.version;
		then->pversion = facts_is_content(&item) ? item.version : 0;
		*out_has = true;
	}
	return chain.of.status;
}

/* WORDS, his, become hers, but for what his bytes are. */
static emr_status put_together(emr_meta *hers, emr_buf *words)
{
	emr_buf whole = {0};
	emr_meta his;
	emr_status status;

	EMR_TRY(emr_meta_decode(emr_buf_view(words), &his));
	hers->n = his.n;
	hers->stored_leaves = his.stored_leaves;
	hers->mtime_ns = his.mtime_ns;
	memcpy(hers->r_pid, his.r_pid, sizeof hers->r_pid);
	status = emr_meta_encode(hers, &whole);
	if (status != EMR_OK) {
		emr_buf_free(&whole);
		return status;
	}
	emr_buf_free(words);
	*words = whole;
	return EMR_OK;
}

emr_status facts_root_words(emr_facts *facts, const emr_replica_head *head,
	const emr_replica_item *item, emr_buf *words)
{
	emr_replica_head then = *head;
	EMR_AUTO_BUF plain = {0};
	bool is_hers = true, has_hers = false;
	emr_place place;
	emr_meta hers;
	emr_status status;

	if (!emr_id16_equal(head->domain, head->object) || (head->version & EMR_VERSION_ANNEX) != 0)
		return EMR_OK;
	EMR_TRY(facts_signed_by_owner(facts, head->domain, item->signer_id, &is_hers));
	if (!is_hers)
		EMR_TRY(find_hers(facts, &then, &has_hers));
	if (!has_hers)
		return EMR_OK;
	status = facts_read(facts, &then, &place, &plain, &hers, NULL);
	if (status == EMR_OK && hers.type == EMR_META_FILE)
		return put_together(&hers, words);
	return facts_is_damage(status) ? EMR_OK
				       : status; /* erased since: it says nothing any more */
}
