/* A shared folder may contain a folder that is a domain of its own. This file keeps both in step: a
 * reader of the outer one gets a grant for the inner one, which ends when it is moved out. */
#include <stdlib.h>
#include <string.h>

#include "base/worker.h"
#include "base/log.h"
#include "keyring/card.h"
#include "keyring/coowned.h"
#include "share/give.h"
#include "share/strangers.h"
#include "share_private.h"
#include "teams_private.h"

typedef struct tie {
	emr_known_grant known;
	emr_grant_phase phase;
	emr_id16 share_id;
	bool was_moved_out;  /* revoked for that */
	bool was_taken_back; /* revoked by a person */
	bool is_hers;	     /* its terms are the owner's word */
	uint16_t writes;     /* the right to write that came with it */
	char label[EMR_NOTE_LABEL_MAX + 1];
} tie;

typedef struct place {
	emr_id16 domain;
	size_t outer; /* index, or NOWHERE */
	emr_buf buf;  /* tie, ... */
	tie *ties;    /* there */
	size_t n;
	bool is_looked_up; /* the next two are */
	placement placed;
	bool is_anothers; /* whoever placed it is none of hers */
} place;

#define NOWHERE SIZE_MAX

typedef struct nesting {
	emr_share *share;
	uint64_t now;
	place *places;
	size_t n;
	const emr_buf *shut; /* emr_id16, ...: grants that are given again before they end */
	uint64_t changes;
	bool is_late; /* one stays for what cannot be judged yet */
} nesting;

static bool is_alive(const tie *t)
{
	return t->phase == EMR_GRANT_IN_FORCE || t->phase == EMR_GRANT_COMING;
}

bool share_is_among(const emr_buf *grants, emr_id16 grant)
{
	return emr_buf_has(grants, emr_bytes_of(&grant, sizeof grant));
}

static bool is_shut(const nesting *nest, const tie *t)
{
	return nest->shut != NULL && share_is_among(nest->shut, t->known.grant);
}

/* A grant that the owner's key did not sign belongs to no share of the owner, whatever id it
 * carries. A team's share goes on, as the same one, when the team gets another key. */
static bool is_same_share(const tie *a, const tie *b)
{
	return a->is_hers && b->is_hers && emr_id16_equal(a->share_id, b->share_id);
}

static bool is_same_tie(const tie *a, const tie *b)
{
	return is_same_share(a, b) && memcmp(a->known.row.grantee, b->known.row.grantee, 32) == 0;
}

/* ---- what there is ---- */

static emr_status read_items(emr_share *share, tie *t)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(emr_grant_is_owners(share->o.replica, &t->known, &t->is_hers));
	EMR_TRY(share_writes_of(share, &t->known, &t->writes));
	if (t->phase != EMR_GRANT_IS_REVOKED)
		return EMR_OK;
	EMR_TRY(share_item(share, EMR_FAMILY_GRANT, t->known.domain, t->known.grant,
		t->known.row.head.version, &bytes, &item));
	t->was_taken_back = bytes.len <= EMR_ITEM_BYTES || bytes.data[EMR_ITEM_BYTES] == 0;
	t->was_moved_out = !t->was_taken_back && bytes.data[EMR_ITEM_BYTES] == MOVED_OUT;
	return EMR_OK;
}

static emr_status add_tie(
	const nesting *nest, place *p, const emr_box_key *box, const emr_known_grant *known)
{
	emr_grant_note note;
	tie t = {.known = *known, .phase = emr_grant_phase_at(known, nest->now)};
	emr_status status = share_grant_note(nest->share, box, known, &note);

	if (status != EMR_OK) /* nobody knows what it belongs to */
		return emr_status_is_local(status) ? status : EMR_OK;
	t.share_id = note.share_id;
	memcpy(t.label, note.label, sizeof t.label);
	EMR_TRY(read_items(nest->share, &t));
	EMR_TRY(emr_buf_append(&p->buf, &t, sizeof t));
	p->ties = (tie *)(void *)p->buf.data;
	p->n++;
	return EMR_OK;
}

static emr_status read_place(nesting *nest, place *p)
{
	EMR_AUTO_BUF grants = {0};
	AUTO_BOX_KEY box = NULL;
	emr_row_domain row;
	emr_domain_public public;
	emr_status status = share_own_domain(nest->share, p->domain, &row, &public);

	emr_buf_clear(&p->buf);
	p->n = 0;
	/* Not on the ledger yet; or this is another computer than the first, which shares nothing.
	 */
	if (status == EMR_NOT_FOUND ||
		(status == EMR_DENIED && emr_keyring_coowns(nest->share->o.keyring, p->domain)))
		return EMR_OK;
	EMR_TRY(status);
	EMR_TRY(emr_box_key_domain(nest->share->o.keyring, p->domain, &box));
	EMR_TRY(EMR_ASK_ALL(&grants, nest->share->o.replica, GRANTS, .domain = p->domain));
	EMR_EACH (const emr_known_grant, grant, &grants)
		EMR_TRY(add_tie(nest, p, box, grant));
	return EMR_OK;
}

static size_t index_of(const nesting *nest, emr_id16 domain)
{
	for (size_t i = 0; i < nest->n; i++)
		if (emr_id16_equal(nest->places[i].domain, domain))
			return i;
	return NOWHERE;
}

static emr_status read_all(nesting *nest, const emr_nested *tree, size_t n)
{
	emr_status status = EMR_OK;

	nest->places = calloc(n > 0 ? n : 1, sizeof *nest->places);
	if (nest->places == NULL)
		return EMR_NO_MEMORY;
	for (; nest->n < n && status == EMR_OK; nest->n++) {
		place *p = &nest->places[nest->n];

		p->domain = tree[nest->n].domain;
		p->outer = index_of(nest, tree[nest->n].outer);
		status = read_place(nest, p);
	}
	return status;
}

static void nesting_end(nesting *nest)
{
	for (size_t i = 0; i < nest->n; i++)
		emr_buf_free(&nest->places[i].buf);
	free(nest->places);
}
#define AUTO_NESTING __attribute__((cleanup(nesting_end))) nesting

/* ---- giving on ---- */

/* Also from a former key of a team.  A former key that another one followed here was not taken from
 * the team. */
static bool is_taken_back(const place *p, const tie *t)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_same_share(&p->ties[i], t) && p->ties[i].known.seq > t->known.seq)
			return false;
	return t->was_taken_back;
}

static bool has_tie(const nesting *nest, const place *p, const tie *of)
{
	for (size_t i = 0; i < p->n; i++) {
		const tie *t = &p->ties[i];

		/* A share that the owner took back here stays ended until the owner shares again.
		 */
		if (is_same_share(t, of) && !is_shut(nest, t) && is_taken_back(p, t))
			return true;
		if (is_same_tie(t, of) && !is_shut(nest, t) &&
			(is_alive(t) || (t->phase == EMR_GRANT_IS_REVOKED && !t->was_moved_out)))
			return true;
	}
	return false;
}

/* When she gave the share that OF belongs to. */
static uint64_t share_began(const nesting *nest, const tie *of)
{
	uint64_t seq = of->known.seq;

	for (size_t i = 0; i < nest->n; i++)
		for (size_t k = 0; k < nest->places[i].n; k++)
			if (is_same_share(&nest->places[i].ties[k], of) &&
				nest->places[i].ties[k].known.seq < seq)
				seq = nest->places[i].ties[k].known.seq;
	return seq;
}

/* A folder that came into a share of the owner by a computer that is not the owner's any more, or
 * by a stranger, is not given on in the owner's name. A folder that lay there when the owner shared
 * is given on, and so is one that was given before the computer was removed, about which the owner
 * was asked then: a grant in force goes on, also where the folder was moved within the share. */
static emr_status may_carry(nesting *nest, place *p, const tie *of, bool *out_may)
{
	emr_status status = p->is_looked_up ? EMR_OK
					    : share_placed_by_another(nest->share, p->domain,
						      &p->placed, &p->is_anothers);

	p->is_looked_up = status == EMR_OK;

	*out_may = !p->is_anothers || share_began(nest, of) > p->placed.seq;
	for (size_t i = 0; i < p->n && status == EMR_OK && !*out_may; i++)
		*out_may = is_same_share(&p->ties[i], of) &&
			   (is_alive(&p->ties[i]) || p->ties[i].known.seq > p->placed.seq);
	return status;
}

/* The outermost domain of the share that OF belongs to, as seen from P. */
static emr_id16 root_of(const nesting *nest, const place *p, const tie *of)
{
	emr_id16 root = p->domain;

	while (p->outer != NOWHERE) {
		bool is_there = false;

		p = &nest->places[p->outer];
		for (size_t i = 0; i < p->n; i++)
			is_there = is_there || is_same_tie(&p->ties[i], of);
		if (!is_there)
			break;
		root = p->domain;
	}
	return root;
}

static emr_status give_on(nesting *nest, const place *p, const tie *t)
{
	AUTO_GRANT_FACTS facts = {0};
	emr_grant_order order = {.domain = p->domain,
		.rights = t->known.row.rights,
		.writes = t->writes,
		.purposes = t->known.row.purposes,
		.not_before_unix_s = t->writes == 0 ? t->known.row.not_before_unix_s : 0,
		.not_after_unix_s = t->known.row.not_after_unix_s,
		.label = t->label,
		.share_id = t->share_id,
		.hours = emr_emergency_hours(nest->share, &t->known, t->share_id),
		.root_dir = root_of(nest, p, t)};
	emr_grant_made made;

	EMR_TRY(share_grant_facts(nest->share, t->known.domain, t->known.grant, &facts));
	EMR_TRY(share_present_key(nest->share, EMR_ID32_AT(t->known.row.grantee), &order.grantee));
	order.agents = facts.read.agents;
	order.agents_count = facts.read.n;
	order.threshold = facts.terms.t;
	return emr_share_grant(nest->share, &order, &made);
}

/* ---- taking back ---- */

static bool is_below(const nesting *nest, size_t i, size_t top)
{
	while (i != top && i != NOWHERE)
		i = nest->places[i].outer;
	return i == top;
}

static bool is_there(const place *p, const tie *of)
{
	for (size_t k = 0; k < p->n; k++)
		if (is_same_tie(&p->ties[k], of) && is_alive(&p->ties[k]))
			return true;
	return false;
}

/* Since when the share of OF is at P, also by what others took the place of: what is given again,
 * to one place after the other, says nothing of where it begins. */
static uint64_t begins(const place *p, const tie *of)
{
	uint64_t first = UINT64_MAX;

	for (size_t k = 0; k < p->n; k++)
		if (is_same_tie(&p->ties[k], of) && p->ties[k].known.seq < first)
			first = p->ties[k].known.seq;
	return first;
}

/* Whether T, of place I, came with a share that I lies in no longer (*OUT_REASON), or that ended
 * there. */
static bool must_go(const nesting *nest, size_t i, const tie *t, uint8_t *out_reason)
{
	const place *outer =
		nest->places[i].outer != NOWHERE ? &nest->places[nest->places[i].outer] : NULL;
	bool ended = false;

	for (size_t k = 0; outer != NULL && k < outer->n; k++) {
		if (!is_same_tie(&outer->ties[k], t))
			continue;
		if (is_alive(&outer->ties[k]))
			return false;
		ended = true;
	}
	*out_reason = ended ? WITH_OUTER : MOVED_OUT;
	for (size_t at = 0; at < nest->n && !ended; at++)
		ended = is_there(&nest->places[at], t) &&
			begins(&nest->places[at], t) < begins(&nest->places[i], t);
	return ended;
}

/* ---- one domain after the other, outer ones first ---- */

/* A grant that the ledger refuses is told in the log, and does not keep the others from it. */
static emr_status count(nesting *nest, emr_status status)
{
	nest->changes += status == EMR_OK;
	if (status == EMR_OK || emr_status_may_pass(status))
		return status;
	emr_log(EMR_LOG_WARN, "a share was not carried to a folder inside it: %s",
		emr_status_text(status));
	return EMR_OK;
}

/* Says whether a grant goes on in the place of T: for the same reader, or for a later key of the
 * reader's team. */
static emr_status has_follower(const nesting *nest, size_t i, const tie *t, bool *out_has)
{
	const place *p = &nest->places[i];
	emr_status status = EMR_OK;
	uint8_t reason;

	*out_has = false;
	for (size_t k = 0; k < p->n && status == EMR_OK && !*out_has; k++) {
		const tie *other = &p->ties[k];

		if (other != t && is_same_share(other, t) && is_alive(other) &&
			!is_shut(nest, other) && !must_go(nest, i, other, &reason))
			status = share_goes_on(nest->share, t->known.row.grantee,
				other->known.row.grantee, out_has);
	}
	return status;
}

/* Records that its follower still lacks, because they could not be judged without their data, are
 * read by T, which stays until they are there. */
static emr_status end_tie(nesting *nest, size_t i, const tie *t, uint8_t reason)
{
	bool has = false, is_late = false;
	emr_status status = EMR_OK;

	if (t->known.row.rights != 0)
		status = has_follower(nest, i, t, &has);
	if (status == EMR_OK && has)
		status = share_wrap_late(nest->share, nest->places[i].domain, &is_late);
	if (status == EMR_OK && is_late) {
		nest->is_late = true;
		return EMR_OK;
	}
	return count(
		nest, status == EMR_OK ? share_revoke(nest->share, &t->known, reason) : status);
}

/* First what is given: nobody is without access in between. */
static emr_status give_on_all(nesting *nest, place *p)
{
	const place *outer = &nest->places[p->outer];
	emr_status status = EMR_OK;

	for (size_t k = 0; k < outer->n && status == EMR_OK; k++) {
		const tie *t = &outer->ties[k];
		uint64_t before = nest->changes, former_since = 0;
		bool may = false;

		if (!is_alive(t) || !t->is_hers || is_shut(nest, t) || has_tie(nest, p, t))
			continue;
		status = share_former_key_since(nest->share, &t->known, &former_since);
		if (status != EMR_OK || former_since != 0)
			continue;
		status = may_carry(nest, p, t, &may);
		if (status == EMR_OK && may)
			status = count(nest, give_on(nest, p, t));
		if (status == EMR_OK && nest->changes > before)
			status = read_place(nest, p);
	}
	return status;
}

static emr_status tie_place(nesting *nest, size_t i)
{
	place *p = &nest->places[i];
	uint64_t before;
	uint8_t reason;
	emr_status status = give_on_all(nest, p);

	before = nest->changes;
	for (size_t k = 0; k < p->n && status == EMR_OK; k++) {
		const tie *t = &p->ties[k];
		bool is_over;

		reason = MOVED_OUT;
		if (!is_alive(t))
			continue;
		is_over = must_go(nest, i, t, &reason);
		if (!is_over && is_shut(nest, t))
			status = has_follower(nest, i, t, &is_over);
		if (status == EMR_OK && is_over)
			status = end_tie(nest, i, t, reason);
	}
	return status == EMR_OK && nest->changes > before ? read_place(nest, p) : status;
}

static emr_status tie_all(emr_share *share, const emr_nested *tree, size_t n, const emr_buf *shut,
	uint64_t *out_changes, bool *out_is_late)
{
	AUTO_NESTING nest = {.share = share, .now = share_now(share), .shut = shut};
	emr_row_domain row;

	EMR_TRY(read_all(&nest, tree, n));
	for (size_t i = 0; i < nest.n; i++) {
		emr_status status = EMR_NOT_FOUND;

		if (nest.places[i].outer != NOWHERE)
			status = share_domain(share, nest.places[i].domain, &row);
		if (status != EMR_NOT_FOUND)
			EMR_TRY(status == EMR_OK ? tie_place(&nest, i) : status);
	}
	if (out_changes != NULL)
		*out_changes = nest.changes;
	*out_is_late = nest.is_late;
	return EMR_OK;
}

/* One at a time in a process: clerk, publisher and office come for the same reason at the same
 * moment, and each would give what it does not see yet, or what is just being taken back around it.
 */
static pthread_mutex_t tie_lock = PTHREAD_MUTEX_INITIALIZER;

emr_status share_tie_anew(emr_share *share, const emr_nested *tree, size_t n, const emr_buf *shut,
	uint64_t *out_changes, bool *out_is_late)
{
	EMR_LOCKED(&tie_lock);

	return tie_all(share, tree, n, shut, out_changes, out_is_late);
}

emr_status emr_share_tie(emr_share *share, const emr_nested *tree, size_t n, uint64_t *out_changes)
{
	bool is_late; /* whoever gave asks again */

	return share_tie_anew(share, tree, n, NULL, out_changes, &is_late);
}

/* ---- a whole share ---- */

/* Ends the shares of ROOT in place I: all of them in TOP, and below it those that belong to the
 * same shares. */
static emr_status end_place(nesting *nest, size_t i, size_t top, emr_id32 root, size_t *ended)
{
	const place *p = &nest->places[i];
	EMR_AUTO_BUF grants = {0};
	size_t n, writers = 0;
	emr_status status = EMR_OK;

	for (size_t k = 0; k < p->n && status == EMR_OK; k++) {
		const tie *t = &p->ties[k];
		bool is_of_it = i == top;

		for (size_t j = 0; j < nest->places[top].n; j++)
			is_of_it = is_of_it || is_same_tie(&nest->places[top].ties[j], t);
		if (is_of_it && is_alive(t) && memcmp(t->known.row.grantee, root.b, 32) == 0)
			status = emr_buf_append(&grants, &t->known.grant, sizeof t->known.grant);
	}
	n = grants.len / sizeof(emr_id16);
	if (status == EMR_OK && (n > 0 || i == top))
		status = share_end(nest->share, p->domain, root, (const emr_id16 *)grants.data, n,
			i == top, i == top ? 0 : WITH_OUTER, &writers);
	*ended = n > 0 ? n : writers;
	return status;
}

static emr_status revoke_below(emr_share *share, const emr_nested *tree, size_t n, emr_id16 domain,
	emr_id32 grantee, size_t *out_n)
{
	AUTO_NESTING nest = {.share = share, .now = share_now(share)};
	emr_known_person person;
	size_t top, ended = 0;

	EMR_TRY(share_party(share, grantee, &person, NULL));
	EMR_TRY(read_all(&nest, tree, n));
	top = index_of(&nest, domain);
	if (top == NOWHERE)
		return EMR_NOT_FOUND;
	/* The innermost first: what is interrupted is not given on again from outside; TOP is the
	 * last of them. */
	for (size_t i = nest.n; i-- > 0;)
		if (is_below(&nest, i, top))
			EMR_TRY(end_place(&nest, i, top, EMR_ID32_AT(person.row.root), &ended));
	*out_n = ended;
	return EMR_OK;
}

emr_status emr_share_revoke_below(emr_share *share, const emr_nested *tree, size_t n,
	emr_id16 domain, emr_id32 grantee, size_t *out_n)
{
	EMR_LOCKED(&tie_lock);

	return revoke_below(share, tree, n, domain, grantee, out_n);
}

emr_status emr_share_inner_grants(
	emr_share *share, const emr_nested *tree, size_t n, emr_buf *out_grants)
{
	nesting nest = {.share = share, .now = share_now(share)};
	emr_status status = read_all(&nest, tree, n);

	for (size_t i = 0; i < nest.n; i++) {
		const place *p = &nest.places[i],
			    *outer = p->outer != NOWHERE ? &nest.places[p->outer] : NULL;

		for (size_t k = 0; k < p->n && outer != NULL && status == EMR_OK; k++) {
			bool is_tied = false;

			for (size_t j = 0; j < outer->n; j++)
				is_tied = is_tied || is_same_tie(&outer->ties[j], &p->ties[k]);
			if (is_tied)
				status = emr_buf_append(
					out_grants, &p->ties[k].known.grant, sizeof(emr_id16));
		}
	}
	nesting_end(&nest);
	return status;
}
