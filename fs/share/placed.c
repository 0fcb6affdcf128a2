/* This file tells which computer put a folder where it is, and which shares follow from that. A
 * folder that is moved into a shared one is shared with it, in the owner's name, also when it was
 * moved on a computer that was stolen. All of it is read from the ledger, where each place has its
 * signer. */
#include <string.h>

#include "keyring/coowned.h"
#include "share/devices.h"
#include "share/give.h"
#include "share/signed.h"
#include "share_private.h"

typedef struct placing {
	emr_share *share;
	emr_id16 domain;
	emr_id16 parent;
	bool has_parent;
	bool is_unread; /* what was said last of its place cannot be read any more */
	bool is_some_anothers;
	uint8_t owner_pk[32], patient_pk[32];
	placement last;
	emr_buf name;
	share_reader *reader; /* NULL: nothing was read yet */
} placing;

static void placing_end(placing *p)
{
	emr_buf_free(&p->name);
	share_reader_free(p->reader);
}
#define AUTO_PLACING __attribute__((cleanup(placing_end))) placing

static emr_status placing_begin(emr_share *share, emr_id16 domain, placing *out)
{
	emr_row_domain row;
	emr_status status = share_domain(share, domain, &row);

	*out = (placing){.share = share, .domain = domain};
	if (status == EMR_OK)
		memcpy(out->owner_pk, row.owner_pk, sizeof out->owner_pk);
	return status == EMR_OK ? emr_keyring_person_pk(share->o.keyring, out->patient_pk) : status;
}

/* Where a domain lies nobody else says, whatever he may write: the folder believes no other word.
 * *OUT_IS_HERS: she, or a computer of hers that is in force. */
static emr_status whose(const placing *p, emr_id32 signer, bool *out_counts, bool *out_is_hers)
{
	emr_bytes owner = emr_bytes_of(p->owner_pk, sizeof p->owner_pk);
	emr_status status = emr_signed_is_owner(
		p->share->o.replica, p->owner_pk, p->patient_pk, signer, out_counts);

	*out_is_hers = emr_id32_equal(signer, emr_sha256_of(&owner, 1));
	return status != EMR_OK || *out_is_hers || !*out_counts
		       ? status
		       : emr_is_own_computer(p->share->o.keyring, p->share->o.replica, signer,
				 share_now(p->share), out_is_hers);
}

static emr_status note_place(placing *p, const emr_replica_item *item, const record_facts *said)
{
	bool is_same =
		p->has_parent && !p->is_unread && emr_id16_equal(said->meta.parent, p->parent);

	/* A signer who erased an entry about it has put it there, as far as anybody can tell. */
	if (!is_same && !p->is_unread)
		p->last = (placement){
			.by = item->signer_id, .seq = item->seq, .at_unix_s = item->ledger_time};
	p->parent = said->meta.parent;
	p->has_parent = true;
	p->is_unread = false;
	p->name.len = 0;
	return emr_buf_append(&p->name, said->meta.name.data, said->meta.name.len);
}

static void note_unread(placing *p, const emr_replica_item *item, bool is_hers)
{
	if (is_hers)
		return;
	p->last = (placement){
		.by = item->signer_id, .seq = item->seq, .at_unix_s = item->ledger_time};
	p->is_unread = true;
}

static emr_status look_at_item(void *arg, const emr_replica_item *item)
{
	placing *p = arg;
	AUTO_RECORD said = {0};
	bool counts = false, is_hers = false;
	emr_status status = EMR_OK;

	EMR_TRY(whose(p, item->signer_id, &counts, &is_hers));
	if (!counts ||
		(item->op != EMR_OP_META && item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP))
		return EMR_OK;
	if (p->reader == NULL)
		status = share_reader_new(p->share, p->domain, &p->reader);
	if (status == EMR_OK)
		status = share_as_said(
			p->reader, p->domain, item->version, item->op != EMR_OP_META, &said);
	if (status == EMR_OK)
		return note_place(p, item, &said);
	if (!emr_status_is_local(status))
		note_unread(p, item, is_hers);
	return emr_status_is_local(status) ? status : EMR_OK;
}

static emr_status find_place(placing *p)
{
	return emr_replica_history(
		p->share->o.replica, EMR_FAMILY_OBJECT, p->domain, p->domain, look_at_item, p);
}

emr_status share_lies_in(emr_share *share, emr_id16 domain, emr_id16 *out_parent, bool *out_has)
{
	AUTO_PLACING p = {.share = share};
	emr_status status = placing_begin(share, domain, &p);

	if (status == EMR_OK)
		status = find_place(&p);
	*out_has = status == EMR_OK && p.has_parent && !p.is_unread;
	*out_parent = p.parent;
	return status;
}

static emr_status look_at_signer(void *arg, const emr_replica_item *item)
{
	placing *p = arg;
	bool counts = false, is_hers = false;
	emr_status status = whose(p, item->signer_id, &counts, &is_hers);

	p->is_some_anothers |= status == EMR_OK && counts && !is_hers;
	return status;
}

emr_status share_placed_by_another(
	emr_share *share, emr_id16 domain, placement *out, bool *out_is_anothers)
{
	AUTO_PLACING p = {.share = share};
	bool counts = false, is_hers = true;

	EMR_TRY(placing_begin(share, domain, &p));
	/* Nearly always she and her computers are all who ever said it, and nothing is opened. */
	EMR_TRY(emr_replica_history(
		share->o.replica, EMR_FAMILY_OBJECT, domain, domain, look_at_signer, &p));
	if (p.is_some_anothers)
		EMR_TRY(find_place(&p));
	if (p.last.seq != 0)
		EMR_TRY(whose(&p, p.last.by, &counts, &is_hers));
	*out = p.last;
	*out_is_anothers = !is_hers;
	return EMR_OK;
}

/* ---- what is shared because of that ---- */

typedef struct carried_tie {
	emr_carried is;
	emr_id16 share_id;
	uint64_t seq;
	bool is_alive;
} carried_tie;

typedef struct carrying {
	emr_share *share;
	emr_id32 device;
	uint64_t since_unix_s;
	emr_box_key *box;
	emr_buf all; /* carried_tie, ...: every grant of hers, in force or not */
} carrying;

static void carrying_end(carrying *c)
{
	emr_buf_free(&c->all);
}
#define AUTO_CARRYING __attribute__((cleanup(carrying_end))) carrying

static emr_status note_grant(void *arg, const emr_known_grant *known)
{
	carrying *c = arg;
	EMR_AUTO_BUF bytes = {0};
	carried_tie t = {.is = {.domain = known->domain, .grant = known->grant}};
	emr_grant_phase phase = emr_grant_phase_at(known, share_now(c->share));
	emr_replica_item item;
	emr_grant_note note;
	bool is_hers_word = false;
	emr_status status = share_grant_note(c->share, c->box, known, &note);

	if (status == EMR_OK)
		status = emr_grant_is_owners(c->share->o.replica, known, &is_hers_word);
	if (status == EMR_OK)
		status = share_item(
			c->share, EMR_FAMILY_GRANT, known->domain, known->grant, 1, &bytes, &item);
	if (emr_status_is_local(status))
		return status;
	if (status != EMR_OK || !is_hers_word)
		return EMR_OK;
	memcpy(t.is.who.b, known->row.grantee, sizeof t.is.who.b);
	t.share_id = note.share_id;
	t.seq = item.seq;
	t.is_alive = phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	return emr_buf_append(&c->all, &t, sizeof t);
}

static emr_status note_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	carrying *c = arg;
	emr_domain_public public;
	emr_row_domain row;
	emr_status status =
		is_mine ? share_own_domain(c->share, domain, &row, &public) : EMR_DENIED;

	(void)d_row;
	if (status == EMR_DENIED)
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_box_key_domain(c->share->o.keyring, domain, &c->box);
	if (status == EMR_OK)
		status = emr_replica_grants(c->share->o.replica, domain, note_grant, c);
	emr_box_key_free(c->box);
	c->box = NULL;
	return status;
}

static size_t tie_count(const carrying *c)
{
	return c->all.len / sizeof(carried_tie);
}

static carried_tie tie_at(const carrying *c, size_t i)
{
	carried_tie t;

	memcpy(&t, c->all.data + i * sizeof t, sizeof t);
	return t;
}

/* It came with a share of another folder, which is older. */
static bool came_with_another(const carrying *c, const carried_tie *t)
{
	for (size_t i = 0; i < tie_count(c); i++) {
		carried_tie other = tie_at(c, i);

		if (other.seq < t->seq && emr_id16_equal(other.share_id, t->share_id) &&
			emr_id32_equal(other.is.who, t->is.who) &&
			!emr_id16_equal(other.is.domain, t->is.domain))
			return true;
	}
	return false;
}

/* One share, also where its team had another key then, or one that she gave the same reader of the
 * same folder before: who has it again reads what he read, and what was put there meanwhile. */
static bool goes_on_from(const carried_tie *later, const carried_tie *t)
{
	return t->seq < later->seq && (emr_id16_equal(t->share_id, later->share_id) ||
					      (emr_id16_equal(t->is.domain, later->is.domain) &&
						      emr_id32_equal(t->is.who, later->is.who)));
}

/* When she gave the share that T belongs to, or the first of those that it goes on from. */
static uint64_t share_began(const carrying *c, const carried_tie *t)
{
	carried_tie first = *t;

	for (size_t i = 0; i < tie_count(c); i++) {
		carried_tie other = tie_at(c, i);

		if (goes_on_from(&first, &other)) {
			first = other;
			i = SIZE_MAX; /* from the beginning: it goes on from another, perhaps */
		}
	}
	return first.seq;
}

emr_status share_began_in(emr_share *share, emr_id16 domain, uint64_t *out_seq)
{
	AUTO_CARRYING c = {.share = share};
	uint64_t first = UINT64_MAX;
	emr_status status = note_domain(&c, domain, true, emr_bytes_of(NULL, 0));

	for (size_t i = 0; i < tie_count(&c); i++) {
		carried_tie t = tie_at(&c, i);
		uint64_t began = share_began(&c, &t);

		if (t.is_alive && began < first)
			first = began;
	}
	if (status == EMR_OK)
		*out_seq = first;
	return status;
}

/* A folder that lay there when the owner shared is not shared because it was moved. */
static emr_status tell_if_carried(const carrying *c, carried_tie *t, emr_carried_fn fn, void *arg)
{
	AUTO_PLACING p = {.share = c->share};

	EMR_TRY(placing_begin(c->share, t->is.domain, &p));
	EMR_TRY(find_place(&p));
	if (p.last.seq == 0 || p.last.seq > t->seq || p.last.seq < share_began(c, t) ||
		p.last.at_unix_s < c->since_unix_s || !emr_id32_equal(p.last.by, c->device))
		return EMR_OK;
	t->is.moved_unix_s = p.last.at_unix_s;
	memcpy(t->is.folder, p.name.data, p.name.len);
	return fn(arg, &t->is);
}

emr_status emr_share_carried(
	emr_share *share, emr_id32 device, uint64_t since_unix_s, emr_carried_fn fn, void *arg)
{
	AUTO_CARRYING c = {.share = share, .device = device, .since_unix_s = since_unix_s};

	EMR_TRY(emr_replica_domains(share->o.replica, note_domain, &c));
	for (size_t i = 0; i < tie_count(&c); i++) {
		carried_tie t = tie_at(&c, i);

		if (t.is_alive && came_with_another(&c, &t))
			EMR_TRY(tell_if_carried(&c, &t, fn, arg));
	}
	return EMR_OK;
}

/* ---- their end ---- */

#define ROUNDS 5 /* in which somebody may be quicker, before she has to ask again */

/* Whether P's folder lies in DOMAIN, and in none inside it. */
static emr_status lies_in(const placing *p, emr_id16 domain, bool *out_does)
{
	emr_replica_head head;
	emr_status status;

	*out_does = p->has_parent && !p->is_unread && emr_id16_equal(p->parent, domain);
	if (*out_does || !p->has_parent || p->is_unread)
		return EMR_OK;
	status = emr_replica_head_get(p->share->o.replica, domain, p->parent, &head);
	*out_does = status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static bool is_among(const carrying *ends, const carried_tie *t)
{
	for (size_t i = 0; i < tie_count(ends); i++) {
		carried_tie other = tie_at(ends, i);

		if (emr_id16_equal(other.is.domain, t->is.domain) &&
			emr_id16_equal(other.is.grant, t->is.grant))
			return true;
	}
	return false;
}

static emr_status add_if_inside(
	const carrying *all, carrying *ends, const carried_tie *outer, const carried_tie *t)
{
	AUTO_PLACING p = {.share = all->share};
	bool is_inside = false;

	if (!t->is_alive || !emr_id16_equal(t->share_id, outer->share_id) ||
		!emr_id32_equal(t->is.who, outer->is.who) || is_among(ends, t))
		return EMR_OK;
	EMR_TRY(placing_begin(all->share, t->is.domain, &p));
	EMR_TRY(find_place(&p));
	EMR_TRY(lies_in(&p, outer->is.domain, &is_inside));
	return is_inside ? emr_buf_append(&ends->all, t, sizeof *t) : EMR_OK;
}

/* Adds the ties inside those of ENDS, of the same share, to ENDS. */
static emr_status add_all_inside(const carrying *all, carrying *ends)
{
	for (size_t i = 0; i < tie_count(ends); i++) {
		carried_tie outer = tie_at(ends, i);

		for (size_t k = 0; k < tie_count(all); k++) {
			carried_tie t = tie_at(all, k);

			EMR_TRY(add_if_inside(all, ends, &outer, &t));
		}
	}
	return EMR_OK;
}

static emr_status end_tie(emr_share *share, const carried_tie *t, uint8_t reason)
{
	emr_known_grant known;
	emr_status status = EMR_CONFLICT;

	for (int round = 0; round < ROUNDS && emr_status_is_moved(status); round++) {
		status = share_catch_up(share);
		if (status == EMR_OK)
			status = emr_replica_grant(
				share->o.replica, t->is.domain, t->is.grant, &known);
		if (status == EMR_OK && known.row.head.state != EMR_GRANT_REVOKED)
			status = share_revoke(share, &known, reason);
	}
	return status;
}

static emr_status renew(emr_share *share, emr_id16 domain)
{
	emr_status status = emr_share_renew(share, domain);

	for (int round = 1; round < ROUNDS && emr_status_is_moved(status); round++)
		status = emr_share_renew(share, domain);
	return status;
}

/* The innermost first, and all of them before the first new key. */
static emr_status end_all(const carrying *ends, size_t listed)
{
	emr_status first = EMR_OK, status;

	for (size_t i = tie_count(ends); i-- > 0;) {
		carried_tie t = tie_at(ends, i);

		status = end_tie(ends->share, &t, i < listed ? 0 : WITH_OUTER);
		first = first == EMR_OK ? status : first;
	}
	for (size_t i = 0; i < tie_count(ends); i++) {
		status = renew(ends->share, tie_at(ends, i).is.domain);
		first = first == EMR_OK ? status : first;
	}
	return first;
}

emr_status emr_share_carried_end(emr_share *share, const emr_carried *carried, size_t n)
{
	AUTO_CARRYING all = {.share = share};
	AUTO_CARRYING ends = {.share = share};
	emr_status status = share_catch_up(share), ended;

	if (status == EMR_OK)
		status = emr_replica_domains(share->o.replica, note_domain, &all);
	for (size_t i = 0; i < tie_count(&all) && status == EMR_OK; i++) {
		carried_tie t = tie_at(&all, i);
		bool is_meant = false;

		for (size_t k = 0; k < n; k++)
			is_meant |= emr_id16_equal(carried[k].domain, t.is.domain) &&
				    emr_id16_equal(carried[k].grant, t.is.grant);
		if (is_meant)
			status = emr_buf_append(&ends.all, &t, sizeof t);
	}
	if (status != EMR_OK)
		return status;
	n = tie_count(&ends);
	status = add_all_inside(&all, &ends);
	ended = end_all(&ends, n);
	return status == EMR_OK ? ended : status;
}
