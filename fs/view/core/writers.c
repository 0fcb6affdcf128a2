/* A person whom the owner lets write is believed only in part: this file decides which words of
 * such a writer about a record (name, place, length, kind) the folder follows. It works from the
 * ledger alone, so that every computer and every restart comes to the same answer. */
#include "writers.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "settle/history.h"
#include "keyring/keyring.h"
#include "replica/people.h"
#include "share/domain.h"
#include "share/signed.h"

#include "node.h"

/* ---- who ---- */

typedef struct chain {
	emr_view *view;
	emr_id16 domain;
	uint8_t owner_pk[32], patient_pk[32];
	uint64_t described, pversion; /* the last version of the owner's that says what the record
					 is, and of her bytes; 0: none */
	uint64_t content;	      /* the last bytes so far, whoever's */
	uint64_t until;		      /* what came after this version does not count */
	bool is_last_others;
} chain;

static emr_status begin(emr_view *view, emr_id16 domain, chain *out)
{
	emr_row_domain row;
	emr_status status = emr_domain_row(view->options.replica, domain, &row);

	*out = (chain){.view = view, .until = UINT64_MAX};
	if (status != EMR_OK)
		return status;
	out->domain = domain;
	memcpy(out->owner_pk, row.owner_pk, sizeof out->owner_pk);
	return emr_keyring_person_pk(view->options.keyring, out->patient_pk);
}

static emr_status is_owners(const chain *c, emr_id32 signer, bool *out_is)
{
	return emr_signed_is_owner(
		c->view->options.replica, c->domain, c->owner_pk, c->patient_pk, signer, out_is);
}

emr_status writers_has_any(emr_view *view, emr_id16 domain, bool *out_has)
{
	emr_known_writer writer;
	chain c;

	*out_has = false;
	EMR_TRY(begin(view, domain, &c));
	EMR_ASK(asked, view->options.replica, WRITERS, .domain = domain);
	while (!*out_has && emr_next(&asked, &writer)) {
		bool is_hers = true;

		EMR_TRY(is_owners(&c, EMR_ID32_AT(writer.row.writer), &is_hers));
		*out_has = !is_hers;
	}
	return asked.status;
}

static emr_status look(chain *c, emr_id16 domain, emr_id16 object)
{
	emr_replica_item item;

	EMR_ASK(items, c->view->options.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = domain, .object = object);
	while (emr_next(&items, &item) && item.version <= c->until) {
		bool is_hers = true;

		EMR_TRY(is_owners(c, item.signer_id, &is_hers));
		c->is_last_others = !is_hers;
		if (item.op == EMR_OP_PUT || item.op == EMR_OP_REWRAP)
			c->content = item.version;
		else if (item.op != EMR_OP_META)
			continue;
		if (is_hers) {
			c->described = item.version;
			c->pversion = c->content;
		}
	}
	return items.status;
}

static emr_status learn_signer(const chain *c, const emr_place *place, writers_word *out)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->version);
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	bool is_hers = true;
	emr_status status = emr_facts_item(c->view->options.facts, &at, &bytes, &item);

	if (status == EMR_OK)
		status = is_owners(c, item.signer_id, &is_hers);
	out->is_others = !is_hers;
	return status;
}

/* ---- by her own hand ---- */

emr_status writers_is_by_own_hand(emr_view *view, emr_id16 domain, emr_id16 object, bool *out_is)
{
	emr_replica_item item;
	chain c;

	*out_is = false;
	EMR_TRY(begin(view, domain, &c));
	EMR_ASK(items, view->options.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = domain, .object = object);
	while (emr_next(&items, &item)) {
		bool was = emr_keyring_is_self(view->options.keyring, item.signer_id);

		if (!was)
			EMR_TRY(emr_replica_was_owner(
				view->options.replica, domain, c.owner_pk, item.signer_id, &was));
		if (!was)
			return EMR_OK;
	}
	*out_is = items.status == EMR_OK;
	return items.status;
}

/* ---- what ---- */

bool writers_may_place(const node *directory, emr_id16 domain)
{
	bool is_inside = true; /* of the domain, whose root is called as she shared it */
	size_t depth = 0;

	for (const node *at = directory; at != NULL; at = at->parent) {
		is_inside = is_inside && !emr_id16_equal(at->id, domain);
		if (++depth > WRITERS_DEPTH_MAX ||
			(is_inside && at->name != NULL &&
				emr_words_configure(
					EMR_META_DIR, emr_bytes_of(at->name, strlen(at->name)))))
			return false;
	}
	return true;
}

bool writers_are_kept_out(const node *n, emr_id16 domain)
{
	return !writers_may_place(n->parent, domain) ||
	       emr_words_configure(n->type, emr_bytes_of(n->name, strlen(n->name)));
}

emr_status writers_call_anew(emr_meta_type type, char **name)
{
	char room[EMR_WORDS_NAME_BYTES];
	const emr_bytes was = emr_bytes_of(*name, strlen(*name));
	const emr_bytes now = emr_words_name(type, was, (emr_bytes){0}, room);
	char *copy = strndup((const char *)now.data, now.len);

	EMR_TRY_MEMORY(copy);
	free(*name);
	*name = copy;
	return EMR_OK;
}

/* In the domain of a file that is shared by itself there is nothing else. */
static emr_status is_beside_file(emr_view *view, const emr_place *place, bool *out_is)
{
	emr_replica_head head;
	emr_status status =
		emr_replica_head_get(view->options.replica, place->domain, place->domain, &head);

	*out_is = status == EMR_OK && head.pversion != 0 &&
		  !emr_id16_equal(place->object, place->domain);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Of a file that is shared by itself the bytes are anybody's. */
static void take_root(emr_meta *meta, const emr_meta *own)
{
	const emr_meta said = *meta;

	*meta = *own;
	if (own->type != EMR_META_FILE)
		return;
	meta->mode = emr_words_mode(own->type, own->mode);
	meta->n = said.n;
	meta->stored_leaves = said.stored_leaves;
	meta->mtime_ns = said.mtime_ns;
}

/* Without an owner's word of the record, OWN is empty.  HIS_BYTES: they came behind that. */
static emr_status believe(
	emr_meta *meta, const emr_meta *own, bool has_content, bool his_bytes, writers_word *out)
{
	const emr_bytes own_name = his_bytes ? (emr_bytes){0} : own->name;
	emr_status status;

	if (own->type != 0 && meta->type != own->type) { /* what it is, it stays */
		uint64_t n = meta->n;

		*meta = *own;
		meta->n = own->type == EMR_META_FILE ? n : 0;
		meta->name = emr_words_name(meta->type, own->name, own_name, out->name);
		return EMR_OK;
	}
	out->is_hidden = (meta->type == EMR_META_FILE) != has_content;
	status = emr_words_attributes(
		meta->xattrs, own->xattrs, &out->attributes, &meta->xattr_count);
	meta->xattrs = emr_buf_view(&out->attributes);
	meta->mode = emr_words_mode(meta->type, meta->mode);
	meta->name = emr_words_name(meta->type, meta->name, own_name, out->name);
	if (meta->type != EMR_META_SYMLINK || !emr_words_lead_away(meta->target))
		return status;
	out->is_hidden |= own->type != EMR_META_SYMLINK || own->target.len == 0;
	meta->target = own->target;
	return status;
}

/* Nobody but she can have made it. The owner's word about it may be erased by now: then it lies at
 * the top, which shows it to nobody. */
static emr_status believe_root(emr_meta *meta, const emr_meta *own, bool has_own, bool had_own,
	bool has_content, writers_word *out)
{
	if (has_own) {
		take_root(meta, own);
		return EMR_OK;
	}
	out->is_others = had_own;
	if (!had_own)
		return EMR_OK;
	meta->parent = (emr_id16){{0}};
	return believe(meta, own, has_content, has_content, out);
}

emr_status writers_judge(emr_view *view, const emr_place *place, emr_meta *meta, writers_word *out)
{
	emr_meta own = {0};
	emr_place then;
	bool has_own;
	chain c;
	emr_status status;

	if ((place->version & EMR_VERSION_ANNEX) != 0)
		return EMR_OK;
	EMR_TRY(begin(view, place->domain, &c));
	EMR_TRY(learn_signer(&c, place, out));
	if (out->is_others)
		EMR_TRY(is_beside_file(view, place, &out->is_hidden));
	if (!out->is_others || out->is_hidden)
		return EMR_OK;
	c.until = place->version;
	status = look(&c, place->domain, place->object);
	if (status == EMR_OK && c.described != 0)
		status = emr_facts_version(view->options.facts, place->domain, place->object,
			c.described, c.pversion, &then, &out->plain, &own);
	has_own = status == EMR_OK && c.described != 0;
	if (status == EMR_MISSING_DATA ||
		status == EMR_DAMAGED) /* erased since: it says nothing any more */
		status = EMR_OK;
	if (!has_own)
		own = (emr_meta){0};
	if (status != EMR_OK)
		return status;
	if (!emr_id16_equal(place->object, place->domain))
		return believe(
			meta, &own, place->pversion != 0, place->pversion > c.described, out);
	return believe_root(meta, &own, has_own, c.described != 0, place->pversion != 0, out);
}

void writers_forget(writers_word *word)
{
	emr_buf_free(&word->plain);
	emr_buf_free(&word->attributes);
}

/* ---- roots that writers removed ---- */

emr_status writers_have_ended(emr_view *view, emr_id16 domain, emr_id16 object, bool *out_have)
{
	chain c;
	emr_status status = begin(view, domain, &c);

	if (status == EMR_OK)
		status = look(&c, domain, object);
	*out_have = status == EMR_OK && c.is_last_others && c.described != 0;
	return status;
}

emr_status writers_lost_root(
	emr_view *view, emr_id16 domain, emr_place *out_place, emr_buf *plain, emr_meta *out_meta)
{
	emr_replica_head head;
	chain c;
	emr_status status;

	EMR_TRY(emr_replica_head_get(view->options.replica, domain, domain, &head));
	if (head.state != EMR_OBJECT_UNLINKED)
		return EMR_NOT_FOUND;
	EMR_TRY(begin(view, domain, &c));
	EMR_TRY(look(&c, domain, domain));
	if (!c.is_last_others || c.described == 0)
		return EMR_NOT_FOUND;
	status = emr_facts_version(
		view->options.facts, domain, domain, c.described, 0, out_place, plain, out_meta);
	out_place->version = head.version;
	return status == EMR_MISSING_DATA || (status == EMR_OK && out_meta->type != EMR_META_DIR)
		       ? EMR_NOT_FOUND
		       : status;
}
