/* These tests make, open and attack whole versions of records: every changed bit, swapped or cut
 * pieces, and false statements are found, and several threads may read. */
#include "record_kit.h"
#include "vectors.h"
#include "unixfs_leaf.h"
#include <pthread.h>

#include "crypto/hashsig.h"
#include "leaf.h"
#include "store/unixfs.h"

/* ---- The second model's contents, sealed and opened here ---- */

static bool is_listed(const json_t *c, const char *list, uint64_t leaf)
{
	const json_t *all = json_object_get(c, list);

	for (size_t i = 0; i < json_array_size(all); i++)
		if ((uint64_t)json_integer_value(json_array_get(all, i)) == leaf)
			return true;
	return false;
}

/* Seals the case's file with its key and salt, as a freeze does, and gives the content. */
static void seal_case(kit *k, const json_t *c, const emr_content_key *key, emr_content *content)
{
	EMR_AUTO_BUF buf = {0};
	EMR_AUTO_FREE uint8_t *sealed = malloc(EMR_LEAF_SEALED_BYTES);
	EMR_AUTO_FREE uint8_t *stream = NULL;
	EMR_AUTO_FREE uint8_t *file = NULL;
	emr_chunk_cipher *cipher;
	record_sealer sealer = {.hk = content->hk, .ctx = k->ctx};
	uint64_t leaves;
	emr_cid hole = emr_unixfs_hole(0);

	*content = (emr_content){.n = vectors_u64(c, "n"),
		.padded = vectors_u64(c, "padded_len"),
		.suite = (uint8_t)vectors_u64(c, "suite"),
		.leaf_log2 = 18,
		.flags = (uint8_t)vectors_u64(c, "flags"),
		.holes = (uint32_t)json_array_size(json_object_get(c, "holes"))};
	vectors_fixed(c, "salt", content->salt, 24);
	vectors_fixed(c, "hk", content->hk, 32);
	vectors_fixed(c, "root", content->root, 32);
	assert_ok(emr_cid_parse(vectors_hex(c, "content_cid", &buf), &content->c));
	stream = calloc(1, content->padded);
	file = strcmp(vectors_text(c, "plain"), "hello") == 0 ? NULL : kit_bytes(content->n, 1);
	memcpy(stream, file == NULL ? (const uint8_t *)"hello, emrfs\n" : file, content->n);
	assert_ok(
		emr_content_key_cipher(key, content->suite, content->salt, &cipher, content->com));
	sealer.cipher = cipher;
	leaves = emr_leaf_count(content->padded);
	assert_int_equal(leaves, vectors_u64(c, "leaf_count"));
	for (uint64_t leaf = 0; leaf < leaves; leaf++) {
		uint64_t start = leaf << EMR_LEAF_LOG2;
		uint64_t stream_len = content->padded - start,
			 file_len = content->n > start ? content->n - start : 0;
		const json_t *wanted = json_array_get(vectors_get(c, "leaves"), leaf);
		uint8_t digest[32];
		record_sealed_leaf made;

		stream_len = stream_len < EMR_LEAF_BYTES ? stream_len : EMR_LEAF_BYTES;
		file_len = file_len < EMR_LEAF_BYTES ? file_len : EMR_LEAF_BYTES;
		if (is_listed(c, "zeros", leaf) || is_listed(c, "unwritten", leaf))
			memset(stream + start, 0, file_len);
		vectors_fixed(wanted, "sha256", digest, 32);
		if (is_listed(c, "holes", leaf)) {
			assert_memory_equal(digest, emr_cid_digest(&hole), 32);
			continue;
		}
		assert_ok(record_leaf_seal(
			&sealer, leaf, stream + start, file_len, stream_len, sealed, &made));
		assert_memory_equal(made.digest, digest, 32);
		assert_int_equal(
			emr_leaf_sealed_len(content->padded, leaf), vectors_u64(wanted, "size"));
	}
	emr_chunk_cipher_free(cipher);
}

static void put(kit *k, emr_codec codec, emr_bytes block)
{
	emr_block made = {.cid = emr_cid_of_block(codec, block), .data = block};

	if (block.len > 0)
		assert_ok(emr_block_store_put(k->store, &made, 1));
}

static void check_bundle(kit *k, const json_t *c, const emr_content_key *key)
{
	EMR_AUTO_BUF m = {0}, directory = {0}, root = {0};
	emr_id16 record;
	emr_cid cid;
	emr_bundle bundle;
	uint8_t patient[32], issuer[32], r_pid[32];
	emr_statement_expect expect = {.patient_pk = patient,
		.r_pid = r_pid,
		.cver = vectors_u64(c, "cver"),
		.issuer_key = emr_bytes_of(issuer, 32)};
	bool is_signed = json_is_true(vectors_get(c, "signed"));

	vectors_fixed(c, "record_id", record.b, 16);
	vectors_fixed(c, "patient_pk", patient, 32);
	vectors_fixed(c, "issuer_pk", issuer, 32);
	vectors_fixed(c, "r_pid", r_pid, 32);
	expect.record_id = record;
	put(k, EMR_CODEC_RAW, vectors_hex(c, "m", &m));
	put(k, EMR_CODEC_DAG_PB, vectors_hex(c, "dir_block", &directory));
	assert_ok(emr_cid_parse(vectors_hex(c, "root_cid", &root), &cid));
	assert_ok(emr_bundle_open(k->ctx, &cid, key, record, expect.cver, &bundle));
	assert_int_equal(bundle.content.n, vectors_u64(c, "n"));
	assert_int_equal(bundle.content.holes, json_array_size(json_object_get(c, "holes")));
	assert_string_equal(bundle.mime, vectors_text(c, "mime"));
	assert_string_equal(bundle.doc, vectors_text(c, "doc"));
	assert_int_equal(bundle.mtime_ns, strtoll(vectors_text(c, "mtime_ns"), NULL, 10));
	assert_int_equal(emr_statement_check(&bundle, &expect),
		is_signed ? EMR_STATEMENT_VALID : EMR_STATEMENT_NONE);
	/* Another record, another version, another key: refused. */
	assert_status(
		EMR_DAMAGED, emr_bundle_open(k->ctx, &cid, key, record, expect.cver + 1, &bundle));
	record.b[0] ^= 1;
	assert_status(
		EMR_DAMAGED, emr_bundle_open(k->ctx, &cid, key, record, expect.cver, &bundle));
}

TEST(the_second_models_contents_open_and_verify)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	size_t i;
	json_t *c;
	uint8_t dek[32];

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	json_array_foreach((json_t *)(uintptr_t)vectors_get(root, "cases"), i, c)
	{
		EMR_AUTO_BUF node = {0};
		emr_content content;
		emr_content_key *key;
		emr_content_reader *reader;

		vectors_fixed(c, "dek", dek, 32);
		key = kit_key(k.keyring, dek);
		seal_case(&k, c, key, &content);
		put(&k, EMR_CODEC_DAG_PB, vectors_hex(c, "content_root_block", &node));
		assert_ok(emr_content_reader_open(k.ctx, &content, key, &reader));
		assert_ok(emr_content_reader_verify(reader));
		emr_content_reader_free(reader);
		check_bundle(&k, c, key);
		emr_content_key_free(key);
	}
}

/* ---- A version from the beginning to the end ---- */

typedef struct version {
	kit k;
	uint8_t *data;
	size_t len;
	emr_content content;
	emr_content_key *key;
	emr_content_reader *reader;
	emr_id16 record;
	emr_id16 domain;
	emr_cid root;
	emr_bundle bundle;
	uint8_t patient_pk[32], issuer_pk[32], r_pid[32];
	emr_statement_expect expect;
} version;

static void make_version(version *v, size_t len, unsigned workers)
{
	emr_domain_public domain;
	emr_public person;
	emr_statement_facts statement = {
		.kind = EMR_STATEMENT_ORIGINAL, .cver = 1, .issued_at_unix_s = 1700000000};
	emr_bundle_facts facts = {.cver = 1, .mtime_ns = 77};
	uint8_t bytes[EMR_STATEMENT_BYTES], sig[64];

	memset(v, 0, sizeof *v);
	kit_open(&v->k, workers, 0);
	v->data = kit_bytes(len, 21);
	v->len = len;
	v->record = emr_id16_random();
	v->domain = emr_id16_random();
	v->reader = kit_reader_of(&v->k, v->data, len, &v->content, &v->key);
	assert_ok(emr_keyring_public(v->k.keyring, &person));
	assert_ok(emr_keyring_domain_public(v->k.keyring, v->domain, 1, 1, &domain));
	memcpy(v->patient_pk, person.pk, 32);
	memcpy(v->issuer_pk, domain.owner_pk, 32);
	memset(v->r_pid, 6, 32);
	statement.patient_pk = v->patient_pk;
	memcpy(statement.r_pid, v->r_pid, 32);
	statement.record_id = facts.record_id = v->record;
	statement.mime = facts.mime = emr_bytes_of("application/pdf", 15);
	statement.doc = facts.doc = emr_bytes_of("24627-2", 7);
	assert_ok(emr_statement_make(v->k.keyring, emr_signer_domain(v->domain, 1), &v->content,
		&statement, bytes, sig));
	facts.statement = bytes;
	facts.sig = sig;
	assert_ok(emr_bundle_build(v->k.ctx, &v->content, v->key, &facts, &v->root));
	assert_ok(emr_bundle_open(v->k.ctx, &v->root, v->key, v->record, 1, &v->bundle));
	v->expect = (emr_statement_expect){.patient_pk = v->patient_pk,
		.r_pid = v->r_pid,
		.record_id = v->record,
		.cver = 1,
		.issuer_key = emr_bytes_of(v->issuer_pk, 32)};
}

static void end_version(version *v)
{
	emr_content_reader_free(v->reader);
	emr_content_key_free(v->key);
	free(v->data);
	kit_close(&v->k);
}

TEST(a_bundle_tells_what_was_put_in)
{
	SCENE_OF(version, v, end_version, make_version, 300000, 0);
	assert_int_equal(v.bundle.content.n, 300000);
	assert_false(v.bundle.content.has_dek);
	assert_int_equal(v.bundle.mtime_ns, 77);
	assert_string_equal(v.bundle.mime, "application/pdf");
	assert_string_equal(v.bundle.doc, "24627-2");
	assert_true(emr_cid_equal(&v.bundle.content.c, &v.content.c));
	assert_memory_equal(v.bundle.content.root, v.content.root, 32);
	assert_int_equal(emr_statement_check(&v.bundle, &v.expect), EMR_STATEMENT_VALID);
}

TEST(the_key_at_rest_opens_the_content_again)
{
	uint8_t bytes[EMR_CONTENT_ENCODED_BYTES];
	emr_content content;
	emr_content_key *key;
	emr_content_reader *reader;

	SCENE_OF(version, v, end_version, make_version, 5000, 0);
	emr_content_encode(&v.content, bytes);
	assert_ok(emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &content));
	assert_ok(emr_content_open_key(v.k.ctx, &content, &key));
	assert_ok(emr_content_reader_open(v.k.ctx, &content, key, &reader));
	emr_content_reader_free(reader);
	emr_content_key_free(key);
	assert_status(EMR_NOT_FOUND, emr_content_open_key(v.k.ctx, &v.bundle.content, &key));
	content.sealed_dek[30] ^= 1;
	assert_status(EMR_DAMAGED, emr_content_open_key(v.k.ctx, &content, &key));
}

/* ---- Statements: each thing a reader compares ---- */

TEST(every_lie_in_a_statement_has_its_verdict)
{
	emr_bundle b;
	emr_statement_expect e;
	uint8_t other[32] = {1};

	SCENE_OF(version, v, end_version, make_version, 70000, 0);
#define check(change, verdict)                                                                     \
	do {                                                                                       \
		b = v.bundle;                                                                      \
		e = v.expect;                                                                      \
		change;                                                                            \
		assert_int_equal(emr_statement_check(&b, &e), verdict);                            \
	} while (0)
	check(b.content.n++, EMR_STATEMENT_WRONG_LENGTH);
	check(b.content.root[0] ^= 1, EMR_STATEMENT_WRONG_ROOT);
	check(b.mime[0] ^= 1, EMR_STATEMENT_WRONG_TYPE);
	check(b.doc_len--, EMR_STATEMENT_WRONG_TYPE);
	check(e.record_id.b[3] ^= 1, EMR_STATEMENT_WRONG_RECORD);
	check(e.patient_pk = other, EMR_STATEMENT_WRONG_PATIENT);
	check(e.r_pid = other, EMR_STATEMENT_WRONG_PATIENT);
	check(e.cver = 2, EMR_STATEMENT_WRONG_VERSION);
	check(b.content.com[0] ^= 1, EMR_STATEMENT_WRONG_CONTENT);
	check(b.content.c.b[20] ^= 1, EMR_STATEMENT_WRONG_CONTENT);
	check(b.content.suite = 2, EMR_STATEMENT_WRONG_CONTENT);
	check(b.content.com[0] ^= 1; e.reencrypted = true, EMR_STATEMENT_WRONG_VERSION);
	check(b.content.com[0] ^= 1; e.reencrypted = true;
		e.cver = 2, EMR_STATEMENT_VALID_AFTER_HASH);
	check(e.issuer_key = emr_bytes_of(other, 32), EMR_STATEMENT_WRONG_ISSUER);
	check(e.issuer_key.len = 31, EMR_STATEMENT_WRONG_ISSUER);
	check(b.sig[5] ^= 1, EMR_STATEMENT_WRONG_SIGNATURE);
	check(b.statement_bytes[300] ^= 1, EMR_STATEMENT_WRONG_SIGNATURE);
	check(b.has_statement = false, EMR_STATEMENT_NONE);
	check((void)0, EMR_STATEMENT_VALID);
#undef check
}

TEST(a_certificates_key_signs_statements_too)
{
	emr_public person;
	emr_statement_facts facts = {.kind = EMR_STATEMENT_ORIGINAL};
	uint8_t bytes[EMR_STATEMENT_BYTES], sig[64];

	SCENE_OF(version, v, end_version, make_version, 10, 0);
	assert_ok(emr_keyring_public(v.k.keyring, &person));
	/* Algorithm 2: the same statement re-issued by the P-256 key. */
	v.bundle.statement.alg = EMR_STATEMENT_P256;
	emr_sha256(person.p256_spki, sizeof person.p256_spki, v.bundle.statement.issuer_id);
	emr_statement_encode(&v.bundle.statement, v.bundle.statement_bytes);
	assert_ok(emr_keyring_sign(v.k.keyring, emr_signer_certificate(), EMR_SIGN_STMT,
		emr_bytes_of(v.bundle.statement_bytes, EMR_STATEMENT_BYTES), v.bundle.sig));
	v.expect.issuer_key = emr_bytes_of(person.p256_spki, sizeof person.p256_spki);
	assert_int_equal(emr_statement_check(&v.bundle, &v.expect), EMR_STATEMENT_VALID);
	v.bundle.sig[40] ^= 1;
	assert_int_equal(emr_statement_check(&v.bundle, &v.expect), EMR_STATEMENT_WRONG_SIGNATURE);
	facts.patient_pk = v.patient_pk;
	assert_status(EMR_INVALID, emr_statement_make(v.k.keyring, emr_signer_certificate(),
					   &v.content, &facts, bytes, sig));
	facts.kind = 5;
	assert_status(EMR_INVALID, emr_statement_make(v.k.keyring, emr_signer_identity(),
					   &v.content, &facts, bytes, sig));
}

/* ---- Tampering ---- */

/* Replaces a block by other bytes under its own, right name: what a hostile writer with every hash
 * right could do. */
static emr_cid replace(kit *k, emr_codec codec, const uint8_t *data, size_t len)
{
	emr_block made = {.data = emr_bytes_of(data, len)};

	made.cid = emr_cid_of_block(codec, made.data);
	assert_ok(emr_block_store_put(k->store, &made, 1));
	return made.cid;
}

TEST(every_flipped_bit_of_m_is_refused)
{
	emr_unixfs_bundle links;
	kit_block *directory, *m;
	uint8_t bytes[EMR_M_BYTES];
	emr_bundle bundle;

	SCENE_OF(version, v, end_version, make_version, 300000, 0);
	directory = kit_store_find(v.k.store, &v.root);
	assert_ok(emr_unixfs_bundle_decode(emr_bytes_of(directory->data, directory->len), &links));
	m = kit_store_find(v.k.store, &links.manifest);
	memcpy(bytes, m->data, sizeof bytes);
	for (size_t bit = 0; bit < 8 * sizeof bytes; bit += bit < 800 ? 1 : 37) {
		EMR_AUTO_BUF block = {0};
		emr_unixfs_link link;
		emr_block made;
		emr_status status;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		links.manifest = replace(&v.k, EMR_CODEC_RAW, bytes, sizeof bytes);
		assert_ok(emr_unixfs_bundle_encode(&links, &block, &link));
		made = (emr_block){.cid = link.cid, .data = emr_buf_view(&block)};
		assert_ok(emr_block_store_put(v.k.store, &made, 1));
		status = emr_bundle_open(v.k.ctx, &link.cid, v.key, v.record, 1, &bundle);
		assert_true(status == EMR_DAMAGED || status == EMR_NEWER_FORMAT ||
			    status == EMR_UNSUPPORTED);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* And in place, under a name that does not fit any more. */
		m->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_status(EMR_DAMAGED,
			emr_bundle_open(v.k.ctx, &v.root, v.key, v.record, 1, &bundle));
		m->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST(a_bundle_names_the_one_tree_that_its_length_allows)
{
	emr_unixfs_bundle links;
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link link;
	emr_block made;
	kit_block *directory;
	emr_bundle bundle;

	SCENE_OF(version, v, end_version, make_version, 300000, 0);
	directory = kit_store_find(v.k.store, &v.root);
	assert_ok(emr_unixfs_bundle_decode(emr_bytes_of(directory->data, directory->len), &links));
	links.content_tsize++;
	assert_ok(emr_unixfs_bundle_encode(&links, &block, &link));
	made = (emr_block){.cid = link.cid, .data = emr_buf_view(&block)};
	assert_ok(emr_block_store_put(v.k.store, &made, 1));
	assert_status(
		EMR_DAMAGED, emr_bundle_open(v.k.ctx, &link.cid, v.key, v.record, 1, &bundle));
	assert_status(EMR_DAMAGED,
		emr_bundle_open(v.k.ctx, &links.manifest, v.key, v.record, 1, &bundle));
	kit_store_remove(v.k.store, &links.manifest);
	assert_status(
		EMR_MISSING_DATA, emr_bundle_open(v.k.ctx, &v.root, v.key, v.record, 1, &bundle));
}

static kit_block *leaf_block(version *v, uint64_t leaf)
{
	emr_cid cid;

	assert_ok(emr_unixfs_leaf_at(v->k.store, &v->content.c, v->content.padded, leaf, &cid));
	return kit_store_find(v->k.store, &cid);
}

TEST(flipped_bits_of_a_leaf_are_never_read)
{
	uint8_t bytes[100];
	size_t got = 7;

	SCENE_OF(version, v, end_version, make_version, 1500000, EMR_RECORD_NO_WORKERS);
	for (uint64_t leaf = 0; leaf < 2; leaf++) {
		kit_block *b = leaf_block(&v, leaf);

		for (size_t at = 0; at < b->len; at += 1021) {
			uint64_t off = (leaf * 16 + at / 16400) * 16384 + 5;

			b->data[at] ^= 0x40;
			memset(bytes, 0xee, sizeof bytes);
			assert_status(EMR_DAMAGED,
				emr_content_reader_read(v.reader, off, bytes, sizeof bytes, &got));
			assert_int_equal(bytes[0], 0xee);
			assert_int_equal(got, 7);
			/* Another chunk of the same leaf is in doubt with it. */
			assert_status(
				EMR_DAMAGED, emr_content_reader_read(v.reader, off ^ (1 << 17),
						     bytes, sizeof bytes, &got));
			b->data[at] ^= 0x40;
		}
		assert_ok(emr_content_reader_read(
			v.reader, leaf * 262144 + 5, bytes, sizeof bytes, &got));
		assert_memory_equal(bytes, v.data + leaf * 262144 + 5, sizeof bytes);
		got = 7;
	}
}

/* The kernel asks in pieces, and each would cost 256 KiB of hashing. */
TEST(a_leaf_is_read_and_hashed_once_for_all_its_pieces)
{
	uint8_t bytes[16384];
	unsigned before;
	size_t got;

	SCENE_OF(version, v, end_version, make_version, 1500000, EMR_RECORD_NO_WORKERS);
	before = kit_store_gets(v.k.store);
	for (size_t at = 0; at < 4 * 262144; at += sizeof bytes)
		assert_ok(emr_content_reader_read(v.reader, at, bytes, sizeof bytes, &got));
	assert_int_equal(kit_store_gets(v.k.store) - before, 4);
}

/* The checked bytes are the held ones: that they have changed where they lay is no reason to give
 * out anything else, and `verify` looks where they lie. */
TEST(what_was_read_a_moment_ago_does_not_change)
{
	uint8_t bytes[100];
	size_t got;

	SCENE_OF(version, v, end_version, make_version, 600000, EMR_RECORD_NO_WORKERS);
	assert_ok(emr_content_reader_read(v.reader, 9, bytes, sizeof bytes, &got));
	leaf_block(&v, 0)->data[3] ^= 1;
	assert_ok(emr_content_reader_read(v.reader, 9, bytes, sizeof bytes, &got));
	assert_memory_equal(bytes, v.data + 9, sizeof bytes);
	assert_status(EMR_DAMAGED, emr_content_reader_verify(v.reader));
}

TEST(swapped_leaves_are_refused)
{
	uint8_t byte;
	size_t got;
	kit_block *first, *second, swap;

	SCENE_OF(version, v, end_version, make_version, 600000, EMR_RECORD_NO_WORKERS);
	first = leaf_block(&v, 0);
	second = leaf_block(&v, 1);
	assert_int_equal(first->len, second->len);
	swap = *first;
	first->data = second->data;
	second->data = swap.data;
	assert_status(EMR_DAMAGED, emr_content_reader_read(v.reader, 0, &byte, 1, &got));
	assert_status(EMR_DAMAGED, emr_content_reader_read(v.reader, 262144, &byte, 1, &got));
	assert_status(EMR_DAMAGED, emr_content_reader_verify(v.reader));
}

TEST(a_leaf_cut_at_any_edge_is_refused)
{
	static const size_t cuts[] = {0, 1, 16399, 16400, 16401, 100000, 262399};

	SCENE_OF(version, v, end_version, make_version, 600000, EMR_RECORD_NO_WORKERS);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		kit_block *b = leaf_block(&v, 0);
		uint8_t bytes[16];
		size_t full = b->len, got;

		b->len = cuts[i];
		assert_status(EMR_DAMAGED,
			emr_content_reader_read(v.reader, 262144 - 16, bytes, 16, &got));
		assert_status(EMR_DAMAGED, emr_content_reader_verify(v.reader));
		b->len = full;
	}
}

TEST(a_content_without_its_end_does_not_open)
{
	emr_content_reader *reader;
	emr_record_ctx *other;
	kit_block *last;
	uint64_t count;
	bool present;
	emr_cid missing;

	SCENE_OF(version, v, end_version, make_version, 600000, EMR_RECORD_NO_WORKERS);
	count = emr_leaf_count(v.content.padded);
	last = leaf_block(&v, count - 1);
	last->len--;
	/* A reader that has not read it a moment ago. */
	assert_ok(emr_record_ctx_new(&v.k.options, &other));
	assert_status(EMR_DAMAGED, emr_content_reader_open(other, &v.content, v.key, &reader));
	last->len++;
	assert_ok(emr_content_reader_present(v.reader, &present, &missing));
	assert_true(present);
	missing = leaf_block(&v, 1)->cid;
	kit_store_remove(v.k.store, &missing);
	memset(&missing, 0, sizeof missing);
	assert_ok(emr_content_reader_present(v.reader, &present, &missing));
	assert_false(present);
	assert_int_equal(missing.b[0], 1);
	assert_status(EMR_MISSING_DATA, emr_content_reader_verify(v.reader));
	missing = last->cid;
	kit_store_remove(v.k.store, &missing);
	assert_status(EMR_MISSING_DATA, emr_content_reader_open(other, &v.content, v.key, &reader));
	emr_record_ctx_free(other);
}

/* A writer who holds the key but hides bytes behind the file's end. */
TEST(padding_that_is_not_zeros_is_refused)
{
	uint8_t stream[16383] = "abc", sealed[EMR_CHUNK_SEALED_BYTES];
	emr_chunk_cipher *cipher;
	emr_content content;
	emr_content_reader *reader;
	record_sealed_leaf leaf;
	record_sealer sealer;

	SCENE_OF(version, v, end_version, make_version, 3, 0);
	content = v.content;
	stream[16000] = 1;
	content.salt[0] ^= 1;
	assert_ok(emr_content_key_cipher(v.key, 1, content.salt, &cipher, content.com));
	sealer = (record_sealer){.cipher = cipher, .hk = content.hk, .ctx = v.k.ctx};
	assert_ok(record_leaf_seal(&sealer, 0, stream, 3, sizeof stream, sealed, &leaf));
	emr_chunk_cipher_free(cipher);
	content.c = emr_cid_of_digest(EMR_CODEC_RAW, leaf.digest);
	assert_status(EMR_DAMAGED, emr_content_reader_open(v.k.ctx, &content, v.key, &reader));
}

TEST(wrong_keys_salts_and_lengths_do_not_open)
{
	emr_content_reader *reader;
	emr_content_key *other;
	emr_content c;

	SCENE_OF(version, v, end_version, make_version, 40000, 0);
	assert_ok(emr_content_key_new(&other));
	assert_status(EMR_DAMAGED, emr_content_reader_open(v.k.ctx, &v.content, other, &reader));
	emr_content_key_free(other);
	c = v.content;
	c.salt[3] ^= 1;
	assert_status(EMR_DAMAGED, emr_content_reader_open(v.k.ctx, &c, v.key, &reader));
	c = v.content;
	c.suite = 2;
	assert_status(EMR_DAMAGED, emr_content_reader_open(v.k.ctx, &c, v.key, &reader));
	c.suite = 9;
	assert_status(EMR_UNSUPPORTED, emr_content_reader_open(v.k.ctx, &c, v.key, &reader));
	c = v.content;
	c.padded += 1024;
	assert_status(EMR_DAMAGED, emr_content_reader_open(v.k.ctx, &c, v.key, &reader));
	c = v.content;
	c.n = EMR_RECORD_MAX_BYTES + 1;
	assert_status(EMR_LIMIT, emr_content_reader_open(v.k.ctx, &c, v.key, &reader));
	c = v.content;
	c.root[0] ^= 1;
	assert_ok(emr_content_reader_open(v.k.ctx, &c, v.key, &reader));
	assert_status(EMR_BAD_SIGNATURE, emr_content_reader_verify(reader));
	emr_content_reader_free(reader);
}

/* ---- Many readers ---- */

typedef struct reading {
	version *v;
	uint32_t seed;
} reading;

static void *read_through(void *arg)
{
	reading *r = arg;
	EMR_AUTO_FREE uint8_t *bytes = malloc(131072);
	size_t got;

	for (size_t off = 0; off < r->v->len; off += got) {
		if (emr_content_reader_read(r->v->reader, off, bytes, 131072, &got) != EMR_OK ||
			memcmp(bytes, r->v->data + off, got) != 0)
			abort();
	}
	for (int i = 0; i < 300; i++) {
		size_t off = kit_random(&r->seed) % r->v->len, len = kit_random(&r->seed) % 5000;

		if (emr_content_reader_read(r->v->reader, off, bytes, len, &got) != EMR_OK ||
			memcmp(bytes, r->v->data + off, got) != 0)
			abort();
	}
	return NULL;
}

TEST(several_threads_read_one_content)
{
	pthread_t threads[4];
	reading r[4];

	SCENE_OF(version, v, end_version, make_version, 6000001, 2);
	for (uint32_t i = 0; i < 4; i++) {
		r[i] = (reading){.v = &v, .seed = i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, read_through, &r[i]), 0);
	}
	for (uint32_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

TESTS(NULL, NULL)
