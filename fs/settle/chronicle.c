/* This file follows the ledger and tells the whole history of the records: for each operation on it
 * what that did, to which path, and by whom. It forgets names that were erased, and reads again. */
#include "settle/chronicle.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "settle/history.h"

#include "chronicle_private.h"
#include "facts_private.h"

#define CAUGHT_UP EMR_INTERRUPTED /* ends a walk of our own */

typedef struct gathering {
	const emr_chronicle *chronicle;
	row lines;
	followed new;	  /* what C follows afterwards */
	uint64_t known;	  /* entries of which C knows everything */
	uint64_t from;	  /* the same of the domain in hand */
	uint64_t mark;	  /* of the versions of this ledger */
	bool must_forget; /* something was erased, or belongs between what was told */
} gathering;

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
	l = chronicle_row_add(&g->lines, sizeof *l);
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
	added = chronicle_row_add(&g->new.domains, sizeof *added);
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

/* The new entries of our own domains, oldest first. A ledger has far more of others, of which
 * nothing is read or kept. */
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

/* Of the present ledger into G[0], of those before a move behind it. */
static emr_status gather_new(emr_chronicle *c, gathering *g)
{
	const emr_facts *facts = c->facts;

	for (size_t i = 0; i <= EMR_MOVES_MAX; i++)
		g[i] = (gathering){.chronicle = c, .mark = i * EMR_VERSION_MOVE};
	for (emr_replica *replica = c->replica; replica != NULL; g++) {
		EMR_TRY(gather_of(replica, &c->ledgers[g->mark / EMR_VERSION_MOVE], g));
		replica = facts->annex.replica;
		facts = facts->annex.facts;
	}
	return EMR_OK;
}

static void gathered_free(gathering *g)
{
	for (size_t i = 0; i <= EMR_MOVES_MAX; i++) {
		free(g[i].lines.items);
		free(g[i].new.domains.items);
	}
}

static emr_status read_new(emr_chronicle *c)
{
	gathering g[EMR_MOVES_MAX + 1];
	emr_status status = gather_new(c, g);
	bool must_forget = false;

	for (size_t i = 0; i <= EMR_MOVES_MAX; i++)
		must_forget |= g[i].must_forget;
	if (status == EMR_OK && must_forget && c->ledgers[0].size > 0) {
		/* The entries that were read before name records that must not be named any more,
		 * or stand behind older ones. */
		gathered_free(g);
		chronicle_let_go(c);
		status = gather_new(c, g);
	}
	for (size_t i = EMR_MOVES_MAX + 1; i-- > 0;) {
		const line *lines = g[i].lines.items;

		for (size_t n = 0; n < g[i].lines.n && status == EMR_OK; n++)
			status = chronicle_take(c, &lines[n]);
	}
	for (size_t i = 0; i <= EMR_MOVES_MAX && status == EMR_OK; i++) {
		row old = c->ledgers[i].domains;

		c->ledgers[i] = g[i].new;
		g[i].new.domains = old; /* goes with G */
	}
	if (status != EMR_OK)
		chronicle_let_go(c); /* half an entry must not be read twice */
	gathered_free(g);
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
	chronicle_let_go(chronicle);
	pthread_mutex_destroy(&chronicle->lock);
	free(chronicle);
}

void emr_chronicle_forget(emr_chronicle *chronicle)
{
	EMR_LOCKED(&chronicle->lock);

	chronicle_let_go(chronicle);
}

emr_status emr_chronicle_catch_up(emr_chronicle *chronicle, uint64_t *out_damaged)
{
	EMR_LOCKED(&chronicle->lock);

	EMR_TRY(read_new(chronicle));
	if (out_damaged != NULL)
		*out_damaged = chronicle->damaged;
	return EMR_OK;
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
	EMR_LOCKED(&chronicle->lock);

	for (size_t i = 0; i < chronicle->deeds.n && status == EMR_OK; i++) {
		emr_event event = event_of(chronicle, (const told *)chronicle->deeds.items + i);

		status = fn(arg, &event);
	}
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
