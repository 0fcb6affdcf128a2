/* This file tells who signed a version: it checks the statement when the version is opened, and
 * whether the chain of earlier versions is whole. It refuses the key of a version whose statement
 * does not fit. */
#include "settle/whose.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/content.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"

#include "whose_private.h"

static emr_status begin_asking(emr_facts *facts, const emr_place *place, asking *out)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->pversion);
	asking a = {.facts = facts, .place = place};
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_keyring_person_pk(facts->keyring, a.patient_pk);

	if (status == EMR_OK)
		status = emr_facts_item(facts, &at, &bytes, &a.item);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	a.item.bytes = (emr_bytes){0};
	EMR_TRY(emr_domain_row(facts_at(facts, place->pversion)->replica, place->domain, &a.row));
	*out = a;
	return EMR_OK;
}

emr_status whose_is_owners(const asking *a, emr_id32 signer, bool *out_is)
{
	return emr_signed_is_owner(a->facts->replica, a->place->domain, a->row.owner_pk,
		a->patient_pk, signer, out_is);
}

/* ---- its chain ---- */

typedef struct chain_look {
	const asking *a;
	emr_whose *whose;
	uint64_t came;	 /* version of the item with which this content came; 0: not met yet */
	bool is_amended; /* met the version that it amends */
	bool is_unsure;	 /* or one that could not be opened */
} chain_look;

static emr_status compare_earlier(
	chain_look *look, const emr_replica_item *item, const emr_put_part *part)
{
	const emr_place place = {.domain = look->a->place->domain,
		.object = look->a->place->object,
		.record_id = part->record_id,
		.cver = part->cver,
		.version = item->version,
		.pversion = item->version,
		.padded = part->padded,
		.root = part->root};
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	emr_content_key *key = NULL;
	emr_status status = bundle != NULL ? facts_open_bundle(look->a->facts, &place, bundle, &key)
					   : EMR_NO_MEMORY;

	emr_content_key_free(key);
	if (status == EMR_OK) {
		const emr_bytes bytes = emr_bytes_of(bundle->statement_bytes, EMR_STATEMENT_BYTES);

		look->is_amended |=
			memcmp(emr_sha256_of(&bytes, 1).b, look->whose->is.prev, 32) == 0;
	}
	free(bundle);
	if (status == EMR_OK)
		return EMR_OK;
	if (facts_is_damage(status))
		look->is_unsure = true;
	return look->is_unsure ? EMR_OK : status;
}

static emr_status look_back(chain_look *look, const emr_replica_item *item)
{
	const emr_place *place = look->a->place;
	emr_part_key at = emr_part_of_object(place->domain, place->object, item->version);
	EMR_AUTO_BUF bytes = {0};
	emr_put_part part = {.cver = 0};
	bool is_owner = false;
	emr_status status;

	if (!facts_is_content(item) || facts_is_carried(look->a->facts, item->version, item->seq))
		return EMR_OK;
	if (look->came != 0 && item->op == EMR_OP_PUT && item->version != place->pversion) {
		status = whose_is_owners(look->a, item->signer_id, &is_owner);
		look->whose->is_superseded |= !is_owner;
		return status;
	}
	if (look->came != 0)
		return EMR_OK;
	status = facts_part(look->a->facts, &at, &bytes);
	if (status == EMR_OK)
		status = emr_put_part_decode(emr_buf_view(&bytes), &part);
	if (status != EMR_OK) { /* erased, or damaged */
		look->is_unsure = true;
		return facts_is_damage(status) ? EMR_OK : status;
	}
	if (part.cver == place->cver)
		look->came = item->version;
	else if (look->whose->is.kind == EMR_STATEMENT_AMENDMENT && !look->is_amended)
		return compare_earlier(look, item, &part);
	return EMR_OK;
}

static emr_status judge_chain(const asking *a, emr_whose *whose)
{
	chain_look look = {.a = a, .whose = whose};
	AUTO_FACTS_ASKED chain = {.facts = NULL};
	emr_replica_item item;

	if (a->item.op == EMR_OP_PUT && whose->is.kind != EMR_STATEMENT_AMENDMENT)
		return EMR_OK; /* the newest there is, and it names no other */
	chain = facts_chain(a->facts, a->place->domain, a->place->object);
	while (facts_next_item(&chain, &item))
		EMR_TRY(look_back(&look, &item));
	/* A record that was moved has left its earlier versions where it was. */
	whose->is_gap = whose->is.kind == EMR_STATEMENT_AMENDMENT && !look.is_amended &&
			(look.is_unsure || emr_id16_equal(a->place->object, a->place->record_id));
	return chain.of.status;
}

/* ---- judging ---- */

static emr_status judge_bundle(
	const asking *a, emr_bytes descriptor, const emr_bundle *bundle, emr_whose *out)
{
	emr_whose whose = {.is_gap = false};
	arrival came = {.is_here = false};
	emr_signed_place at = {.descriptor = descriptor,
		.patient_pk = a->patient_pk,
		.r_pid = a->place->r_pid,
		.record_id = a->place->record_id,
		.cver = a->place->cver,
		.is_reencrypted = (a->item.flags & EMR_ITEM_REENC) != 0,
		.mine_only = true};

	EMR_TRY(arrival_find(a, &at, &came));
	at.domain = a->place->domain;
	memcpy(at.owner_pk, a->row.owner_pk, 32);
	EMR_TRY(emr_signed_judge(a->facts->replica, &at, bundle, &whose.is));
	/* When it came; where that is not here any more, when its signer says he signed it. */
	whose.is_placed = !at.is_put;
	whose.time_unix_s =
		whose.is_placed && whose.is.kind != 0 ? whose.is.issued_at : at.time_unix_s;
	EMR_TRY(arrival_judge(a, &came, &whose.is));
	EMR_TRY(judge_chain(a, &whose));
	*out = whose;
	return EMR_OK;
}

static emr_status open_and_judge(const asking *a, emr_bytes descriptor, emr_content *out_content,
	emr_content_key **out_key, emr_whose *out_whose)
{
	emr_content_key *key = NULL;
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	emr_whose whose;
	emr_status status = bundle != NULL ? facts_open_bundle(a->facts, a->place, bundle, &key)
					   : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = judge_bundle(a, descriptor, bundle, &whose);
	if (status == EMR_OK) {
		*out_content = bundle->content;
		*out_whose = whose;
		*out_key = key;
	} else {
		emr_content_key_free(key);
	}
	free(bundle);
	return status;
}

emr_status emr_facts_open_signed(emr_facts *facts, emr_bytes descriptor, const emr_place *place,
	emr_content *out_content, emr_content_key **out_key, emr_whose *out_whose)
{
	EMR_AUTO_SNAPSHOT snapshot = {0};
	emr_place was = *place;
	asking a;
	emr_content_key *key = NULL;
	emr_content content;
	emr_status status = emr_facts_first(&facts, &was, &descriptor, NULL);

	if (status == EMR_OK)
		status = emr_replica_snapshot_begin(facts->replica, &snapshot);
	if (status == EMR_OK)
		status = begin_asking(facts, &was, &a);
	if (status == EMR_OK)
		status = open_and_judge(&a, descriptor, &content, &key, out_whose);
	if (status == EMR_OK && out_whose->is.standing == EMR_SIGNED_MISMATCH) {
		emr_content_key_free(key);
		return EMR_BAD_SIGNATURE;
	}
	if (status == EMR_OK) {
		*out_content = content;
		*out_key = key;
	}
	return status;
}

/* The signer who described it last, when that is another item than the content's. */
static emr_status is_described_by_owner(const asking *a, bool *out_is)
{
	emr_part_key at = emr_part_of_object(a->place->domain, a->place->object, a->place->version);
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status;

	*out_is = at.version == a->place->pversion;
	if (*out_is)
		return EMR_OK;
	status = emr_facts_item(a->facts, &at, &bytes, &item);
	if (status == EMR_OK)
		status = whose_is_owners(a, item.signer_id, out_is);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Born here, and the last bytes and words about it are from the owner: then its statement is hers,
 * which she checked when she made it. */
static emr_status is_plain(const asking *a, bool *out_is)
{
	emr_replica_head head;
	bool last = false, first = false, described = false;
	emr_status status = emr_facts_head(a->facts, a->place->domain, a->place->object, &head);

	*out_is = false;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	status = whose_is_owners(a, a->item.signer_id, &last);
	if (status == EMR_OK)
		status = whose_is_owners(a, head.creator, &first);
	if (status == EMR_OK)
		status = is_described_by_owner(a, &described);
	*out_is = last && first && described &&
		  emr_id16_equal(a->place->object, a->place->record_id) && a->item.op == EMR_OP_PUT;
	return status;
}

emr_status emr_facts_whose(
	emr_facts *facts, emr_bytes descriptor, const emr_place *place, emr_whose *out_whose)
{
	asking a;
	emr_content_key *key = NULL;
	emr_content content;
	emr_place was = *place;
	bool plain = false;
	emr_status status = emr_facts_first(&facts, &was, &descriptor, NULL);

	if (status == EMR_OK)
		status = begin_asking(facts, &was, &a);
	if (status == EMR_OK)
		status = is_plain(&a, &plain);
	if (status != EMR_OK)
		return status;
	if (!plain) {
		status = open_and_judge(&a, descriptor, &content, &key, out_whose);
		emr_content_key_free(key);
		return status;
	}
	*out_whose = (emr_whose){.is = {.standing = EMR_SIGNED_SELF,
					 .kind = EMR_STATEMENT_ORIGINAL,
					 .cver = place->cver},
		.time_unix_s = a.item.ledger_time}; /* plain: it came with that item */
	return EMR_OK;
}

emr_status emr_facts_is_owners(emr_facts *facts, const emr_place *place, bool *out_is)
{
	emr_place was = *place;
	asking a;

	EMR_TRY(emr_facts_first(&facts, &was, NULL, NULL));
	EMR_TRY(begin_asking(facts, &was, &a));
	return whose_is_owners(&a, a.item.signer_id, out_is);
}

/* Another's statement names his certificate, and what the owner wrote on top of it goes on with its
 * chain. */
static bool goes_on(const emr_statement *statement)
{
	return !emr_id32_is_zero(EMR_ID32_AT(statement->cert_ref)) ||
	       statement->kind == EMR_STATEMENT_AMENDMENT;
}

emr_status emr_facts_amended(emr_facts *facts, emr_bytes descriptor, const emr_place *place,
	bool *out_is, uint8_t out_prev[32])
{
	emr_content_key *key = NULL;
	emr_bundle *bundle;
	emr_place was = *place;
	emr_whose whose;
	asking a;
	bool plain = true;
	emr_status status = emr_facts_first(&facts, &was, &descriptor, NULL);

	*out_is = false;
	if (status == EMR_OK)
		status = was.pversion == 0 ? EMR_NOT_FOUND : begin_asking(facts, &was, &a);
	if (status == EMR_OK)
		status = is_plain(&a, &plain);
	if (status != EMR_OK || plain)
		return facts_is_damage(status) ? EMR_OK : status;
	bundle = calloc(1, sizeof *bundle);
	status = bundle != NULL ? facts_open_bundle(facts, &was, bundle, &key) : EMR_NO_MEMORY;
	emr_content_key_free(key);
	if (status == EMR_OK)
		status = judge_bundle(&a, descriptor, bundle, &whose);
	if (status == EMR_OK && whose.is.standing != EMR_SIGNED_MISMATCH && bundle->has_statement &&
		goes_on(&bundle->statement)) {
		const emr_bytes bytes = emr_bytes_of(bundle->statement_bytes, EMR_STATEMENT_BYTES);

		memcpy(out_prev, emr_sha256_of(&bytes, 1).b, 32);
		*out_is = true;
	}
	free(bundle);
	return facts_is_damage(status) ? EMR_OK : status;
}

const char *emr_whose_note(const emr_whose *whose)
{
	return emr_signed_note(whose->is_superseded, whose->is.kind == EMR_STATEMENT_AMENDMENT,
		whose->is_gap, whose->is_placed);
}
