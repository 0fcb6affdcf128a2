/* This file keeps who else may write in one's own domain. A WRITER row names no grant; that two
 * belong together is told by the batch: the right to write that comes with reading was given in
 * the entry of its GRANT. */
#include <stdlib.h>
#include <string.h>

#include "contract/pubs_share.h"
#include "keyring/letters.h"
#include "share/give.h"
#include "share/strangers.h"
#include "share_private.h"
#include "teams_private.h"

#define KEYS_MAX 1000 /* of one person, one after the other */

/* ---- what there is ---- */

typedef struct history {
	writer_add *adds;
	size_t n;
	uint64_t ended_at; /* 0: nobody ended it */
} history;

static emr_status note_add(void *arg, const emr_replica_item *item)
{
	history *h = arg;
	emr_pub_writer_add pub;
	writer_add *grown;

	h->ended_at = item->op == EMR_OP_WRITER_DEL ? item->ledger_time : 0;
	if (item->op != EMR_OP_WRITER_ADD)
		return EMR_OK;
	if (item->bytes.len < EMR_ITEM_BYTES ||
		!emr_pub_writer_add_parse((emr_span){item->bytes.data + EMR_ITEM_BYTES,
						  item->bytes.len - EMR_ITEM_BYTES},
			&pub))
		return EMR_DAMAGED;
	grown = realloc(h->adds, (h->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	h->adds = grown;
	grown[h->n++] = (writer_add){.seq = item->seq,
		.ledger_time = item->ledger_time,
		.not_after_unix_s = pub.not_after_unix_s,
		.rights = pub.rights,
		.item_id = item->item_id};
	return EMR_OK;
}

typedef struct walk {
	emr_share *share;
	const emr_id32 *root;
	known_writer_fn fn;
	void *arg;
} walk;

static emr_status one_row(void *arg, emr_id16 domain, const emr_row_writer *row)
{
	const walk *w = arg;
	known_writer known = {.row = *row};
	emr_known_person person;
	history h = {0};
	emr_id16 object;
	emr_status status;

	if ((row->rights & EMR_RIGHT_MANAGE) != 0)
		return EMR_OK;
	memcpy(known.writer.b, row->writer, sizeof known.writer.b);
	EMR_TRY(emr_replica_person(w->share->o.replica, known.writer, &person));
	memcpy(known.root.b, person.row.root, sizeof known.root.b);
	memcpy(object.b, known.writer.b, sizeof object.b);
	status = emr_replica_history(
		w->share->o.replica, EMR_FAMILY_WRITER, domain, object, note_add, &h);
	known.adds = h.adds;
	known.n = h.n;
	known.ended_at = h.ended_at;
	if (status == EMR_OK)
		status = emr_writer_is_owners(w->share->o.replica, domain, row, &known.is_hers);
	if (status == EMR_OK)
		status = h.n > 0 ? w->fn(w->arg, &known) : EMR_DAMAGED;
	free(h.adds);
	return status;
}

/* The person's keys, from the first one on: what a row is found by. */
static emr_status rows_of_person(walk *w, emr_id16 domain)
{
	emr_id32 key = *w->root;
	emr_known_person person;
	emr_row_writer row;
	emr_status status = emr_replica_person(w->share->o.replica, key, &person);

	for (int hops = 0; status == EMR_OK && hops < KEYS_MAX; hops++) {
		emr_status found = share_writer_row(w->share, domain, key, &row);

		if (found == EMR_OK)
			found = one_row(w, domain, &row);
		else if (found == EMR_NOT_FOUND)
			found = EMR_OK;
		if (found != EMR_OK || person.row.head.state != EMR_KEY_ROTATED)
			return found;
		memcpy(key.b, person.row.next, sizeof key.b);
		status = emr_replica_person(w->share->o.replica, key, &person);
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* a team, or nobody */
}

emr_status share_known_writers(
	emr_share *share, emr_id16 domain, const emr_id32 *root, known_writer_fn fn, void *arg)
{
	walk w = {.share = share, .root = root, .fn = fn, .arg = arg};

	if (root != NULL)
		return rows_of_person(&w, domain);
	return emr_replica_writers(share->o.replica, domain, one_row, &w);
}

bool known_writer_is_alive(const known_writer *writer, uint64_t now_unix_s)
{
	return writer->row.head.state == EMR_WRITER_ACTIVE &&
	       writer->row.not_after_unix_s > now_unix_s;
}

bool known_writer_was_ended(const known_writer *writer)
{
	return writer->row.head.state != EMR_WRITER_ACTIVE &&
	       writer->ended_at < writer->row.not_after_unix_s;
}

/* Whether it was given (once) in the entry SEQ, which is that of a GRANT. */
static bool known_writer_came_with(const known_writer *writer, uint64_t seq)
{
	for (size_t i = 0; i < writer->n; i++)
		if (writer->adds[i].seq == seq)
			return true;
	return false;
}

emr_status share_grant_seq(emr_share *share, const emr_known_grant *grant, uint64_t *out_seq)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(share_item(share, EMR_FAMILY_GRANT, grant->domain, grant->grant, 1, &bytes, &item));
	*out_seq = item.seq;
	return EMR_OK;
}

typedef struct pairing {
	uint64_t now, seq;
	uint16_t rights;
} pairing;

static emr_status note_rights(void *arg, const known_writer *writer)
{
	pairing *p = arg;

	if (known_writer_is_alive(writer, p->now) && writer->is_hers &&
		known_writer_came_with(writer, p->seq))
		p->rights |= writer->row.rights;
	return EMR_OK;
}

emr_status share_writes_of(
	emr_share *share, const emr_known_grant *grant, uint64_t seq, uint16_t *out_rights)
{
	pairing p = {.now = share_now(share), .seq = seq};
	emr_id32 root = EMR_ID32_AT(grant->row.grantee);

	EMR_TRY(share_known_writers(share, grant->domain, &root, note_rights, &p));
	*out_rights = p.rights;
	return EMR_OK;
}

/* ---- giving ---- */

emr_status share_add_writer(parcel *p, const writer_terms *terms)
{
	emr_act act = emr_act_writer_add(
		terms->domain, terms->writer->signer_id, terms->rights, terms->not_after_unix_s);
	emr_writer_letter letter = {.card_len = terms->card.len};

	if (terms->card.len > sizeof letter.card || strlen(terms->label) > EMR_SHARE_LABEL_MAX)
		return EMR_LIMIT;
	memcpy(letter.card, terms->card.data, terms->card.len);
	memcpy(letter.label, terms->label, strlen(terms->label) + 1);
	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(emr_writer_part_seal(
		emr_buf_view(&p->item), terms->writer->row.x25519, &letter, NULL, 0, &p->part));
	return parcel_add(p, &act, NULL);
}

/* ---- ending ---- */

typedef struct leaving {
	emr_share *share;
	emr_id16 domain;
	const emr_id16 *grants; /* that end now */
	size_t n;
	bool all; /* nothing may be left of writing either */
	uint64_t now;
	parcel *p;
	size_t ended;
} leaving;

typedef struct keeping {
	const leaving *l;
	const known_writer *writer;
	emr_known_grant longest; /* of those that stay and came with the right to write */
	bool is_any;
} keeping;

static emr_status note_staying(void *arg, const emr_known_grant *grant)
{
	keeping *k = arg;
	emr_grant_phase phase = emr_grant_phase_at(grant, k->l->now);
	uint64_t seq = 0;

	if (memcmp(grant->row.grantee, k->writer->root.b, 32) != 0 ||
		(phase != EMR_GRANT_IN_FORCE && phase != EMR_GRANT_COMING))
		return EMR_OK;
	for (size_t i = 0; i < k->l->n; i++)
		if (emr_id16_equal(k->l->grants[i], grant->grant))
			return EMR_OK;
	EMR_TRY(share_grant_seq(k->l->share, grant, &seq));
	if (!known_writer_came_with(k->writer, seq) ||
		(k->is_any && grant->row.not_after_unix_s <= k->longest.row.not_after_unix_s))
		return EMR_OK;
	k->longest = *grant;
	k->is_any = true;
	return EMR_OK;
}

/* The right goes on with a share that ends earlier than the one that ends now would have. */
static emr_status shorten(
	const leaving *l, const known_writer *writer, const emr_known_grant *stays)
{
	writer_terms terms = {.domain = l->domain,
		.rights = writer->row.rights,
		.not_after_unix_s = stays->row.not_after_unix_s};
	EMR_AUTO_BUF card = {0};
	emr_known_person person;
	emr_grant_note note;
	AUTO_BOX_KEY box = NULL;

	EMR_TRY(emr_replica_person(l->share->o.replica, writer->writer, &person));
	EMR_TRY(emr_box_key_domain(l->share->o.keyring, l->domain, &box));
	EMR_TRY(share_grant_note(l->share, box, stays, &note));
	EMR_TRY(share_make_card(l->share, l->domain, terms.not_after_unix_s, NULL, NULL, &card));
	terms.writer = &person;
	terms.label = note.label;
	terms.card = emr_buf_view(&card);
	return share_add_writer(l->p, &terms);
}

static bool is_key_alive(const leaving *l, const known_writer *writer)
{
	emr_known_person person;

	return emr_replica_person(l->share->o.replica, writer->writer, &person) == EMR_OK &&
	       person.row.head.state == EMR_KEY_ACTIVE;
}

static emr_status end_writer(void *arg, const known_writer *writer)
{
	leaving *l = arg;
	keeping k = {.l = l, .writer = writer};
	emr_act act = emr_act_writer_del(l->domain, writer->writer);
	bool is_deposit = (writer->row.rights & EMR_RIGHT_META) == 0;
	emr_status status;

	if (!known_writer_is_alive(writer, l->now) || (is_deposit && !l->all))
		return EMR_OK;
	if (!l->all)
		EMR_TRY(emr_replica_grants(l->share->o.replica, l->domain, note_staying, &k));
	if (k.is_any && writer->is_hers && is_key_alive(l, writer))
		return k.longest.row.not_after_unix_s < writer->row.not_after_unix_s
			       ? shorten(l, writer, &k.longest)
			       : EMR_OK;
	status = parcel_prepare(l->p, &act);
	if (status == EMR_OK)
		status = parcel_add(l->p, &act, NULL);
	l->ended += status == EMR_OK;
	return status;
}

/* Writing first: should the batch not be taken as a whole, it is less that stays. */
static emr_status fill_batch(leaving *l, emr_id32 root, uint8_t reason)
{
	EMR_TRY(share_known_writers(l->share, l->domain, &root, end_writer, l));
	for (size_t i = 0; i < l->n; i++) {
		emr_act act = emr_act_revoke(l->domain, l->grants[i], reason);

		EMR_TRY(parcel_prepare(l->p, &act));
		EMR_TRY(parcel_add(l->p, &act, NULL));
	}
	return EMR_OK;
}

/* Those that the ledger still has in force. */
static emr_status note_alive(const leaving *l, emr_buf *out_grants)
{
	for (size_t i = 0; i < l->n; i++) {
		emr_known_grant grant;
		emr_status status =
			emr_replica_grant(l->share->o.replica, l->domain, l->grants[i], &grant);

		if (status == EMR_OK && grant.row.head.state != EMR_GRANT_REVOKED)
			status = emr_buf_append(out_grants, &l->grants[i], sizeof l->grants[i]);
		if (status != EMR_OK)
			return status;
	}
	return EMR_OK;
}

/* The ledger refused some of it: what somebody else of hers (another thread, another door) has
 * ended meanwhile is done, and the rest is asked again. */
static emr_status end_the_rest(const leaving *l, emr_id32 root, uint8_t reason, emr_status refused)
{
	EMR_AUTO_BUF alive = {0};
	emr_status status = note_alive(l, &alive);
	size_t n = alive.len / sizeof(emr_id16);

	if (status != EMR_OK || n == l->n)
		return status != EMR_OK ? status : refused;
	return n == 0 ? EMR_OK
		      : share_end(l->share, l->domain, root, (const emr_id16 *)alive.data, n,
				l->all, reason, NULL);
}

emr_status share_end(emr_share *share, emr_id16 domain, emr_id32 root, const emr_id16 *grants,
	size_t n, bool all, uint8_t reason, size_t *out_writers)
{
	AUTO_PARCEL p = {0};
	leaving l = {.share = share,
		.domain = domain,
		.grants = grants,
		.n = n < ENDS_IN_ONE ? n : ENDS_IN_ONE,
		.all = all,
		.now = share_now(share),
		.p = &p};
	emr_status status = parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p);

	if (status == EMR_OK)
		status = fill_batch(&l, root, reason);
	if (status == EMR_OK)
		status = share_add_leave(&p, domain, root, l.grants, l.n);
	if (status == EMR_OK && emr_batch_count(p.batch) > 0)
		status = parcel_send(&p);
	if (status == EMR_DENIED || status == EMR_CONFLICT)
		status = end_the_rest(&l, root, reason, status);
	if (out_writers != NULL)
		*out_writers = l.ended;
	return status == EMR_OK && n > l.n
		       ? share_end(share, domain, root, grants + l.n, n - l.n, all, reason, NULL)
		       : status;
}
