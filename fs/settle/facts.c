/* This file reads from the ledger's verified copy what a record is now: it opens name and
 * description, and the key of its content. It leaves out and names a record whose parts do not
 * fit. */
#include "facts_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "contract/codes.h"
#include "keyring/content.h"

#include "own_words.h"

emr_status emr_facts_new(
	emr_keyring *keyring, emr_replica *replica, emr_record_ctx *records, emr_facts **out_facts)
{
	emr_facts *facts = calloc(1, sizeof *facts);

	if (facts == NULL)
		return EMR_NO_MEMORY;
	facts->keyring = keyring;
	facts->replica = replica;
	facts->records = records;
	facts->cache_dirfd = -1;
	pthread_mutex_init(&facts->lock, NULL);
	*out_facts = facts;
	return EMR_OK;
}

void emr_facts_free(emr_facts *facts)
{
	if (facts == NULL)
		return;
	list_keys_free(&facts->keys);
	unreadable_free(&facts->unreadable);
	emr_buf_free(&facts->noted);
	if (facts->cache_dirfd >= 0)
		close(facts->cache_dirfd);
	pthread_mutex_destroy(&facts->lock);
	free(facts);
}

emr_status emr_facts_list_key(
	emr_facts *facts, emr_id16 domain, emr_id32 listkey_id, const emr_list_key **out_key)
{
	emr_status status;
	EMR_LOCKED(&facts->lock);

	status = list_keys_get(
		&facts->keys, facts->keyring, facts->replica, domain, listkey_id, out_key);
	return status == EMR_NOT_FOUND && facts->annex.facts != NULL
		       ? emr_facts_list_key(facts->annex.facts, domain, listkey_id, out_key)
		       : status;
}

/* Opens meta_ct of the item at VERSION of the row. */
static emr_status open_meta(emr_facts *facts, const emr_replica_head *head, uint32_t epoch,
	uint64_t version, emr_id32 listkey_id, const uint8_t nonce[24], emr_bytes sealed,
	emr_buf *out_plain)
{
	uint8_t aad[EMR_META_AAD_BYTES];
	const emr_list_key *key;

	EMR_TRY(emr_facts_list_key(facts, head->domain, listkey_id, &key));
	if (sealed.len < 16)
		return EMR_DAMAGED;
	emr_buf_clear(out_plain);
	EMR_TRY(emr_buf_append_zeros(out_plain, sealed.len - 16));
	emr_meta_aad(
		head->domain, head->object, version & ~EMR_VERSION_ANNEX, epoch, listkey_id, aad);
	EMR_TRY(emr_list_key_open_meta(
		key, head->object, nonce, emr_bytes_of(aad, sizeof aad), sealed, out_plain->data));
	return own_words_open(facts->keyring, out_plain);
}

static void place_of_head(const emr_replica_head *head, emr_place *out_place)
{
	*out_place = (emr_place){
		.domain = head->domain,
		.object = head->object,
		.version = head->version,
		.pversion = head->pversion,
	};
}

emr_status facts_read_put(
	emr_facts *facts, const emr_replica_head *head, emr_buf *bytes, emr_put_part *out_part)
{
	emr_part_key at = emr_part_of_object(head->domain, head->object, head->pversion);
	emr_status status;

	emr_buf_clear(bytes);
	status = facts_part(facts, &at, bytes);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	return emr_put_part_decode(emr_buf_view(bytes), out_part);
}

/* A record is about whom its content says, which is signed, and as long as that; whoever may rename
 * it does not change it.  PUT is the one at HEAD's pversion.  Where its words cannot be read, those
 * of the description stay. */
static emr_status keep_to_content(
	emr_facts *facts, const emr_replica_head *head, const emr_put_part *put, emr_buf *plain)
{
	emr_part_key at = emr_part_of_object(head->domain, head->object, head->pversion);
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF words = {0};
	emr_replica_item item;
	emr_status status = emr_facts_item(facts, &at, &bytes, &item);

	if (status == EMR_OK)
		status = open_meta(facts, head, item.epoch, head->pversion, put->listkey_id,
			put->nonce, put->meta_ct, &words);
	if (status == EMR_OK)
		status = emr_meta_keep_to_content(plain, emr_buf_view(&words));
	return facts_is_damage(status) ? EMR_OK : status;
}

emr_status facts_read(emr_facts *facts, const emr_replica_head *head, emr_place *out_place,
	emr_buf *plain, emr_meta *out_meta, emr_replica_item *out_item)
{
	emr_facts *older = facts->annex.facts;
	emr_part_key at = emr_part_of_object(head->domain, head->object, head->version);
	EMR_AUTO_BUF item_bytes = {0};
	EMR_AUTO_BUF part_bytes = {0};
	emr_replica_item item;
	emr_put_part put;
	emr_meta_part meta;
	emr_status status;

	if (older != NULL && (head->version & EMR_VERSION_ANNEX) != 0) {
		emr_replica_head there = *head;

		there.version -= EMR_VERSION_MOVE;
		there.pversion -= (head->pversion & EMR_VERSION_ANNEX) != 0 ? EMR_VERSION_MOVE : 0;
		EMR_TRY(facts_read(older, &there, out_place, plain, out_meta, out_item));
		out_place->version = head->version;
		out_place->pversion = head->pversion;
		return EMR_OK;
	}
	status = emr_facts_item(facts, &at, &item_bytes, &item);
	if (status == EMR_OK)
		status = facts_part(facts, &at, &part_bytes);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	place_of_head(head, out_place);
	if (item.op == EMR_OP_META) {
		status = emr_meta_part_decode(emr_buf_view(&part_bytes), &meta);
		if (status == EMR_OK)
			status = open_meta(facts, head, item.epoch, head->version, meta.listkey_id,
				meta.nonce, meta.meta_ct, plain);
		if (status == EMR_OK && head->pversion != 0)
			status = facts_read_put(facts, head, &part_bytes, &put);
		if (status == EMR_OK && head->pversion != 0)
			status = keep_to_content(facts, head, &put, plain);
	} else {
		status = emr_put_part_decode(emr_buf_view(&part_bytes), &put);
		if (status == EMR_OK)
			status = open_meta(facts, head, item.epoch, head->version, put.listkey_id,
				put.nonce, put.meta_ct, plain);
		if (status == EMR_OK)
			status = facts_root_words(facts, head, &item, plain);
	}
	if (status == EMR_OK && head->pversion != 0)
		status = facts_number(
			facts, head->domain, head->object, put.record_id, &put.record_id);
	if (status != EMR_OK)
		return status;
	if (head->pversion != 0) {
		out_place->record_id = put.record_id;
		out_place->cver = put.cver;
		out_place->padded = put.padded;
		out_place->root = put.root;
	}
	status = emr_meta_decode(emr_buf_view(plain), out_meta);
	if (status == EMR_OK)
		memcpy(out_place->r_pid, out_meta->r_pid, sizeof out_place->r_pid);
	if (out_item != NULL) {
		*out_item = item;
		out_item->bytes = (emr_bytes){0};
	}
	return status;
}

emr_status emr_facts_get(emr_facts *facts, emr_id16 domain, emr_id16 object, emr_place *out_place,
	emr_buf *out_bytes, emr_meta *out_meta)
{
	emr_replica_head head;
	emr_status status, noted;
	bool is_junk;

	EMR_TRY(emr_replica_head_get(facts->replica, domain, object, &head));
	if (head.state == EMR_OBJECT_LIVE) {
		status = facts_read(facts, &head, out_place, out_bytes, out_meta, NULL);
		noted = facts_note_reading(facts, &head, status, &is_junk);
	} else {
		status = EMR_NOT_FOUND;
		noted = facts_note_junk(facts, domain, object, 0);
	}
	return noted == EMR_OK ? status : noted;
}

/* For which epoch the content at PLACE was wrapped.  The row says it of the present content, and is
 * found at once; an earlier version's is looked for in its entry. */
static emr_status epoch_of(emr_facts *facts, const emr_place *place, uint32_t *out)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->pversion);
	EMR_AUTO_BUF bytes = {0};
	emr_replica_head head;
	emr_replica_item item;

	if (emr_replica_head_get(facts->replica, place->domain, place->object, &head) == EMR_OK &&
		head.pversion == place->pversion) {
		*out = head.epoch;
		return EMR_OK;
	}
	EMR_TRY(emr_facts_item(facts, &at, &bytes, &item));
	*out = item.epoch;
	return EMR_OK;
}

emr_status facts_open_bundle(
	emr_facts *facts, const emr_place *place, emr_bundle *out_bundle, emr_content_key **out_key)
{
	emr_replica_head head = {
		.domain = place->domain, .object = place->object, .pversion = place->pversion};
	EMR_AUTO_BUF bytes = {0};
	emr_content_key *key = NULL;
	uint32_t epoch = 0;
	emr_put_part put;
	emr_id32 digest;
	uint8_t ctx[32];
	emr_status status;

	status = epoch_of(facts, place, &epoch);
	if (status == EMR_OK)
		status = facts_read_put(facts, &head, &bytes, &put);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	memcpy(digest.b, put.root.b + 4, sizeof digest.b);
	emr_capsule_ctx(
		place->domain, epoch, put.record_id, put.cver, EMR_CAPSULE_CONTENT, digest, ctx);
	EMR_TRY(emr_content_key_unwrap(
		facts->keyring, place->domain, epoch, ctx, put.capsule, put.wdek, &key));
	status = emr_bundle_open(
		facts->records, &put.root, key, put.record_id, put.cver, out_bundle);
	if (status != EMR_OK) {
		emr_content_key_free(key);
		return status;
	}
	*out_key = key;
	return EMR_OK;
}

/* ---- every version ---- */

typedef struct bundles {
	emr_facts *facts;
	bool *out_lacks; /* NULL: what lacks ends the walk */
	emr_buf *out;
	bool is_mine;	   /* the object in hand */
	bool is_of_others; /* only what others left in folders of mine */
	emr_public me;
} bundles;

static emr_status bundle_of_item(
	const bundles *b, const emr_replica_head *head, const emr_replica_item *item)
{
	const bool is_by_me = emr_keyring_is_self(b->facts->keyring, item->signer_id);
	bool is_owners = false;
	emr_part_key at = emr_part_of_object(head->domain, head->object, item->version);
	emr_pin pin = {.owner = head->object, .state = EMR_PIN_REGISTERED};
	EMR_AUTO_BUF bytes = {0};
	emr_put_part put;
	emr_status status;

	if (!facts_is_content(item) || (!b->is_mine && !is_by_me) ||
		facts_is_carried(b->facts, item->version, item->seq))
		return EMR_OK; /* carried: the annex has said it */
	if (b->is_of_others &&
		(!b->is_mine || (head->version & EMR_VERSION_ANNEX) != 0 || is_by_me))
		return EMR_OK;
	if (b->is_of_others)
		EMR_TRY(facts_signed_by_owner(b->facts, head->domain, item->signer_id, &is_owners));
	if (is_owners)
		return EMR_OK;
	status = facts_part(b->facts, &at, &bytes);
	if (status == EMR_NOT_FOUND)
		return EMR_OK; /* erased */
	if (status == EMR_MISSING_DATA && b->out_lacks != NULL) {
		*b->out_lacks = true;
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_put_part_decode(emr_buf_view(&bytes), &put);
	EMR_TRY(status);
	pin.root = put.root;
	return emr_buf_append(b->out, &pin, sizeof pin);
}

/* The parts of what others share are here, too, and their owners keep it, but for what this person
 * wrote there: its owner may not have fetched it yet. A device may get its keys later than the
 * parts. */
emr_status emr_facts_bundles(
	emr_facts *facts, bool is_of_others, bool *out_lacks, emr_buf *out_pins)
{
	bundles b = {.facts = facts,
		.out_lacks = out_lacks,
		.out = out_pins,
		.is_of_others = is_of_others};
	const bool is_device = emr_keyring_kind_of(facts->keyring) == EMR_KEYRING_DEVICE;
	AUTO_FACTS_ASKED heads = facts_heads(facts);
	EMR_AUTO_BUF own = {0};
	emr_replica_head head;
	emr_replica_item item;

	if (out_lacks != NULL)
		*out_lacks = false;
	EMR_TRY(emr_keyring_public(facts->keyring, &b.me));
	EMR_TRY(emr_replica_own_domains(facts->replica, &own));
	while (facts_next_head(&heads, &head)) {
		AUTO_FACTS_ASKED chain = facts_chain(facts, head.domain, head.object);

		b.is_mine = is_device || heads.mark != 0 ||
			    emr_buf_has(&own, emr_bytes_of(&head.domain, sizeof head.domain));
		while (facts_next_item(&chain, &item))
			EMR_TRY(bundle_of_item(&b, &head, &item));
		EMR_TRY(chain.of.status);
	}
	return heads.of.status;
}

bool facts_next_content(
	facts_asked *chain, emr_replica_item *out, emr_put_part *out_part, bool *out_is_read)
{
	emr_replica_head at = {.domain = chain->of.about.domain, .object = chain->of.about.object};
	EMR_AUTO_BUF bytes = {0};
	emr_status status;

	do
		if (!facts_next_item(chain, out))
			return false;
	while (!facts_is_content(out));
	at.pversion = out->version;
	status = facts_read_put(chain->facts, &at, &bytes, out_part);
	*out_is_read = status == EMR_OK;
	if (!*out_is_read)
		*out_part = (emr_put_part){.cver = 0};
	chain->of.status = facts_is_damage(status) ? EMR_OK : status;
	return chain->of.status == EMR_OK;
}
