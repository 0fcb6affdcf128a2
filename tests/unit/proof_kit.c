/* Tests of proof files use this file: it makes a small ledger and one document's proof with
 * every signature good, which a test then changes before or after signing. */
#include "proof_kit.h"

#include "base/codec.h"
#include "cert_kit.h"
#include "contract/pubs.h"
#include "keyring/card.h"
#include "ledger/batch.h"
#include "ledger/checkpoint.h"
#include "record/content.h"
#include "rotated.h"
#include "store/unixfs.h"

#define SUITE 1

const kit_wish kit_usual = {.cert_from = KIT_TIME - KIT_DAY,
	.cert_to = KIT_TIME + 365 * KIT_DAY,
	.entry_time = KIT_TIME + 10,
	.op = EMR_OP_PUT,
	.items = 3,
	.item = 1,
	.entries = 6,
	.entry = 4};

static emr_id16 id16(uint8_t first)
{
	emr_id16 id;

	for (size_t i = 0; i < sizeof id.b; i++)
		id.b[i] = (uint8_t)(first + i);
	return id;
}

static emr_span span(const emr_buf *buf)
{
	return (emr_span){buf->data, buf->len};
}

/* ---- certificates and network ---- */

static void make_ca(const emr_keyring *keyring, emr_buf *out)
{
	const emr_cert_subject subject = {.handle = "ca",
		.not_before = KIT_TIME - 3650 * KIT_DAY,
		.not_after = KIT_TIME + 3650 * KIT_DAY};

	assert_ok(emr_cert_make_ca(keyring, &subject, out));
}

/* As an organisation has it that runs authorities of its own. */
static void make_long_chain(const kit_wish *w, const emr_public *self, kit_proof *k)
{
	cert_wish wish = cert_authority_wish("ca", KIT_TIME - 3650 * KIT_DAY);
	AUTO(cert_end) cert_authority root, between;

	wish.until = KIT_TIME + 3650 * KIT_DAY;
	cert_begin(&root, &wish, NULL);
	wish.handle = "between";
	wish.until = w->between_to;
	cert_begin(&between, &wish, &root);
	wish = cert_person_wish("patient-test", w->cert_from);
	wish.until = w->cert_to;
	wish.attrs = "{\"attrs\":{\"emr.org\":\"404142434445464748494a4b4c4d4e4f\","
		     "\"emr.roles\":\"patient\"}}";
	cert_certify(&between, &wish, self->p256_spki, &k->chain);
	assert_ok(emr_buf_append(&k->chain, between.der.data, between.der.len));
	assert_ok(emr_buf_append(&k->chain, root.der.data, root.der.len));
	assert_ok(emr_buf_append(&k->ca, root.der.data, root.der.len));
}

static void make_chain(const kit_wish *w, const emr_public *self, kit_proof *k)
{
	const emr_cert_subject subject = {.handle = "patient-test",
		.roles = w->has_no_role ? 0 : EMR_ROLE_PATIENT,
		.org = w->has_no_org ? (emr_id16){{0}} : id16(w->has_other_org ? 0x50 : 0x40),
		.not_before = w->cert_from,
		.not_after = w->cert_to};
	const emr_keyring *issuer = w->ca != NULL ? w->ca : w->keyring;
	EMR_AUTO_BUF ca = {0};

	make_ca(w->keyring, &k->ca);
	if (issuer == w->keyring)
		assert_ok(emr_buf_append(&ca, k->ca.data, k->ca.len));
	else
		make_ca(issuer, &ca);
	assert_ok(emr_cert_issue(issuer, emr_buf_view(&ca), &subject,
		emr_bytes_of(self->p256_spki, EMR_P256_SPKI_BYTES), &k->chain));
	assert_ok(emr_buf_append(&k->chain, ca.data, ca.len));
}

static void make_descriptor(const kit_wish *w, const emr_public *self, kit_proof *k)
{
	static const uint8_t name[] = "test";
	emr_descriptor descriptor = {
		.norg = 1, .created_unix_s = KIT_TIME - KIT_DAY, .name = {name, 4}};
	emr_descriptor_org org = {
		.name = {name, 4}, .msp = {name, w->is_of_channel ? 4 : 0}, .ca_der = span(&k->ca)};
	size_t len = 0;

	memcpy(org.org, id16(0x40).b, 16);
	memcpy(org.admin_pk, self->pk, 32);
	assert_ok(emr_buf_reserve(&k->descriptor, 4096));
	assert_int_equal(emr_descriptor_encode(&descriptor, &org, k->descriptor.data, 4096, &len),
		EMR_CONTRACT_OK);
	k->descriptor.len = len;
	emr_descriptor_net_id(span(&k->descriptor), k->net_id.b);
}

/* ---- entries ---- */

/* The batch in BUILDER as entry SEQ, and its item INDEX with the path. */
static void make_entry(const kit_wish *w, emr_batch_builder *builder, uint64_t seq, size_t index,
	uint8_t result, emr_buf *out_entry, emr_buf *out_item, emr_ledger_path *out_path)
{
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	emr_merkle_hash leaves[8];
	uint8_t results[8] = {0}, message[EMR_SUBMIT_MESSAGE_BYTES];
	emr_entry entry = {.seq = seq, .ledger_time_unix_s = w->entry_time};
	EMR_AUTO_BUF bytes = {0};
	emr_public self;
	size_t len = 0;

	assert_non_null(batch);
	assert_ok(emr_batch_finish(builder, KIT_TIME, 3600, &bytes, NULL));
	assert_int_equal(
		emr_batch_parse((emr_span){bytes.data, bytes.len}, batch), EMR_RESULT_APPLIED);
	assert_true(batch->count <= 8);
	for (size_t i = 0; i < batch->count; i++)
		emr_entry_leaf(batch->items[i].bytes, leaves[i].b);
	assert_true(emr_merkle_inclusion_of(
		leaves, batch->count, index, out_path->hashes, &out_path->n));
	assert_ok(emr_buf_append(
		out_item, batch->items[index].bytes.data, batch->items[index].bytes.len));
	assert_ok(emr_keyring_public(w->keyring, &self));
	entry.host = w->is_of_channel != (seq != 1 && w->spoil == KIT_OTHER_HOST)
			     ? EMR_HOST_FABRIC
			     : EMR_HOST_EMBEDDED;
	results[index] = result;
	entry.count = batch->count;
	entry.results = (emr_span){results, batch->count};
	memcpy(entry.submitter_id, self.signer_id.b, 32);
	memcpy(entry.header, bytes.data, EMR_HEADER_BYTES);
	if (w->spoil == (seq == 1 ? KIT_REGISTRATION : KIT_BATCH_SIGNATURE))
		entry.header[150] ^= 1;
	emr_submit_message(bytes.data + 40 /* the header's net_id */, entry.header, message);
	assert_ok(emr_keyring_sign(w->keyring, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + 16, 32), entry.submit_sig));
	assert_ok(emr_buf_reserve(out_entry, 1024));
	assert_int_equal(emr_entry_encode(&entry, out_entry->data, 1024, &len), EMR_CONTRACT_OK);
	out_entry->len = len;
	if (seq != 1 && w->spoil == KIT_SUBMIT_SIGNATURE)
		out_entry->data[320] ^= 1;
}

static void make_registration(const kit_wish *w, const emr_public *self, kit_proof *k,
	emr_proof *out_nested, emr_buf *out_entry, emr_buf *out_item)
{
	const emr_batch_options options = {
		.keyring = w->keyring, .signer = emr_signer_identity(), .net_id = k->net_id};
	emr_pub_key_reg pub = {.roles = EMR_ROLE_PATIENT,
		.how = EMR_HOW_CERTIFICATE,
		.not_after_unix_s = w->cert_to};
	uint8_t bytes[288], message[EMR_BIND_MESSAGE_BYTES], salt[64] = {7};
	EMR_AUTO_BATCH builder = NULL;
	emr_operation op = {.op = EMR_OP_KEY_REG, .version = 1, .time = KIT_TIME};
	emr_bytes leaf =
		emr_bytes_of(k->chain.data, ((size_t)k->chain.data[2] << 8 | k->chain.data[3]) + 4);
	emr_cert_facts facts;
	emr_id32 item;

	assert_ok(emr_cert_read(leaf, &facts));
	memcpy(pub.org, id16(0x40).b, 16);
	memcpy(pub.x25519, self->x25519, 32);
	memcpy(pub.B, self->B, 32);
	assert_ok(emr_keyring_pop(w->keyring, k->net_id, pub.pop));
	assert_ok(emr_keyring_log_public(w->keyring, k->net_id, pub.log_pk));
	memcpy(pub.ref, facts.ref.b, 32);
	emr_pub_key_reg_encode(&pub, bytes);
	assert_int_equal(
		emr_bind_message(k->net_id.b, self->signer_id.b, (emr_span){bytes, 288}, message),
		EMR_CONTRACT_OK);
	assert_ok(emr_keyring_sign(w->keyring, emr_signer_certificate(), EMR_SIGN_BIND,
		emr_bytes_of(message + sizeof message - 80, 80), pub.bind_sig));
	pub.bind_sig[40] ^= w->spoil == KIT_BIND;
	emr_pub_key_reg_encode(&pub, bytes);
	memcpy(op.object.b, self->signer_id.b, 16);
	op.pub = emr_bytes_of(bytes, 288);
	op.priv = emr_bytes_of(salt, sizeof salt);
	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_batch_add(builder, &op, &item));
	make_entry(w, builder, 1, 0, 0, out_entry, out_item, &out_nested->item_path);
	out_nested->index = 1;
	out_nested->entry = emr_buf_view(out_entry);
	out_nested->item = emr_buf_view(out_item);
}

/* The key that follows: in entry 2, so the document stands behind it. */
static void make_succession(const kit_wish *w, const kit_proof *k, emr_proof *out_nested,
	emr_buf *out_entry, emr_buf *out_item)
{
	const emr_batch_options options = {
		.keyring = w->keyring, .signer = emr_signer_identity(), .net_id = k->net_id};
	emr_operation op = {.op = EMR_OP_KEY_ROTATE, .version = 2, .time = KIT_TIME};
	EMR_AUTO_BATCH builder = NULL;
	emr_public self;
	emr_id32 item;
	emr_act act;

	assert_ok(emr_keyring_public(w->keyring, &self));
	act = rotated_key(self.signer_id, w->next, k->net_id);
	act.pub[40] ^= w->spoil == KIT_DISAGREES;
	op.object = act.object;
	op.pub = emr_bytes_of(act.pub, 256);
	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_batch_add(builder, &op, &item));
	make_entry(w, builder, 2, 0, 0, out_entry, out_item, &out_nested->item_path);
	out_nested->index = 2;
	out_nested->entry = emr_buf_view(out_entry);
	out_nested->item = emr_buf_view(out_item);
}

/* ---- the document ---- */

static const emr_keyring *writer(const kit_wish *w)
{
	return w->next != NULL ? w->next : w->keyring;
}

static bool is_zeros(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

static void hash_text(const kit_wish *w, const kit_proof *k, uint8_t out_root[32])
{
	emr_merkle_frontier f = {.size = 0};

	for (size_t at = 0; at < w->text_len; at += EMR_LEAF_BYTES) {
		size_t len = w->text_len - at < EMR_LEAF_BYTES ? w->text_len - at : EMR_LEAF_BYTES;
		uint8_t index[8], leaf[32];
		emr_sha256_ctx ctx;

		emr_put_u64(index, f.size);
		emr_merkle_leaf_init(&ctx);
		emr_sha256_update(&ctx, k->hk, 32);
		if (!w->has_holes || !is_zeros(w->text + at, len)) {
			emr_sha256_update(&ctx, index, 8);
			emr_sha256_update(&ctx, w->text + at, len);
		}
		emr_sha256_final(&ctx, leaf);
		emr_merkle_append(&f, leaf);
	}
	emr_merkle_frontier_root(&f, out_root);
}

static void make_blocks(
	const kit_wish *w, kit_proof *k, const emr_content *content, emr_cid *out_root)
{
	emr_m_header header = {.suite = SUITE,
		.leaf_log2 = EMR_LEAF_LOG2,
		.flags = w->has_holes ? EMR_M_FLAG_HOLES : 0,
		.padded = content->padded};
	emr_unixfs_bundle bundle = {.content = content->c, .content_tsize = content->padded + 16};
	emr_unixfs_link link;

	memcpy(header.com, content->com, 32);
	assert_ok(emr_buf_append_zeros(&k->manifest, EMR_M_BYTES));
	emr_m_header_encode(&header, k->manifest.data);
	memset(k->manifest.data + EMR_M_HEADER_BYTES, 0xa5, EMR_M_BYTES - EMR_M_HEADER_BYTES);
	bundle.manifest = emr_cid_of_block(EMR_CODEC_RAW, emr_buf_view(&k->manifest));
	bundle.manifest_bytes = EMR_M_BYTES;
	assert_ok(emr_unixfs_bundle_encode(&bundle, &k->directory, &link));
	*out_root = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&k->directory));
}

static void make_statement(
	const kit_wish *w, const emr_public *self, kit_proof *k, emr_content *content)
{
	static const uint8_t somebody[32] = {9};
	emr_statement_facts facts = {.kind = EMR_STATEMENT_ORIGINAL,
		.patient_pk = w->is_other_patient ? somebody : self->pk,
		.record_id = id16(0x80),
		.cver = 1,
		.mime = emr_bytes_of("text/plain", 10),
		.issued_at_unix_s = KIT_TIME};

	memset(k->r_pid, 0x31, 32);
	memset(k->hk, 0x32, 32);
	memcpy(facts.r_pid, k->r_pid, 32);
	*content = (emr_content){.n = w->text_len,
		.padded = emr_padded_len(w->text_len, false),
		.suite = SUITE,
		.leaf_log2 = EMR_LEAF_LOG2,
		.c = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("sealed", 6))};
	memset(content->com, 0x33, 32);
	hash_text(w, k, content->root);
	assert_ok(emr_statement_make(writer(w), emr_signer_domain(k->domain, 1), content, &facts,
		k->statement, k->statement + 320));
	k->mime[0] = 10;
	memcpy(k->mime + 1, "text/plain", 10);
	k->mime_len = 12;
}

static void make_private_part(const kit_wish *w, kit_proof *k, const emr_cid *root, uint64_t padded)
{
	uint8_t meta[528];
	emr_put_part part = {.root = *root,
		.padded = padded,
		.record_id = id16(w->is_other_record ? 0x81 : 0x80),
		.cver = 1,
		.meta_ct = emr_bytes_of(meta, sizeof meta)};

	memset(meta, 0x5c, sizeof meta);
	assert_ok(emr_put_part_encode(&part, &k->priv));
}

static void make_item(const kit_wish *w, kit_proof *k)
{
	const emr_batch_options options = {.keyring = writer(w),
		.signer = emr_signer_domain(k->domain, 1),
		.net_id = k->net_id};
	EMR_AUTO_BATCH builder = NULL;
	emr_id32 id;

	assert_ok(emr_batch_new(&options, &builder));
	for (size_t i = 0; i < w->items; i++) {
		emr_operation op = {.op = i == w->item ? w->op : EMR_OP_META,
			.domain = k->domain,
			.object = id16((uint8_t)(0x60 + i)),
			.version = 1,
			.time = KIT_TIME,
			.epoch = 1,
			.priv = emr_buf_view(&k->priv)};

		assert_ok(emr_batch_add(builder, &op, &id));
	}
	make_entry(
		w, builder, w->entry, w->item, w->result, &k->entry, &k->item, &k->proof.item_path);
	k->proof.index = w->entry;
	k->proof.item_index = (uint16_t)w->item;
}

static void make_card(const kit_wish *w, kit_proof *k)
{
	EMR_AUTO_BUF card = {0};

	assert_ok(emr_card_make_domain(
		writer(w), k->net_id, k->domain, 1, 1, KIT_TIME, KIT_TIME, NULL, NULL, &card));
	assert_int_equal(card.len, sizeof k->card);
	memcpy(k->card, card.data, card.len);
}

/* ---- the log ---- */

static void make_log(const kit_wish *w, kit_proof *k, emr_proof *nested, emr_proof *followed)
{
	emr_merkle_hash leaves[64] = {0};
	emr_checkpoint head = {.net_id = k->net_id, .size = w->entries};

	assert_in_range(w->entries, 3, 64);
	emr_entry_leaf(span(&k->descriptor), leaves[0].b);
	for (size_t i = 2; i < w->entries; i++)
		memset(leaves[i].b, (int)i, 32);
	emr_entry_leaf((emr_span){nested->entry.data, nested->entry.len}, leaves[1].b);
	emr_entry_leaf(span(&k->entry), leaves[w->entry].b);
	if (w->next != NULL)
		emr_entry_leaf((emr_span){followed->entry.data, followed->entry.len}, leaves[2].b);
	emr_merkle_root(leaves, w->entries, head.root);
	assert_true(emr_merkle_inclusion_of(
		leaves, w->entries, 2, followed->log_path.hashes, &followed->log_path.n));
	assert_true(emr_merkle_inclusion_of(
		leaves, w->entries, 1, nested->log_path.hashes, &nested->log_path.n));
	assert_true(emr_merkle_inclusion_of(
		leaves, w->entries, w->entry, k->proof.log_path.hashes, &k->proof.log_path.n));
	assert_ok(emr_checkpoint_cosign(&head, writer(w), KIT_TIME + 20));
	head.sigs[0].sig[9] ^= w->spoil == KIT_COSIGNATURE;
	head.n_sigs -= w->spoil == KIT_NO_COSIGNATURE;
	assert_ok(emr_checkpoint_format(&head, &k->note));
	nested->note = followed->note = k->proof.note = emr_buf_view(&k->note);
}

static void add(kit_proof *k, emr_proof_type type, const void *data, size_t len)
{
	k->proof.parts[k->proof.n_parts++] =
		(emr_proof_part){.type = (uint8_t)type, .bytes = emr_bytes_of(data, len)};
}

static void put_together(kit_proof *k)
{
	k->proof.entry = emr_buf_view(&k->entry);
	k->proof.item = emr_buf_view(&k->item);
	k->proof.priv = emr_buf_view(&k->priv);
	add(k, EMR_PROOF_STATEMENT, k->statement, 384);
	add(k, EMR_PROOF_CHAIN, k->chain.data, k->chain.len);
	add(k, EMR_PROOF_HK, k->hk, 32);
	add(k, EMR_PROOF_DESCRIPTOR, k->descriptor.data, k->descriptor.len);
	add(k, EMR_PROOF_KEY, k->key_file.data, k->key_file.len);
	add(k, EMR_PROOF_MIME, k->mime, k->mime_len);
	add(k, EMR_PROOF_CARD, k->card, sizeof k->card);
	add(k, EMR_PROOF_PATIENT, k->r_pid, 32);
	add(k, EMR_PROOF_DIRECTORY, k->directory.data, k->directory.len);
	add(k, EMR_PROOF_MANIFEST, k->manifest.data, k->manifest.len);
	if (k->next_file.len > 0)
		add(k, EMR_PROOF_FOLLOWED, k->next_file.data, k->next_file.len);
}

void kit_make(const kit_wish *wish, kit_proof *out)
{
	EMR_AUTO_BUF key_entry = {0};
	EMR_AUTO_BUF key_item = {0};
	EMR_AUTO_BUF next_entry = {0};
	EMR_AUTO_BUF next_item = {0};
	emr_proof nested = {.index = 0}, followed = {.index = 0};
	emr_content content;
	emr_public self;
	emr_cid root;

	*out = (kit_proof){.domain = id16(0xd0)};
	assert_ok(emr_keyring_public(wish->keyring, &self));
	if (wish->between_to != 0)
		make_long_chain(wish, &self, out);
	else
		make_chain(wish, &self, out);
	make_descriptor(wish, &self, out);
	make_registration(wish, &self, out, &nested, &key_entry, &key_item);
	if (wish->next != NULL)
		make_succession(wish, out, &followed, &next_entry, &next_item);
	make_statement(wish, &self, out, &content);
	make_blocks(wish, out, &content, &root);
	make_private_part(wish, out, &root, content.padded);
	make_item(wish, out);
	make_card(wish, out);
	make_log(wish, out, &nested, &followed);
	assert_ok(emr_proof_format(&nested, &out->key_file));
	if (wish->next != NULL)
		assert_ok(emr_proof_format(&followed, &out->next_file));
	put_together(out);
}

void kit_free(kit_proof *kit)
{
	emr_buf *bufs[] = {&kit->ca, &kit->chain, &kit->descriptor, &kit->key_file, &kit->next_file,
		&kit->note, &kit->item, &kit->entry, &kit->priv, &kit->directory, &kit->manifest};

	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		emr_buf_free(bufs[i]);
}

emr_proof_part *kit_part(kit_proof *kit, emr_proof_type type)
{
	for (size_t i = 0; i < kit->proof.n_parts; i++)
		if (kit->proof.parts[i].type == type)
			return &kit->proof.parts[i];
	fail_msg("no part of type %d", (int)type);
	return NULL;
}
