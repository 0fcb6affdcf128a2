/* The ledger has a row for each grant, a person remembers deeds. This file reads from the rows and
 * their history what was given, taken back and answered, domain by domain, and tells which of it
 * was the owner's own doing, each deed once. It tells nothing of others' domains. */
#include "share/dealings.h"

#include <stdlib.h>
#include <string.h>

#include "replica/ask.h"
#include "share/request.h"
#include "share/write.h"

#include "share_private.h"

#define NEVER UINT64_MAX

/* One grant, or one deposit, from its beginning to its end. */
typedef struct life {
	emr_share_dealing given;
	emr_id16 grant;		      /* zero: a deposit */
	emr_id16 share_id;	      /* zero: a deposit, or the note is gone */
	uint64_t ended_seq, ended_at; /* NEVER */
	emr_id32 ended_batch;
	emr_id32 ended_by;  /* a guardian; zero */
	bool ends_silently; /* by a move, by another right in its place, with the rest of a share,
			       or by him */
} life;

typedef struct reading {
	emr_share *share;
	emr_id32 me;	/* the person's first key; zero: not registered */
	emr_buf *lives; /* life, ...; those of one domain are together */
	emr_buf *told;	/* emr_share_dealing, ... */
	emr_id16 domain;
	emr_id32 owner; /* signer id of the domain */
	life *deposit;	/* the one in force of the writer in hand; NULL */
	emr_id32 writer_root;
} reading;

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

static emr_status note_grant_item(reading *r, life *l, const emr_replica_item *item)
{
	emr_span public = public_of(item);
	bool is_revoke = item->op == EMR_OP_REVOKE;

	if (item->version == 1) {
		l->given.at = item->ledger_time;
		l->given.batch_id = item->batch_id;
	}
	if (is_revoke && public.len == 0)
		return EMR_DAMAGED;
	if (is_revoke || item->op == EMR_OP_DATASET_LEAVE)
		end_life(l, item,
			is_revoke && (public.data[0] == MOVED_OUT || public.data[0] == WITH_OUTER));
	return is_revoke ? share_guardian_named(
				   r->share, r->domain, item->signer_id, item->seq, &l->ended_by)
			 : EMR_OK;
}

static emr_status note_grant(reading *r, const emr_box_key *box, const emr_known_grant *known)
{
	life l = {.given = {.kind = EMR_DEALING_SHARED,
			  .seq = known->seq,
			  .domain = known->domain,
			  .person = EMR_ID32_AT(known->row.grantee),
			  .rights = emr_rights_shown(known->row.rights) |
				    (known->row.rights & EMR_GRANT_TWO) |
				    emr_away_of(known->row.rights, known->row.n),
			  .purposes = known->row.purposes,
			  .until_unix_s = known->row.not_after_unix_s},
		.grant = known->grant,
		.ended_seq = NEVER,
		.ended_at = NEVER};
	emr_grant_note note;
	emr_replica_item item;
	emr_status status = share_grant_note(r->share, box, known, &note);
	EMR_ASK(history, r->share->o.replica, HISTORY, .family = EMR_FAMILY_GRANT,
		.domain = known->domain, .object = known->grant);

	if (emr_status_is_local(status))
		return status;
	if (status == EMR_OK &&
		(known->row.rights & EMR_GRANT_TWO) ==
			0) /* else nobody knows what it belongs to, and it is told by itself */
		l.share_id = note.share_id;
	while (emr_next(&history, &item))
		EMR_TRY(note_grant_item(r, &l, &item));
	EMR_TRY(history.status);
	return emr_buf_append(r->lives, &l, sizeof l);
}

/* Each clinician's word is a deed, of a share that two must open. */
static emr_status note_emergency(reading *r, const emr_known_grant *known)
{
	char reason[EMR_EMERGENCY_REASON_MAX + 1];
	emr_emergency e = {.grant = *known};
	emr_replica_item item;
	emr_status status = EMR_OK;
	EMR_ASK(history, r->share->o.replica, HISTORY, .family = EMR_FAMILY_EMERGENCY,
		.domain = known->domain, .object = known->grant);

	while (status == EMR_OK && emr_next(&history, &item)) {
		emr_share_dealing said = {.kind = EMR_DEALING_EMERGENCY,
			.seq = item.seq,
			.at = item.ledger_time,
			.batch_id = item.batch_id,
			.domain = known->domain,
			.person = item.signer_id,
			.rights = EMR_RIGHTS_READ,
			.purposes = known->row.purposes};

		status = emr_emergency_reason(r->share, &e, item.version, reason);
		if (emr_status_is_local(status))
			return status;
		said.asked = strdup(status == EMR_OK ? reason : "");
		status = said.asked != NULL ? emr_buf_append(r->told, &said, sizeof said)
					    : EMR_NO_MEMORY;
		if (status != EMR_OK)
			free(said.asked);
	}
	return status == EMR_OK ? history.status : status;
}

static emr_status note_grants(reading *r)
{
	AUTO_BOX_KEY box = NULL;
	EMR_AUTO_BUF grants = {0};

	EMR_TRY(emr_box_key_domain(r->share->o.keyring, r->domain, &box));
	EMR_TRY(EMR_ASK_ALL(&grants, r->share->o.replica, GRANTS, .domain = r->domain));
	EMR_EACH (const emr_known_grant, grant, &grants)
		EMR_TRY(note_grant(r, box, grant));
	EMR_EACH (const emr_known_grant, grant, &grants)
		if ((grant->row.rights & EMR_GRANT_TWO) != 0)
			EMR_TRY(note_emergency(r, grant));
	return EMR_OK;
}

/* ---- rights to write ---- */

/* The grant of the writer in hand that began, or ended, in the entry SEQ. */
static life *grant_at(reading *r, uint64_t seq, bool ended)
{
	EMR_EACH (life, l, r->lives)
		if ((ended ? l->ended_seq : l->given.seq) == seq &&
			emr_id16_equal(l->given.domain, r->domain) && !emr_id16_is_zero(l->grant) &&
			emr_id32_equal(l->given.person, r->writer_root))
			return l;
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

	if (!emr_pub_writer_add_parse(public_of(item), &terms))
		return EMR_DAMAGED;
	if (with != NULL)
		with->given.rights |= (uint16_t)(terms.rights << 8);
	if (with != NULL || (terms.rights & EMR_RIGHT_META) !=
				    0) /* it came with a share, or is what stays of one */
		return EMR_OK;
	deposit.given.rights = (uint16_t)(terms.rights << 8);
	deposit.given.until_unix_s = terms.not_after_unix_s;
	EMR_TRY(emr_buf_append(r->lives, &deposit, sizeof deposit));
	r->deposit = (life *)(void *)(r->lives->data + r->lives->len) - 1;
	return EMR_OK;
}

static emr_status note_writer_item(reading *r, const emr_replica_item *item)
{
	if (item->op != EMR_OP_WRITER_ADD && item->op != EMR_OP_WRITER_DEL)
		return EMR_OK;
	/* Behind its date a WRITER_DEL says nothing new. */
	if (r->deposit != NULL && (item->op == EMR_OP_WRITER_ADD ||
					  item->ledger_time < r->deposit->given.until_unix_s)) {
		EMR_TRY(share_guardian_named(
			r->share, r->domain, item->signer_id, item->seq, &r->deposit->ended_by));
		end_life(r->deposit, item,
			item->op == EMR_OP_WRITER_ADD ||
				(!emr_id32_equal(item->signer_id, r->owner) &&
					emr_id32_is_zero(r->deposit->ended_by)) ||
				grant_at(r, item->seq, true) != NULL);
	}
	r->deposit = NULL;
	return item->op == EMR_OP_WRITER_ADD ? note_add(r, item) : EMR_OK;
}

static emr_status note_writer(reading *r, const emr_row_writer *row)
{
	emr_known_person person;
	emr_replica_item item;
	EMR_ASK(history, r->share->o.replica, HISTORY, .family = EMR_FAMILY_WRITER,
		.domain = r->domain, .object = EMR_ID16_AT(row->writer));

	if (share_is_computer(row->rights)) /* another computer of hers */
		return EMR_OK;
	EMR_TRY(emr_replica_person(r->share->o.replica, EMR_ID32_AT(row->writer), &person));
	memcpy(r->writer_root.b, person.row.root, sizeof r->writer_root.b);
	r->deposit = NULL;
	while (emr_next(&history, &item))
		EMR_TRY(note_writer_item(r, &item));
	return history.status;
}

/* ---- domains ---- */

static emr_status read_domain(reading *r)
{
	emr_row_domain row;
	emr_domain_public public;
	EMR_AUTO_BUF writers = {0};

	EMR_TRY(share_own_domain(r->share, r->domain, &row, &public));
	r->owner = public.signer_id;
	EMR_TRY(note_grants(r));
	EMR_TRY(EMR_ASK_ALL(&writers, r->share->o.replica, WRITERS, .domain = r->domain));
	EMR_EACH (const emr_known_writer, writer, &writers)
		EMR_TRY(note_writer(r, &writer->row));
	return EMR_OK;
}

/* ---- deeds ---- */

static bool is_same_share(const life *a, const life *b)
{
	return a == b ||
	       (!emr_id16_is_zero(a->share_id) && emr_id16_equal(a->share_id, b->share_id));
}

static bool is_for_same(const life *a, const life *b)
{
	return emr_id16_equal(a->given.domain, b->given.domain) &&
	       emr_id32_equal(a->given.person, b->given.person);
}

static bool is_alive_at(const life *l, uint64_t seq)
{
	return l->given.seq < seq && seq < l->ended_seq;
}

static bool ended_early(const life *l)
{
	return l->ended_at < l->given.until_unix_s;
}

/* Where the share begins: its oldest grant. */
static const life *home_of(const emr_buf *all, const life *l)
{
	const life *home = l;

	EMR_EACH (const life, o, all)
		if (is_same_share(o, l) && o->given.seq < home->given.seq)
			home = o;
	return home;
}

/* O gives as much there, and goes on when L is over; of two that end at once the first is told. */
static bool outlasts(const life *o, const life *l)
{
	uint64_t end = l->given.until_unix_s;

	return is_for_same(o, l) && emr_rights_alike(l->given.rights, o->given.rights) &&
	       (l->given.rights & ~EMR_AWAY_BITS & ~o->given.rights) == 0 && o->given.at < end &&
	       o->ended_at > end &&
	       (o->given.until_unix_s > end ||
		       (o->given.until_unix_s == end && o->given.seq < l->given.seq));
}

/* The beginning of a share is a deed, and the end of L by somebody before its time, or by its time
 * where nothing else goes on. */
static emr_status tell_life(const emr_buf *all, const life *l, emr_buf *out)
{
	const life *home = home_of(all, l);
	const bool is_inside = !emr_id16_equal(l->given.domain, home->given.domain);
	bool has_home = false, is_told = l->ends_silently;
	bool is_outlasted = is_inside || l->given.until_unix_s == NEVER;
	emr_share_dealing ended = l->given, expired = l->given;

	EMR_EACH (const life, o, all) {
		const bool is_alive = o != l && is_alive_at(o, l->ended_seq);

		has_home |= is_alive && is_same_share(o, l) &&
			    emr_id16_equal(o->given.domain, home->given.domain) &&
			    (!is_inside || emr_id32_equal(o->given.person, l->given.person));
		if (!is_for_same(o, l))
			continue;
		/* He has something there by another share. */
		ended.goes_on |= is_alive && o->given.until_unix_s > l->ended_at;
		is_outlasted |= o != l && outlasts(o, l);
		if (o->ended_seq != l->ended_seq || o->ends_silently || !ended_early(o))
			continue;
		/* Several that end in one entry are one deed, told with the oldest: of everything
		 * that they gave. */
		is_told |= o->given.seq < l->given.seq;
		ended.rights |= o->given.rights;
	}
	if (home == l)
		EMR_TRY(emr_buf_append(out, &l->given, sizeof l->given));
	expired.kind = EMR_DEALING_EXPIRED;
	expired.by = (emr_id32){{0}};
	ended.by = l->ended_by;
	expired.at = l->given.until_unix_s;
	if (!ended_early(l))
		return is_outlasted ? EMR_OK : emr_buf_append(out, &expired, sizeof expired);
	/* By itself: a team's next key has it already (at home), or he has nothing of that share at
	 * home any more (inside). */
	if (is_told || has_home != is_inside)
		return EMR_OK;
	ended.kind = EMR_DEALING_ENDED;
	ended.seq = l->ended_seq;
	ended.at = l->ended_at;
	ended.batch_id = l->ended_batch;
	return emr_buf_append(out, &ended, sizeof ended);
}

/* ---- requests ---- */

static emr_status tell_yes(
	reading *r, life *l, const emr_replica_item *item, emr_share_dealing *said)
{
	emr_known_person who;
	emr_pub_approve word;

	if (!emr_pub_approve_parse(public_of(item), &word))
		return EMR_DAMAGED;
	if (memcmp(l->given.domain.b, word.grant_domain, 16) != 0)
		return EMR_OK; /* another owner's grant, which has the same id */
	/* By a guardian, and the owner's rule: the clerk has called the share as the request is. */
	if (emr_id16_equal(l->share_id, l->grant)) {
		EMR_TRY(emr_replica_person(r->share->o.replica, said->person, &who));
		l->given.by = EMR_ID32_AT(who.row.root);
		return EMR_OK;
	}
	said->kind = EMR_DEALING_APPROVED;
	said->domain = l->given.domain;
	said->rights = l->given.rights;
	said->purposes = l->given.purposes;
	said->until_unix_s = l->given.until_unix_s;
	return emr_buf_append(r->told, said, sizeof *said);
}

static emr_status tell_no(reading *r, const emr_known_request *known, const emr_replica_item *item,
	emr_share_dealing *said)
{
	EMR_AUTO_FREE emr_share_request *asked = calloc(1, sizeof *asked);
	emr_known_person who;
	emr_status status = emr_replica_person(r->share->o.replica, item->signer_id, &who);

	if (status != EMR_OK || memcmp(who.row.root, r->me.b, sizeof r->me.b) != 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	status = asked != NULL ? emr_share_request_get(r->share, known->request, asked)
			       : EMR_NO_MEMORY;
	if (emr_status_is_local(status))
		return status;
	said->kind = EMR_DEALING_DENIED;
	if (status == EMR_OK) {
		said->rights = asked->rights;
		said->purposes = asked->purposes;
		said->until_unix_s = asked->until_unix_s;
		said->asked = strdup(asked->path);
		EMR_TRY(said->asked != NULL ? EMR_OK : EMR_NO_MEMORY);
	}
	status = emr_buf_append(r->told, said, sizeof *said);
	if (status != EMR_OK)
		free(said->asked);
	return status;
}

static emr_status note_request(reading *r, const emr_known_request *known)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_share_dealing said = {.person = EMR_ID32_AT(known->row.signer)};
	const bool is_yes = known->row.head.state == EMR_SHARE_REQUEST_APPROVED;
	life *given = NULL;
	emr_status status;

	EMR_EACH (life, l, r->lives)
		if (memcmp(l->grant.b, known->row.grant, sizeof l->grant) == 0)
			given = l;
	if (is_yes && given == NULL)
		return EMR_OK; /* another owner's grant */
	status = share_item(r->share, EMR_FAMILY_REQUEST, known->domain, known->request,
		known->row.head.version, &bytes, &item);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	said.seq = item.seq;
	said.at = item.ledger_time;
	said.batch_id = item.batch_id;
	return is_yes ? tell_yes(r, given, &item, &said) : tell_no(r, known, &item, &said);
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

void emr_share_dealings_free(emr_buf *dealings)
{
	EMR_EACH (emr_share_dealing, said, dealings)
		free(said->asked);
	emr_buf_free(dealings);
}

emr_status emr_share_dealings(emr_share *share, emr_buf *out)
{
	EMR_AUTO_BUF lives = {0};
	EMR_AUTO_BUF own = {0};
	reading r = {.share = share, .lives = &lives, .told = out};
	emr_known_request request;
	emr_known_person me;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);
	EMR_ASK(answered, share->o.replica, ANSWERED);

	if (status == EMR_OK)
		r.me = EMR_ID32_AT(me.row.root);
	EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status); /* on a ledger of one's own */
	EMR_TRY(emr_replica_own_domains(share->o.replica, &own));
	EMR_EACH (const emr_id16, domain, &own) {
		r.domain = *domain;
		status = read_domain(&r);
		/* Kept here, and another's; or a device, which shares nothing. */
		EMR_TRY(status == EMR_DENIED || status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	while (emr_next(&answered, &request))
		EMR_TRY(note_request(&r, &request));
	EMR_TRY(answered.status);
	EMR_EACH (const life, l, &lives)
		EMR_TRY(tell_life(&lives, l, out));
	emr_buf_sort(out, sizeof(emr_share_dealing), compare_dealings);
	return EMR_OK;
}
