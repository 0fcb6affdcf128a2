#include <string.h>

#include "shared_private.h"

typedef struct walk {
	emr_shared *shared;
	emr_shared_fn fn;
	void *arg;
	uint64_t unreadable;
} walk;

static emr_status name_key(void *arg, emr_id32 listkey_id, const emr_list_key **out)
{
	*out = shared_name_key(arg, listkey_id);
	return *out != NULL ? EMR_OK : EMR_DENIED;
}

static bool is_passing(emr_status status)
{
	return status == EMR_NO_MEMORY || status == EMR_IO || status == EMR_BUSY;
}

static emr_status one_record(void *arg, const emr_replica_head *head)
{
	walk *w = arg;
	AUTO_RECORD facts = {0};
	emr_shared_record record;
	emr_status status;

	if (head->state != EMR_OBJECT_LIVE)
		return EMR_OK;
	status = share_record(w->shared->share, head, name_key, w->shared, &facts);
	if (is_passing(status))
		return status;
	if (status != EMR_OK) {
		w->unreadable++;
		return EMR_OK;
	}
	record = (emr_shared_record){.object = head->object,
		.version = head->version,
		.pversion = head->pversion,
		.epoch = head->epoch,
		.signer = facts.signer,
		.meta = &facts.meta};
	if (head->pversion != 0) {
		record.record_id = facts.put.record_id;
		record.cver = facts.put.cver;
	}
	return w->fn(w->arg, &record);
}

emr_status emr_shared_each(
	emr_shared *shared, emr_shared_fn fn, void *arg, uint64_t *out_unreadable)
{
	walk w = {.shared = shared, .fn = fn, .arg = arg};
	emr_status status = emr_shared_check(shared, NULL);

	if (status == EMR_OK)
		status = emr_replica_each_head(
			shared->share->o.replica, &shared->received.grant.domain, one_record, &w);
	if (status == EMR_OK && out_unreadable != NULL)
		*out_unreadable = w.unreadable;
	return status;
}

/* ---- bytes ---- */

static emr_statement_verdict judge_statement(
	emr_shared *shared, const emr_bundle *bundle, const record_facts *facts)
{
	emr_statement_expect expect = {.patient_pk = shared->received.card.id_pk,
		.r_pid = facts->meta.r_pid,
		.record_id = facts->put.record_id,
		.cver = facts->put.cver,
		.reencrypted = (facts->put_flags & EMR_ITEM_REENC) != 0,
		.issuer_key = emr_bytes_of(shared->row.owner_pk, 32)};
	emr_known_person issuer;
	emr_id32 id;

	if (!bundle->has_statement)
		return EMR_STATEMENT_NONE;
	memcpy(id.b, bundle->statement.issuer_id, sizeof id.b);
	if (bundle->statement.alg == EMR_STATEMENT_ED25519 &&
		emr_replica_person(shared->share->o.replica, id, &issuer) == EMR_OK)
		expect.issuer_key = emr_bytes_of(issuer.row.pk, 32);
	return emr_statement_check(bundle, &expect);
}

static emr_status find(emr_shared *shared, emr_id16 object, record_facts *out)
{
	emr_replica_head head;
	emr_status status = emr_shared_check(shared, NULL);

	if (status == EMR_OK)
		status = emr_replica_head_get(
			shared->share->o.replica, shared->received.grant.domain, object, &head);
	if (status != EMR_OK)
		return status;
	if (head.state != EMR_OBJECT_LIVE || head.pversion == 0)
		return EMR_NOT_FOUND;
	return share_record(shared->share, &head, name_key, shared, out);
}

emr_status emr_shared_reader(emr_shared *shared, emr_id16 object, emr_content_reader **out_reader,
	emr_statement_verdict *out_verdict)
{
	emr_record_ctx *records = shared->share->o.records;
	AUTO_RECORD facts = {0};
	const emr_content_key *key;
	emr_bundle bundle;
	emr_status status = records != NULL ? find(shared, object, &facts) : EMR_UNSUPPORTED;

	if (status != EMR_OK)
		return status;
	key = shared_content_key(shared, object, facts.head.pversion);
	if (key == NULL)
		return EMR_DENIED;
	status = emr_bundle_open(
		records, &facts.put.root, key, facts.put.record_id, facts.put.cver, &bundle);
	if (status == EMR_OK)
		status = emr_content_reader_open(records, &bundle.content, key, out_reader);
	if (status == EMR_OK)
		*out_verdict = judge_statement(shared, &bundle, &facts);
	return status;
}

/* ---- telling ---- */

emr_status emr_shared_report(emr_shared *shared, const emr_report_row *rows, size_t n)
{
	const emr_known_grant *grant = &shared->received.grant;
	emr_act act =
		emr_act_report(grant->domain, emr_id16_random(), grant->grant, (emr_id16){{0}});
	AUTO_PARCEL p = {0};
	emr_status status = parcel_begin(shared->share, emr_signer_identity(), &p);

	if (status == EMR_OK)
		status = parcel_prepare(&p, &act);
	if (status == EMR_OK)
		status = emr_report_part_seal(
			emr_buf_view(&p.item), shared->row.box, rows, n, &p.part);
	if (status == EMR_OK)
		status = parcel_add(&p, &act, NULL);
	return status == EMR_OK ? parcel_send(&p) : status;
}
