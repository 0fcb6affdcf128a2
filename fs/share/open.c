/* This file opens the names, descriptions and contents of a received folder with the keys that
 * have come. It shows the root of a folder only as its owner described it, and gives out a
 * content together with whose signature it has. */
#include <string.h>

#include "share/frozen.h"
#include "shared_private.h"

typedef struct walk {
	emr_shared *shared;
	emr_shared_known_fn known; /* NULL: nothing is known */
	emr_shared_fn fn;
	void *arg;
	emr_id32 me;
	uint64_t unreadable;
} walk;

static emr_status find_key(name_keys keys, emr_id32 listkey_id, const emr_list_key **out)
{
	*out = shared_name_key(keys.shared, listkey_id);
	return *out != NULL ? EMR_OK : EMR_DENIED;
}

static name_keys keys_of(emr_shared *shared)
{
	return (name_keys){.find = find_key, .shared = shared};
}

static emr_status is_owners(const emr_shared *shared, emr_id32 signer, bool *out_is)
{
	return emr_signed_is_owner(shared->share->o.replica, shared->received.grant.domain,
		shared->row.owner_pk, shared->received.card.id_pk, signer, out_is);
}

/* META, a writer's of the root at HEAD, becomes what the owner's was before; of a shared file only
 * the bytes are anybody's. */
static emr_status take_her_meta(
	emr_shared *shared, const emr_replica_head *head, emr_meta *meta, record_facts *hers)
{
	her_words words = {.share = shared->share, .keys = keys_of(shared)};
	emr_status status;

	words.domain = head->domain;
	memcpy(words.owner_pk, shared->row.owner_pk, sizeof words.owner_pk);
	memcpy(words.patient_pk, shared->received.card.id_pk, sizeof words.patient_pk);
	status = share_her_words(&words, head, hers);
	if (status == EMR_OK)
		share_take_root(meta, &hers->meta);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Reads the record at HEAD, with HERS behind its description where the owner's was that before. */
static emr_status read_record(emr_shared *shared, const emr_replica_head *head, record_facts *facts,
	record_facts *hers, bool *out_is_hers)
{
	EMR_TRY(share_record(shared->share, head, keys_of(shared), facts));
	EMR_TRY(is_owners(shared, facts->signer, out_is_hers));
	if (!*out_is_hers && emr_id16_equal(head->object, head->domain))
		EMR_TRY(take_her_meta(shared, head, &facts->meta, hers));
	return EMR_OK;
}

static emr_status one_record(walk *w, emr_replica_head *head)
{
	AUTO_RECORD facts = {0}, hers = {0};
	emr_shared_record record;
	bool is_hers = true;
	emr_status status =
		emr_frozen_head(w->shared->share->o.replica, w->shared->frozen_at, head, NULL);

	if (status != EMR_OK || head->state != EMR_OBJECT_LIVE)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	status = w->known != NULL ? w->known(w->arg, head->object, head->version) : EMR_NOT_FOUND;
	if (status != EMR_NOT_FOUND)
		return status;
	status = read_record(w->shared, head, &facts, &hers, &is_hers);
	if (emr_status_is_local(status))
		return status;
	if (status != EMR_OK) {
		w->unreadable++;
		return EMR_OK;
	}
	record = (emr_shared_record){.object = head->object,
		.version = head->version,
		.pversion = facts.meta.type == EMR_META_FILE ? head->pversion : 0,
		.epoch = head->epoch,
		.signer = facts.signer,
		.is_owners = is_hers,
		.is_mine = emr_id32_equal(facts.signer, w->me),
		.ledger_time = head->ledger_time,
		.meta = &facts.meta};
	if (record.pversion != 0) {
		record.record_id = facts.put.record_id;
		record.cver = facts.put.cver;
		record.root = facts.put.root;
		record.padded = facts.put.padded;
	}
	return w->fn(w->arg, &record);
}

emr_status emr_shared_each(emr_shared *shared, emr_shared_known_fn known, emr_shared_fn fn,
	void *arg, uint64_t *out_unreadable)
{
	walk w = {.shared = shared, .known = known, .fn = fn, .arg = arg};
	EMR_AUTO_SNAPSHOT snapshot = {0};
	emr_replica_head head;
	emr_public me;

	/* Several rows are read for each record: the database is locked once, not for each. */
	EMR_TRY(emr_replica_snapshot_begin(shared->share->o.replica, &snapshot));
	EMR_TRY(emr_keyring_public(shared->share->o.keyring, &me));
	w.me = me.signer_id;
	EMR_TRY(emr_shared_check(shared, NULL));
	EMR_TRY(shared_take_own_names(shared));
	EMR_ASK(asked, shared->share->o.replica, HEADS, .domain = shared->received.grant.domain);
	while (emr_next(&asked, &head))
		EMR_TRY(one_record(&w, &head));
	EMR_TRY(asked.status);
	if (out_unreadable != NULL)
		*out_unreadable = w.unreadable;
	return EMR_OK;
}

emr_status emr_shared_name(emr_shared *shared, emr_buf *out_name)
{
	emr_id16 top = shared->received.grant.domain;
	AUTO_RECORD facts = {0}, hers = {0};
	emr_replica_head head;
	bool is_hers = true;

	EMR_TRY(emr_shared_check(shared, NULL));
	EMR_TRY(shared_take_own_names(shared));
	EMR_TRY(emr_replica_head_get(shared->share->o.replica, top, top, &head));
	if (head.state != EMR_OBJECT_LIVE)
		return EMR_NOT_FOUND;
	EMR_TRY(read_record(shared, &head, &facts, &hers, &is_hers));
	return emr_buf_append(out_name, facts.meta.name.data, facts.meta.name.len);
}

/* ---- bytes ---- */

/* The present version, with its key, which must have come. */
static emr_status find_bundle(emr_shared *shared, emr_id16 object, record_facts *facts,
	emr_bundle *bundle, const emr_content_key **out_key)
{
	emr_record_ctx *records = shared->share->o.records;
	const emr_content_key *key;
	emr_replica_head head;

	EMR_TRY(records == NULL ? EMR_UNSUPPORTED : emr_shared_check(shared, NULL));
	EMR_TRY(shared_head(shared, object, &head));
	EMR_TRY(share_record(shared->share, &head, keys_of(shared), facts));
	key = shared_content_key(shared, object, facts->head.pversion);
	if (key == NULL)
		return EMR_DENIED;
	*out_key = key;
	return emr_bundle_open(
		records, &facts->put.root, key, facts->put.record_id, facts->put.cver, bundle);
}

emr_status emr_shared_open_signed(emr_shared *shared, emr_id16 object,
	emr_content_reader **out_reader, emr_shared_word *out_word)
{
	AUTO_RECORD facts = {0};
	emr_content_reader *reader = NULL;
	const emr_content_key *key;
	emr_bundle bundle;
	emr_status status = find_bundle(shared, object, &facts, &bundle, &key);

	if (status == EMR_OK)
		status = emr_content_reader_open(
			shared->share->o.records, &bundle.content, key, &reader);
	if (status == EMR_OK)
		status = share_word(shared, &bundle, &facts, out_word);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	*out_reader = reader;
	return EMR_OK;
}

/* ---- telling ---- */

emr_status emr_shared_report(emr_shared *shared, const emr_report_row *rows, size_t n)
{
	const emr_known_grant *grant = &shared->received.grant;
	emr_act act = emr_act_report(
		grant->domain, emr_id16_random(), grant->grant, shared->received.via);
	AUTO_PARCEL p = {0};
	uint64_t ended_unix_s = 0;
	emr_status status =
		share_key_end(shared->share, shared->received.card.signer_id, &ended_unix_s);

	if (status != EMR_OK || ended_unix_s != 0)
		return status; /* whoever has the owner's lost key is not told what was read */
	EMR_TRY(parcel_begin(shared->share, emr_signer_identity(), &p));
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_report_part_seal(emr_buf_view(&p.item), shared->row.box, rows, n, &p.part));
	EMR_TRY(parcel_add(&p, &act, NULL));
	return parcel_send(&p);
}
