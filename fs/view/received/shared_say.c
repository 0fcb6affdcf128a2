/* This file answers extended attributes of what somebody else shares: what emrfs says about it
 * (user.emrfs.*), and the owner's own attributes of the record. */
#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "keyring/grant.h"
#include "ledger/hash.h"

#include "attributes.h"
#include "edit.h"
#include "owner.h"
#include "shared.h"
#include "signed.h"

#define OURS "user.emrfs."

typedef struct subject {
	attribute_subject base;
	emr_id16 domain, object;
	uint64_t pversion;
	shared_level level;
	const shared_owner *owner;
	bool has_verdict;
} subject;

static const subject *subject_at(const attribute_subject *base)
{
	return (const subject *)base;
}

/* A file that another person shares is on the ledger, or it would not be seen. */
static emr_status say_state(const attribute_subject *base, emr_buf *out)
{
	return subject_at(base)->level == SHARED_RECORD ? fact_text("confirmed 1/1", out)
							: EMR_NO_ATTRIBUTE;
}

/* With which the version came here. */
static emr_status item_of(const subject *s, emr_replica_item *out_item)
{
	emr_part_key at = emr_part_of_object(s->domain, s->object, s->pversion);

	return emr_shared_came(s->base.view->options.replica, &at, out_item);
}

static emr_status say_tx(const attribute_subject *base, emr_buf *out)
{
	emr_replica_item item;

	if (!base->has_owner_id)
		return EMR_NO_ATTRIBUTE;
	EMR_TRY(item_of(subject_at(base), &item));
	return fact_tx(&item, out);
}

/* Checked when the file is opened: before, there is nothing to say but whose key put it on the
 * ledger, and of what its owner placed here not even that. */
static emr_status say_signed_by(const attribute_subject *base, emr_buf *out)
{
	const subject *s = subject_at(base);
	const node_owner *owner = &base->owner;
	emr_bytes pk = emr_bytes_of(owner->card.dom_pk, sizeof owner->card.dom_pk);
	emr_replica_item item;
	char id[65], text[32];

	EMR_TRY(item_of(s, &item));
	if (s->has_verdict && signed_shared_by(base->view, &base->root, owner->name, out) == EMR_OK)
		return EMR_OK;
	if (item.op != EMR_OP_PUT)
		return EMR_NO_ATTRIBUTE;
	if (emr_id32_equal(item.signer_id, owner->card.signer_id) ||
		emr_id32_equal(item.signer_id, emr_sha256_of(&pk, 1)))
		return fact_text(owner->name, out);
	emr_hex(item.signer_id.b, sizeof item.signer_id.b, id);
	snprintf(text, sizeof text, "key %.16s", id);
	return fact_text(text, out);
}

static emr_status say_signed_at(const attribute_subject *base, emr_buf *out)
{
	const subject *s = subject_at(base);
	emr_replica_item item;
	uint64_t at;

	EMR_TRY(item_of(s, &item));
	at = item.ledger_time;
	if (item.op != EMR_OP_PUT)
		EMR_TRY(s->has_verdict ? signed_shared_at(base->view, &base->root, &at)
				       : EMR_NO_ATTRIBUTE);
	return fact_time(shared_time(s->owner, at), out);
}

static emr_status say_signature(const attribute_subject *base, emr_buf *out)
{
	const subject *s = subject_at(base);

	return s->has_verdict ? signed_shared_say(base->view, &base->root, base->owner.name, out)
			      : EMR_NO_ATTRIBUTE;
}

static emr_status say_signed_number(const attribute_subject *base, emr_buf *out)
{
	const subject *s = subject_at(base);

	return s->has_verdict ? signed_shared_number(base->view, &base->root, out)
			      : EMR_NO_ATTRIBUTE;
}

static const attribute_say shared_facts[FACTS] = {
	[FACT_STATE] = say_state,
	[FACT_TX] = say_tx,
	[FACT_SIGNATURE] = say_signature,
	[FACT_SIGNED_BY] = say_signed_by,
	[FACT_SIGNED_AT] = say_signed_at,
	[FACT_SIGNED_NUMBER] = say_signed_number,
};

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
	return !may_write			? "read"
	       : s->rights & EMR_RIGHT_GUARDIAN ? "guardian"
	       : s->rights & EMR_RIGHT_META	? "write"
						: "deposit";
}

void shared_access(const emr_view *view, const shared_share *s, char out[ACCESS_BYTES])
{
	char until[32];
	uint64_t end;
	const char *word = shared_right(view, s, &end), *purpose;
	const uint32_t purposes = s->grant.row.purposes;
	size_t len;

	/* The end that the terms say is the same for all in a dataset. */
	if (s->owner->set == NULL || end != s->owner->set->terms.until_unix_s)
		end = shared_time(s->owner, end);
	fact_time_text(end, until);
	len = (size_t)snprintf(out, ACCESS_BYTES, "%s%s%s", word,
		end < SHARED_FOR_EVER_S ? " until=" : "", end < SHARED_FOR_EVER_S ? until : "");
	for (unsigned bit = 0; (purpose = emr_purpose_word(bit)) != NULL; bit++)
		if ((purposes >> bit & 1) != 0 && len < ACCESS_BYTES)
			len += (size_t)snprintf(out + len, ACCESS_BYTES - len, "%s%s",
				(purposes & ((UINT32_C(1) << bit) - 1)) == 0 ? " purpose=" : ",",
				purpose);
}

/* Under view->lock.  Each entry of the ledger names the key that brought it: a participant of a
 * dataset has a pseudonym and no key there, and nothing says which entry or object it is. */
static emr_status subject_of(emr_view *view, const node *n, subject *out)
{
	const shared_at *at = n->shared;
	attribute_subject *base = &out->base;
	bool has_key = at->owner != NULL && at->owner->set == NULL;
	const shared_entry *entry;

	*out = (subject){.base = {.view = view,
				 .facts = shared_facts,
				 .has_id = at->level == SHARED_RECORD && has_key,
				 .id = at->object,
				 .has_owner = at->level != SHARED_TOP,
				 .has_owner_id = has_key},
		.object = at->object,
		.level = at->level,
		.owner = at->owner,
		.has_verdict = at->has_verdict};
	if (at->owner != NULL) {
		shared_owner_says(at->owner, base->owner.name);
		base->owner.card = at->owner->card;
	}
	if (at->share == NULL || at->level != SHARED_RECORD)
		return EMR_OK;
	out->domain = at->share->grant.domain;
	shared_access(view, at->share, base->owner.access);
	base->opens = shared_opens(view, at->share);
	if (at->share->tree != NULL && at->entry != FLAT_NONE) {
		entry = &at->share->tree->entries[at->entry];
		out->pversion = entry->pversion;
		base->has_version = n->type == EMR_META_FILE && entry->pversion != 0;
		base->has_root = base->has_version && has_key;
		base->root = entry->root;
		base->cver = entry->cver;
		base->padded = entry->padded;
	}
	attributes_headers(n, &base->headers);
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
		return s.level == SHARED_RECORD ? fact_text("yes", out) : EMR_NO_ATTRIBUTE;
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
	return status == EMR_OK ? attributes_say(&s.base, name, out) : status;
}
