/* This file answers from the verified copy who may read and write what: rights to write, grants,
 * requests, releases of keys, and reports of what was opened. It asks the ledger nothing. */
#include "replica/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#include "replica_private.h"

emr_grant_phase emr_grant_phase_at(const emr_known_grant *grant, uint64_t now_unix_s)
{
	if (grant->row.head.state == EMR_GRANT_REVOKED)
		return EMR_GRANT_IS_REVOKED;
	if (now_unix_s >= grant->row.not_after_unix_s)
		return EMR_GRANT_IS_OVER;
	return now_unix_s < grant->row.not_before_unix_s ? EMR_GRANT_COMING : EMR_GRANT_IN_FORCE;
}

/* When the item that a row's head names was entered. */
static emr_status time_of(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, uint64_t *out_time)
{
	emr_part_key key = {
		.family = family, .domain = domain, .object = object, .version = version};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status = emr_replica_item_get(replica, &key, &bytes, &item);

	if (status == EMR_OK)
		*out_time = item.ledger_time;
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

/* The state of a walk over rows; `given` is what the caller's function answered. */
typedef struct walk {
	emr_replica *replica;
	void *arg;
	union {
		emr_replica_writer_fn writer;
		emr_replica_grant_fn grant;
		emr_replica_request_fn request;
		emr_replica_release_fn release;
		emr_replica_report_fn report;
	} fn;
} walk;

static emr_status each_of_domain(
	const char *letters, emr_id16 domain, emr_replica_row_fn fn, walk *w)
{
	uint8_t none[16] = {0};
	emr_key_text prefix;

	emr_key_in_domain(letters, domain.b, none, &prefix);
	prefix.text[strlen(letters) + 1 + 32 + 1] = '\0';
	return emr_replica_each_row(w->replica, prefix.text, fn, w);
}

/* ---- writers ---- */

static emr_status give_writer(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_row_writer writer;
	emr_id16 domain;

	EMR_TRY(replica_key_ids(key, 1, &domain, NULL));
	EMR_TRY(replica_parsed(emr_row_writer_parse(span_of(row), &writer)));
	return w->fn.writer(w->arg, domain, &writer);
}

emr_status emr_replica_writers(
	emr_replica *replica, emr_id16 domain, emr_replica_writer_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.writer = fn};

	return each_of_domain("W", domain, give_writer, &w);
}

/* ---- grants ---- */

static emr_status fill_grant(emr_replica *replica, emr_bytes row, emr_known_grant *grant)
{
	EMR_TRY(replica_parsed(emr_row_grant_parse(span_of(row), &grant->row)));
	return time_of(replica, EMR_FAMILY_GRANT, grant->domain, grant->grant,
		grant->row.head.version, &grant->ledger_time);
}

emr_status emr_replica_grant(
	emr_replica *replica, emr_id16 domain, emr_id16 grant, emr_known_grant *out_grant)
{
	emr_known_grant found = {.domain = domain, .grant = grant};
	EMR_AUTO_BUF row = {0};
	emr_key_text key;

	emr_key_grant(domain.b, grant.b, &key);
	EMR_TRY(emr_replica_state_get(replica, key.text, &row));
	EMR_TRY(fill_grant(replica, emr_buf_view(&row), &found));
	*out_grant = found;
	return EMR_OK;
}

static emr_status give_grant(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_known_grant grant;

	EMR_TRY(replica_key_ids(key, 1, &grant.domain, &grant.grant));
	EMR_TRY(fill_grant(w->replica, row, &grant));
	return w->fn.grant(w->arg, &grant);
}

emr_status emr_replica_grants(
	emr_replica *replica, emr_id16 domain, emr_replica_grant_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.grant = fn};

	return each_of_domain("G", domain, give_grant, &w);
}

/* gx/<64 hex>/<domain>/<object>: a grant, or a writer's right. */
static emr_status each_of_index(emr_id32 who, emr_replica_row_fn fn, walk *w)
{
	emr_id16 none = {{0}};
	emr_key_text prefix;

	emr_key_index(who.b, none.b, none.b, &prefix);
	prefix.text[3 + 64 + 1] = '\0';
	return emr_replica_each_row(w->replica, prefix.text, fn, w);
}

static emr_status give_indexed_grant(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_id16 domain, object;
	emr_known_grant grant;
	emr_status status = replica_key_ids(key, 2 + 1 + 64, &domain, &object);

	(void)row;
	if (status == EMR_OK)
		status = emr_replica_grant(w->replica, domain, object, &grant);
	if (status == EMR_NOT_FOUND) /* he is a writer there */
		return EMR_OK;
	return status == EMR_OK ? w->fn.grant(w->arg, &grant) : status;
}

emr_status emr_replica_grants_to(
	emr_replica *replica, emr_id32 grantee, emr_replica_grant_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.grant = fn};

	return each_of_index(grantee, give_indexed_grant, &w);
}

static emr_status give_indexed_writer(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	EMR_AUTO_BUF value = {0};
	emr_row_writer writer;
	emr_id16 domain, object;
	emr_key_text text;
	emr_status status = replica_key_ids(key, 2 + 1 + 64, &domain, &object);

	(void)row;
	if (status != EMR_OK)
		return status;
	emr_key_in_domain("W", domain.b, object.b, &text);
	status = emr_replica_state_get(w->replica, text.text, &value);
	if (status == EMR_NOT_FOUND) /* it is a grant */
		return EMR_OK;
	if (status == EMR_OK)
		status = replica_parsed(emr_row_writer_parse(view_of(&value), &writer));
	return status == EMR_OK ? w->fn.writer(w->arg, domain, &writer) : status;
}

emr_status emr_replica_writes_of(
	emr_replica *replica, emr_id32 writer, emr_replica_writer_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.writer = fn};

	return each_of_index(writer, give_indexed_writer, &w);
}

/* ---- requests ---- */

static emr_status give_request(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_known_request request;

	EMR_TRY(replica_key_ids(key, 1, &request.domain, &request.request));
	EMR_TRY(replica_parsed(emr_row_request_parse(span_of(row), &request.row)));
	EMR_TRY(time_of(w->replica, EMR_FAMILY_REQUEST, request.domain, request.request,
		request.row.head.version, &request.ledger_time));
	return w->fn.request(w->arg, &request);
}

emr_status emr_replica_requests(
	emr_replica *replica, emr_id16 domain, emr_replica_request_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.request = fn};

	return each_of_domain("Q", domain, give_request, &w);
}

/* ---- releases, reports ---- */

/* The item at version 1 of FAMILY, and its public part. */
static emr_status first_item(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	emr_buf *bytes, emr_replica_item *out_item, emr_span *out_pub)
{
	emr_part_key key = {.family = family, .domain = domain, .object = object, .version = 1};

	EMR_TRY(emr_replica_item_get(replica, &key, bytes, out_item));
	*out_pub = (emr_span){
		out_item->bytes.data + EMR_ITEM_BYTES, out_item->bytes.len - EMR_ITEM_BYTES};
	return EMR_OK;
}

static emr_status give_release(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	EMR_AUTO_BUF bytes = {0};
	emr_known_release release;
	emr_pub_access_req pub;
	emr_replica_item item;
	emr_span public;
	emr_status status = replica_key_ids(key, 1, &release.domain, &release.access);

	(void)row;
	if (status == EMR_OK)
		status = first_item(w->replica, EMR_FAMILY_ACCESS, release.domain, release.access,
			&bytes, &item, &public);
	if (status != EMR_OK || !emr_pub_access_req_parse(public, &pub))
		return status == EMR_OK || status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	release.req = item.item_id;
	release.signer = item.signer_id;
	memcpy(release.grant.b, pub.grant, 16);
	memcpy(release.via.b, pub.via, 16);
	release.asked = pub.count;
	release.names = pub.names;
	release.seq = item.seq;
	release.ledger_time = item.ledger_time;
	return w->fn.release(w->arg, &release);
}

emr_status emr_replica_releases(
	emr_replica *replica, emr_id16 domain, emr_replica_release_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.release = fn};

	return each_of_domain("R", domain, give_release, &w);
}

typedef struct release_walk {
	walk w;
	emr_id32 root, signer; /* SIGNER: whom the last row named */
	bool has_signer, is_his;
} release_walk;

static emr_status give_release_of(void *arg, const char *key, emr_bytes bytes)
{
	release_walk *r = arg;
	emr_known_person person;
	emr_row_access row;
	emr_status status = EMR_OK;

	if (emr_row_access_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (!r->has_signer || memcmp(r->signer.b, row.signer, sizeof row.signer) != 0) {
		memcpy(r->signer.b, row.signer, sizeof row.signer);
		status = emr_replica_person(r->w.replica, r->signer, &person);
		r->is_his = status == EMR_OK &&
			    memcmp(person.row.root, r->root.b, sizeof r->root.b) == 0;
		r->has_signer = status == EMR_OK;
	}
	return status == EMR_OK && r->is_his ? give_release(&r->w, key, bytes) : status;
}

emr_status emr_replica_releases_of(
	emr_replica *replica, emr_id16 domain, emr_id32 root, emr_replica_release_fn fn, void *arg)
{
	release_walk r = {.w = {.replica = replica, .arg = arg, .fn.release = fn}, .root = root};

	return each_of_domain("R", domain, give_release_of, &r.w);
}

emr_status emr_replica_answer(emr_replica *replica, const emr_known_release *release,
	emr_id32 responder, emr_known_answer *out_answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_known_answer answer = {.signer = responder};
	emr_pub_access_served pub;
	emr_replica_item item;
	emr_span public;

	emr_object_served(release->req.b, responder.b, answer.object.b);
	EMR_TRY(first_item(replica, EMR_FAMILY_SERVED, release->domain, answer.object, &bytes,
		&item, &public));
	if (!emr_pub_access_served_parse(public, &pub))
		return EMR_DAMAGED;
	answer.mode = (enum emr_served_mode)pub.mode;
	answer.reason = pub.reason;
	answer.given = pub.count;
	answer.ledger_time = item.ledger_time;
	*out_answer = answer;
	return EMR_OK;
}

static emr_status give_report(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	EMR_AUTO_BUF bytes = {0};
	emr_known_report report;
	emr_pub_read_report pub;
	emr_replica_item item;
	emr_span public;
	emr_status status = replica_key_ids(key, 1, &report.domain, &report.report);

	(void)row;
	if (status == EMR_OK)
		status = first_item(w->replica, EMR_FAMILY_REPORT, report.domain, report.report,
			&bytes, &item, &public);
	if (status != EMR_OK || !emr_pub_read_report_parse(public, &pub))
		return status == EMR_OK || status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	report.signer = item.signer_id;
	memcpy(report.grant.b, pub.grant, 16);
	memcpy(report.via.b, pub.via, 16);
	report.ledger_time = item.ledger_time;
	return w->fn.report(w->arg, &report);
}

emr_status emr_replica_reports(
	emr_replica *replica, emr_id16 domain, emr_replica_report_fn fn, void *arg)
{
	walk w = {.replica = replica, .arg = arg, .fn.report = fn};

	return each_of_domain("X", domain, give_report, &w);
}
