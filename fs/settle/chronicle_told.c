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

/* The fate of a record, from its state before and now. */
typedef struct change {
	const emr_place *place;
	const emr_meta *meta;
	bool is_new, was_live, was_same_object, is_elsewhere, is_equal;
} change;

static emr_deed deed_of(const change *ch, const line *l, const subject *s)
{
	if (l->op == EMR_OP_PUT)
		return EMR_DEED_SAVED;
	if (ch->is_new)
		return ch->meta->type == EMR_META_FILE ? EMR_DEED_SAVED : EMR_DEED_MADE;
	if (!ch->was_live || (l->op == EMR_OP_REWRAP && ch->place->cver != s->cver))
		return EMR_DEED_RESTORED;
	return ch->is_elsewhere ? EMR_DEED_RENAMED : EMR_DEED_CHANGED;
}

static emr_status tell_line(
	emr_chronicle *c, const line *l, uint32_t s_number, const change *ch, text path, text from)
{
	subject *s = subject_at(c, s_number);
	emr_deed deed = deed_of(ch, l, s);
	/* Sealed again (a directory by META, when an epoch begins), or in another domain at the
	 * same place: nothing else. */
	bool is_silent = deed == EMR_DEED_CHANGED &&
			 (l->op == EMR_OP_REWRAP || !ch->was_same_object || ch->is_equal);

	s->path = path;
	s->type = (uint8_t)ch->meta->type;
	s->cver = ch->place->cver;
	s->bytes = ch->meta->n;
	if (ch->is_new)
		s->added_unix_s = l->time_unix_s;
	if (deed == EMR_DEED_SAVED || deed == EMR_DEED_RESTORED)
		s->changed_unix_s = l->time_unix_s;
	s->versions += l->op == EMR_OP_PUT;
	return is_silent ? EMR_OK
			 : chronicle_add_event(
				   c, l, s_number, deed, path, ch->is_elsewhere ? from : 0);
}

/* The object's old place as a path, if it has another one now. */
static emr_status former_path(emr_chronicle *c, const object *o, const subject *s, const change *ch,
	text *out_from, bool *out_is_elsewhere)
{
	const emr_meta *m = ch->meta;

	*out_from = 0;
	*out_is_elsewhere = false;
	if (ch->is_new || !ch->was_live)
		return EMR_OK;
	if (!ch->was_same_object) {
		*out_from = s->path;
		*out_is_elsewhere = true;
		return EMR_OK;
	}
	if (o->name == 0 || (strlen(text_at(c, o->name)) == m->name.len &&
				    memcmp(text_at(c, o->name), m->name.data, m->name.len) == 0 &&
				    emr_id16_equal(o->parent, m->parent)))
		return EMR_OK;
	*out_is_elsewhere = true;
	return chronicle_path_of(c, o->parent, o->name, s->path, out_from);
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
	change ch = {.place = place, .meta = meta};
	text path, from = 0;
	uint32_t number;
	object *o = object_at(c, i);
	subject *s;

	EMR_TRY(chronicle_subject_of(c, meta->r_pid, l->object, &number));
	s = subject_at(c, number);
	ch.is_new = s->type == 0;
	ch.was_live = s->live > 0;
	ch.was_same_object = o->subject == number && o->is_live;
	ch.is_equal = ch.was_same_object && emr_id32_equal(o->content, content);
	o->content = content;
	EMR_TRY(former_path(c, o, s, &ch, &from, &ch.is_elsewhere));
	if (!o->is_live || o->subject != number)
		s->live++;
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
		ch.is_elsewhere = false;
	return tell_line(c, l, number, &ch, path, from);
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
