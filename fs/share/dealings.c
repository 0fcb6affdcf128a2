/* This file reads from the ledger's rows and their history what was given, taken back and
 * answered, domain by domain. It tells nothing of others' domains. */
#include "share/dealings.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "share/write.h"

#include "dealings_private.h"
#include "share_private.h"

typedef struct reading {
	emr_share *share;
	emr_id32 me; /* the person's first key; zero: not registered */
	lives all;
	told told;
	emr_id16 domain;
	emr_id32 owner; /* signer id of the domain */
	emr_box_key *box;
	size_t first;	/* of the domain's lives */
	size_t deposit; /* the one in force of the writer in hand, or NONE */
	emr_id32 writer_root;
} reading;

#define NONE SIZE_MAX

static emr_status add_life(reading *r, const life *l)
{
	lives *all = &r->all;

	if (emr_array_room(&all->list, all->n, &all->cap, sizeof *all->list) != EMR_OK)
		return EMR_NO_MEMORY;
	all->list[all->n++] = *l;
	return EMR_OK;
}

static emr_span public_of(const emr_replica_item *item)
{
	size_t len = item->bytes.len > EMR_ITEM_BYTES ? item->bytes.len - EMR_ITEM_BYTES : 0;

	return (emr_span){item->bytes.data + (len > 0 ? EMR_ITEM_BYTES : 0), len};
}

static void end_life(life *l, const emr_replica_item *item, bool silently)
{
	l->ended_seq = item->seq;
	l->ended_at = item->ledger_time;
	l->ended_batch = item->batch_id;
	l->ends_silently = silently;
}

/* ---- grants ---- */

static emr_status note_grant_item(void *arg, const emr_replica_item *item)
{
	life *l = arg;
	emr_span public = public_of(item);
	emr_pub_grant terms;

	if (item->op == EMR_OP_REVOKE) {
		if (public.len == 0)
			return EMR_DAMAGED;
		end_life(l, item, public.data[0] == MOVED_OUT || public.data[0] == WITH_OUTER);
		return EMR_OK;
	}
	if (item->op == EMR_OP_DATASET_LEAVE)
		end_life(l, item, false);
	if (item->op != EMR_OP_GRANT)
		return EMR_OK;
	if (!emr_pub_grant_parse(public, &terms))
		return EMR_DAMAGED;
	if (item->version == 1) {
		l->given.seq = item->seq;
		l->given.at = item->ledger_time;
		l->given.batch_id = item->batch_id;
	}
	l->given.rights = emr_rights_shown(terms.rights) | emr_away_of(terms.rights, terms.n);
	l->given.purposes = terms.purposes;
	l->given.until_unix_s = terms.not_after_unix_s;
	return EMR_OK;
}

static emr_status note_grant(void *arg, const emr_known_grant *known)
{
	reading *r = arg;
	life l = {.given = {.kind = EMR_DEALING_SHARED, .domain = known->domain},
		.grant = known->grant,
		.ended_seq = NEVER,
		.ended_at = NEVER};
	emr_grant_note note;
	emr_status status = share_grant_note(r->share, r->box, known, &note);

	if (emr_status_is_local(status))
		return status;
	if (status == EMR_OK) /* else nobody knows what it belongs to, and it is told by itself */
		l.share_id = note.share_id;
	memcpy(l.given.person.b, known->row.grantee, sizeof l.given.person.b);
	EMR_TRY(emr_replica_history(r->share->o.replica, EMR_FAMILY_GRANT, known->domain,
		known->grant, note_grant_item, &l));
	return add_life(r, &l);
}

/* ---- rights to write ---- */

/* The grant of the writer in hand that began, or ended, in the entry SEQ. */
static life *grant_at(reading *r, uint64_t seq, bool ended)
{
	for (size_t i = r->first; i < r->all.n; i++) {
		life *l = &r->all.list[i];

		if (!emr_id16_is_zero(l->grant) &&
			emr_id32_equal(l->given.person, r->writer_root) &&
			(ended ? l->ended_seq : l->given.seq) == seq)
			return l;
	}
	return NULL;
}

static emr_status note_add(reading *r, const emr_replica_item *item)
{
	life deposit = {.given = {.kind = EMR_DEALING_SHARED,
				.seq = item->seq,
				.at = item->ledger_time,
				.batch_id = item->batch_id,
				.domain = r->domain,
				.person = r->writer_root},
		.ended_seq = NEVER,
		.ended_at = NEVER};
	life *with = grant_at(r, item->seq, false);
	emr_pub_writer_add terms;
	emr_status status;

	if (!emr_pub_writer_add_parse(public_of(item), &terms))
		return EMR_DAMAGED;
	if (with != NULL)
		with->given.rights |= (uint16_t)(terms.rights << 8);
	if (with != NULL || (terms.rights & EMR_RIGHT_META) !=
				    0) /* it came with a share, or is what stays of one */
		return EMR_OK;
	deposit.given.rights = (uint16_t)(terms.rights << 8);
	deposit.given.until_unix_s = terms.not_after_unix_s;
	status = add_life(r, &deposit);
	r->deposit = status == EMR_OK ? r->all.n - 1 : NONE;
	return status;
}

static emr_status note_writer_item(void *arg, const emr_replica_item *item)
{
	reading *r = arg;

	if (item->op != EMR_OP_WRITER_ADD && item->op != EMR_OP_WRITER_DEL)
		return EMR_OK;
	/* Behind its date a WRITER_DEL says nothing new. */
	if (r->deposit != NONE &&
		(item->op == EMR_OP_WRITER_ADD ||
			item->ledger_time < r->all.list[r->deposit].given.until_unix_s))
		end_life(&r->all.list[r->deposit], item,
			item->op == EMR_OP_WRITER_ADD ||
				!emr_id32_equal(item->signer_id, r->owner) ||
				grant_at(r, item->seq, true) != NULL);
	r->deposit = NONE;
	return item->op == EMR_OP_WRITER_ADD ? note_add(r, item) : EMR_OK;
}

static emr_status note_writer(void *arg, emr_id16 domain, const emr_row_writer *row)
{
	reading *r = arg;
	emr_known_person person;
	emr_id32 writer;
	emr_id16 object;

	if ((row->rights & EMR_RIGHT_MANAGE) != 0) /* another computer of hers */
		return EMR_OK;
	memcpy(writer.b, row->writer, sizeof writer.b);
	memcpy(object.b, row->writer, sizeof object.b);
	EMR_TRY(emr_replica_person(r->share->o.replica, writer, &person));
	memcpy(r->writer_root.b, person.row.root, sizeof r->writer_root.b);
	r->deposit = NONE;
	return emr_replica_history(
		r->share->o.replica, EMR_FAMILY_WRITER, domain, object, note_writer_item, r);
}

/* ---- domains ---- */

static emr_status read_domain(reading *r)
{
	emr_row_domain row;
	emr_domain_public public;
	emr_status status;

	EMR_TRY(share_own_domain(r->share, r->domain, &row, &public));
	EMR_TRY(emr_box_key_domain(r->share->o.keyring, r->domain, &r->box));
	r->owner = public.signer_id;
	r->first = r->all.n;
	status = emr_replica_grants(r->share->o.replica, r->domain, note_grant, r);
	emr_box_key_free(r->box);
	r->box = NULL;
	return status == EMR_OK
		       ? emr_replica_writers(r->share->o.replica, r->domain, note_writer, r)
		       : status;
}

/* ---- requests ---- */

static emr_status tell_yes(reading *r, const emr_replica_item *item, emr_share_dealing *said)
{
	emr_pub_approve word;

	if (!emr_pub_approve_parse(public_of(item), &word))
		return EMR_DAMAGED;
	for (size_t i = 0; i < r->all.n; i++) {
		const life *l = &r->all.list[i];

		if (memcmp(l->grant.b, word.grant, 16) != 0 ||
			memcmp(l->given.domain.b, word.grant_domain, 16) != 0)
			continue;
		said->kind = EMR_DEALING_APPROVED;
		said->domain = l->given.domain;
		said->rights = l->given.rights;
		said->purposes = l->given.purposes;
		said->until_unix_s = l->given.until_unix_s;
		return told_add(&r->told, said);
	}
	return EMR_OK; /* another owner's grant */
}

static emr_status tell_no(reading *r, const emr_known_request *known, const emr_replica_item *item,
	emr_share_dealing *said)
{
	emr_share_request *asked;
	emr_known_person who;
	emr_status status = emr_replica_person(r->share->o.replica, item->signer_id, &who);

	if (status != EMR_OK || memcmp(who.row.root, r->me.b, sizeof r->me.b) != 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	asked = calloc(1, sizeof *asked);
	status = asked != NULL ? emr_share_request_get(r->share, known->request, asked)
			       : EMR_NO_MEMORY;
	said->kind = EMR_DEALING_DENIED;
	if (status == EMR_OK) {
		said->rights = asked->rights;
		said->purposes = asked->purposes;
		said->until_unix_s = asked->until_unix_s;
		said->asked = strdup(asked->path);
		status = said->asked != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	free(asked);
	if (emr_status_is_local(status))
		return status;
	status = told_add(&r->told, said);
	if (status != EMR_OK)
		free((char *)(uintptr_t)said->asked);
	return status;
}

static emr_status note_request(void *arg, const emr_known_request *known)
{
	reading *r = arg;
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_share_dealing said = {0};
	uint8_t state = known->row.head.state;
	emr_status status;

	if (state != EMR_SHARE_REQUEST_APPROVED && state != EMR_SHARE_REQUEST_DENIED)
		return EMR_OK;
	status = share_item(r->share, EMR_FAMILY_REQUEST, known->domain, known->request,
		known->row.head.version, &bytes, &item);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	said.seq = item.seq;
	said.at = item.ledger_time;
	said.batch_id = item.batch_id;
	memcpy(said.person.b, known->row.signer, sizeof said.person.b);
	return state == EMR_SHARE_REQUEST_APPROVED ? tell_yes(r, &item, &said)
						   : tell_no(r, known, &item, &said);
}

/* ---- all of it ---- */

static int compare_dealings(const void *a, const void *b)
{
	const emr_share_dealing *one = a, *other = b;
	bool is_over = one->kind == EMR_DEALING_EXPIRED,
	     is_other_over = other->kind == EMR_DEALING_EXPIRED;

	if (is_over != is_other_over)
		return is_over ? 1 : -1;
	if (is_over && one->at != other->at)
		return one->at < other->at ? -1 : 1;
	if (one->seq != other->seq)
		return one->seq < other->seq ? -1 : 1;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return memcmp(one->domain.b, other->domain.b, sizeof one->domain.b);
}

static void reading_end(reading *r)
{
	for (size_t i = 0; i < r->told.n; i++)
		free((char *)(uintptr_t)r->told.list[i].asked);
	free(r->told.list);
	free(r->all.list);
}

static emr_status find_me(reading *r)
{
	emr_known_person me;
	emr_status status = emr_replica_person(r->share->o.replica, r->share->me.signer_id, &me);

	if (status == EMR_OK)
		memcpy(r->me.b, me.row.root, sizeof r->me.b);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* on a ledger of one's own */
}

emr_status emr_share_dealings(emr_share *share, emr_dealing_fn fn, void *arg)
{
	static const emr_id16 nowhere;
	__attribute__((cleanup(reading_end))) reading r = {.share = share};
	EMR_AUTO_BUF own = {0};

	EMR_TRY(find_me(&r));
	EMR_TRY(emr_replica_own_domains(share->o.replica, &own));
	EMR_EACH (const emr_id16, domain, &own) {
		emr_status status;

		r.domain = *domain;
		status = read_domain(&r);
		/* Kept here, and another's; or a device, which shares nothing. */
		EMR_TRY(status == EMR_DENIED || status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	EMR_TRY(dealings_tell(&r.all, &r.told));
	EMR_TRY(emr_replica_requests(share->o.replica, nowhere, note_request, &r));
	if (r.told.n > 0)
		qsort(r.told.list, r.told.n, sizeof *r.told.list, compare_dealings);
	for (size_t i = 0; i < r.told.n; i++)
		EMR_TRY(fn(arg, &r.told.list[i]));
	return EMR_OK;
}
