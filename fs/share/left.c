/* A clinician who leaves files in a patient's Inbox cannot read there afterwards. This file lists
 * what that clinician has left, with names that only the clinician's own keys open, as a proof of
 * delivery. */
#include "share/left.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "keyring/content.h"
#include "record/format.h"
#include "share/write.h"

#include "share_private.h"

#define AT_ONCE 64 /* parts asked for in one call */

/* One deposit of the domain in hand. */
typedef struct item_left {
	uint64_t seq, at, bytes;
	uint32_t epoch;
	emr_id32 batch_id;
	emr_id16 object;
	emr_item item;
	char *name; /* owned; NULL: not known */
} item_left;

typedef struct looking {
	emr_share *share;
	emr_left_fn fn;
	void *arg;
	emr_id16 domain;
	emr_row_domain row;
	item_left *list; /* owned; oldest first once it is whole */
	size_t n, cap;
	emr_list_key *key; /* of EPOCH; NULL: none yet */
	uint32_t epoch;
	emr_id32 listkey_id;
} looking;

/* ---- what the ledger says of it ---- */

static emr_status take_line(void *arg, const emr_replica_listing *line)
{
	looking *l = arg;
	const emr_replica_item *item = &line->item;
	emr_item parsed;

	if (line->result != EMR_RESULT_APPLIED || line->family != EMR_FAMILY_OBJECT ||
		item->op != EMR_OP_PUT || item->version != 1 ||
		!emr_id32_equal(item->signer_id, l->share->me.signer_id) ||
		emr_item_parse((emr_span){item->bytes.data, EMR_ITEM_BYTES}, &parsed) !=
			EMR_CONTRACT_OK)
		return EMR_OK;
	if (emr_array_room(&l->list, l->n, &l->cap, sizeof *l->list) != EMR_OK)
		return EMR_NO_MEMORY;
	l->list[l->n++] = (item_left){.seq = item->seq,
		.at = item->ledger_time,
		.epoch = item->epoch,
		.batch_id = item->batch_id,
		.object = line->object,
		.item = parsed};
	return EMR_OK;
}

static void turn_round(looking *l)
{
	for (size_t i = 0; i < l->n / 2; i++) {
		item_left one = l->list[i];

		l->list[i] = l->list[l->n - 1 - i];
		l->list[l->n - 1 - i] = one;
	}
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
		one->bytes = meta.n;
		one->name = strndup((const char *)meta.name.data, meta.name.len);
		EMR_TRY(one->name != NULL ? EMR_OK : EMR_NO_MEMORY);
	}
	return EMR_OK;
}

typedef struct taking {
	const looking *l;
	item_left *first;
} taking;

/* A deposit that its owner has erased has no part any more; other bytes in the ledger's file are
 * none. */
static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	const taking *t = arg;
	item_left *one = &t->first[index];
	bool is_it = emr_item_has_part(&one->item, (emr_span){part.data, part.len});
	emr_status status = is_it ? open_name(t->l, one, part) : EMR_OK;

	return emr_status_is_local(status) ? status : EMR_OK;
}

/* N of one epoch. */
static emr_status name_some(looking *l, item_left *first, size_t n)
{
	emr_part_key keys[AT_ONCE];
	taking t = {.l = l, .first = first};
	emr_status status = need_key(l, first->epoch);

	if (status != EMR_OK)
		return emr_status_is_local(status) ? status : EMR_OK;
	for (size_t i = 0; i < n; i++)
		keys[i] = (emr_part_key){.family = EMR_FAMILY_OBJECT,
			.domain = l->domain,
			.object = first[i].object,
			.version = 1};
	status = emr_ledger_fetch(l->share->o.ledger, keys, n, take_part, &t);
	return status == EMR_NO_MEMORY ? status
				       : EMR_OK; /* a ledger that is away says nothing of names */
}

static emr_status name_all(looking *l)
{
	for (size_t at = 0, n; at < l->n; at += n) {
		for (n = 1;
			n < AT_ONCE && at + n < l->n && l->list[at + n].epoch == l->list[at].epoch;)
			n++;
		EMR_TRY(name_some(l, l->list + at, n));
	}
	return EMR_OK;
}

/* ---- domains ---- */

static emr_status tell_items(looking *l, emr_id32 owner, const char *folder)
{
	for (size_t i = 0; i < l->n; i++) {
		const item_left *one = &l->list[i];
		const emr_deposit_left left = {.seq = one->seq,
			.at = one->at,
			.batch_id = one->batch_id,
			.domain = l->domain,
			.owner = owner,
			.folder = folder,
			.name = one->name,
			.bytes = one->bytes};

		EMR_TRY(l->fn(l->arg, &left));
	}
	return EMR_OK;
}

static emr_status read_domain(looking *l, emr_id32 owner, const char *folder)
{
	emr_status status =
		emr_replica_recent(l->share->o.replica, &l->domain, NULL, SIZE_MAX, take_line, l);

	turn_round(l);
	if (status == EMR_OK)
		status = name_all(l);
	if (status == EMR_OK)
		status = tell_items(l, owner, folder);
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].name);
	free(l->list);
	emr_list_key_free(l->key);
	l->list = NULL;
	l->n = l->cap = 0;
	l->key = NULL;
	return status;
}

/* A person who has left something there has published a listing key. */
static emr_status was_there(looking *l, bool *out_was)
{
	emr_status status = EMR_NOT_FOUND;

	for (uint32_t epoch = 1; epoch <= l->row.head.epoch && status == EMR_NOT_FOUND; epoch++)
		status = emr_share_own_list_key_id(l->share, l->domain, epoch, &l->listkey_id);
	*out_was = status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* No Inbox: by a right to leave files there, and no more than that. */
static emr_status read_folder(looking *l)
{
	emr_writing writing;
	emr_row_writer row;
	emr_status status = share_writer_row(l->share, l->domain, l->share->me.signer_id, &row);

	if (status == EMR_NOT_FOUND ||
		(status == EMR_OK && (row.rights & (EMR_RIGHT_META | EMR_RIGHT_MANAGE)) != 0))
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_share_writing(l->share, l->domain, &writing);
	if (status !=
		EMR_OK) /* its letter is gone, or not here now: whose folder it is is not known */
		return emr_status_is_local(status) ? status : EMR_OK;
	return read_domain(
		l, writing.card.signer_id, writing.label[0] != '\0' ? writing.label : "a folder");
}

static emr_status note_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	static const emr_id32 nobody;
	looking *l = arg;
	bool is_anothers = false, was = false;

	(void)is_mine; /* what is shared with me is kept here, too */
	if (emr_row_domain_parse((emr_span){d_row.data, d_row.len}, &l->row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	l->domain = domain;
	EMR_TRY(was_there(l, &was));
	if (was)
		EMR_TRY(emr_share_is_anothers(l->share, domain, &is_anothers));
	if (!is_anothers)
		return EMR_OK;
	return (l->row.head.flags & EMR_ITEM_INBOX) != 0 ? read_domain(l, nobody, "Inbox")
							 : read_folder(l);
}

emr_status emr_share_left(emr_share *share, emr_left_fn fn, void *arg)
{
	looking l = {.share = share, .fn = fn, .arg = arg};

	return emr_replica_domains(share->o.replica, note_domain, &l);
}
