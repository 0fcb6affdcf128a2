/* This file reads the past: all versions of a file, the folder as of a time, and one record
 * wherever it was moved. Erased parts are no damage; parts that cannot be read are counted. */
#include "settle/history.h"

#include <string.h>

#include "base/log.h"

#include "facts_private.h"

/* One item of an object, and the object after it. */
typedef struct moment {
	facts_order at;
	emr_id16 domain, object;
	uint64_t described; /* item that says name and place; 0: none yet */
	uint64_t pversion;
	bool was_live;		   /* this object, before it */
	bool is_live, is_anywhere; /* this object; any object of the record */
} moment;

/* False for items that change nothing a person sees. */
static bool go_on(moment *m, const emr_replica_item *item)
{
	const bool is_content = facts_is_content(item);

	if (!is_content && item->op != EMR_OP_META && item->op != EMR_OP_UNLINK)
		return false;
	m->is_live = item->op != EMR_OP_UNLINK;
	if (m->is_live)
		m->described = item->version;
	if (is_content)
		m->pversion = item->version;
	return true;
}

static bool has_part(emr_facts *facts, const moment *m, uint64_t version)
{
	emr_part_key at = emr_part_of_object(m->domain, m->object, version);
	EMR_AUTO_BUF scratch = {0};

	return facts_part(facts, &at, &scratch) != EMR_NOT_FOUND;
}

/* A part that is not there because it was erased is no damage. */
static bool is_erased(emr_facts *facts, const moment *m)
{
	return m->described == 0 || !has_part(facts, m, m->described) ||
	       (m->pversion != 0 && !has_part(facts, m, m->pversion));
}

static emr_status read_moment(emr_versions *all, const moment *m, emr_version *out)
{
	const emr_part_key at = emr_part_of_object(m->domain, m->object, m->at.version);
	const emr_replica_head head = {.domain = m->domain,
		.object = m->object,
		.version = m->described,
		.pversion = m->pversion};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_place place;

	EMR_TRY(emr_facts_item(all->facts, &at, &bytes, &item));
	EMR_TRY(facts_read(all->facts, &head, &place, &all->plain, &all->meta, NULL));
	place.version = m->at.version;
	*out = (emr_version){.place = place,
		.meta = &all->meta,
		.item_id = item.item_id,
		.batch_id = item.batch_id,
		.signer_id = item.signer_id,
		.seq = item.seq,
		.time_unix_s = item.ledger_time,
		.described = m->described,
		.index = item.index,
		.op = item.op,
		.is_live = m->is_anywhere};
	return EMR_OK;
}

bool emr_versions_next(emr_versions *all, emr_version *out)
{
	while (all->status == EMR_OK && all->next < all->moments.len / sizeof(moment)) {
		const moment *m = (const moment *)(const void *)all->moments.data + all->next++;
		emr_status status = read_moment(all, m, out);
		char id[33];

		if (status == EMR_OK)
			return true;
		if (status == EMR_MISSING_DATA && is_erased(all->facts, m))
			continue;
		if (!facts_is_damage(status)) {
			all->status = status;
			return false;
		}
		emr_hex(m->object.b, sizeof m->object.b, id);
		emr_log(EMR_LOG_ERROR, "version %llu of record %s cannot be read: %s",
			(unsigned long long)m->at.version, id, emr_status_text(status));
		all->damaged++;
	}
	return false;
}

void emr_versions_end(emr_versions *all)
{
	emr_buf_free(&all->moments);
	emr_buf_free(&all->plain);
}

emr_status emr_facts_version(emr_facts *facts, emr_id16 domain, emr_id16 object, uint64_t version,
	uint64_t pversion, emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta)
{
	const emr_replica_head head = {
		.domain = domain, .object = object, .version = version, .pversion = pversion};

	return facts_read(facts, &head, out_place, out_bytes, out_meta, NULL);
}

/* ---- the folder as of a time ---- */

static emr_status add_until(
	emr_versions *all, const emr_replica_head *head, uint64_t until, bool with_deleted)
{
	moment m = {.domain = head->domain, .object = head->object};

	if (head->state == EMR_OBJECT_ERASED)
		return EMR_OK;
	if (head->ledger_time <= until) { /* it is what it was then: no need to walk its chain */
		m.at.version = head->version;
		m.pversion = head->pversion;
		m.is_live = head->state == EMR_OBJECT_LIVE;
		m.described = head->version - !m.is_live; /* the UNLINK says nothing */
	} else {
		AUTO_FACTS_ASKED chain = facts_chain(all->facts, head->domain, head->object);
		emr_replica_item item;

		while (facts_next_item(&chain, &item) && item.ledger_time <= until)
			if (go_on(&m, &item) &&
				!facts_is_carried(all->facts, item.version, item.seq))
				m.at.version = item.version;
		EMR_TRY(chain.of.status);
	}
	m.is_anywhere = m.is_live;
	return m.described == 0 || (!m.is_live && !with_deleted)
		       ? EMR_OK
		       : emr_buf_append(&all->moments, &m, sizeof m);
}

emr_versions emr_facts_as_of(emr_facts *facts, uint64_t until_unix_s, bool with_deleted)
{
	emr_versions all = {.facts = facts};
	AUTO_FACTS_ASKED heads = facts_heads(facts);
	emr_replica_head head;

	while (all.status == EMR_OK && facts_next_head(&heads, &head))
		all.status = add_until(&all, &head, until_unix_s, with_deleted);
	if (all.status == EMR_OK)
		all.status = heads.of.status;
	return all;
}

/* ---- one record, wherever it was ---- */

/* The record that HEAD's content belongs to; false when it has none, or none that can be read. */
static bool record_of(emr_facts *facts, const emr_replica_head *head, emr_id16 *out_record)
{
	EMR_AUTO_BUF bytes = {0};
	emr_put_part put;

	if (head->pversion == 0 || facts_read_put(facts, head, &bytes, &put) != EMR_OK)
		return false;
	return facts_number(facts, head->domain, head->object, put.record_id, out_record) == EMR_OK;
}

static emr_status add_once(emr_buf *out, emr_id16 domain, emr_id16 object)
{
	const emr_named_object one = {domain, object};
	const emr_bytes bytes = emr_bytes_of(&one, sizeof one);

	return emr_buf_has(out, bytes) ? EMR_OK : emr_buf_append(out, &one, sizeof one);
}

/* Of every ledger. */
static emr_status find_own(const emr_facts *facts, emr_buf *out)
{
	for (; facts != NULL; facts = facts->annex.facts)
		EMR_TRY(emr_replica_own_domains(facts->replica, out));
	return EMR_OK;
}

/* Heads of objects that the record lies in or has lain in; ONLY_OWN: in domains of mine, which OWN
 * are. It is born under its own number, and content that came elsewhere says it. */
static emr_status find_heads(
	emr_facts *all, const emr_buf *own, emr_id16 record_id, bool only_own, emr_buf *out_heads)
{
	EMR_AUTO_BUF found = {0};
	emr_replica_listing one;
	emr_replica_head head;
	emr_id16 record;

	EMR_EACH (const emr_id16, domain, own)
		EMR_TRY(add_once(&found, *domain, record_id));
	for (const emr_facts *facts = all; facts != NULL; facts = facts->annex.facts) {
		EMR_ASK(asked, facts->replica, NAMING, .object = record_id);
		while (emr_next(&asked, &one)) {
			bool counts = facts == all && !only_own;

			if (!counts)
				EMR_TRY(emr_replica_is_mine(facts->replica, one.domain, &counts));
			EMR_TRY(counts ? add_once(&found, one.domain, one.object) : EMR_OK);
		}
		EMR_TRY(asked.status);
	}
	EMR_EACH (const emr_named_object, at, &found) {
		emr_status status = emr_facts_head(all, at->domain, at->object, &head);

		if (status == EMR_OK && record_of(all, &head, &record) &&
			emr_id16_equal(record, record_id))
			status = emr_buf_append(out_heads, &head, sizeof head);
		if (status != EMR_OK && status != EMR_NOT_FOUND)
			return status;
	}
	return EMR_OK;
}

static emr_status add_moments(emr_versions *all, const emr_replica_head *head)
{
	AUTO_FACTS_ASKED chain = facts_chain(all->facts, head->domain, head->object);
	moment m = {.domain = head->domain, .object = head->object};
	emr_replica_item item;

	while (facts_next_item(&chain, &item)) {
		if (!go_on(&m, &item) || facts_is_carried(all->facts, item.version, item.seq))
			continue;
		m.at = (facts_order){.version = item.version, .seq = item.seq, .index = item.index};
		EMR_TRY(emr_buf_append(&all->moments, &m, sizeof m));
		m.was_live = m.is_live;
	}
	return chain.of.status;
}

emr_versions emr_facts_record_history(emr_facts *facts, emr_id16 record_id)
{
	emr_versions all = {.facts = facts};
	EMR_AUTO_BUF own = {0};
	EMR_AUTO_BUF heads = {0};
	size_t live = 0;

	all.status = find_own(facts, &own);
	if (all.status == EMR_OK)
		all.status = find_heads(facts, &own, record_id, true, &heads);
	EMR_EACH (const emr_replica_head, head, &heads)
		if (all.status == EMR_OK)
			all.status = add_moments(&all, head);
	emr_buf_sort(&all.moments, sizeof(moment), facts_by_order);
	EMR_EACH (moment, m, &all.moments) {
		live += (size_t)m->is_live - m->was_live;
		m->is_anywhere = live > 0;
	}
	return all;
}

/* ---- the highest version ---- */

/* New content always counts on from the highest: only content that came again can be lower. */
static bool is_new_content(emr_facts *facts, const emr_place *place)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->pversion);
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	if (place->pversion == 0)
		return true;
	return emr_facts_item(facts, &at, &bytes, &item) == EMR_OK && item.op == EMR_OP_PUT &&
	       !facts_is_carried(facts, place->pversion,
		       item.seq); /* what was carried may have come again before */
}

static emr_status find_top(emr_facts *facts, const emr_buf *own, emr_top *top)
{
	EMR_AUTO_BUF heads = {0};
	emr_replica_item item;
	emr_put_part put;
	bool is_read; /* content that was erased had its successors */

	EMR_TRY(find_heads(facts, own, top->place.record_id, false, &heads));
	EMR_EACH (const emr_replica_head, head, &heads) {
		AUTO_FACTS_ASKED chain = facts_chain(facts, head->domain, head->object);

		while (facts_next_content(&chain, &item, &put, &is_read))
			if (put.cver > top->highest && put.cver - top->highest <= EMR_CVER_JUMP &&
				!facts_is_carried(facts, item.version, item.seq))
				top->highest = put.cver;
		if (chain.of.status != EMR_OK && !facts_is_damage(chain.of.status))
			return chain.of.status; /* one record's damage is that record's */
	}
	return EMR_OK;
}

emr_status emr_facts_highest(emr_facts *facts, emr_top *tops, size_t n)
{
	EMR_AUTO_BUF own = {0};

	for (emr_top *top = tops; top < tops + n; top++) {
		bool may_be_a_jump = top->place.cver > EMR_CVER_JUMP;

		top->highest = may_be_a_jump ? 0 : top->place.cver;
		if (!may_be_a_jump && is_new_content(facts, &top->place))
			continue;
		if (own.len == 0)
			EMR_TRY(find_own(facts, &own));
		EMR_TRY(find_top(facts, &own, top));
	}
	return EMR_OK;
}
