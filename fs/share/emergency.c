/* This file reads what the ledger says of emergencies, and sends why a clinician must read what a
 * patient prepared for one. */
#include "share/request.h"

#include <stdlib.h>
#include <string.h>

#include "share/give.h"
#include "teams_private.h"

#define SAID_IN_ONE 400		      /* of a batch, which has a limit of bytes, too */
#define WORD_AT (EMR_ITEM_BYTES + 32) /* in the operation */

/* ---- a clinician's ---- */

/* The word is in the operation of the one who spoke last. */
static emr_status read_word(emr_share *share, emr_emergency *e)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(share_item(share, EMR_FAMILY_EMERGENCY, e->grant.domain, e->grant.grant, e->version,
		&bytes, &item));
	if (bytes.len < WORD_AT + sizeof e->word.b)
		return EMR_DAMAGED;
	memcpy(e->word.b, bytes.data + WORD_AT, sizeof e->word.b);
	return EMR_OK;
}

static emr_status note_one(emr_share *share, const emr_known_grant *grant, emr_id32 root,
	const emr_id16 *word, emr_emergency_state wanted, emr_buf *out)
{
	const uint64_t now = share_now(share);
	emr_membership membership;
	emr_emergency e;
	emr_status status;

	if ((grant->row.rights & EMR_GRANT_TWO) == 0 ||
		emr_grant_phase_at(grant, now) != EMR_GRANT_IN_FORCE)
		return EMR_OK;
	status = emr_emergency_of(share, grant, &e);
	if (status != EMR_OK && (status != EMR_NOT_FOUND || emr_id16_is_zero(e.via)))
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	status = emr_team_membership(share->o.replica, e.via, root, &membership);
	if (status != EMR_OK || !emr_membership_is_on(&membership, now))
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (word == NULL) {
		if (emr_emergency_state_at(&e, now) != wanted || emr_id32_equal(e.first, root) ||
			(wanted == EMR_EMERGENCY_OPEN && !emr_id32_equal(e.second, root)))
			return EMR_OK;
		EMR_TRY(read_word(share, &e));
	} else {
		e.word = *word;
	}
	e.hours = emr_emergency_hours(share, grant, e.word);
	return e.hours != 0 ? emr_buf_append(out, &e, sizeof e) : EMR_OK;
}

emr_status emr_emergency_find(emr_share *share, const emr_id16 *word, emr_buf *out)
{
	EMR_AUTO_BUF grants = {0};
	emr_known_person me;
	emr_id32 root;

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	root = EMR_ID32_AT(me.row.root);
	EMR_TRY(emr_grants_to_person(share->o.replica, root, &grants));
	EMR_EACH (const emr_known_grant, grant, &grants)
		EMR_TRY(note_one(share, grant, root, word, EMR_EMERGENCY_BEGUN, out));
	if (word != NULL || out->len > 0)
		return EMR_OK;
	/* The second may say it again, who did not hear that the ledger took it. */
	EMR_EACH (const emr_known_grant, grant, &grants)
		EMR_TRY(note_one(share, grant, root, word, EMR_EMERGENCY_OPEN, out));
	return EMR_OK;
}

static emr_status add_one(parcel *p, const emr_emergency *e, const char *reason)
{
	emr_act act = emr_act_emergency(
		e->grant.domain, e->grant.grant, e->via, e->word, (uint8_t)e->hours);
	emr_row_domain row;

	EMR_TRY(share_domain(p->share, e->grant.domain, &row));
	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(emr_emergency_part_seal(emr_buf_view(&p->item), row.box, reason, &p->part));
	return parcel_add(p, &act, NULL);
}

/* Of those that are not open, as many as fit into a batch.  *OUT_N: how many of ALL it has gone
 * through. */
static emr_status say_some(
	emr_share *share, const emr_emergency *all, size_t n, const char *reason, size_t *out_n)
{
	uint8_t codes[EMR_BATCH_SEND_ITEMS];
	AUTO_PARCEL p = {0};
	size_t sent = 0;
	bool is_some = false; /* taken: the rest does not undo it */

	EMR_TRY(parcel_begin(share, emr_signer_identity(), &p));
	for (*out_n = 0; *out_n < n && sent < SAID_IN_ONE; ++*out_n)
		if (emr_emergency_state_at(&all[*out_n], share_now(share)) != EMR_EMERGENCY_OPEN) {
			EMR_TRY(add_one(&p, &all[*out_n], reason));
			sent++;
		}
	if (sent == 0)
		return EMR_OK;
	EMR_TRY(parcel_send_each(&p, codes));
	for (size_t i = 0; i < sent; i++)
		is_some |= parcel_is_applied(codes[i]);
	for (size_t i = 0; i < sent; i++) {
		if (is_some || codes[i] == EMR_RESULT_EXISTS)
			continue;
		share->refusal = codes[i];
		return codes[i] == EMR_RESULT_NOT_AUTHORISED || codes[i] == EMR_RESULT_NOT_GRANTEE
			       ? EMR_DENIED
		       : codes[i] == EMR_RESULT_CONFLICT ? EMR_CONFLICT
							 : EMR_REFUSED;
	}
	return EMR_OK;
}

emr_status emr_emergency_say(
	emr_share *share, const emr_emergency *all, size_t n, const char *reason)
{
	size_t some = 0;

	for (size_t i = 0; i < n; i += some)
		EMR_TRY(say_some(share, all + i, n - i, reason, &some));
	return EMR_OK;
}

/* ---- the patient's ---- */

emr_status emr_emergency_own(emr_share *share, emr_buf *out)
{
	EMR_AUTO_BUF all = {0};
	emr_emergency e;

	EMR_TRY(emr_share_given_everywhere(share, &all));
	EMR_EACH (const emr_given, given, &all) {
		emr_status status;

		if ((given->grant.row.rights & EMR_GRANT_TWO) == 0 ||
			!emr_phase_stands(given->phase))
			continue;
		status = emr_emergency_of(share, &given->grant, &e);
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
		e.word = given->share_id;
		e.hours = emr_emergency_hours(share, &given->grant, e.word);
		memcpy(e.label, given->label, sizeof e.label);
		EMR_TRY(emr_buf_append(out, &e, sizeof e));
	}
	return EMR_OK;
}

/* As the contract counts: people, and for the hours that the card says. */
emr_status emr_emergency_words(emr_share *share, const emr_emergency *e, emr_buf *out)
{
	emr_id32 first = {{0}}, first_key = {{0}}, account = {{0}};
	uint64_t first_at = 0, until = 0;
	emr_known_person who;
	emr_replica_item item;
	EMR_AUTO_BUF items = {0};
	EMR_ASK(history, share->o.replica, HISTORY, .family = EMR_FAMILY_EMERGENCY,
		.domain = e->grant.domain, .object = e->grant.grant);

	while (emr_next(&history, &item))
		EMR_TRY(emr_buf_append(&items, &item, sizeof item));
	EMR_TRY(history.status);
	EMR_EACH (const emr_replica_item, at, &items) {
		const uint64_t now = at->ledger_time;
		emr_emergency_word word = {.who = at->signer_id, .version = at->version};

		EMR_TRY(emr_replica_person(share->o.replica, at->signer_id, &who));
		if (until != 0 ? now >= until : now > first_at + EMR_EMERGENCY_S)
			first_at = until = 0;
		if (first_at == 0) {
			first = EMR_ID32_AT(who.row.root);
			account = EMR_ID32_AT(who.row.account);
			first_key = at->signer_id;
			first_at = now;
		} else if (!emr_id32_equal(first, EMR_ID32_AT(who.row.root)) &&
			   !emr_id32_equal(account, EMR_ID32_AT(who.row.account))) {
			until = word.until_unix_s =
				now + (e->hours != 0 ? e->hours * 3600u : EMR_EMERGENCY_S);
			word.first = first_key;
		}
		EMR_TRY(emr_buf_append(out, &word, sizeof word));
	}
	return EMR_OK;
}

emr_status emr_emergency_reason(emr_share *share, const emr_emergency *e, uint64_t version,
	char out[EMR_EMERGENCY_REASON_MAX + 1])
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	AUTO_BOX_KEY box = NULL;
	emr_replica_item item;

	EMR_TRY(share_item(share, EMR_FAMILY_EMERGENCY, e->grant.domain, e->grant.grant, version,
		&bytes, &item));
	EMR_TRY(share_part(
		share, EMR_FAMILY_EMERGENCY, e->grant.domain, e->grant.grant, version, &part));
	EMR_TRY(emr_box_key_domain(share->o.keyring, e->grant.domain, &box));
	return emr_emergency_part_open(box, emr_buf_view(&bytes), emr_buf_view(&part), out);
}
