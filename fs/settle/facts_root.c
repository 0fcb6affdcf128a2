/* A file that is shared by itself is the root of its own domain. Of such a root people with the
 * right to write say the bytes and nothing else; this file keeps the rest as the owner said it. */
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "share/signed.h"

#include "facts_private.h"
#include "whose_private.h"

typedef struct her_words {
	const emr_facts *facts;
	uint8_t owner_pk[32], patient_pk[32];
	uint64_t before;  /* what came with or after this version does not count */
	uint64_t version; /* the last item before that is hers and describes it; 0: none */
	bool has_content;
} her_words;

static emr_status is_owners(const her_words *w, emr_id32 signer, bool *out_is)
{
	return emr_signed_is_owner(w->facts->replica, w->owner_pk, w->patient_pk, signer, out_is);
}

static emr_status note_hers(void *arg, const emr_replica_item *item, bool is_carried)
{
	her_words *w = arg;
	bool has_content = item->op == EMR_OP_PUT || item->op == EMR_OP_REWRAP, is_hers = false;
	emr_status status;

	(void)is_carried;
	if (item->version >= w->before || (item->op != EMR_OP_META && !has_content))
		return EMR_OK;
	status = is_owners(w, item->signer_id, &is_hers);
	if (is_hers) {
		w->version = item->version;
		w->has_content = has_content;
	}
	return status;
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
	her_words w = {.facts = facts, .before = head->version};
	emr_replica_head then = *head;
	EMR_AUTO_BUF plain = {0};
	emr_row_domain row;
	bool is_hers = true;
	emr_place place;
	emr_meta hers;
	emr_status status;

	if (!emr_id16_equal(head->domain, head->object) || (head->version & EMR_VERSION_ANNEX) != 0)
		return EMR_OK;
	EMR_TRY(emr_domain_row(facts->replica, head->domain, &row));
	EMR_TRY(emr_keyring_person_pk(facts->keyring, w.patient_pk));
	memcpy(w.owner_pk, row.owner_pk, sizeof w.owner_pk);
	EMR_TRY(is_owners(&w, item->signer_id, &is_hers));
	if (!is_hers)
		EMR_TRY(facts_chain(facts, head->domain, head->object, note_hers, &w));
	if (is_hers || w.version == 0)
		return EMR_OK;
	then.version = w.version;
	then.pversion = w.has_content ? w.version : 0;
	status = facts_read(facts, &then, &place, &plain, &hers, NULL);
	if (status == EMR_OK && hers.type == EMR_META_FILE)
		return put_together(&hers, words);
	return facts_is_damage(status) ? EMR_OK
				       : status; /* erased since: it says nothing any more */
}
