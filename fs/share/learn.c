/* A person's second computer receives the keys of that person's folders in sealed letters on the
 * ledger. This file opens them, and takes no key that is not the one which the ledger names for
 * that folder. */
#include "share/devices.h"
#include "share/read.h"
#include "share/strangers.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/coowned.h"
#include "keyring/letters.h"
#include "replica/follower.h"
#include "replica/people.h"

#include "share_private.h"

/* ---- a device's half: letters to it ---- */

typedef struct learning {
	emr_share *share;
	emr_box_key *box;
	bool is_some;
} learning;

/* The letter's keys are those of the ledger's epochs, which its owner began, or they are not taken.
 */
static emr_status take_key(learning *l, const emr_epoch_key *key)
{
	uint8_t theirs[32], ours[32];
	emr_epoch_key *known = NULL;
	emr_id16 domain = emr_epoch_key_domain(key);
	bool is_owners = false;
	emr_status status = share_epoch(l->share, domain, emr_epoch_key_epoch(key), theirs);

	if (status == EMR_OK)
		status = emr_epoch_is_owners(
			l->share->o.replica, domain, emr_epoch_key_epoch(key), &is_owners);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	emr_epoch_key_public(key, ours);
	/* Somebody else's key is no key of this folder, and opens nothing here; the others do. */
	if (!is_owners || memcmp(ours, theirs, sizeof ours) != 0)
		return EMR_OK;
	if (emr_keyring_epoch_key(l->share->o.keyring, domain, emr_epoch_key_epoch(key), &known) ==
		EMR_OK) {
		emr_epoch_key_free(known);
		return EMR_OK;
	}
	l->is_some = true;
	return emr_keyring_coown_key(l->share->o.keyring, key);
}

/* It is the last part of the row. */
static emr_status open_letter(learning *l, const emr_known_writer *right)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_writer_letter letter;
	emr_epoch_key **keys = NULL;
	emr_replica_item item;
	emr_id16 object = EMR_ID16_AT(l->share->me.signer_id.b);
	uint64_t version = right->row.head.version;
	size_t n = 0;
	emr_status status = share_item(
		l->share, EMR_FAMILY_WRITER, right->domain, object, version, &bytes, &item);

	if (status == EMR_OK)
		status = share_part(
			l->share, EMR_FAMILY_WRITER, right->domain, object, version, &part);
	if (status == EMR_OK)
		status = emr_writer_part_open(
			l->box, item.bytes, emr_buf_view(&part), &letter, &keys, &n);
	for (size_t i = 0; i < n && status == EMR_OK; i++)
		status = take_key(l, keys[i]);
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	free(keys);
	return status;
}

static emr_status learn_one(learning *l, const emr_known_writer *r)
{
	const emr_keyring *keyring = l->share->o.keyring;
	emr_status status;

	if (r->row.head.state != EMR_WRITER_ACTIVE ||
		r->row.not_after_unix_s <= share_now(l->share)) {
		if (emr_keyring_coowns(keyring, r->domain))
			emr_keyring_coown_end(keyring, r->domain);
		return EMR_OK;
	}
	status = emr_keyring_coown(keyring, r->domain);
	if (status == EMR_OK)
		status = open_letter(l, r);
	/* The letter is part of the domain: where it is not, all before it was followed as a
	 * stranger's. */
	if (status == EMR_NOT_FOUND) {
		l->is_some = true;
		status = emr_replica_adopt(l->share->o.replica, r->domain, NULL);
		if (status == EMR_OK)
			status = open_letter(l, r);
	}
	if (status == EMR_DAMAGED || status == EMR_NOT_FOUND || status == EMR_UNSUPPORTED) {
		emr_log(EMR_LOG_ERROR, "the letter to this device does not open: %s",
			emr_status_text(status));
		return EMR_OK;
	}
	return status;
}

static emr_status is_removed(emr_share *share)
{
	emr_known_person me;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return me.row.head.state == EMR_KEY_REVOKED ? EMR_DENIED : EMR_OK;
}

emr_status emr_share_learn(emr_share *share, bool *out_some)
{
	learning l = {.share = share};
	EMR_AUTO_BUF rights = {0};
	emr_status status;

	*out_some = false;
	if (emr_keyring_kind_of(share->o.keyring) != EMR_KEYRING_DEVICE)
		return EMR_OK;
	status = is_removed(share);
	if (status == EMR_OK)
		status = EMR_ASK_ALL(
			&rights, share->o.replica, WRITES_OF, .who = share->me.signer_id);
	if (status == EMR_OK)
		status = emr_box_key_identity(share->o.keyring, &l.box);
	EMR_EACH (const emr_known_writer, right, &rights)
		if (status == EMR_OK && share_is_computer(right->row.rights))
			status = learn_one(&l, right);
	emr_box_key_free(l.box);
	*out_some = l.is_some;
	return status;
}

emr_status emr_share_begin(emr_share *share, emr_status *out_followed)
{
	emr_status status = emr_share_keep_received(share, false);
	bool some;

	/* Nobody known yet: an empty ledger, or one that is away. */
	if (status == EMR_NO_MEMORY)
		return status;
	EMR_TRY(emr_share_learn(share, &some));
	*out_followed = emr_follow_now(share->o.replica);
	return emr_share_learn(share, &some);
}
