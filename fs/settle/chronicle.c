/* This file follows the ledger and tells the whole history of the records: for each operation on it
 * what that did, to which path, and by whom. It forgets names that were erased, and reads again. */
#include "settle/chronicle.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "settle/history.h"

#include "chronicle_private.h"
#include "facts_private.h"

typedef struct gathering {
	const emr_chronicle *chronicle;
	emr_buf lines;			 /* line, ..., of all ledgers */
	followed new[EMR_MOVES_MAX + 1]; /* what C follows afterwards */
	uint64_t mark;			 /* of the versions of the ledger in hand */
	bool must_forget; /* something was erased, or belongs between what was told */
} gathering;

static bool is_told(uint8_t op)
{
	return op == EMR_OP_PUT || op == EMR_OP_META || op == EMR_OP_REWRAP ||
	       op == EMR_OP_UNLINK || op == EMR_OP_ERASE;
}

/* Adds the new items of DOMAIN, of which entries before FROM are known; KNOWN: those of which C
 * knows everything. */
static emr_status gather_items(
	gathering *g, emr_replica *replica, emr_id16 domain, uint64_t from, uint64_t known)
{
	emr_replica_listing at;

	EMR_ASK(asked, replica, RECENT_IN, .domain = domain);
	while (emr_next(&asked, &at) && at.item.seq >= from) {
		const line l = {.domain = domain,
			.object = at.object,
			.batch_id = at.item.batch_id,
			.signer_id = at.item.signer_id,
			.seq = at.item.seq,
			.version = at.item.version + g->mark,
			.time_unix_s = at.item.ledger_time,
			.index = at.item.index,
			.op = at.item.op,
			.is_carried = facts_is_carried(g->chronicle->facts, g->mark, at.item.seq)};

		if (l.seq >= g->new[g->mark / EMR_VERSION_MOVE].size ||
			at.result != EMR_RESULT_APPLIED || at.family != EMR_FAMILY_OBJECT ||
			!is_told(l.op))
			continue;
		g->must_forget |= l.op == EMR_OP_ERASE || l.seq < known;
		EMR_TRY(emr_buf_append(&g->lines, &l, sizeof l));
	}
	return asked.status;
}

/* Oldest first. */
static int by_place(const void *a, const void *b)
{
	const line *x = a, *y = b;
	uint64_t x_ago = x->version & EMR_VERSION_ANNEX, y_ago = y->version & EMR_VERSION_ANNEX;

	if (x_ago != y_ago)
		return x_ago > y_ago ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The new entries of our own domains. A ledger has far more of others, of which nothing is read or
 * kept. */
static emr_status gather_of(gathering *g, emr_replica *replica)
{
	const followed *old = &g->chronicle->ledgers[g->mark / EMR_VERSION_MOVE];
	followed *new = &g->new[g->mark / EMR_VERSION_MOVE];
	emr_replica_position at;

	EMR_TRY(emr_replica_at(replica, &at));
	new->size = at.size;
	EMR_TRY(emr_replica_own_domains(replica, &new->domains));
	EMR_EACH (const emr_id16, domain, &new->domains) {
		/* The keys of one that is new to us may have come by letter, long after its
		 * beginning, and after what the ledger says of it. */
		bool is_known = emr_buf_has(&old->domains, emr_bytes_of(domain, sizeof *domain));

		if (!is_known || at.size != old->size)
			EMR_TRY(gather_items(
				g, replica, *domain, is_known ? old->size : 0, old->size));
	}
	return EMR_OK;
}

/* Of the present ledger, and of those before a move. */
static emr_status gather_new(const emr_chronicle *c, gathering *g)
{
	const emr_facts *facts = c->facts;

	*g = (gathering){.chronicle = c};
	for (emr_replica *replica = c->replica; replica != NULL; g->mark += EMR_VERSION_MOVE) {
		EMR_TRY(gather_of(g, replica));
		replica = facts->annex.replica;
		facts = facts->annex.facts;
	}
	if (g->lines.len > 0)
		qsort(g->lines.data, g->lines.len / sizeof(line), sizeof(line), by_place);
	return EMR_OK;
}

static void gathered_free(gathering *g)
{
	emr_buf_free(&g->lines);
	for (size_t i = 0; i <= EMR_MOVES_MAX; i++)
		emr_buf_free(&g->new[i].domains);
}

static emr_status read_new(emr_chronicle *c)
{
	gathering g;
	emr_status status = gather_new(c, &g);

	if (status == EMR_OK && g.must_forget && c->ledgers[0].size > 0) {
		/* The entries that were read before name records that must not be named any more,
		 * or stand behind older ones. */
		gathered_free(&g);
		chronicle_let_go(c);
		status = gather_new(c, &g);
	}
	EMR_EACH (const line, l, &g.lines)
		if (status == EMR_OK)
			status = chronicle_take(c, l);
	for (size_t i = 0; i <= EMR_MOVES_MAX && status == EMR_OK; i++) {
		emr_buf old = c->ledgers[i].domains;

		c->ledgers[i] = g.new[i];
		g.new[i].domains = old; /* goes with G */
	}
	if (status != EMR_OK)
		chronicle_let_go(c); /* half an entry must not be read twice */
	gathered_free(&g);
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

emr_events emr_chronicle_events(emr_chronicle *chronicle)
{
	pthread_mutex_lock(&chronicle->lock);
	return (emr_events){.chronicle = chronicle};
}

bool emr_events_next(emr_events *events, emr_event *out)
{
	const emr_chronicle *c = events->chronicle;
	const told *d = (const told *)c->deeds.items + events->next;
	const written *in;

	if (events->next == c->deeds.n)
		return false;
	events->next++;
	in = (const written *)c->entries.items + d->entry;
	*out = (emr_event){.seq = in->seq,
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
	return true;
}

void emr_events_end(emr_events *events)
{
	pthread_mutex_unlock(&events->chronicle->lock);
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
