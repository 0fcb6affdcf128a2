/* Keys are followed by others: this file tells which keys one person had, and which keys a domain
 * was owned by, one after the other. */
#include <string.h>

#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "ledger/hash.h"
#include "replica/ask.h"
#include "replica/people.h"
#include "replica_private.h"

#define KEYS_MAX 1000 /* of one person */

emr_status emr_replica_keys_of(emr_replica *replica, emr_id32 signer, emr_buf *out)
{
	emr_known_person person;

	EMR_TRY(emr_replica_person(replica, signer, &person));
	EMR_TRY(emr_replica_person(replica, EMR_ID32_AT(person.row.root), &person));
	for (int i = 0; i < KEYS_MAX; i++) {
		EMR_TRY(emr_buf_append(out, &person, sizeof person));
		/* A computer names a certificate there. */
		if (person.row.how != EMR_HOW_CERTIFICATE ||
			emr_id32_is_zero(EMR_ID32_AT(person.row.next)))
			break;
		EMR_TRY(emr_replica_person(replica, EMR_ID32_AT(person.row.next), &person));
	}
	return EMR_OK;
}

emr_status emr_replica_present(emr_replica *replica, emr_id32 signer, emr_known_person *out)
{
	EMR_AUTO_BUF keys = {0};

	EMR_TRY(emr_replica_keys_of(replica, signer, &keys));
	memcpy(out, keys.data + keys.len - sizeof *out, sizeof *out);
	return EMR_OK;
}

emr_status emr_replica_is_same_person(
	emr_replica *replica, emr_id32 one, emr_id32 other, bool *out_is)
{
	emr_known_person a, b;
	emr_status status = EMR_OK;

	*out_is = emr_id32_equal(one, other);
	if (!*out_is)
		status = emr_replica_person(replica, one, &a);
	if (!*out_is && status == EMR_OK)
		status = emr_replica_person(replica, other, &b);
	if (!*out_is && status == EMR_OK)
		*out_is = memcmp(a.row.root, b.row.root, sizeof a.row.root) == 0;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* By which the batch of entry SEQ is signed. */
static emr_status signer_of(emr_replica *replica, uint64_t seq, uint8_t out_pk[32])
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry entry;
	emr_header header;
	READING(r, replica);

	EMR_TRY(replica_reading_begin(&r));
	EMR_TRY(replica_own(replica, emr_required(emr_chain_entry(r.chain, seq, &bytes, NULL))));
	if (emr_entry_parse((emr_span){bytes.data, bytes.len}, &entry) != EMR_CONTRACT_OK ||
		emr_header_parse((emr_span){entry.header, sizeof entry.header}, &header) !=
			EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(out_pk, header.signer_pk, 32);
	return EMR_OK;
}

static emr_status add_owner(emr_replica *replica, const emr_replica_item *item, emr_buf *out)
{
	const emr_span bytes = item->bytes.len < EMR_ITEM_BYTES
				       ? (emr_span){0}
				       : (emr_span){item->bytes.data + EMR_ITEM_BYTES,
						 item->bytes.len - EMR_ITEM_BYTES};
	emr_pub_domain_new new;
	emr_pub_domain_rotate pub;
	emr_known_owner owner = {.seq = item->seq, .owned = {.from = item->epoch}};
	emr_bytes pk = emr_bytes_of(owner.owned.owner_pk, sizeof owner.owned.owner_pk);

	if (item->op == EMR_OP_DOMAIN_NEW) {
		EMR_TRY(emr_pub_domain_new_parse(bytes, &new)
				? signer_of(replica, item->seq, owner.owned.owner_pk)
				: EMR_DAMAGED);
		memcpy(owner.box, new.box, sizeof owner.box);
	} else if (item->op == EMR_OP_DOMAIN_ROTATE) {
		if (!emr_pub_domain_rotate_parse(bytes, &pub))
			return EMR_DAMAGED;
		memcpy(owner.owned.owner_pk, pub.new_pk, sizeof pub.new_pk);
		memcpy(owner.box, pub.box, sizeof owner.box);
	} else {
		return EMR_OK;
	}
	owner.signer = emr_sha256_of(&pk, 1);
	return emr_buf_append(out, &owner, sizeof owner);
}

emr_status emr_replica_owners_of(emr_replica *replica, emr_id16 domain, emr_buf *out)
{
	emr_replica_item item;
	EMR_ASK(items, replica, HISTORY, .family = EMR_FAMILY_DOMAIN, .domain = domain,
		.object = domain);

	while (emr_next(&items, &item))
		EMR_TRY(add_owner(replica, &item, out));
	return items.status;
}

emr_status emr_replica_find_owner(
	emr_replica *replica, emr_id16 domain, emr_id32 signer, uint8_t out_pk[32], bool *out_is)
{
	EMR_AUTO_BUF owners = {0};

	EMR_TRY(emr_replica_owners_of(replica, domain, &owners));
	EMR_EACH (const emr_known_owner, owner, &owners) {
		if (!emr_id32_equal(owner->signer, signer))
			continue;
		memcpy(out_pk, owner->owned.owner_pk, 32);
		*out_is = true;
	}
	return EMR_OK;
}

emr_status emr_replica_was_owner(emr_replica *replica, emr_id16 domain, const uint8_t owner_pk[32],
	emr_id32 signer, bool *out_was)
{
	const emr_bytes pk = emr_bytes_of(owner_pk, 32);
	uint8_t was[32];

	*out_was = emr_id32_equal(emr_sha256_of(&pk, 1), signer);
	return *out_was ? EMR_OK : emr_replica_find_owner(replica, domain, signer, was, out_was);
}
