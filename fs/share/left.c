/* A clinician who leaves files in a patient's Inbox cannot read there afterwards. This file lists
 * what that clinician has left, with names that only the clinician's own keys open, as a proof of
 * delivery. */
#include "share/left.h"

#include <stdio.h>
#include <string.h>

#include "keyring/content.h"
#include "record/format.h"
#include "share/write.h"

#include "share_private.h"

#define AT_ONCE 64 /* parts asked for in one call */

/* One deposit of the domain in hand. */
typedef struct item_left {
	emr_deposit_left said;
	uint32_t epoch;
	emr_id16 object;
	emr_item item;
} item_left;

typedef struct looking {
	emr_share *share;
	emr_id16 domain;
	emr_buf list;	   /* item_left, ... */
	item_left *asked;  /* of those, whose names are asked for */
	emr_list_key *key; /* of EPOCH; NULL: none yet */
	uint32_t epoch;
	emr_id32 listkey_id;
	emr_buf *out;
} looking;

/* ---- what the ledger says of it ---- */

static emr_status find_items(looking *l, emr_id32 owner, const char *folder)
{
	emr_replica_listing line;
	EMR_ASK(lines, l->share->o.replica, SIGNED_IN, .domain = l->domain,
		.who = l->share->me.signer_id);

	while (emr_next(&lines, &line)) {
		const emr_replica_item *item = &line.item;
		item_left one = {.said = {.seq = item->seq,
					 .at = item->ledger_time,
					 .batch_id = item->batch_id,
					 .domain = l->domain,
					 .owner = owner},
			.epoch = item->epoch,
			.object = line.object};

		if (item->op != EMR_OP_PUT || item->version != 1 ||
			emr_item_parse((emr_span){item->bytes.data, EMR_ITEM_BYTES}, &one.item) !=
				EMR_CONTRACT_OK)
			continue;
		snprintf(one.said.folder, sizeof one.said.folder, "%s", folder);
		EMR_TRY(emr_buf_append(&l->list, &one, sizeof one));
	}
	return lines.status;
}

/* ---- what it was called ---- */

static emr_status need_key(looking *l, uint32_t epoch)
{
	if (l->key != NULL && l->epoch == epoch)
		return EMR_OK;
	emr_list_key_free(l->key);
	l->key = NULL;
	l->epoch = epoch;
	EMR_TRY(emr_share_own_list_key_id(l->share, l->domain, epoch, &l->listkey_id));
	return emr_share_own_list_key(l->share, l->domain, epoch, &l->key);
}

static emr_status open_name(const looking *l, item_left *one, emr_bytes part)
{
	uint8_t aad[EMR_META_AAD_BYTES];
	EMR_AUTO_BUF plain = {0};
	emr_put_part put;
	emr_meta meta;

	EMR_TRY(emr_put_part_decode(part, &put));
	if (put.meta_ct.len < 16)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append_zeros(&plain, put.meta_ct.len - 16));
	emr_meta_aad(l->domain, one->object, 1, one->epoch, l->listkey_id, aad);
	EMR_TRY(emr_list_key_open_meta(l->key, one->object, put.nonce,
		emr_bytes_of(aad, sizeof aad), put.meta_ct, plain.data));
	EMR_TRY(emr_meta_decode(emr_buf_view(&plain), &meta));
	if (meta.name.len > 0) {
		one->said.bytes = meta.n;
		snprintf(one->said.name, sizeof one->said.name, "%.*s", (int)meta.name.len,
			(const char *)meta.name.data);
	}
	return EMR_OK;
}

/* A deposit that its owner has erased has no part any more; other bytes in the ledger's file are
 * none. */
static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	const looking *l = arg;
	item_left *one = &l->asked[index];
	bool is_it = emr_item_has_part(&one->item, (emr_span){part.data, part.len});
	emr_status status = is_it ? open_name(l, one, part) : EMR_OK;

	return emr_status_is_local(status) ? status : EMR_OK;
}

/* N of one epoch. */
static emr_status name_some(looking *l, size_t n)
{
	emr_part_key keys[AT_ONCE];
	emr_status status = need_key(l, l->asked->epoch);

	if (status != EMR_OK)
		return emr_status_is_local(status) ? status : EMR_OK;
	for (size_t i = 0; i < n; i++)
		keys[i] = (emr_part_key){.family = EMR_FAMILY_OBJECT,
			.domain = l->domain,
			.object = l->asked[i].object,
			.version = 1};
	status = emr_ledger_fetch(l->share->o.ledger, keys, n, take_part, l);
	return status == EMR_NO_MEMORY ? status
				       : EMR_OK; /* a ledger that is away says nothing of names */
}

/* ---- domains ---- */

static emr_status read_domain(looking *l, emr_id32 owner, const char *folder)
{
	item_left *list;
	size_t count;

	emr_buf_clear(&l->list);
	EMR_TRY(find_items(l, owner, folder));
	list = (item_left *)(void *)l->list.data;
	count = l->list.len / sizeof *list;
	for (size_t at = 0, n; at < count; at += n) {
		l->asked = list + at;
		for (n = 1; n < AT_ONCE && at + n < count && list[at + n].epoch == list[at].epoch;)
			n++;
		EMR_TRY(name_some(l, n));
	}
	EMR_EACH (const item_left, one, &l->list)
		EMR_TRY(emr_buf_append(l->out, &one->said, sizeof one->said));
	return EMR_OK;
}

/* No Inbox: by a right to leave files there, and no more than that. */
static emr_status read_folder(looking *l)
{
	emr_writing writing;
	emr_row_writer row;
	emr_status status = share_writer_row(l->share, l->domain, l->share->me.signer_id, &row);

	if (status == EMR_NOT_FOUND || (status == EMR_OK && ((row.rights & EMR_RIGHT_META) != 0 ||
								    share_is_computer(row.rights))))
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_share_writing(l->share, l->domain, &writing);
	if (status !=
		EMR_OK) /* its letter is gone, or not here now: whose folder it is is not known */
		return emr_status_is_local(status) ? status : EMR_OK;
	return read_domain(
		l, writing.card.signer_id, writing.label[0] != '\0' ? writing.label : "a folder");
}

static emr_status look_at_domain(looking *l)
{
	static const emr_id32 nobody;
	emr_row_domain row;
	bool is_anothers = false;

	emr_list_key_free(l->key); /* of another domain */
	l->key = NULL;
	EMR_TRY(emr_share_is_anothers(l->share, l->domain, &is_anothers));
	if (!is_anothers)
		return EMR_OK;
	EMR_TRY(share_domain(l->share, l->domain, &row));
	return (row.head.flags & EMR_ITEM_INBOX) != 0 ? read_domain(l, nobody, "Inbox")
						      : read_folder(l);
}

emr_status emr_share_left(emr_share *share, emr_buf *out_left)
{
	looking l = {.share = share, .out = out_left};
	EMR_AUTO_BUF domains = {0};
	emr_status status =
		EMR_ASK_ALL(&domains, share->o.replica, LISTKEYS_OF, .who = share->me.signer_id);

	EMR_EACH (const emr_named_object, named, &domains) {
		const bool is_new = !emr_id16_equal(l.domain, named->domain);

		l.domain = named->domain;
		if (status == EMR_OK && is_new)
			status = look_at_domain(&l);
	}
	emr_list_key_free(l.key);
	emr_buf_free(&l.list);
	return status;
}
