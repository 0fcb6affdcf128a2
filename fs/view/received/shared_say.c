/* This file answers extended attributes of what somebody else shares: what emrfs says about it
 * (user.emrfs.*), and the owner's own attributes of the record. */
#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "ledger/hash.h"

#include "attributes.h"
#include "edit.h"
#include "owner.h"
#include "shared.h"
#include "signed.h"

#define OURS "user.emrfs."

/* A copy of what the answers need, so that they are put together without the lock. */
typedef struct subject {
	emr_view *view;
	shared_entry entry; /* pointers of it are not used */
	bool has_entry;
	emr_meta_type type;
	char owner[EMR_NAME_MAX + 1];
	emr_card card;
	bool has_key; /* of the owner, that may be shown */
	emr_known_grant grant;
	char access[ACCESS_BYTES];
	const char *opens; /* a literal */
	emr_headers headers;
	shared_at at; /* without what was read of it */
} subject;

static bool is_file(const subject *s)
{
	return s->has_entry && s->type == EMR_META_FILE && s->entry.pversion != 0;
}

/* Each entry of the ledger names the key that brought it: nothing of a dataset says which entry or
 * object it is. */
static emr_status say_id(const subject *s, emr_buf *out)
{
	return s->at.level == SHARED_RECORD && s->has_key ? fact_id(s->at.object, out)
							  : EMR_NO_ATTRIBUTE;
}

static emr_status say_cid(const subject *s, emr_buf *out)
{
	return is_file(s) && s->has_key ? fact_cid(&s->entry.root, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_version(const subject *s, emr_buf *out)
{
	return is_file(s) ? fact_number(s->entry.cver, out) : EMR_NO_ATTRIBUTE;
}

/* A file that another person shares is on the ledger, or it would not be seen. */
static emr_status say_state(const subject *s, emr_buf *out)
{
	return s->at.level == SHARED_RECORD ? fact_text("confirmed 1/1", out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_stored_bytes(const subject *s, emr_buf *out)
{
	return is_file(s) ? fact_stored_bytes(s->entry.padded, out) : EMR_NO_ATTRIBUTE;
}

/* With which the version came here. */
static emr_status item_of(const subject *s, emr_replica_item *out_item)
{
	emr_part_key at = {.domain = s->grant.domain,
		.object = s->at.object,
		.version = s->entry.pversion,
		.family = EMR_FAMILY_OBJECT};
	emr_status status = is_file(s) ? emr_shared_came(s->view->options.replica, &at, out_item)
				       : EMR_NO_ATTRIBUTE;

	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_NO_ATTRIBUTE : status;
}

static emr_status say_tx(const subject *s, emr_buf *out)
{
	emr_replica_item item;
	emr_status status = s->has_key ? item_of(s, &item) : EMR_NO_ATTRIBUTE;

	return status == EMR_OK ? fact_tx(&item, out) : status;
}

/* Checked when the file is opened: before, there is nothing to say but whose key put it on the
 * ledger, and of what its owner placed here not even that. */
static emr_status say_signed_by(const subject *s, emr_buf *out)
{
	emr_bytes pk = emr_bytes_of(s->card.dom_pk, sizeof s->card.dom_pk);
	emr_replica_item item;
	char id[65], text[32];

	EMR_TRY(item_of(s, &item));
	if (s->at.has_verdict && signed_shared_by(s->view, &s->entry.root, s->owner, out) == EMR_OK)
		return EMR_OK;
	if (item.op != EMR_OP_PUT)
		return EMR_NO_ATTRIBUTE;
	if (emr_id32_equal(item.signer_id, s->card.signer_id) ||
		emr_id32_equal(item.signer_id, emr_sha256_of(&pk, 1)))
		return fact_text(s->owner, out);
	emr_hex(item.signer_id.b, sizeof item.signer_id.b, id);
	snprintf(text, sizeof text, "key %.16s", id);
	return fact_text(text, out);
}

static emr_status say_signed_at(const subject *s, emr_buf *out)
{
	emr_replica_item item;
	uint64_t at = 0;
	emr_status status = item_of(s, &item);

	if (status == EMR_OK && item.op == EMR_OP_PUT)
		at = item.ledger_time;
	else if (status == EMR_OK)
		status = s->at.has_verdict ? signed_shared_at(s->view, &s->entry.root, &at)
					   : EMR_NO_ATTRIBUTE;
	if (status != EMR_OK)
		return status;
	return fact_time(shared_time(s->at.owner, at), out);
}

static emr_status say_signature(const subject *s, emr_buf *out)
{
	return is_file(s) && s->at.has_verdict
		       ? signed_shared_say(s->view, &s->entry.root, s->owner, out)
		       : EMR_NO_ATTRIBUTE;
}

static emr_status say_signed_number(const subject *s, emr_buf *out)
{
	return is_file(s) && s->at.has_verdict ? signed_shared_number(s->view, &s->entry.root, out)
					       : EMR_NO_ATTRIBUTE;
}

static emr_status say_owner(const subject *s, emr_buf *out)
{
	return s->at.level != SHARED_TOP ? owner_say(s->view, s->owner, &s->card, out)
					 : EMR_NO_ATTRIBUTE;
}

/* A participant of a dataset has a pseudonym there and no key. */
static emr_status say_owner_id(const subject *s, emr_buf *out)
{
	return s->has_key ? fact_owner_id(&s->card, out) : EMR_NO_ATTRIBUTE;
}

static const char *const purpose_words[] = {"treatment", "payment", "operations", "research",
	"emergency", "self", "public-health", "legal", "family"};

void emr_shared_purposes(uint32_t bits, char out[EMR_SHARED_PURPOSES_BYTES])
{
	size_t len = 0;

	out[0] = 0;
	for (unsigned bit = 0; bit < sizeof purpose_words / sizeof purpose_words[0]; bit++)
		if ((bits & UINT32_C(1) << bit) != 0 && len < EMR_SHARED_PURPOSES_BYTES)
			len += (size_t)snprintf(out + len, EMR_SHARED_PURPOSES_BYTES - len, "%s%s",
				len > 0 ? "," : "", purpose_words[bit]);
}

uint64_t shared_time(const shared_owner *owner, uint64_t unix_s)
{
	return owner == NULL || owner->set == NULL || unix_s >= SHARED_FOR_EVER_S
		       ? unix_s
		       : unix_s - unix_s % SHARED_DAY_S;
}

const char *shared_right(const emr_view *view, const shared_share *s, uint64_t *out_until_unix_s)
{
	bool may_write = shared_is_writable(view, s);

	*out_until_unix_s = may_write ? s->write_until_unix_s : s->grant.row.not_after_unix_s;
	return !may_write ? "read" : s->rights & EMR_RIGHT_META ? "write" : "deposit";
}

void shared_access(const emr_view *view, const shared_share *s, char out[ACCESS_BYTES])
{
	char until[32], purposes[EMR_SHARED_PURPOSES_BYTES];
	uint64_t end;
	const char *word = shared_right(view, s, &end);

	emr_shared_purposes(s->grant.row.purposes, purposes);
	/* The end that the terms say is the same for all in a dataset. */
	if (s->owner->set == NULL || end != s->owner->set->terms.until_unix_s)
		end = shared_time(s->owner, end);
	fact_time_text(end, until);
	snprintf(out, ACCESS_BYTES, "%s%s%s%s%s", word, end < SHARED_FOR_EVER_S ? " until=" : "",
		end < SHARED_FOR_EVER_S ? until : "", purposes[0] != 0 ? " purpose=" : "",
		purposes);
}

static emr_status say_access(const subject *s, emr_buf *out)
{
	return s->at.level == SHARED_RECORD ? fact_text(s->access, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_opens(const subject *s, emr_buf *out)
{
	return s->opens != NULL ? fact_text(s->opens, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_headers(const subject *s, emr_buf *out)
{
	return s->headers.kind != EMR_HEADER_NONE ? emr_headers_lines(&s->headers, out)
						  : EMR_NO_ATTRIBUTE;
}

static emr_status say_freshness(const subject *s, emr_buf *out)
{
	return fact_freshness(s->view, out);
}

static const struct computed {
	const char *name;
	emr_status (*say)(const subject *s, emr_buf *out);
} computed[] = {
	{OURS "id", say_id},
	{OURS "cid", say_cid},
	{OURS "version", say_version},
	{OURS "state", say_state},
	{OURS "stored-bytes", say_stored_bytes},
	{OURS "tx", say_tx},
	{OURS "signature", say_signature},
	{OURS "signed-by", say_signed_by},
	{OURS "signed-at", say_signed_at},
	{OURS "signed-number", say_signed_number},
	{OURS "owner", say_owner},
	{OURS "owner-id", say_owner_id},
	{OURS "access", say_access},
	{OURS "opens", say_opens},
	{OURS "headers", say_headers},
	{OURS "freshness", say_freshness},
};

#define COMPUTED (sizeof computed / sizeof computed[0])

/* Under view->lock. */
static emr_status subject_of(emr_view *view, const node *n, subject *out)
{
	const shared_at *at = n->shared;

	*out = (subject){.view = view, .at = *at, .type = (emr_meta_type)n->type};
	if (at->owner != NULL) {
		memcpy(out->owner, at->owner->name, sizeof out->owner);
		out->card = at->owner->card;
		out->has_key = at->owner->set == NULL;
	}
	if (at->share == NULL || at->level != SHARED_RECORD)
		return EMR_OK;
	out->grant = at->share->grant;
	shared_access(view, at->share, out->access);
	out->opens = shared_opens(view, at->share);
	out->has_entry = at->share->tree != NULL && at->entry != FLAT_NONE;
	if (out->has_entry)
		out->entry = at->share->tree->entries[at->entry];
	attributes_headers(n, &out->headers);
	return shared_is_readable(view, at->share);
}

emr_status shared_attribute(emr_view *view, uint64_t number, const char *name, emr_buf *out)
{
	emr_status status;
	emr_bytes value;
	subject s;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	status = n == NULL || !shared_has(n) ? EMR_NOT_FOUND : subject_of(view, n, &s);
	if (status == EMR_OK &&
		strcmp(name, KEEP_KEY) ==
			0) { /* not listed: nobody sets it here, and copies would take it along */
		pthread_mutex_unlock(&view->lock);
		return s.at.level == SHARED_RECORD ? fact_text("yes", out) : EMR_NO_ATTRIBUTE;
	}
	if (status == EMR_OK && strncmp(name, OURS, strlen(OURS)) != 0) {
		status = emr_xattr_find(
			node_attributes(n), emr_bytes_of(name, strlen(name)), &value);
		if (status == EMR_OK)
			status = emr_buf_append(out, value.data, value.len);
		pthread_mutex_unlock(&view->lock);
		return status;
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_ACCESS_REVOKED && strcmp(name, OURS "opens") == 0)
		status = EMR_OK; /* which says why */
	for (size_t i = 0; i < COMPUTED && status == EMR_OK; i++)
		if (strcmp(computed[i].name, name) == 0)
			return computed[i].say(&s, out);
	return status == EMR_OK ? EMR_NO_ATTRIBUTE : status;
}
