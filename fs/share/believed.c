/* The owner's computer signs again how a writer described a record in the owner's folder (its name,
 * times and attributes). This file first reduces the description to the parts that may be believed,
 * because the owner's signature vouches for them. */
#include <string.h>

#include "keyring/coowned.h"
#include "replica/ask.h"
#include "share/signed.h"
#include "share/write.h"

#include "share_private.h"

#define DEPTH_MAX 200 /* of directories that a writer lays one in another: view/core/writers.h */
#define LED_AWAY "this link led away" /* what a link of his says that leads who knows where */

static emr_status is_owners(const her_words *w, emr_id32 signer, bool *out_is)
{
	return emr_signed_is_owner(
		w->share->o.replica, w->domain, w->owner_pk, w->patient_pk, signer, out_is);
}

emr_status share_her_words(her_words *w, const emr_replica_head *head, record_facts *out)
{
	emr_replica_head then = *head;
	emr_replica_item item;
	EMR_ASK(history, w->share->o.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = head->domain, .object = head->object);

	while (emr_next(&history, &item)) {
		bool is_hers = false,
		     has_content = item.op == EMR_OP_PUT || item.op == EMR_OP_REWRAP;

		EMR_TRY(is_owners(w, item.signer_id, &is_hers));
		if (is_hers && (item.op == EMR_OP_META || has_content)) {
			w->version = item.version;
			w->has_content = has_content;
		}
	}
	EMR_TRY(history.status);
	if (w->version == 0)
		return EMR_NOT_FOUND;
	then.version = w->version;
	then.pversion = w->has_content ? w->version : 0;
	return share_record(w->share, &then, w->keys, out);
}

void share_take_root(emr_meta *meta, const emr_meta *hers)
{
	const emr_meta said = *meta;

	*meta = *hers;
	if (meta->type != EMR_META_FILE)
		return;
	meta->mode = emr_words_mode(meta->type, hers->mode); /* the bytes are his */
	meta->n = said.n;
	meta->stored_leaves = said.stored_leaves;
	meta->mtime_ns = said.mtime_ns;
	memcpy(meta->r_pid, said.r_pid, sizeof meta->r_pid);
}

static bool is_gone(emr_status status)
{
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED ||
	       status == EMR_DENIED;
}

/* True if the name that the owner last gave the directory HEAD configures a program, and the writer
 * has not renamed it. *OUT_PARENT: where it lies. */
static emr_status configures(
	const her_words *of, const emr_replica_head *head, bool *out_does, emr_id16 *out_parent)
{
	her_words w = *of; /* whose version is that of the record in it */
	AUTO_RECORD now = {0};
	AUTO_RECORD hers = {0};
	bool is_hers = false;
	emr_status status;

	EMR_TRY(share_record(w.share, head, w.keys, &now));
	EMR_TRY(is_owners(&w, now.signer, &is_hers));
	*out_parent = is_hers ? now.meta.parent : head->domain; /* his lies where it may */
	*out_does = emr_words_configure(EMR_META_DIR, now.meta.name);
	if (is_hers || !*out_does)
		return EMR_OK;
	w.version = 0;
	w.has_content = false;
	status = share_her_words(&w, head, &hers);
	*out_does = status == EMR_OK && now.meta.name.len == hers.meta.name.len &&
		    memcmp(now.meta.name.data, hers.meta.name.data, now.meta.name.len) == 0;
	return is_gone(status) ? EMR_OK : status;
}

/* No directory from DIRECTORY up to the root of its domain, where one without a parent there lies,
 * configures a program.  One that cannot be read counts as one that does. */
static emr_status may_lie_in(const her_words *w, emr_replica_head directory, bool *out_may)
{
	const emr_id16 domain = directory.domain;
	emr_status status = EMR_OK;
	bool does = false;

	*out_may = false;
	for (int depth = 0; depth < DEPTH_MAX && status == EMR_OK && !does; depth++) {
		emr_id16 parent = domain;

		status = configures(w, &directory, &does, &parent);
		if (status == EMR_OK && !does && emr_id16_equal(parent, domain)) {
			*out_may = true;
			return EMR_OK;
		}
		if (status == EMR_OK && !does) {
			status = emr_replica_head_get(
				w->share->o.replica, domain, parent, &directory);
			*out_may = status == EMR_NOT_FOUND;
		}
	}
	return is_gone(status) ? EMR_OK : status;
}

/* A writer's object lies in a directory of the domain, or where the owner has put it; not below one
 * that configures a program (*OUT_IS_KEPT_OUT). */
static emr_status lies_there(const her_words *w, const emr_replica_head *head, emr_id16 parent,
	const emr_meta *hers, bool *out_does, bool *out_is_kept_out)
{
	emr_share *share = w->share;
	emr_replica_head directory;
	emr_status status;

	*out_does = emr_id16_equal(parent, head->domain);
	if (*out_does)
		return EMR_OK;
	status = emr_replica_head_get(share->o.replica, head->domain, parent, &directory);
	if (status == EMR_OK && directory.state == EMR_OBJECT_LIVE && directory.pversion == 0) {
		status = may_lie_in(w, directory, out_does);
		*out_is_kept_out = !*out_does;
		return status;
	}
	*out_does = hers != NULL && emr_id16_equal(parent, hers->parent);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Content is a file's, whatever he calls it, and nothing else has any. */
static void is_what_it_has(const record_facts *record, emr_meta *meta)
{
	bool has_content = record->head.pversion != 0;

	if ((meta->type == EMR_META_FILE) == has_content)
		return;
	meta->type = has_content ? EMR_META_FILE : EMR_META_DIR;
	meta->target = (emr_bytes){0};
	meta->n = has_content ? meta->n : 0;
	meta->stored_leaves = has_content ? meta->stored_leaves : 0;
}

/* HERS: NULL when there is nothing, or nothing any more. */
static emr_status believe(const her_words *w, const record_facts *record, const emr_meta *hers,
	emr_meta *meta, emr_buf *attributes, char name[EMR_WORDS_NAME_BYTES])
{
	const emr_bytes none = {0};
	/* Her name for it is not one for bytes that came behind her words. */
	const emr_bytes own =
		hers != NULL && record->head.pversion <= w->version ? hers->name : none;
	const bool is_root = emr_id16_equal(record->head.object, record->head.domain);
	bool does = is_root, is_kept_out = false;

	if (hers != NULL && hers->type != meta->type) { /* what it is, it stays */
		const uint64_t n = meta->n;

		*meta = *hers;
		meta->n = hers->type == EMR_META_FILE ? n : 0;
		meta->name = emr_words_name(meta->type, meta->name, own, name);
		return EMR_OK;
	}
	is_what_it_has(record, meta);
	EMR_TRY(emr_words_attributes(
		meta->xattrs, hers != NULL ? hers->xattrs : none, attributes, &meta->xattr_count));
	meta->xattrs = emr_buf_view(attributes);
	meta->mode = emr_words_mode(meta->type, meta->mode);
	meta->name = emr_words_name(meta->type, meta->name, own, name);
	if (meta->type == EMR_META_SYMLINK && emr_words_lead_away(meta->target))
		meta->target = hers != NULL && hers->type == EMR_META_SYMLINK
				       ? hers->target
				       : emr_bytes_of(LED_AWAY, strlen(LED_AWAY));
	if (is_root)
		meta->parent = (emr_id16){{0}};
	else
		EMR_TRY(lies_there(w, &record->head, meta->parent, hers, &does, &is_kept_out));
	if (!does)
		meta->parent = record->head.domain;
	if (!does && is_kept_out && meta->name.data != (const uint8_t *)name)
		meta->name = emr_words_name(meta->type, meta->name, none, name);
	return EMR_OK;
}

static emr_status describe_record(record_facts *record, const emr_meta *meta)
{
	EMR_AUTO_BUF plain = {0};
	const emr_buf was = record->plain; /* META may point into it */

	EMR_TRY(emr_meta_encode(meta, &plain));
	record->plain = plain;
	plain = was;
	return emr_meta_decode(emr_buf_view(&record->plain), &record->meta);
}

emr_status share_believe(
	emr_share *share, const emr_row_domain *row, name_keys keys, record_facts *record)
{
	her_words w = {.share = share, .keys = keys};
	bool is_root = emr_id16_equal(record->head.object, record->head.domain), is_hers = true,
	     has_hers;
	AUTO_RECORD hers = {0};
	EMR_AUTO_BUF attributes = {0};
	char name[EMR_WORDS_NAME_BYTES];
	emr_meta meta = record->meta;
	emr_status status = emr_keyring_person_pk(share->o.keyring, w.patient_pk);

	w.domain = record->head.domain;
	memcpy(w.owner_pk, row->owner_pk, sizeof w.owner_pk);
	if (status == EMR_OK)
		status = is_owners(&w, record->signer, &is_hers);
	if (status != EMR_OK || is_hers)
		return status;
	status = share_her_words(&w, &record->head, &hers);
	has_hers = status == EMR_OK;
	if (status != EMR_OK && !is_gone(status))
		return status;
	if (is_root && has_hers)
		share_take_root(&meta, &hers.meta);
	else
		EMR_TRY(believe(
			&w, record, has_hers ? &hers.meta : NULL, &meta, &attributes, name));
	return describe_record(record, &meta);
}
