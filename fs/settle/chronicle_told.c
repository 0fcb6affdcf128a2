/* This file says what an item of the ledger did to a record: saved, renamed, changed, deleted,
 * brought back or erased it, or nothing that a person would call so. */
#include "chronicle_private.h"

#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "settle/history.h"
#include "share/signed.h"

#include "whose_private.h"

/* An item whose part is not there or does not open. An erased record is no damage; another's is not
 * ours to tell. */
static emr_status pass_over(emr_chronicle *c, const line *l, uint32_t i, emr_status why)
{
	object *o = object_at(c, i);
	char id[33];

	if (!facts_is_damage(why))
		return why;
	if (!emr_buf_has(&c->domains, emr_bytes_of(&l->domain, sizeof l->domain)))
		return EMR_OK;
	if (why != EMR_MISSING_DATA && why != EMR_NOT_FOUND) {
		emr_hex(l->object.b, sizeof l->object.b, id);
		emr_log(EMR_LOG_ERROR, "history: version %llu of record %s cannot be read: %s",
			(unsigned long long)l->at.version, id, emr_status_text(why));
		c->damaged++;
		return EMR_OK;
	}
	if (o->subject == INDEX16_NONE)
		EMR_TRY(chronicle_subject_new(c, &o->subject));
	if (!o->is_live)
		subject_at(c, o->subject)->live++;
	o->is_live = true;
	return chronicle_add_event(c, l, o->subject, EMR_DEED_SAVED, 0, 0);
}

static bool is_named(const emr_chronicle *c, const object *o, const emr_meta *meta)
{
	return strlen(text_at(c, o->name)) == meta->name.len &&
	       memcmp(text_at(c, o->name), meta->name.data, meta->name.len) == 0 &&
	       emr_id16_equal(o->parent, meta->parent);
}

static bool is_in_domain(const emr_chronicle *c, emr_id16 directory, emr_id16 domain)
{
	uint32_t up = index16_get(&c->by_object, directory);

	return up != INDEX16_NONE && emr_id16_equal(object_at(c, up)->domain, domain);
}

/* A writer places things in the domain that he writes in, and gives them a name: META becomes what
 * the folder shows of it. */
static emr_status believe(const emr_chronicle *c, const line *l, emr_meta *meta)
{
	static const char unnamed[] = "unnamed";
	bool is_hers = true;

	if (emr_id16_equal(l->object, l->domain))
		return EMR_OK;
	if (meta->name.len == 0)
		meta->name = emr_bytes_of(unnamed, sizeof unnamed - 1);
	if (!is_in_domain(c, meta->parent, l->domain))
		EMR_TRY(facts_signed_by_owner(
			facts_at(c->facts, l->at.version), l->domain, l->signer_id, &is_hers));
	if (!is_hers)
		meta->parent = l->domain;
	return EMR_OK;
}

static emr_status apply(emr_chronicle *c, const line *l, uint32_t i, const emr_place *place,
	const emr_meta *meta, emr_id32 content)
{
	const bool is_file = meta->type == EMR_META_FILE, is_put = l->op == EMR_OP_PUT;
	object *o = object_at(c, i);
	bool is_new, was_live, was_same_object, was_equal, is_elsewhere = false;
	emr_deed deed = EMR_DEED_CHANGED;
	text path, from = 0; /* the old place, if it has another one now */
	uint32_t number;
	subject *s;

	EMR_TRY(chronicle_subject_of(c, meta->r_pid, l->object, &number));
	s = subject_at(c, number);
	is_new = s->type == 0;
	was_live = s->live > 0;
	was_same_object = o->subject == number && o->is_live;
	was_equal = was_same_object && emr_id32_equal(o->content, content);
	o->content = content;
	if (!is_new && was_live && !was_same_object) {
		from = s->path;
		is_elsewhere = true;
	} else if (!is_new && was_live && o->name != 0 && !is_named(c, o, meta)) {
		EMR_TRY(chronicle_path_of(c, o->parent, o->name, s->path, &from));
		is_elsewhere = true;
	}
	s->live += !was_same_object;
	o->subject = number;
	o->is_live = true;
	o->is_top = meta->name.len == 0;
	o->parent = meta->parent;
	EMR_TRY(chronicle_keep_text(c, meta->name, &o->name));
	if (o->is_top) {
		s->type = (uint8_t)meta->type;
		return EMR_OK;
	}
	EMR_TRY(chronicle_path_of(c, o->parent, o->name, s->path, &path));
	/* Moved to another domain and back under the same name is no move. */
	if (from != 0 && strcmp(text_at(c, from), text_at(c, path)) == 0)
		is_elsewhere = false;
	if (is_put || (is_new && is_file))
		deed = EMR_DEED_SAVED;
	else if (is_new)
		deed = EMR_DEED_MADE;
	else if (!was_live || (l->op == EMR_OP_REWRAP && place->cver != s->cver))
		deed = EMR_DEED_RESTORED;
	else if (is_elsewhere)
		deed = EMR_DEED_RENAMED;
	s->path = path;
	s->type = (uint8_t)meta->type;
	s->cver = place->cver;
	s->bytes = meta->n;
	if (is_new)
		s->added_unix_s = l->time_unix_s;
	if (deed == EMR_DEED_SAVED || deed == EMR_DEED_RESTORED)
		s->changed_unix_s = l->time_unix_s;
	s->versions += is_put;
	/* Sealed again (a directory by META, when an epoch begins), or in another domain at the
	 * same place: nothing else. */
	if (deed == EMR_DEED_CHANGED && (l->op == EMR_OP_REWRAP || !was_same_object || was_equal))
		return EMR_OK;
	return chronicle_add_event(c, l, number, deed, path, is_elsewhere ? from : 0);
}

static emr_status take_unlink(emr_chronicle *c, const line *l, uint32_t i)
{
	object *o = object_at(c, i);
	text path = 0;

	if (!o->is_live || o->subject == INDEX16_NONE)
		return EMR_OK;
	o->is_live = false;
	if (--subject_at(c, o->subject)->live > 0)
		return EMR_OK; /* it lives on elsewhere */
	if (o->name != 0)
		EMR_TRY(chronicle_path_of(
			c, o->parent, o->name, subject_at(c, o->subject)->path, &path));
	return chronicle_add_event(c, l, o->subject, EMR_DEED_DELETED, path, 0);
}

static emr_status take_erase(emr_chronicle *c, const line *l, uint32_t i)
{
	object *o = object_at(c, i);
	subject *s;

	if (o->subject == INDEX16_NONE || (s = subject_at(c, o->subject))->is_erased)
		return EMR_OK;
	s->is_erased = true;
	return chronicle_add_event(
		c, l, o->subject, EMR_DEED_ERASED, o->name != 0 ? s->path : 0, 0);
}

emr_status chronicle_take(emr_chronicle *c, const line *l)
{
	const emr_bytes domain = emr_bytes_of(&l->domain, sizeof l->domain);
	EMR_AUTO_BUF plain = {0};
	emr_place place;
	emr_meta meta;
	emr_bytes content;
	uint32_t i;
	emr_status status = chronicle_object_of(c, l->domain, l->object, &i);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (l->is_carried && (l->op == EMR_OP_UNLINK || l->op == EMR_OP_ERASE))
		return EMR_OK;
	if (l->op == EMR_OP_UNLINK)
		return take_unlink(c, l, i);
	if (l->op == EMR_OP_ERASE)
		return take_erase(c, l, i);
	if (l->op != EMR_OP_META)
		object_at(c, i)->pversion = l->at.version;
	if (l->is_carried)
		return EMR_OK;
	status = emr_facts_version(c->facts, l->domain, l->object, l->at.version,
		object_at(c, i)->pversion, &place, &plain, &meta);
	if (status != EMR_OK)
		return pass_over(c, l, i, status);
	content = emr_buf_view(&plain);
	if (!emr_buf_has(&c->domains, domain))
		EMR_TRY(emr_buf_append(&c->domains, domain.data, domain.len));
	EMR_TRY(believe(c, l, &meta));
	return apply(c, l, i, &place, &meta, emr_sha256_of(&content, 1));
}
