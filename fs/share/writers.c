/* This file keeps who else may write in one's own domain. A WRITER row names no grant; that two
 * belong together is told by the batch: the right to write that comes with reading was given in
 * the entry of its GRANT. */
#include <stdlib.h>
#include <string.h>

#include "keyring/coowned.h"
#include "keyring/letters.h"
#include "share/give.h"
#include "share/strangers.h"
#include "share_private.h"
#include "teams_private.h"

/* ---- what there is ---- */

static emr_status read_history(emr_share *share, known_writer *known)
{
	emr_replica_item item;
	EMR_ASK(items, share->o.replica, HISTORY, .family = EMR_FAMILY_WRITER,
		.domain = known->domain, .object = EMR_ID16_AT(known->writer.b));

	while (emr_next(&items, &item)) {
		known->ended_at = item.op == EMR_OP_WRITER_DEL ? item.ledger_time : 0;
		if (item.op != EMR_OP_WRITER_ADD)
			continue;
		known->seq = item.seq;
		known->ledger_time = item.ledger_time;
		known->item_id = item.item_id;
	}
	if (items.status == EMR_OK && known->seq == 0)
		return EMR_DAMAGED;
	return items.status;
}

static emr_status add_row(
	emr_share *share, emr_id16 domain, const emr_row_writer *row, emr_buf *out)
{
	known_writer known = {.domain = domain, .writer = EMR_ID32_AT(row->writer), .row = *row};
	emr_known_person person;

	if (share_is_computer(row->rights))
		return EMR_OK;
	EMR_TRY(emr_replica_person(share->o.replica, known.writer, &person));
	known.root = EMR_ID32_AT(person.row.root);
	EMR_TRY(read_history(share, &known));
	EMR_TRY(emr_writer_is_owners(share->o.replica, domain, row, &known.is_hers));
	return emr_buf_append(out, &known, sizeof known);
}

/* The person's keys, from the first one on: what a row is found by. */
static emr_status rows_of_person(emr_share *share, emr_id16 domain, emr_id32 key, emr_buf *out)
{
	EMR_AUTO_BUF keys = {0};
	emr_row_writer row;
	emr_status status = emr_replica_keys_of(share->o.replica, key, &keys);

	EMR_EACH (const emr_known_person, one, &keys) {
		emr_status found = share_writer_row(share, domain, one->signer_id, &row);

		if (found == EMR_OK)
			found = add_row(share, domain, &row, out);
		if (found != EMR_OK && found != EMR_NOT_FOUND)
			return found;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* a team, or nobody */
}

emr_status share_known_writers(
	emr_share *share, emr_id16 domain, const emr_id32 *root, emr_buf *out_writers)
{
	EMR_AUTO_BUF rows = {0};

	if (root != NULL)
		return rows_of_person(share, domain, *root, out_writers);
	EMR_TRY(EMR_ASK_ALL(&rows, share->o.replica, WRITERS, .domain = domain));
	EMR_EACH (const emr_known_writer, known, &rows)
		EMR_TRY(add_row(share, domain, &known->row, out_writers));
	return EMR_OK;
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
static emr_status came_with(
	emr_share *share, const known_writer *writer, uint64_t seq, bool *out_did)
{
	emr_replica_item item;
	EMR_ASK(items, share->o.replica, HISTORY, .family = EMR_FAMILY_WRITER,
		.domain = writer->domain, .object = EMR_ID16_AT(writer->writer.b));

	*out_did = false;
	while (emr_next(&items, &item))
		*out_did |= item.op == EMR_OP_WRITER_ADD && item.seq == seq;
	return items.status;
}

emr_status share_writes_of(emr_share *share, const emr_known_grant *grant, uint16_t *out_rights)
{
	EMR_AUTO_BUF writers = {0};
	emr_id32 root = EMR_ID32_AT(grant->row.grantee);

	*out_rights = 0;
	EMR_TRY(share_known_writers(share, grant->domain, &root, &writers));
	EMR_EACH (const known_writer, writer, &writers) {
		bool came = false;

		if (known_writer_is_alive(writer, share_now(share)) && writer->is_hers)
			EMR_TRY(came_with(share, writer, grant->seq, &came));
		*out_rights |= came ? writer->row.rights : 0;
	}
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

/* Of those that stay and came with the right to write, the one that does so longest. */
static emr_status find_staying(
	const leaving *l, const known_writer *writer, emr_known_grant *out, bool *out_is_any)
{
	emr_known_grant grant;
	EMR_ASK(grants, l->share->o.replica, GRANTS, .domain = l->domain);

	while (emr_next(&grants, &grant)) {
		emr_grant_phase phase = emr_grant_phase_at(&grant, l->now);
		bool ends = false, came = false;

		if (memcmp(grant.row.grantee, writer->root.b, 32) != 0 ||
			(phase != EMR_GRANT_IN_FORCE && phase != EMR_GRANT_COMING))
			continue;
		for (size_t i = 0; i < l->n; i++)
			ends |= emr_id16_equal(l->grants[i], grant.grant);
		if (ends)
			continue;
		EMR_TRY(came_with(l->share, writer, grant.seq, &came));
		if (!came ||
			(*out_is_any && grant.row.not_after_unix_s <= out->row.not_after_unix_s))
			continue;
		*out = grant;
		*out_is_any = true;
	}
	return grants.status;
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

static emr_status end_writer(leaving *l, const known_writer *writer)
{
	emr_known_grant longest;
	emr_act act = emr_act_writer_del(l->domain, writer->writer);
	bool is_deposit = (writer->row.rights & EMR_RIGHT_META) == 0, is_any = false;

	if (!known_writer_is_alive(writer, l->now) || (is_deposit && !l->all))
		return EMR_OK;
	if (!l->all)
		EMR_TRY(find_staying(l, writer, &longest, &is_any));
	if (is_any && writer->is_hers && is_key_alive(l, writer))
		return longest.row.not_after_unix_s < writer->row.not_after_unix_s
			       ? shorten(l, writer, &longest)
			       : EMR_OK;
	EMR_TRY(parcel_prepare(l->p, &act));
	EMR_TRY(parcel_add(l->p, &act, NULL));
	l->ended++;
	return EMR_OK;
}

/* Writing first: should the batch not be taken as a whole, it is less that stays. */
static emr_status fill_batch(leaving *l, emr_id32 root, uint8_t reason)
{
	EMR_AUTO_BUF writers = {0};

	EMR_TRY(share_known_writers(l->share, l->domain, &root, &writers));
	EMR_EACH (const known_writer, writer, &writers)
		EMR_TRY(end_writer(l, writer));
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

/* ---- who goes on under another key ---- */

/* The name that the share has by which WRITER may write; "" where that is only to leave things. */
static emr_status label_of(emr_share *share, const known_writer *writer, emr_grant_note *note)
{
	emr_known_grant grant;
	AUTO_BOX_KEY box = NULL;
	EMR_ASK(grants, share->o.replica, GRANTS, .domain = writer->domain);

	EMR_TRY(emr_box_key_domain(share->o.keyring, writer->domain, &box));
	while (emr_next(&grants, &grant)) {
		bool came = false;

		if (memcmp(grant.row.grantee, writer->root.b, 32) == 0)
			EMR_TRY(came_with(share, writer, grant.seq, &came));
		if (came)
			return share_grant_note(share, box, &grant, note);
	}
	return grants.status;
}

/* By the key NOW of the same person. */
static emr_status give_again(
	emr_share *share, const known_writer *writer, const emr_known_person *now)
{
	writer_terms terms = {.domain = writer->domain,
		.writer = now,
		.rights = writer->row.rights,
		.not_after_unix_s = writer->row.not_after_unix_s};
	EMR_AUTO_BUF card = {0};
	emr_grant_note note = {.label = ""};
	AUTO_PARCEL p = {0};

	EMR_TRY(label_of(share, writer, &note));
	EMR_TRY(share_make_card(share, writer->domain, terms.not_after_unix_s, NULL, NULL, &card));
	terms.label = note.label;
	terms.card = emr_buf_view(&card);
	EMR_TRY(parcel_begin(share, emr_signer_domain(writer->domain, SHARE_GEN), &p));
	EMR_TRY(share_add_writer(&p, &terms));
	return parcel_send(&p);
}

static emr_status follow_writer(emr_share *share, const known_writer *writer, uint64_t *changes)
{
	emr_known_person person;
	emr_row_writer row;
	bool is_active = false;
	emr_id32 now;
	emr_status status;

	if (!known_writer_is_alive(writer, share_now(share)) || !writer->is_hers)
		return EMR_OK;
	EMR_TRY(emr_replica_person(share->o.replica, writer->writer, &person));
	if (emr_id32_is_zero(EMR_ID32_AT(person.row.next)))
		return EMR_OK;
	EMR_TRY(share_present_key(share, writer->root, &now));
	/* The right that it has, or had until the owner ended it, is the owner's last word. */
	status = share_writer_row(share, writer->domain, now, &row);
	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_replica_person(share->o.replica, now, &person));
	EMR_TRY(emr_replica_person_is_active(
		share->o.replica, &person, share_now(share), &is_active));
	if (is_active)
		EMR_TRY(give_again(share, writer, &person));
	*changes += is_active;
	return EMR_OK;
}

static emr_status follow_in(emr_share *share, emr_id16 domain, uint64_t *changes)
{
	EMR_AUTO_BUF writers = {0};
	emr_domain_public public;
	emr_row_domain row;
	emr_status status = share_own_domain(share, domain, &row, &public);

	if (status != EMR_OK) /* it is shared with me */
		return status == EMR_DENIED ? EMR_OK : status;
	EMR_TRY(share_known_writers(share, domain, NULL, &writers));
	EMR_EACH (const known_writer, writer, &writers)
		EMR_TRY(follow_writer(share, writer, changes));
	return EMR_OK;
}

emr_status emr_share_follow_writers(emr_share *share, uint64_t *out_changes)
{
	EMR_AUTO_BUF own = {0};
	uint64_t changes = 0;

	EMR_TRY(emr_replica_own_domains(share->o.replica, &own));
	EMR_EACH (const emr_id16, domain, &own)
		/* The owner's word, which a computer of hers does not say. */
		if (!emr_keyring_coowns(share->o.keyring, *domain))
			EMR_TRY(follow_in(share, *domain, &changes));
	if (out_changes != NULL)
		*out_changes = changes;
	return EMR_OK;
}
