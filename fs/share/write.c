/* This file tells a person in which folders of others that person may write, by a letter from the
 * owner or by role and a patient's card, and until when. It also makes again the keys of names that
 * the person wrote there. */
#include "share/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/coowned.h"
#include "keyring/letters.h"
#include "replica/people.h"

#include "shared_private.h"

/* ---- whose ---- */

emr_status emr_share_is_anothers(emr_share *share, emr_id16 domain, bool *out_is)
{
	emr_domain_public public;
	emr_row_domain row;
	emr_status status;

	if (emr_keyring_coowns(share->o.keyring, domain)) {
		*out_is = false;
		return EMR_OK;
	}
	status = share_own_domain(share, domain, &row, &public);
	if (status == EMR_OK || status == EMR_DENIED || status == EMR_NOT_FOUND) {
		*out_is = status == EMR_DENIED;
		return EMR_OK;
	}
	return status;
}

emr_status share_writer_row(emr_share *share, emr_id16 domain, emr_id32 writer, emr_row_writer *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;

	emr_key_in_domain("W", domain.b, writer.b, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &bytes));
	if (emr_row_writer_parse((emr_span){bytes.data, bytes.len}, out) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	return memcmp(out->writer, writer.b, 32) == 0 ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- the letter ---- */

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return part.data != NULL ? emr_buf_append(arg, part.data, part.len) : EMR_MISSING_DATA;
}

/* Where only writing is allowed nothing of the domain is kept here, so the ledger is asked; opening
 * compares with the item's hash. */
static emr_status letter_part(
	emr_share *share, emr_id16 domain, emr_id16 object, uint64_t version, emr_buf *out)
{
	emr_part_key key = {.family = EMR_FAMILY_WRITER,
		.domain = domain,
		.object = object,
		.version = version};
	emr_status status = share_part(share, EMR_FAMILY_WRITER, domain, object, version, out);

	if (status != EMR_NOT_FOUND && status != EMR_MISSING_DATA)
		return status;
	emr_buf_clear(out);
	return emr_ledger_fetch(share->o.ledger, &key, 1, take_part, out);
}

static emr_status read_letter(emr_share *share, emr_bytes item, emr_bytes part, emr_writing *w)
{
	emr_writer_letter letter;
	emr_epoch_key **keys = NULL;
	AUTO_BOX_KEY box = NULL;
	size_t n = 0;
	emr_status status;

	EMR_TRY(emr_box_key_identity(share->o.keyring, &box));
	status = emr_writer_part_open(box, item, part, &letter, &keys, &n);
	for (size_t i = 0; i < n; i++) /* are for devices: nobody else has a use for them */
		emr_epoch_key_free(keys[i]);
	free(keys);
	if (status == EMR_OK)
		status = share_read_card(
			share, w->domain, emr_bytes_of(letter.card, letter.card_len), &w->card);
	if (status != EMR_OK)
		return status == EMR_UNSUPPORTED ? EMR_DAMAGED : status;
	memcpy(w->label, letter.label, sizeof w->label);
	w->top = emr_id16_is_zero(letter.inbox_dir_id) ? w->domain : letter.inbox_dir_id;
	return EMR_OK;
}

/* A WRITER_DEL is the row's last version and has no letter: that is one before. */
static emr_status open_letter(emr_share *share, const emr_row_writer *row, emr_writing *w)
{
	uint64_t version = row->head.version - (row->head.state == EMR_WRITER_ACTIVE ? 0 : 1);
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;
	emr_id16 object = EMR_ID16_AT(share->me.signer_id.b);

	EMR_TRY(share_item(
		share, EMR_FAMILY_WRITER, w->domain, object, row->head.version, &bytes, &item));
	w->since_unix_s = item.ledger_time;
	EMR_TRY(share_item(share, EMR_FAMILY_WRITER, w->domain, object, version, &bytes, &item));
	EMR_TRY(letter_part(share, w->domain, object, version, &part));
	return read_letter(share, item.bytes, emr_buf_view(&part), w);
}

static emr_writing_phase phase_of(const emr_share *share, const emr_row_writer *row)
{
	if (row->head.state != EMR_WRITER_ACTIVE)
		return EMR_WRITING_HAS_ENDED;
	return row->not_after_unix_s <= share_now(share) ? EMR_WRITING_IS_OVER
							 : EMR_WRITING_IN_FORCE;
}

/* New bytes are sealed to the folder's owner: after the end of the owner's key another person may
 * have it. */
static emr_status look_at_owner(emr_share *share, const emr_card *card, uint64_t *out_ended_unix_s)
{
	emr_status status = share_key_end(share, card->signer_id, out_ended_unix_s);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status writing_of_row(
	emr_share *share, emr_id16 domain, const emr_row_writer *row, emr_writing *out)
{
	emr_writing w = {.domain = domain,
		.phase = phase_of(share, row),
		.rights = row->rights,
		.not_after_unix_s = row->not_after_unix_s};
	emr_row_domain d;
	uint64_t ended_unix_s = 0;

	EMR_TRY(share_domain(share, domain, &d));
	w.is_inbox = (d.head.flags & EMR_ITEM_INBOX) != 0;
	EMR_TRY(open_letter(share, row, &w));
	if (w.phase == EMR_WRITING_IN_FORCE)
		EMR_TRY(look_at_owner(share, &w.card, &ended_unix_s));
	if (ended_unix_s != 0) {
		w.phase = EMR_WRITING_HAS_ENDED;
		w.since_unix_s = ended_unix_s;
	}
	/* The owner's entry behind the date only writes it down. */
	if (w.phase == EMR_WRITING_HAS_ENDED && w.since_unix_s >= w.not_after_unix_s)
		w.phase = EMR_WRITING_IS_OVER;
	*out = w;
	return EMR_OK;
}

/* ---- by letter ---- */

emr_status emr_share_writing(emr_share *share, emr_id16 domain, emr_writing *out_writing)
{
	emr_row_writer row;
	bool is_anothers = false;

	EMR_TRY(emr_share_is_anothers(share, domain, &is_anothers));
	if (!is_anothers)
		return EMR_NOT_FOUND;
	EMR_TRY(share_writer_row(share, domain, share->me.signer_id, &row));
	if (share_is_computer(row.rights))
		return EMR_NOT_FOUND;
	return writing_of_row(share, domain, &row, out_writing);
}

emr_status emr_share_writings(emr_share *share, emr_buf *out_writings, size_t *out_damaged)
{
	EMR_AUTO_BUF rows = {0};
	size_t damaged = 0;

	EMR_TRY(EMR_ASK_ALL(&rows, share->o.replica, WRITES_OF, .who = share->me.signer_id));
	EMR_EACH (const emr_known_writer, one, &rows) {
		emr_writing writing;
		emr_status status = EMR_OK;

		if (share_is_computer(one->row.rights))
			continue;
		status = writing_of_row(share, one->domain, &one->row, &writing);
		if (status == EMR_OK)
			status = emr_buf_append(out_writings, &writing, sizeof writing);
		if (emr_status_is_local(status))
			return status;
		if (status == EMR_OK || emr_status_is_away(status))
			continue; /* its letter will be told when the ledger is back */
		emr_log(EMR_LOG_WARN, "a letter that allows to write does not open: %s",
			emr_status_text(status));
		damaged++;
	}
	if (out_damaged != NULL)
		*out_damaged = damaged;
	return EMR_OK;
}

/* ---- by role ---- */

static emr_status may_deposit(emr_share *share)
{
	bool is_active = false;
	emr_known_person me;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	if (status == EMR_OK)
		status = emr_replica_person_is_active(
			share->o.replica, &me, share_now(share), &is_active);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	return is_active && (me.row.roles & (EMR_ROLE_HOSPITAL | EMR_ROLE_CLINICIAN)) != 0
		       ? EMR_OK
		       : EMR_DENIED;
}

static emr_status by_role(emr_share *share, const emr_card *card, emr_writing *out)
{
	emr_row_domain row;
	uint64_t ended_unix_s = 0;

	EMR_TRY(share_domain(share, card->domain_id, &row));
	EMR_TRY(look_at_owner(share, card, &ended_unix_s));
	if (ended_unix_s != 0 || (row.head.flags & EMR_ITEM_INBOX) == 0)
		return EMR_DENIED;
	EMR_TRY(may_deposit(share));
	*out = (emr_writing){.domain = card->domain_id,
		.rights = EMR_WRITES_DEPOSIT,
		.is_inbox = true,
		.by_role = true,
		.not_after_unix_s = UINT64_MAX,
		.top = card->domain_id,
		.card = *card};
	return EMR_OK;
}

emr_status emr_share_writing_by_card(emr_share *share, emr_bytes bytes, emr_writing *out_writing)
{
	bool is_anothers = false;
	emr_writing letter;
	emr_card card;
	emr_status status;

	EMR_TRY(emr_card_read(bytes, &card));
	if (card.kind != EMR_CARD_DOMAIN || !emr_id16_equal(card.net_id, share->net_id))
		return EMR_INVALID;
	EMR_TRY(share_read_card(share, card.domain_id, bytes, &card));
	EMR_TRY(emr_share_is_anothers(share, card.domain_id, &is_anothers));
	if (!is_anothers)
		return EMR_DENIED;
	status = emr_share_writing(share, card.domain_id, &letter);
	if (status == EMR_OK && letter.phase == EMR_WRITING_IN_FORCE) {
		*out_writing = letter;
		return EMR_OK;
	}
	return by_role(share, &card, out_writing);
}

/* ---- one's own listing keys there ---- */

emr_status emr_share_own_list_key(
	emr_share *share, emr_id16 domain, uint32_t epoch, emr_list_key **out_key)
{
	uint8_t A[32], capsule[EMR_CAPSULE_BYTES], kcheck[32];

	EMR_TRY(share_epoch(share, domain, epoch, A));
	return emr_list_key_publish(
		share->o.keyring, domain, epoch, A, share->me.signer_id, capsule, kcheck, out_key);
}

emr_status emr_share_own_list_key_id(
	emr_share *share, emr_id16 domain, uint32_t epoch, emr_id32 *out_id)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_listkey row;
	emr_id16 object;
	emr_key_text key;

	emr_object_listkey(share->me.signer_id.b, epoch, object.b);
	emr_key_listkey(domain.b, object.b, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &bytes));
	if (emr_row_listkey_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(out_id->b, row.head.item, sizeof out_id->b);
	return EMR_OK;
}

/* Nobody has to release what I can make again. */
emr_status shared_take_own_names(emr_shared *shared)
{
	emr_share *share = shared->share;
	emr_id16 domain = shared->received.grant.domain;
	EMR_AUTO_BUF keys = {0};

	EMR_TRY(share_list_keys(share, domain, &keys));
	EMR_EACH (const published_key, key, &keys) {
		emr_list_key *own = NULL;

		if (!emr_id32_equal(key->writer, share->me.signer_id) ||
			shared_name_key(shared, key->listkey_id) != NULL)
			continue;
		EMR_TRY(emr_share_own_list_key(share, domain, key->epoch, &own));
		EMR_TRY(shared_keep_name_key(shared, key->listkey_id, own, false));
	}
	return EMR_OK;
}
