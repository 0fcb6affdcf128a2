/* This file makes one operation of the ledger out of one change in the folder: it wraps the key
 * of the content and seals name and description, so that the ledger learns neither. */
#include <string.h>

#include "contract/codes.h"
#include "contract/pubs.h"
#include "ledger/hash.h"
#include "record/derived.h"
#include "settle/whose.h"

#include "amend.h"
#include "build.h"
#include "own_words.h"

static void random_bytes(uint8_t *out, size_t len)
{
	while (len > 0) {
		emr_id32 id = emr_id32_random();
		size_t part = len < sizeof id.b ? len : sizeof id.b;

		memcpy(out, id.b, part);
		out += part;
		len -= part;
	}
}

/* meta_ct of VERSION of the row. */
static emr_status seal_meta(const build_ctx *ctx, const emr_change *change, uint64_t version,
	const uint8_t nonce[24], emr_buf *out)
{
	EMR_AUTO_BUF plain = {0};
	uint8_t aad[EMR_META_AAD_BYTES];

	EMR_TRY(own_words_encode(ctx->keyring, ctx->is_foreign, change->meta, &plain));
	EMR_TRY(emr_buf_append_zeros(out, plain.len + 16));
	emr_meta_aad(change->domain, change->object, version, ctx->epoch, ctx->listkey_id, aad);
	return emr_list_key_seal(ctx->list_key, change->object, nonce,
		emr_bytes_of(aad, sizeof aad), emr_buf_view(&plain), out->data);
}

#define DAY_S 86400

/* A copy for research says of what and how it was made, and amends nothing.  DOC outlives FACTS. */
static void say_derived(const build_ctx *ctx, const emr_change *change, emr_statement_facts *facts,
	char doc[EMR_DERIVED_DOC_BYTES + 1])
{
	emr_derivation from;

	if (ctx->is_foreign ||
		!emr_derived_mark_read(change->meta->xattrs, change->meta->mtime_ns, &from))
		return;
	facts->kind = EMR_STATEMENT_DERIVED;
	/* To the second it would name an entry of the ledger, which a reader is not to find. */
	facts->issued_at_unix_s -= facts->issued_at_unix_s % DAY_S;
	memcpy(facts->prev, from.source, sizeof facts->prev);
	emr_derived_doc(from.rules, doc);
	facts->doc = emr_bytes_of(doc, EMR_DERIVED_DOC_BYTES);
}

static emr_status make_bundle(const build_ctx *ctx, const emr_change *change,
	const emr_content_key *key, emr_cid *out_root)
{
	const char *mime = mime_of_name(change->meta->name);
	char doc[EMR_DERIVED_DOC_BYTES + 1];
	uint8_t statement[EMR_STATEMENT_BYTES];
	uint8_t sig[64];
	emr_statement_facts facts = {
		.kind = EMR_STATEMENT_ORIGINAL,
		.patient_pk = ctx->person_pk,
		.record_id = change->record_id,
		.cver = change->cver,
		.mime = emr_bytes_of(mime, strlen(mime)),
		.issued_at_unix_s = ctx->now_unix_s,
	};
	emr_bundle_facts bundle = {
		.record_id = change->record_id,
		.cver = change->cver,
		.mtime_ns = change->meta->mtime_ns,
		.mime = facts.mime,
		.statement = statement,
		.sig = sig,
	};
	emr_status status;

	memcpy(facts.r_pid, change->meta->r_pid, sizeof facts.r_pid);
	memcpy(facts.cert_ref, ctx->cert_ref, sizeof facts.cert_ref);
	if (ctx->is_foreign)
		facts.issuer_seq = ctx->issued + 1;
	status = amend_look(ctx, change, &facts.kind, facts.prev);
	say_derived(ctx, change, &facts, doc);
	bundle.doc = facts.doc;
	if (status == EMR_OK)
		status = emr_statement_make(
			ctx->keyring, ctx->signer, change->content, &facts, statement, sig);
	if (status != EMR_OK)
		return status;
	EMR_TRY(emr_bundle_build(ctx->records, change->content, key, &bundle, out_root));
	if (ctx->is_foreign) {
		const emr_bytes bytes = emr_bytes_of(statement, sizeof statement);

		known_statements_note(ctx->statements, out_root, emr_sha256_of(&bytes, 1).b);
	}
	return EMR_OK;
}

/* KEY, of the content that OUT names. */
static emr_status wrap_key(const build_ctx *ctx, const emr_change *change,
	const emr_content_key *key, wrapped_key *out)
{
	emr_id32 digest;
	uint8_t wrap_ctx[32];

	memcpy(digest.b, out->root.b + 4, sizeof digest.b);
	emr_capsule_ctx(change->domain, ctx->epoch, change->record_id, change->cver,
		EMR_CAPSULE_CONTENT, digest, wrap_ctx);
	if (ctx->is_foreign)
		return emr_content_key_wrap(
			ctx->keyring, ctx->A, wrap_ctx, key, out->capsule, out->wdek);
	return emr_content_key_wrap_own(ctx->keyring, change->domain, ctx->epoch, ctx->A, wrap_ctx,
		key, out->capsule, out->wdek);
}

emr_status build_wrap(const build_ctx *ctx, const emr_change *change, wrapped_key *out)
{
	emr_content_key *key;
	emr_content content;
	emr_whose whose;
	emr_status status;

	EMR_TRY(emr_facts_open_signed(
		ctx->facts, ctx->descriptor, change->from, &content, &key, &whose));
	out->root = change->from->root;
	out->padded = content.padded;
	status = wrap_key(ctx, change, key, out);
	emr_content_key_free(key);
	return status;
}

/* New content: its bundle, and its key. */
static emr_status wrap_new(const build_ctx *ctx, const emr_change *change, wrapped_key *out)
{
	emr_content_key *key;
	emr_status status;

	EMR_TRY(emr_content_open_key(ctx->records, change->content, &key));
	out->padded = change->content->padded;
	status = make_bundle(ctx, change, key, &out->root);
	if (status == EMR_OK)
		status = wrap_key(ctx, change, key, out);
	emr_content_key_free(key);
	return status;
}

static emr_status wrapped_of(const build_ctx *ctx, const emr_change *change, wrapped_key *out)
{
	if (change->kind != EMR_CHANGE_REWRAP)
		return wrap_new(ctx, change, out);
	return ctx->ahead != NULL ? ahead_get(ctx->ahead, change, out)
				  : build_wrap(ctx, change, out);
}

static emr_status build_put(const build_ctx *ctx, const emr_change *change, uint64_t version,
	emr_buf *out_priv, emr_place *place)
{
	emr_put_part part = {.record_id = change->record_id,
		.cver = change->cver,
		.listkey_id = ctx->listkey_id};
	EMR_AUTO_BUF meta_ct = {0};
	wrapped_key key;

	random_bytes(part.salt, sizeof part.salt);
	random_bytes(part.nonce, sizeof part.nonce);
	EMR_TRY(wrapped_of(ctx, change, &key));
	EMR_TRY(seal_meta(ctx, change, version, part.nonce, &meta_ct));
	part.root = key.root;
	part.padded = key.padded;
	memcpy(part.capsule, key.capsule, sizeof part.capsule);
	memcpy(part.wdek, key.wdek, sizeof part.wdek);
	part.meta_ct = emr_buf_view(&meta_ct);
	place->record_id = change->record_id;
	place->cver = change->cver;
	place->pversion = version;
	place->padded = part.padded;
	place->root = part.root;
	return emr_put_part_encode(&part, out_priv);
}

static emr_status build_meta(
	const build_ctx *ctx, const emr_change *change, uint64_t version, emr_buf *out_priv)
{
	emr_meta_part part = {.listkey_id = ctx->listkey_id};
	EMR_AUTO_BUF meta_ct = {0};

	random_bytes(part.salt, sizeof part.salt);
	random_bytes(part.nonce, sizeof part.nonce);
	EMR_TRY(seal_meta(ctx, change, version, part.nonce, &meta_ct));
	part.meta_ct = emr_buf_view(&meta_ct);
	return emr_meta_part_encode(&part, out_priv);
}

static uint8_t op_of(emr_change_kind kind)
{
	switch (kind) {
	case EMR_CHANGE_PUT:
		return EMR_OP_PUT;
	case EMR_CHANGE_META:
		return EMR_OP_META;
	case EMR_CHANGE_REWRAP:
		return EMR_OP_REWRAP;
	case EMR_CHANGE_UNLINK:
		return EMR_OP_UNLINK;
	case EMR_CHANGE_ERASE:
		return EMR_OP_ERASE;
	}
	return 0;
}

/* An ERASE has a public part, which takes the place of the private one in BYTES. */
static emr_status build_erase(const emr_change *change, emr_buf *bytes, emr_operation *op)
{
	const emr_pub_erase pub = {.family = EMR_FAMILY_OBJECT,
		.from_version = change->erase_from,
		.to_version = change->erase_to};
	uint8_t encoded[24];
	emr_status status;

	emr_pub_erase_encode(&pub, encoded);
	status = emr_buf_append(bytes, encoded, sizeof encoded);
	op->pub = emr_buf_view(bytes);
	op->priv = emr_bytes_of(NULL, 0);
	op->epoch = 0;
	return status;
}

emr_status build_operation(const build_ctx *ctx, const emr_change *change,
	const emr_replica_head *head, emr_buf *out_priv, emr_operation *out_op,
	emr_place *out_place)
{
	uint64_t version = head->version + 1;
	emr_place place = {.domain = change->domain, .object = change->object, .version = version};

	if (change->from != NULL)
		place = *change->from;
	place.domain = change->domain;
	place.object = change->object;
	place.version = version;
	if (change->meta != NULL)
		memcpy(place.r_pid, change->meta->r_pid, sizeof place.r_pid);
	if (change->kind == EMR_CHANGE_PUT || change->kind == EMR_CHANGE_REWRAP)
		EMR_TRY(build_put(ctx, change, version, out_priv, &place));
	else if (change->kind == EMR_CHANGE_META)
		EMR_TRY(build_meta(ctx, change, version, out_priv));
	*out_op = (emr_operation){
		.op = op_of(change->kind),
		.flags = change->kind == EMR_CHANGE_META && change->meta->type != EMR_META_FILE
				 ? EMR_ITEM_NOCONTENT
				 : 0,
		.domain = change->domain,
		.object = change->object,
		.version = version,
		.prev = head->item_id,
		.time = ctx->now_unix_s,
		.epoch = ctx->epoch,
		.priv = emr_buf_view(out_priv),
	};
	*out_place = place;
	return change->kind == EMR_CHANGE_ERASE ? build_erase(change, out_priv, out_op) : EMR_OK;
}
