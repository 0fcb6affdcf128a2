/* This file knows the whole history of the records: for each operation on the ledger what it
 * did, to which path, and by whom. It is built from the ledger, follows it, and forgets names
 * that were erased. */
#include "settle/chronicle.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "settle/history.h"
#include "share/signed.h"

#include "index16.h"
#include "whose_private.h"

#define DEPTH_MAX 256
#define PATH_BYTES_MAX 16384
#define CAUGHT_UP EMR_INTERRUPTED /* ends a walk of our own */

/* Texts live as long as the history: they are cut from blocks and let go together. */
typedef struct block {
	struct block *next;
	size_t used, size;
	char bytes[];
} block;

typedef struct object {
	emr_id16 domain, parent;
	uint64_t described, pversion; /* items that say name and content; 0: none yet */
	const char *name;	      /* NULL: none that could be read */
	emr_id32 content; /* hash of the metadata; of what was sealed again under another key it is
			     the same */
	uint32_t subject; /* INDEX16_NONE: none yet */
	bool is_live, is_top;
} object;

/* One record over all objects that it has had. */
typedef struct subject {
	const char *path;
	uint64_t cver, bytes, versions;
	uint64_t added_unix_s, changed_unix_s;
	uint32_t live; /* objects */
	uint8_t type;
	bool is_erased;
} subject;

/* An entry of the ledger that did something to records. */
typedef struct written {
	uint64_t seq, time_unix_s;
	emr_id32 batch_id;
	uint32_t signer; /* of the signers */
	bool in_annex;
} written;

/* An event, without what it has in common with the others of its entry: most of the memory of a
 * history is these. */
typedef struct told {
	const char *path, *from;
	uint64_t cver, bytes;
	uint32_t entry, subject;
	uint16_t index;
	uint8_t deed, type;
} told;

/* A growing array. */
typedef struct row {
	void *items;
	size_t n, cap;
} row;

/* How far one ledger is in here, and whose of its domains were ours then. */
typedef struct followed {
	uint64_t size; /* entries; 0: none yet */
	row domains;   /* in order */
} followed;

struct emr_chronicle {
	emr_facts *facts;
	emr_replica *replica;
	pthread_mutex_t
		lock; /* protects all below; the locks of facts and replica are inside of it */
	followed now, before; /* the present ledger, and the one before a join */
	uint64_t damaged;
	row objects, subjects, deeds, entries, signers, domains;
	index16 by_object,
		by_patient_id; /* the r_pid of a record's metadata stays the same for its life */
	block *blocks;
	emr_buf scratch;
};

static void *row_add(row *r, size_t item_size)
{
	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 64 : r->cap * 2;
		void *grown = r->n < INDEX16_NONE / 2 ? realloc(r->items, cap * item_size) : NULL;

		if (grown == NULL)
			return NULL;
		r->items = grown;
		r->cap = cap;
	}
	return memset((char *)r->items + r->n++ * item_size, 0, item_size);
}

static object *object_at(const emr_chronicle *c, uint32_t i)
{
	return (object *)c->objects.items + i;
}

static subject *subject_at(const emr_chronicle *c, uint32_t i)
{
	return (subject *)c->subjects.items + i;
}

static const char *keep_text(emr_chronicle *c, const char *text, size_t len)
{
	char *kept;

	if (c->blocks == NULL || c->blocks->size - c->blocks->used < len + 1) {
		size_t size = len + 1 > 65536 ? len + 1 : 65536;
		block *b = malloc(sizeof *b + size);

		if (b == NULL)
			return NULL;
		*b = (block){.next = c->blocks, .size = size};
		c->blocks = b;
	}
	kept = c->blocks->bytes + c->blocks->used;
	if (len > 0)
		memcpy(kept, text, len);
	kept[len] = '\0';
	c->blocks->used += len + 1;
	return kept;
}

static void forget(emr_chronicle *c)
{
	while (c->blocks != NULL) {
		block *b = c->blocks;

		c->blocks = b->next;
		free(b);
	}
	free(c->objects.items);
	free(c->subjects.items);
	free(c->deeds.items);
	free(c->entries.items);
	free(c->signers.items);
	free(c->domains.items);
	free(c->now.domains.items);
	free(c->before.domains.items);
	c->now = c->before = (followed){0};
	c->objects = c->subjects = c->deeds = c->entries = c->signers = c->domains = (row){0};
	index16_free(&c->by_object);
	index16_free(&c->by_patient_id);
	emr_buf_free(&c->scratch);
	c->damaged = 0;
}

/* ---- paths ---- */

/* As of now, from the top; in C's scratch.  What hangs nowhere known is shown at the top, as the
 * view does. */
static emr_status path_of(
	emr_chronicle *c, emr_id16 parent, const char *name, const char **out_path)
{
	const char *names[DEPTH_MAX];
	size_t n = 0, len = 0;
	emr_status status = EMR_OK;

	for (;;) {
		uint32_t up = index16_get(&c->by_object, parent);
		const object *directory = up != INDEX16_NONE ? object_at(c, up) : NULL;

		names[n++] = name;
		len += strlen(name) + 1;
		if (directory == NULL || directory->is_top || directory->name == NULL ||
			n == DEPTH_MAX || len > PATH_BYTES_MAX)
			break;
		name = directory->name;
		parent = directory->parent;
	}
	emr_buf_clear(&c->scratch);
	while (n-- > 0 && status == EMR_OK) {
		status = emr_buf_append(&c->scratch, names[n], strlen(names[n]));
		if (status == EMR_OK)
			status = emr_buf_append(&c->scratch, n > 0 ? "/" : "", 1);
	}
	if (status == EMR_OK)
		*out_path = (const char *)c->scratch.data;
	return status;
}

/* A kept path; KNOWN when it is the same text. */
static emr_status kept_path(emr_chronicle *c, emr_id16 parent, const char *name, const char *known,
	const char **out_path)
{
	const char *path;
	emr_status status = path_of(c, parent, name, &path);

	if (status != EMR_OK)
		return status;
	*out_path = known != NULL && strcmp(known, path) == 0 ? known
							      : keep_text(c, path, strlen(path));
	return *out_path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- objects and subjects ---- */

/* EMR_NOT_FOUND: somebody made, somewhere else, something with the id of what is known already.
 * Everybody can read ids, and choose them. */
static emr_status object_of(emr_chronicle *c, emr_id16 domain, emr_id16 id, uint32_t *out_object)
{
	emr_status status;
	object *o;

	*out_object = index16_get(&c->by_object, id);
	if (*out_object != INDEX16_NONE)
		return emr_id16_equal(object_at(c, *out_object)->domain, domain) ? EMR_OK
										 : EMR_NOT_FOUND;
	*out_object = (uint32_t)c->objects.n;
	o = row_add(&c->objects, sizeof *o);
	if (o == NULL)
		return EMR_NO_MEMORY;
	o->domain = domain;
	o->subject = INDEX16_NONE;
	status = index16_put(&c->by_object, id, *out_object);
	if (status != EMR_OK)
		c->objects.n--;
	return status;
}

static emr_status subject_new(emr_chronicle *c, uint32_t *out_subject)
{
	*out_subject = (uint32_t)c->subjects.n;
	return row_add(&c->subjects, sizeof(subject)) != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status subject_of(
	emr_chronicle *c, const uint8_t r_pid[32], emr_id16 id, uint32_t *out_subject)
{
	static const uint8_t none[32];
	emr_id16 key = id;
	emr_status status;

	if (memcmp(r_pid, none, sizeof none) != 0)
		memcpy(key.b, r_pid, sizeof key.b);
	*out_subject = index16_get(&c->by_patient_id, key);
	if (*out_subject != INDEX16_NONE)
		return EMR_OK;
	status = subject_new(c, out_subject);
	return status == EMR_OK ? index16_put(&c->by_patient_id, key, *out_subject) : status;
}

/* ---- one item after the other ---- */

/* What the walk of the replica notes of an item. */
typedef struct line {
	emr_id16 domain, object;
	emr_id32 batch_id, signer_id;
	uint64_t seq, version, time_unix_s;
	uint16_t index;
	uint8_t op;
	bool is_carried; /* says again, on another ledger, what was told already */
} line;

static emr_status need_signer(emr_chronicle *c, emr_id32 id, uint32_t *out)
{
	emr_id32 *added;

	/* They are few, and whoever signed last is likely to have signed this. */
	for (size_t i = c->signers.n; i-- > 0;)
		if (emr_id32_equal(((const emr_id32 *)c->signers.items)[i], id)) {
			*out = (uint32_t)i;
			return EMR_OK;
		}
	added = row_add(&c->signers, sizeof *added);
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = id;
	*out = (uint32_t)c->signers.n - 1;
	return EMR_OK;
}

/* That of L, which is the newest or a new one. */
static emr_status need_entry(emr_chronicle *c, const line *l, uint32_t *out)
{
	bool in_annex = (l->version & EMR_VERSION_ANNEX) != 0;
	const written *newest =
		c->entries.n > 0 ? (const written *)c->entries.items + c->entries.n - 1 : NULL;
	written *added;
	uint32_t signer;
	emr_status status;

	if (newest != NULL && newest->seq == l->seq && newest->in_annex == in_annex) {
		*out = (uint32_t)c->entries.n - 1;
		return EMR_OK;
	}
	status = need_signer(c, l->signer_id, &signer);
	added = status == EMR_OK ? row_add(&c->entries, sizeof *added) : NULL;
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = (written){.seq = l->seq,
		.time_unix_s = l->time_unix_s,
		.batch_id = l->batch_id,
		.signer = signer,
		.in_annex = in_annex};
	*out = (uint32_t)c->entries.n - 1;
	return EMR_OK;
}

static emr_status add_event(emr_chronicle *c, const line *l, uint32_t s, emr_deed what,
	const char *path, const char *from)
{
	const subject *about = subject_at(c, s);
	uint32_t in;
	emr_status status = need_entry(c, l, &in);
	told *d = status == EMR_OK ? row_add(&c->deeds, sizeof *d) : NULL;

	if (d == NULL)
		return EMR_NO_MEMORY;
	*d = (told){.path = path,
		.from = from,
		.entry = in,
		.subject = s,
		.index = l->index,
		.deed = (uint8_t)what,
		.type = about->type};
	if (about->type == EMR_META_FILE) {
		d->cver = about->cver;
		d->bytes = about->bytes;
	}
	return EMR_OK;
}

static bool is_ours(const emr_chronicle *c, emr_id16 domain)
{
	const emr_id16 *known = c->domains.items;

	for (size_t i = 0; i < c->domains.n; i++)
		if (emr_id16_equal(known[i], domain))
			return true;
	return false;
}

static emr_status note_domain(emr_chronicle *c, emr_id16 domain)
{
	emr_id16 *added;

	if (is_ours(c, domain))
		return EMR_OK;
	added = row_add(&c->domains, sizeof *added);
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = domain;
	return EMR_OK;
}

/* An item whose part is not there or does not open.  What was erased is no damage; another's is not
 * ours to tell. */
static emr_status pass_over(emr_chronicle *c, const line *l, uint32_t i, emr_status why)
{
	object *o = object_at(c, i);
	char id[33];
	emr_status status = EMR_OK;

	if (!facts_is_damage(why))
		return why;
	if (!is_ours(c, l->domain))
		return EMR_OK;
	if (why != EMR_MISSING_DATA && why != EMR_NOT_FOUND) {
		emr_hex(l->object.b, sizeof l->object.b, id);
		emr_log(EMR_LOG_ERROR, "history: version %llu of record %s cannot be read: %s",
			(unsigned long long)l->version, id, emr_status_text(why));
		c->damaged++;
		return EMR_OK;
	}
	if (o->subject == INDEX16_NONE)
		status = subject_new(c, &o->subject);
	if (status != EMR_OK)
		return status;
	if (!o->is_live)
		subject_at(c, o->subject)->live++;
	o->is_live = true;
	return add_event(c, l, o->subject, EMR_DEED_SAVED, NULL, NULL);
}

/* What became of a record, from what it was and what it is. */
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

static emr_status tell_line(emr_chronicle *c, const line *l, uint32_t s_number, const change *ch,
	const char *path, const char *from)
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
			 : add_event(c, l, s_number, deed, path, ch->is_elsewhere ? from : NULL);
}

/* The object's old place as a path, if it has another one now. */
static emr_status former_path(emr_chronicle *c, const object *o, const subject *s, const change *ch,
	const char **out_from, bool *out_is_elsewhere)
{
	const emr_meta *m = ch->meta;

	*out_from = NULL;
	*out_is_elsewhere = false;
	if (ch->is_new || !ch->was_live)
		return EMR_OK;
	if (!ch->was_same_object) {
		*out_from = s->path;
		*out_is_elsewhere = true;
		return EMR_OK;
	}
	if (o->name == NULL || (strlen(o->name) == m->name.len &&
				       memcmp(o->name, m->name.data, m->name.len) == 0 &&
				       emr_id16_equal(o->parent, m->parent)))
		return EMR_OK;
	*out_is_elsewhere = true;
	return kept_path(c, o->parent, o->name, s->path, out_from);
}

static bool is_in_domain(const emr_chronicle *c, emr_id16 directory, emr_id16 domain)
{
	uint32_t up = index16_get(&c->by_object, directory);

	return up != INDEX16_NONE && emr_id16_equal(object_at(c, up)->domain, domain);
}

static emr_status is_owners(const emr_chronicle *c, const line *l, bool *out_is)
{
	uint8_t patient_pk[32];
	emr_row_domain d_row;
	emr_status status = emr_keyring_person_pk(c->facts->keyring, patient_pk);

	if (status == EMR_OK)
		status = whose_domain_row(c->replica, l->domain, &d_row);
	return status == EMR_OK ? emr_signed_is_owner(c->replica, d_row.owner_pk, patient_pk,
					  l->signer_id, out_is)
				: status;
}

/* A writer places things in the domain that he writes in, and gives them a name: META becomes what
 * the folder shows of it. */
static emr_status believe(const emr_chronicle *c, const line *l, emr_meta *meta)
{
	static const char unnamed[] = "unnamed";
	bool is_hers = true;
	emr_status status = EMR_OK;

	if (emr_id16_equal(l->object, l->domain))
		return EMR_OK;
	if (meta->name.len == 0)
		meta->name = emr_bytes_of(unnamed, sizeof unnamed - 1);
	if ((l->version & EMR_VERSION_ANNEX) == 0 && !is_in_domain(c, meta->parent, l->domain))
		status = is_owners(c, l, &is_hers);
	if (status == EMR_OK && !is_hers)
		meta->parent = l->domain;
	return status;
}

static emr_status apply(emr_chronicle *c, const line *l, uint32_t i, const emr_place *place,
	const emr_meta *meta, emr_id32 content)
{
	change ch = {.place = place, .meta = meta};
	const char *path, *from = NULL;
	uint32_t number;
	object *o = object_at(c, i);
	subject *s;
	emr_status status = subject_of(c, meta->r_pid, l->object, &number);

	if (status != EMR_OK)
		return status;
	s = subject_at(c, number);
	ch.is_new = s->type == 0;
	ch.was_live = s->live > 0;
	ch.was_same_object = o->subject == number && o->is_live;
	ch.is_equal = ch.was_same_object && emr_id32_equal(o->content, content);
	o->content = content;
	status = former_path(c, o, s, &ch, &from, &ch.is_elsewhere);
	if (status != EMR_OK)
		return status;
	if (!o->is_live || o->subject != number)
		s->live++;
	o->subject = number;
	o->is_live = true;
	o->is_top = meta->name.len == 0;
	o->parent = meta->parent;
	o->name = keep_text(c, (const char *)meta->name.data, meta->name.len);
	if (o->name == NULL)
		return EMR_NO_MEMORY;
	if (o->is_top) {
		s->type = (uint8_t)meta->type;
		return EMR_OK;
	}
	status = kept_path(c, o->parent, o->name, s->path, &path);
	/* Moved to another domain and back under the same name is no move. */
	if (status == EMR_OK && from != NULL && strcmp(from, path) == 0)
		ch.is_elsewhere = false;
	return status == EMR_OK ? tell_line(c, l, number, &ch, path, from) : status;
}

static emr_status take_unlink(emr_chronicle *c, const line *l, uint32_t i)
{
	object *o = object_at(c, i);
	const char *path = NULL;
	emr_status status = EMR_OK;

	if (!o->is_live || o->subject == INDEX16_NONE)
		return EMR_OK;
	o->is_live = false;
	if (--subject_at(c, o->subject)->live > 0)
		return EMR_OK; /* it lives on elsewhere */
	if (o->name != NULL)
		status = kept_path(c, o->parent, o->name, subject_at(c, o->subject)->path, &path);
	return status == EMR_OK ? add_event(c, l, o->subject, EMR_DEED_DELETED, path, NULL)
				: status;
}

static emr_status take_erase(emr_chronicle *c, const line *l, uint32_t i)
{
	object *o = object_at(c, i);
	subject *s;

	if (o->subject == INDEX16_NONE || (s = subject_at(c, o->subject))->is_erased)
		return EMR_OK;
	s->is_erased = true;
	return add_event(c, l, o->subject, EMR_DEED_ERASED, o->name != NULL ? s->path : NULL, NULL);
}

static emr_status take_line(emr_chronicle *c, const line *l)
{
	EMR_AUTO_BUF plain = {0};
	emr_place place;
	emr_meta meta;
	emr_bytes content;
	uint32_t i;
	emr_status status = object_of(c, l->domain, l->object, &i);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK && l->is_carried && (l->op == EMR_OP_UNLINK || l->op == EMR_OP_ERASE))
		return EMR_OK;
	if (status != EMR_OK || l->op == EMR_OP_UNLINK || l->op == EMR_OP_ERASE)
		return status != EMR_OK		? status
		       : l->op == EMR_OP_UNLINK ? take_unlink(c, l, i)
						: take_erase(c, l, i);
	object_at(c, i)->described = l->version;
	if (l->op != EMR_OP_META)
		object_at(c, i)->pversion = l->version;
	if (l->is_carried)
		return EMR_OK;
	status = emr_facts_version(c->facts, l->domain, l->object, l->version,
		object_at(c, i)->pversion, &place, &plain, &meta);
	if (status != EMR_OK)
		return pass_over(c, l, i, status);
	content = emr_buf_view(&plain);
	status = note_domain(c, l->domain);
	if (status == EMR_OK)
		status = believe(c, l, &meta);
	return status == EMR_OK ? apply(c, l, i, &place, &meta, emr_sha256_of(&content, 1))
				: status;
}

/* ---- following the ledger ---- */

typedef struct gathering {
	const emr_chronicle *chronicle;
	row lines;
	followed new;	  /* what C follows afterwards */
	uint64_t known;	  /* entries of which C knows everything */
	uint64_t from;	  /* the same of the domain in hand */
	uint64_t mark;	  /* of the versions of this ledger */
	bool must_forget; /* something was erased, or belongs between what was told */
} gathering;

static void gathering_free(gathering *g)
{
	free(g->lines.items);
	free(g->new.domains.items);
}

static bool is_told(uint8_t op)
{
	return op == EMR_OP_PUT || op == EMR_OP_META || op == EMR_OP_REWRAP ||
	       op == EMR_OP_UNLINK || op == EMR_OP_ERASE;
}

/* Newest first. */
static emr_status gather_item(void *arg, const emr_replica_listing *item)
{
	gathering *g = arg;
	line *l;

	if (item->item.seq < g->from)
		return CAUGHT_UP;
	if (item->item.seq >= g->new.size || item->result != EMR_RESULT_APPLIED ||
		item->family != EMR_FAMILY_OBJECT || !is_told(item->item.op))
		return EMR_OK;
	g->must_forget |= item->item.op == EMR_OP_ERASE || item->item.seq < g->known;
	l = row_add(&g->lines, sizeof *l);
	if (l == NULL)
		return EMR_NO_MEMORY;
	*l = (line){.domain = item->domain,
		.object = item->object,
		.batch_id = item->item.batch_id,
		.signer_id = item->item.signer_id,
		.seq = item->item.seq,
		.version = item->item.version | g->mark,
		.time_unix_s = item->item.ledger_time,
		.index = item->item.index,
		.op = item->item.op,
		.is_carried = facts_is_carried(g->chronicle->facts, g->mark, item->item.seq)};
	return EMR_OK;
}

static emr_status gather_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	gathering *g = arg;
	emr_id16 *added;

	(void)d_row;
	if (!is_mine)
		return EMR_OK;
	added = row_add(&g->new.domains, sizeof *added);
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = domain;
	return EMR_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id16));
}

static int by_place(const void *a, const void *b)
{
	const line *x = a, *y = b;

	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* What is new of our own domains, oldest first.  A ledger has far more of others, of which nothing
 * is read or kept. */
static emr_status gather_of(emr_replica *replica, const followed *old, gathering *g)
{
	emr_replica_position at;
	emr_status status = emr_replica_at(replica, &at);

	if (status != EMR_OK)
		return status;
	g->known = old->size;
	g->new.size = at.size;
	status = emr_replica_domains(replica, gather_domain, g);
	for (size_t i = 0; i < g->new.domains.n &&status == EMR_OK; i++) {
		const emr_id16 *domain = (const emr_id16 *)g->new.domains.items + i;
		/* The keys of one that is new to us may have come by letter, long after its
		 * beginning, and after what the ledger says of it. */
		bool is_known =
			old->domains.n > 0 && bsearch(domain, old->domains.items, old->domains.n,
						      sizeof *domain, by_id) != NULL;

		if (is_known && at.size == old->size)
			continue;
		g->from = is_known ? old->size : 0;
		status = emr_replica_recent(replica, domain, NULL, SIZE_MAX, gather_item, g);
		status = status == CAUGHT_UP ? EMR_OK : status;
	}
	if (g->lines.n > 0)
		qsort(g->lines.items, g->lines.n, sizeof(line), by_place);
	return status;
}

/* Of the ledger before a join, and of the present one. */
static emr_status gather_new(emr_chronicle *c, gathering *before, gathering *g)
{
	const emr_annex *annex = emr_facts_annex(c->facts);
	emr_status status = EMR_OK;

	*before = (gathering){.chronicle = c, .mark = EMR_VERSION_ANNEX};
	*g = (gathering){.chronicle = c};
	if (annex != NULL)
		status = gather_of(annex->replica, &c->before, before);
	return status == EMR_OK ? gather_of(c->replica, &c->now, g) : status;
}

static emr_status take_lines(emr_chronicle *c, const gathering *g)
{
	const line *lines = g->lines.items;
	emr_status status = EMR_OK;

	for (size_t i = 0; i < g->lines.n && status == EMR_OK; i++)
		status = take_line(c, &lines[i]);
	return status;
}

/* The domains that G found are C's from here on. */
static void has_followed(followed *f, gathering *g)
{
	row old = f->domains;

	*f = g->new;
	g->new.domains = old;
}

static emr_status read_new(emr_chronicle *c)
{
	gathering before, g;
	emr_status status = gather_new(c, &before, &g);

	if (status == EMR_OK && (g.must_forget || before.must_forget) && c->now.size > 0) {
		/* What was read before names what must not be named any more, or stands behind what
		 * is older. */
		gathering_free(&before);
		gathering_free(&g);
		forget(c);
		status = gather_new(c, &before, &g);
	}
	if (status == EMR_OK)
		status = take_lines(c, &before);
	if (status == EMR_OK)
		status = take_lines(c, &g);
	if (status == EMR_OK) {
		has_followed(&c->now, &g);
		has_followed(&c->before, &before);
	} else {
		forget(c); /* half an entry must not be read twice */
	}
	gathering_free(&before);
	gathering_free(&g);
	return status;
}

/* ---- the face ---- */

emr_status emr_chronicle_new(emr_facts *facts, emr_replica *replica, emr_chronicle **out_chronicle)
{
	emr_chronicle *c = calloc(1, sizeof *c);

	if (c == NULL)
		return EMR_NO_MEMORY;
	c->facts = facts;
	c->replica = replica;
	pthread_mutex_init(&c->lock, NULL);
	*out_chronicle = c;
	return EMR_OK;
}

void emr_chronicle_free(emr_chronicle *chronicle)
{
	if (chronicle == NULL)
		return;
	forget(chronicle);
	pthread_mutex_destroy(&chronicle->lock);
	free(chronicle);
}

void emr_chronicle_forget(emr_chronicle *chronicle)
{
	pthread_mutex_lock(&chronicle->lock);
	forget(chronicle);
	pthread_mutex_unlock(&chronicle->lock);
}

emr_status emr_chronicle_catch_up(emr_chronicle *chronicle, uint64_t *out_damaged)
{
	emr_status status;

	pthread_mutex_lock(&chronicle->lock);
	status = read_new(chronicle);
	if (status == EMR_OK && out_damaged != NULL)
		*out_damaged = chronicle->damaged;
	pthread_mutex_unlock(&chronicle->lock);
	return status;
}

static emr_event event_of(const emr_chronicle *c, const told *d)
{
	const written *in = (const written *)c->entries.items + d->entry;

	return (emr_event){.seq = in->seq,
		.time_unix_s = in->time_unix_s,
		.cver = d->cver,
		.bytes = d->bytes,
		.path = d->path,
		.from = d->from,
		.batch_id = in->batch_id,
		.signer_id = ((const emr_id32 *)c->signers.items)[in->signer],
		.subject = d->subject,
		.index = d->index,
		.deed = d->deed,
		.type = d->type,
		.in_annex = in->in_annex};
}

emr_status emr_chronicle_each(emr_chronicle *chronicle, emr_event_fn fn, void *arg)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&chronicle->lock);
	for (size_t i = 0; i < chronicle->deeds.n && status == EMR_OK; i++) {
		emr_event event = event_of(chronicle, (const told *)chronicle->deeds.items + i);

		status = fn(arg, &event);
	}
	pthread_mutex_unlock(&chronicle->lock);
	return status;
}

emr_status emr_chronicle_story(emr_chronicle *chronicle, emr_id16 object_id, emr_story *out_story)
{
	uint32_t i, number = INDEX16_NONE;

	pthread_mutex_lock(&chronicle->lock);
	i = index16_get(&chronicle->by_object, object_id);
	if (i != INDEX16_NONE)
		number = object_at(chronicle, i)->subject;
	if (number != INDEX16_NONE) {
		const subject *s = subject_at(chronicle, number);

		*out_story = (emr_story){.added_unix_s = s->added_unix_s,
			.changed_unix_s = s->changed_unix_s,
			.versions = s->versions,
			.subject = number};
	}
	pthread_mutex_unlock(&chronicle->lock);
	return number != INDEX16_NONE ? EMR_OK : EMR_NOT_FOUND;
}
