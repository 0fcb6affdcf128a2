/* This file puts operations of one signer together and signs them once, over the root of their
 * Merkle tree. It refuses more than a batch may have. */
#include "ledger/batch.h"

#include <stdlib.h>
#include <string.h>

#include "contract/item.h"
#include "keyring/coowned.h"
#include "ledger/chain.h"

struct emr_batch_builder {
	emr_batch_options options;
	uint8_t pk[32];
	emr_id32 signer_id;
	emr_buf items;
	emr_buf parts;
	size_t count;
	bool is_spent;
};

static emr_status find_key(emr_batch_builder *builder)
{
	const emr_batch_options *o = &builder->options;
	emr_domain_public domain;
	emr_public public;
	emr_status status;

	if (o->signer.kind == EMR_SIGNER_DOMAIN) {
		status = emr_keyring_domain_public(
			o->keyring, o->signer.id, o->signer.gen, 1, &domain);
		if (status == EMR_OK)
			memcpy(builder->pk, domain.owner_pk, 32);
	} else if (o->signer.kind == EMR_SIGNER_IDENTITY) {
		status = emr_keyring_public(o->keyring, &public);
		if (status == EMR_OK)
			memcpy(builder->pk, public.pk, 32);
	} else {
		status = EMR_INVALID;
	}
	if (status == EMR_OK)
		emr_signer_id(builder->pk, builder->signer_id.b);
	return status;
}

emr_status emr_batch_new(const emr_batch_options *options, emr_batch_builder **out_builder)
{
	emr_batch_builder *builder = calloc(1, sizeof *builder);
	emr_status status;

	if (builder == NULL)
		return EMR_NO_MEMORY;
	builder->options = *options;
	status = find_key(builder);
	if (status != EMR_OK) {
		free(builder);
		return status;
	}
	*out_builder = builder;
	return EMR_OK;
}

void emr_batch_free(emr_batch_builder *builder)
{
	if (builder == NULL)
		return;
	emr_buf_free(&builder->items);
	emr_buf_free(&builder->parts);
	free(builder);
}

size_t emr_batch_count(const emr_batch_builder *builder)
{
	return builder->count;
}

size_t emr_batch_size(const emr_batch_builder *builder)
{
	return EMR_HEADER_BYTES + builder->items.len + builder->parts.len;
}

emr_id32 emr_batch_signer_id(const emr_batch_builder *builder)
{
	return builder->signer_id;
}

static emr_item item_of(const emr_batch_builder *builder, const emr_operation *operation)
{
	emr_item item = {.op = operation->op,
		.flags = operation->flags,
		.version = operation->version,
		.time_unix_s = operation->time,
		.epoch = operation->epoch};

	memcpy(item.domain_id, operation->domain.b, 16);
	memcpy(item.object_id, operation->object.b, 16);
	memcpy(item.prev, operation->prev.b, 32);
	memcpy(item.signer_id, builder->signer_id.b, 32);
	emr_item_set_part(&item, emr_span_of(operation->priv));
	return item;
}

static emr_status encode(const emr_batch_builder *builder, const emr_operation *operation,
	uint8_t out[EMR_ITEM_BYTES + EMR_PUB_MAX], size_t *out_len)
{
	emr_item item;

	if (operation->priv.len > 0 && operation->priv.len < 32)
		return EMR_INVALID;
	item = item_of(builder, operation);
	return emr_item_encode(&item, emr_span_of(operation->pub), out,
		       EMR_ITEM_BYTES + EMR_PUB_MAX, out_len) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_INVALID;
}

emr_status emr_batch_add(
	emr_batch_builder *builder, const emr_operation *item, emr_id32 *out_item_id)
{
	uint8_t bytes[EMR_ITEM_BYTES + EMR_PUB_MAX];
	size_t len = 0;

	if (builder->is_spent)
		return EMR_INVALID;
	EMR_TRY(encode(builder, item, bytes, &len));
	if (builder->count == EMR_BATCH_SEND_ITEMS ||
		emr_batch_size(builder) + len + item->priv.len > EMR_BATCH_SEND_BYTES)
		return EMR_LIMIT;
	EMR_TRY(emr_buf_reserve(&builder->items, len));
	EMR_TRY(emr_buf_append(&builder->parts, item->priv.data, item->priv.len));
	EMR_TRY(emr_buf_append(&builder->items, bytes, len));
	builder->count++;
	emr_item_id((emr_span){bytes, len}, out_item_id->b);
	return EMR_OK;
}

static emr_status sign_header(const emr_batch_builder *builder, uint64_t now, uint64_t valid_for,
	uint8_t out[EMR_HEADER_BYTES])
{
	const emr_batch_options *o = &builder->options;
	emr_header header = {.count = (uint16_t)builder->count,
		.time_unix_s = now,
		.valid_until_unix_s = now + valid_for,
		.seen_seq = o->seen_seq};

	memcpy(header.signer_pk, builder->pk, 32);
	memcpy(header.net_id, o->net_id.b, 16);
	memcpy(header.seen_leaf, o->seen_leaf.b, 32);
	if (emr_items_root(emr_span_of(emr_buf_view(&builder->items)), header.count, header.root) !=
		EMR_CONTRACT_OK)
		return EMR_INVALID;
	emr_header_encode(&header, out);
	return emr_keyring_sign(o->keyring, o->signer, EMR_SIGN_BATCH,
		emr_bytes_of(out, EMR_HEADER_SIGNED_BYTES), out + EMR_HEADER_SIGNED_BYTES);
}

emr_status emr_batch_finish(emr_batch_builder *builder, uint64_t now, uint64_t valid_for,
	emr_buf *out_batch, emr_id32 *out_batch_id)
{
	uint8_t header[EMR_HEADER_BYTES];

	if (builder->is_spent || builder->count == 0)
		return EMR_INVALID;
	EMR_TRY(sign_header(builder, now, valid_for, header));
	emr_buf_clear(out_batch);
	EMR_TRY(emr_buf_reserve(out_batch, emr_batch_size(builder)));
	EMR_TRY(emr_buf_append(out_batch, header, sizeof header));
	EMR_TRY(emr_buf_append(out_batch, builder->items.data, builder->items.len));
	EMR_TRY(emr_buf_append(out_batch, builder->parts.data, builder->parts.len));
	builder->is_spent = true;
	if (out_batch_id)
		emr_batch_id(header, out_batch_id->b);
	return EMR_OK;
}

/* ---- once more ---- */

emr_status emr_batch_again(const emr_batch_options *options, const emr_batch *was,
	const bool *picked, uint64_t now, emr_buf *out_batch)
{
	EMR_AUTO_BATCH builder = NULL;
	emr_batch_options o = *options;
	emr_header header;
	emr_public me;
	emr_item first;
	emr_span pub;
	emr_status status;

	if (was->count == 0 || emr_header_parse(was->header, &header) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	EMR_TRY(emr_keyring_public(o.keyring, &me));
	emr_batch_item_at(was, 0, &first, &pub);
	o.signer = memcmp(header.signer_pk, me.pk, 32) == 0
			   ? emr_signer_identity()
			   : emr_keyring_signer_of(o.keyring, EMR_ID16_AT(first.domain_id));
	status = emr_batch_new(&o, &builder);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_INVALID ? EMR_DENIED : status;
	if (memcmp(builder->pk, header.signer_pk, sizeof builder->pk) != 0)
		return EMR_DENIED;
	for (const emr_batch_item *at = was->items; at < was->items + was->count; at++) {
		if (!picked[at - was->items])
			continue;
		/* The same bytes, so that its id stays. */
		builder->count++;
		EMR_TRY(emr_buf_append(&builder->parts, at->part.data, at->part.len));
		EMR_TRY(emr_buf_append(&builder->items, at->bytes.data, at->bytes.len));
	}
	if (builder->count == 0)
		return EMR_NOT_FOUND;
	return emr_batch_finish(
		builder, now, header.valid_until_unix_s - header.time_unix_s, out_batch, NULL);
}

emr_status emr_batch_sign_submit(
	const emr_keyring *keyring, emr_id16 net_id, emr_bytes batch, uint8_t out_sig[64])
{
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES];
	const size_t label = sizeof message - 32; /* emr_keyring_sign puts it there itself */

	if (keyring == NULL)
		return EMR_DENIED;
	emr_submit_message(net_id.b, batch.data, message);
	return emr_keyring_sign(keyring, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + label, 32), out_sig);
}
