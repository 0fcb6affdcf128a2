/* This file reads what sharing needs from the computer's own verified copy of the ledger: the
 * keys of a shared folder, grants, wrapped record keys, descriptions of records. It refuses what
 * does not fit the hashes on the ledger. */
#include "share_private.h"

#include <string.h>

#include "base/log.h"
#include "replica/ask.h"
#include "replica/people.h"
#include "share/domain.h"

/* ---- domains ---- */

emr_status share_domain(emr_share *share, emr_id16 domain, emr_row_domain *out)
{
	return emr_domain_row(share->o.replica, domain, out);
}

emr_status share_make_card(emr_share *share, emr_id16 domain, uint64_t expires, const char *name,
	const char *born, emr_buf *out)
{
	emr_row_domain row;

	name = name != NULL ? name : share->o.owner_name;
	born = born != NULL ? born : share->o.owner_born;
	EMR_TRY(share_domain(share, domain, &row));
	return emr_card_make_domain(share->o.keyring, share->net_id, domain, SHARE_GEN,
		row.head.epoch, share_now(share), expires,
		name != NULL && emr_card_name_ok(name) ? name : "", born != NULL ? born : "", out);
}

emr_status share_own_domain(
	emr_share *share, emr_id16 domain, emr_row_domain *out_row, emr_domain_public *out_public)
{
	EMR_TRY(share_domain(share, domain, out_row));
	EMR_TRY(emr_keyring_domain_public(
		share->o.keyring, domain, SHARE_GEN, out_row->head.epoch, out_public));
	return memcmp(out_public->owner_pk, out_row->owner_pk, 32) == 0 ? EMR_OK : EMR_DENIED;
}

emr_status share_epoch(emr_share *share, emr_id16 domain, uint32_t epoch, uint8_t out_A[32])
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_epoch row;
	emr_key_text key;

	emr_key_epoch(domain.b, epoch, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &bytes));
	if (emr_row_epoch_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(out_A, row.A, 32);
	return EMR_OK;
}

emr_status share_signer_pk(emr_share *share, emr_id16 domain, const emr_row_domain *row,
	emr_id32 signer, uint8_t out_pk[32])
{
	EMR_AUTO_BUF owners = {0};
	emr_bytes pk = emr_bytes_of(row->owner_pk, 32);
	emr_known_person person;

	if (emr_id32_equal(emr_sha256_of(&pk, 1), signer)) {
		memcpy(out_pk, row->owner_pk, 32);
		return EMR_OK;
	}
	if (emr_replica_person(share->o.replica, signer, &person) == EMR_OK) {
		memcpy(out_pk, person.row.pk, 32);
		return EMR_OK;
	}
	EMR_TRY(emr_replica_owners_of(share->o.replica, domain, &owners));
	EMR_EACH (const emr_known_owner, owner, &owners)
		if (emr_id32_equal(owner->signer, signer)) {
			memcpy(out_pk, owner->owned.owner_pk, 32);
			return EMR_OK;
		}
	return EMR_NOT_FOUND;
}

/* ---- items and parts ---- */

static emr_part_key key_of(uint8_t family, emr_id16 domain, emr_id16 object, uint64_t version)
{
	return (emr_part_key){
		.domain = domain, .object = object, .version = version, .family = family};
}

emr_status share_item(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_buf *bytes, emr_replica_item *out)
{
	emr_part_key key = key_of(family, domain, object, version);

	emr_buf_clear(bytes);
	return emr_replica_item_get(share->o.replica, &key, bytes, out);
}

emr_status share_part(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_buf *out)
{
	emr_part_key key = key_of(family, domain, object, version);

	emr_buf_clear(out);
	return emr_replica_part(share->o.replica, &key, out);
}

/* ---- grants ---- */

emr_status share_grant_facts(emr_share *share, emr_id16 domain, emr_id16 grant, grant_facts *out)
{
	emr_replica_item item;
	uint64_t version;
	emr_status status;

	EMR_TRY(emr_replica_grant(share->o.replica, domain, grant, &out->known));
	/* A REVOKE is the row's last version and has neither terms nor part: they are one before.
	 */
	version = out->known.row.head.version -
		  (out->known.row.head.state == EMR_GRANT_REVOKED ? 1 : 0);
	status = share_item(share, EMR_FAMILY_GRANT, domain, grant, version, &out->item, &item);
	if (status == EMR_OK)
		status = emr_grant_terms_read(emr_buf_view(&out->item), &out->terms);
	if (status == EMR_OK)
		status = share_part(share, EMR_FAMILY_GRANT, domain, grant, version, &out->part);
	if (status == EMR_OK)
		status = emr_grant_part_read(
			emr_buf_view(&out->item), emr_buf_view(&out->part), &out->read);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

emr_status share_grant_note(
	emr_share *share, const emr_box_key *box, const emr_known_grant *known, emr_grant_note *out)
{
	AUTO_GRANT_FACTS facts = {0};

	EMR_TRY(share_grant_facts(share, known->domain, known->grant, &facts));
	return emr_grant_note_open(box, emr_buf_view(&facts.item), &facts.read, out);
}

void grant_facts_free(grant_facts *facts)
{
	emr_buf_free(&facts->item);
	emr_buf_free(&facts->part);
	memset(facts, 0, sizeof *facts);
}

/* ---- capsules ---- */

static emr_status content_capsule(emr_id16 domain, const emr_buf *bytes, capsule_facts *out)
{
	emr_put_part put;

	EMR_TRY(emr_put_part_decode(emr_buf_view(bytes), &put));
	emr_capsule_ctx(domain, out->epoch, put.record_id, put.cver, EMR_CAPSULE_CONTENT,
		EMR_ID32_AT(put.root.b + 4), out->ctx);
	memcpy(out->capsule, put.capsule, sizeof out->capsule);
	memcpy(out->wdek, put.wdek, sizeof out->wdek);
	return EMR_OK;
}

static emr_status listing_capsule(emr_id16 domain, const emr_buf *bytes, capsule_facts *out)
{
	emr_listkey_part part;

	EMR_TRY(emr_listkey_part_decode(emr_buf_view(bytes), &part));
	emr_listing_ctx(domain, out->epoch, out->writer, out->ctx);
	memcpy(out->capsule, part.capsule, sizeof out->capsule);
	memcpy(out->kcheck, part.kcheck, sizeof out->kcheck);
	return EMR_OK;
}

emr_status share_capsule(
	emr_share *share, emr_id16 domain, const emr_access_slot *slot, capsule_facts *out)
{
	bool is_listing = slot->kind == EMR_CAPSULE_LISTING;
	uint8_t family = is_listing ? EMR_FAMILY_LISTKEY : EMR_FAMILY_OBJECT;
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	if (!is_listing && slot->kind != EMR_CAPSULE_CONTENT)
		return EMR_NOT_FOUND;
	EMR_TRY(share_item(share, family, domain, slot->object_id, slot->version, &bytes, &item));
	memset(out, 0, sizeof *out);
	out->epoch = item.epoch;
	out->writer = item.signer_id;
	out->item_id = item.item_id;
	out->ledger_time = item.ledger_time;
	out->op = item.op;
	if (!is_listing && item.op != EMR_OP_PUT && item.op != EMR_OP_REWRAP)
		return EMR_NOT_FOUND;
	EMR_TRY(share_epoch(share, domain, out->epoch, out->A));
	EMR_TRY(share_part(share, family, domain, slot->object_id, slot->version, &bytes));
	return is_listing ? listing_capsule(domain, &bytes, out)
			  : content_capsule(domain, &bytes, out);
}

/* ---- records ---- */

static emr_status open_meta(const emr_replica_head *head, uint32_t epoch, emr_id32 listkey_id,
	const uint8_t nonce[24], emr_bytes sealed, name_keys keys, emr_buf *plain)
{
	uint8_t aad[EMR_META_AAD_BYTES];
	const emr_list_key *key;

	EMR_TRY(keys.find(keys, listkey_id, &key));
	if (sealed.len < 16)
		return EMR_DAMAGED;
	emr_buf_clear(plain);
	EMR_TRY(emr_buf_append_zeros(plain, sealed.len - 16));
	emr_meta_aad(head->domain, head->object, head->version, epoch, listkey_id, aad);
	return emr_list_key_open_meta(
		key, head->object, nonce, emr_bytes_of(aad, sizeof aad), sealed, plain->data);
}

static emr_status read_put(emr_share *share, const emr_replica_head *head, record_facts *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(share_item(share, EMR_FAMILY_OBJECT, head->domain, head->object, head->pversion,
		&bytes, &item));
	EMR_TRY(share_part(share, EMR_FAMILY_OBJECT, head->domain, head->object, head->pversion,
		&out->put_bytes));
	out->put_flags = item.flags;
	out->put_epoch = item.epoch;
	out->put_signer = item.signer_id;
	out->put_seq = item.seq;
	return emr_put_part_decode(emr_buf_view(&out->put_bytes), &out->put);
}

/* A record is about whom its content says, which is signed, and as long as that; whoever may rename
 * it does not change it.  Where its words cannot be read, those of the description stay. */
static emr_status keep_to_content(const emr_replica_head *head, name_keys keys, record_facts *out)
{
	EMR_AUTO_BUF words = {0};
	emr_replica_head at = *head;
	emr_status status;

	at.version = head->pversion;
	status = open_meta(&at, out->put_epoch, out->put.listkey_id, out->put.nonce,
		out->put.meta_ct, keys, &words);
	if (status == EMR_OK)
		status = emr_meta_keep_to_content(&out->plain, emr_buf_view(&words));
	return emr_status_is_local(status) ? status : EMR_OK;
}

static emr_status read_meta(
	emr_share *share, const emr_replica_head *head, name_keys keys, record_facts *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_meta_part meta;

	if (head->version == head->pversion) { /* one item brought both, and was read just now */
		out->signer = out->put_signer;
		return open_meta(head, out->put_epoch, out->put.listkey_id, out->put.nonce,
			out->put.meta_ct, keys, &out->plain);
	}
	EMR_TRY(share_item(share, EMR_FAMILY_OBJECT, head->domain, head->object, head->version,
		&bytes, &item));
	out->signer = item.signer_id;
	if (item.op != EMR_OP_META)
		return open_meta(head, item.epoch, out->put.listkey_id, out->put.nonce,
			out->put.meta_ct, keys, &out->plain);
	EMR_TRY(share_part(
		share, EMR_FAMILY_OBJECT, head->domain, head->object, head->version, &bytes));
	EMR_TRY(emr_meta_part_decode(emr_buf_view(&bytes), &meta));
	EMR_TRY(open_meta(
		head, item.epoch, meta.listkey_id, meta.nonce, meta.meta_ct, keys, &out->plain));
	return head->pversion != 0 ? keep_to_content(head, keys, out) : EMR_OK;
}

emr_status share_record(
	emr_share *share, const emr_replica_head *head, name_keys keys, record_facts *out)
{
	emr_status status = EMR_OK;

	out->head = *head;
	if (head->pversion != 0)
		status = read_put(share, head, out);
	if (status == EMR_OK)
		status = read_meta(share, head, keys, out);
	if (status == EMR_NOT_FOUND)
		return EMR_MISSING_DATA;
	return status == EMR_OK ? emr_meta_decode(emr_buf_view(&out->plain), &out->meta) : status;
}

void record_facts_free(record_facts *facts)
{
	emr_buf_free(&facts->plain);
	emr_buf_free(&facts->put_bytes);
	memset(facts, 0, sizeof *facts);
}

/* ---- listing keys ---- */

emr_status share_list_keys(emr_share *share, emr_id16 domain, emr_buf *out)
{
	emr_known_listkey known;
	EMR_ASK(keys, share->o.replica, LISTKEYS, .domain = domain);

	while (emr_next(&keys, &known)) {
		const published_key key = {.object = known.object,
			.listkey_id = EMR_ID32_AT(known.row.head.item),
			.writer = EMR_ID32_AT(known.row.signer),
			.epoch = known.row.head.epoch,
			.version = known.row.head.version};

		EMR_TRY(emr_buf_append(out, &key, sizeof key));
	}
	return keys.status;
}

static emr_status add_versions(emr_share *share, emr_id16 domain, emr_id16 object, emr_buf *out)
{
	emr_replica_item item;
	EMR_ASK(history, share->o.replica, HISTORY, .family = EMR_FAMILY_LISTKEY, .domain = domain,
		.object = object);

	while (emr_next(&history, &item)) {
		const published_key key = {.object = object,
			.listkey_id = item.item_id,
			.writer = item.signer_id,
			.epoch = item.epoch,
			.version = item.version};

		EMR_TRY(emr_buf_append(out, &key, sizeof key));
	}
	return history.status;
}

emr_status share_every_list_key(emr_share *share, emr_id16 domain, emr_buf *out)
{
	EMR_AUTO_BUF newest = {0};

	EMR_TRY(share_list_keys(share, domain, &newest));
	EMR_EACH (const published_key, key, &newest)
		EMR_TRY(add_versions(share, domain, key->object, out));
	return EMR_OK;
}
