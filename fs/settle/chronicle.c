/* This file follows the ledger and tells the whole history of the records: for each operation on it
 * what that did, to which path, and by whom. It forgets names that were erased, and reads again. */
#include "settle/chronicle.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "settle/history.h"

#include "chronicle_private.h"

static bool is_told(uint8_t op)
{
	return op == EMR_OP_PUT || op == EMR_OP_META || op == EMR_OP_REWRAP ||
	       op == EMR_OP_UNLINK || op == EMR_OP_ERASE;
}

/* Adds items of DOMAIN to LINES, those of entries FROM to UNTIL, of the ledger whose versions have
 * MARK. */
static emr_status gather_items(const emr_chronicle *c, emr_replica *replica, emr_id16 domain,
	uint64_t from, uint64_t until, uint64_t mark, emr_buf *lines)
{
	emr_replica_listing at;

	EMR_ASK(asked, replica, RECENT_IN, .domain = domain);
	while (emr_next(&asked, &at) && at.item.seq >= from) {
		const line l = {.at = {at.item.version + mark, at.item.seq, at.item.index},
			.domain = domain,
			.object = at.object,
			.batch_id = at.item.batch_id,
			.signer_id = at.item.signer_id,
			.time_unix_s = at.item.ledger_time,
			.op = at.item.op,
			.is_carried = facts_is_carried(c->facts, mark, at.item.seq)};

		if (l.at.seq < until && at.result == EMR_RESULT_APPLIED &&
			at.family == EMR_FAMILY_OBJECT && is_told(l.op))
			EMR_TRY(emr_buf_append(lines, &l, sizeof l));
	}
	return asked.status;
}

/* The new entries of our own domains. A ledger has far more of others, of which nothing is read or
 * kept.  *OUT_MUST_FORGET: something was erased, or belongs between what was told. */
static emr_status gather_of(const emr_chronicle *c, emr_replica *replica, uint64_t mark,
	followed *known, emr_buf *lines, bool *out_must_forget)
{
	EMR_AUTO_BUF own = {0};
	const size_t first = lines->len;
	emr_replica_position at;

	EMR_TRY(emr_replica_at(replica, &at));
	EMR_TRY(emr_replica_own_domains(replica, &own));
	EMR_EACH (const emr_id16, domain, &own) {
		/* The keys of one that is new to us may have come by letter, long after its
		 * beginning, and after what the ledger says of it. */
		bool is_known = emr_buf_has(&known->domains, emr_bytes_of(domain, sizeof *domain));

		if (!is_known || at.size != known->size)
			EMR_TRY(gather_items(c, replica, *domain, is_known ? known->size : 0,
				at.size, mark, lines));
	}
	for (size_t i = first; i < lines->len; i += sizeof(line)) {
		const line *l = (const line *)(const void *)(lines->data + i);

		*out_must_forget |= l->op == EMR_OP_ERASE || l->at.seq < known->size;
	}
	known->size = at.size;
	emr_buf_clear(&known->domains);
	return emr_buf_append(&known->domains, own.data, own.len);
}

/* Of the present ledger, and of those before a move. */
static emr_status gather_new(emr_chronicle *c, emr_buf *lines, bool *out_must_forget)
{
	const emr_facts *facts = c->facts;
	emr_replica *replica = c->replica;

	emr_buf_clear(lines);
	for (size_t i = 0; replica != NULL; i++) {
		EMR_TRY(gather_of(
			c, replica, i * EMR_VERSION_MOVE, &c->ledgers[i], lines, out_must_forget));
		replica = facts->annex.replica;
		facts = facts->annex.facts;
	}
	emr_buf_sort(lines, sizeof(line), facts_by_order);
	return EMR_OK;
}

static emr_status read_new(emr_chronicle *c)
{
	EMR_AUTO_BUF lines = {0};
	const bool has_told = c->ledgers[0].size > 0;
	bool must_forget = false;

	EMR_TRY(gather_new(c, &lines, &must_forget));
	if (must_forget && has_told) {
		/* The entries that were read before name records that must not be named any more,
		 * or stand behind older ones. */
		chronicle_let_go(c);
		EMR_TRY(gather_new(c, &lines, &must_forget));
	}
	EMR_EACH (const line, l, &lines)
		EMR_TRY(chronicle_take(c, l));
	return EMR_OK;
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
	emr_status status;
	EMR_LOCKED(&chronicle->lock);

	status = read_new(chronicle);
	if (status != EMR_OK)
		chronicle_let_go(chronicle); /* half an entry must not be read twice */
	if (out_damaged != NULL)
		*out_damaged = chronicle->damaged;
	return status;
}

emr_events emr_chronicle_events(emr_chronicle *chronicle)
{
	pthread_mutex_lock(&chronicle->lock);
	return (emr_events){.chronicle = chronicle};
}

bool emr_events_next(emr_events *events, emr_event *out)
{
	const emr_chronicle *c = events->chronicle;
	const told *d = (const told *)(const void *)c->deeds.data + events->next;
	const written *in;

	if (events->next == c->deeds.len / sizeof *d)
		return false;
	events->next++;
	in = entry_at(c, d->entry);
	*out = (emr_event){.seq = in->seq,
		.time_unix_s = in->time_unix_s,
		.cver = d->cver,
		.bytes = d->bytes,
		.path = text_at(c, d->path),
		.from = text_at(c, d->from),
		.batch_id = in->batch_id,
		.signer_id = in->signer_id,
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
	uint32_t i;
	const subject *s;
	EMR_LOCKED(&chronicle->lock);

	i = index16_get(&chronicle->by_object, object_id);
	if (i == INDEX16_NONE || object_at(chronicle, i)->subject == INDEX16_NONE)
		return EMR_NOT_FOUND;
	s = subject_at(chronicle, object_at(chronicle, i)->subject);
	*out_story = (emr_story){.added_unix_s = s->added_unix_s,
		.changed_unix_s = s->changed_unix_s,
		.versions = s->versions,
		.subject = object_at(chronicle, i)->subject};
	return EMR_OK;
}
