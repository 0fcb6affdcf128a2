/* These tests encode and decode the formats of records as the second model does, and refuse what
 * no writer makes. */
#include "record/derived.h"
#include "record_kit.h"
#include "vectors.h"

#include "base/codec.h"
#include "crypto/hashsig.h"

static emr_bytes text(const char *s)
{
	return emr_bytes_of(s, strlen(s));
}

static emr_bytes field(const json_t *object, const char *key, emr_buf *buf)
{
	emr_buf_clear(buf);
	return vectors_unhex(vectors_text(object, key), buf);
}

#define assert_field(object, key, bytes, size)                                                     \
	do {                                                                                       \
		EMR_AUTO_BUF wanted_ = {0};                                                        \
		emr_bytes view_ = field(object, key, &wanted_);                                    \
		assert_int_equal(view_.len, size);                                                 \
		assert_memory_equal(view_.data, bytes, size);                                      \
	} while (0)

/* ---- Lengths ---- */

TEST(lengths_are_padded_as_the_second_model_pads_them)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *list = vectors_get(root, "padding");
	size_t i;
	json_t *entry;

	assert_true(json_array_size(list) > 20);
	json_array_foreach((json_t *)(uintptr_t)list, i, entry)
	{
		uint64_t n = vectors_u64(entry, "n");

		assert_int_equal(emr_padded_len(n, false), vectors_u64(entry, "padme"));
		assert_int_equal(emr_padded_len(n, true), vectors_u64(entry, "pow2"));
	}
}

TEST(padding_never_shrinks_and_never_ends_on_a_chunk)
{
	uint64_t last = 0;

	for (uint64_t n = 0; n < EMR_RECORD_MAX_BYTES; n = n + 1 + n / 97) {
		uint64_t padded = emr_padded_len(n, false);

		assert_true(padded >= n && padded >= last);
		assert_true(padded % 16384 != 0);
		assert_int_equal(emr_padded_len(padded, false), padded);
		assert_true(n < 16384 || padded - n <= n / 16 + 1);
		assert_int_equal(emr_leaf_count(padded), (padded + 262143) / 262144);
		last = padded;
	}
	assert_int_equal(emr_leaf_sealed_len(16383, 0), 16399);
	assert_int_equal(emr_leaf_sealed_len(600000, 0), 262400);
	assert_int_equal(emr_leaf_sealed_len(600000, 2), 600000 - 524288 + 5 * 16);
}

/* ---- Header and manifest against the second model ---- */

static void check_header(const json_t *c, emr_bytes m)
{
	emr_m_header header;
	emr_bytes sealed;
	uint8_t again[EMR_M_HEADER_BYTES];

	assert_int_equal(m.len, EMR_M_BYTES);
	assert_ok(emr_m_header_decode(m, &header, &sealed));
	assert_int_equal(header.suite, vectors_u64(c, "suite"));
	assert_int_equal(header.flags, vectors_u64(c, "flags"));
	assert_int_equal(header.padded, vectors_u64(c, "padded_len"));
	assert_field(c, "salt", header.salt, 24);
	assert_field(c, "com", header.com, 32);
	assert_field(c, "mnonce", header.nonce, 24);
	assert_int_equal(sealed.len, EMR_MANIFEST_BYTES + 16);
	emr_m_header_encode(&header, again);
	assert_memory_equal(again, m.data, sizeof again);
}

static void check_manifest(const json_t *c, emr_bytes plain)
{
	emr_manifest manifest;
	uint8_t again[EMR_MANIFEST_BYTES];

	assert_ok(emr_manifest_decode(plain, &manifest));
	assert_int_equal(manifest.n, vectors_u64(c, "n"));
	assert_int_equal(manifest.mtime_ns, strtoll(vectors_text(c, "mtime_ns"), NULL, 10));
	assert_field(c, "hk", manifest.hk, 32);
	assert_field(c, "root", manifest.root, 32);
	assert_true(emr_bytes_equal(manifest.mime, text(vectors_text(c, "mime"))));
	assert_true(emr_bytes_equal(manifest.doc, text(vectors_text(c, "doc"))));
	assert_int_equal(manifest.has_statement, json_is_true(vectors_get(c, "signed")));
	if (manifest.has_statement) {
		assert_field(c, "stmt", manifest.statement, EMR_STATEMENT_BYTES);
		assert_field(c, "sig", manifest.sig, 64);
	}
	assert_ok(emr_manifest_encode(&manifest, again));
	assert_memory_equal(again, plain.data, sizeof again);
}

static void check_meta(const json_t *c)
{
	EMR_AUTO_BUF buf = {0}, again = {0};
	size_t holes = json_array_size(json_object_get(c, "holes"));
	emr_bytes plain = field(c, "meta", &buf);
	emr_meta meta;

	assert_ok(emr_meta_decode(plain, &meta));
	assert_int_equal(meta.n, vectors_u64(c, "n"));
	assert_int_equal(meta.stored_leaves, holes == 0 ? 0 : vectors_u64(c, "leaf_count") - holes);
	assert_ok(emr_meta_encode(&meta, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), plain));
}

static void check_hashes(const json_t *c)
{
	EMR_AUTO_BUF buf = {0};
	uint8_t out[32], r_pid[32];
	emr_cid cid;

	assert_ok(emr_cid_parse(field(c, "content_cid", &buf), &cid));
	emr_content_hash(
		(uint8_t)vectors_u64(c, "suite"), 18, vectors_u64(c, "padded_len"), &cid, out);
	assert_field(c, "content_hash", out, 32);
	emr_type_hash(text(vectors_text(c, "mime")), text(vectors_text(c, "doc")), out);
	assert_field(c, "type_hash", out, 32);
	memcpy(r_pid, field(c, "r_pid", &buf).data, 32);
	emr_pid_commit(r_pid, field(c, "patient_pk", &buf).data, out);
	assert_field(c, "pid_commit", out, 32);
}

/* Checks the statement's words about the original, and the mark of the file before it was
 * signed. */
static void check_derived(const json_t *c, const json_t *d, const emr_statement *statement)
{
	EMR_AUTO_BUF buf = {0}, mark = {0};
	EMR_AUTO_SECRET secret = {0};
	emr_id16 record;
	emr_id32 terms;
	emr_derivation from, read;
	char doc[EMR_DERIVED_DOC_BYTES + 1];
	uint8_t key[32], made[EMR_DERIVED_MARK_BYTES];
	uint64_t cver = vectors_u64(d, "cver");
	int64_t mtime_ns = (int64_t)strtoll(vectors_text(c, "mtime_ns"), NULL, 10);
	uint16_t count;

	assert_ok(emr_secret_new(32, &secret));
	memcpy(secret.data, field(d, "secret", &buf).data, 32);
	memcpy(record.b, field(d, "record", &buf).data, sizeof record.b);
	memcpy(terms.b, field(d, "terms", &buf).data, sizeof terms.b);
	emr_derived_opening(&secret, record, cver, key);
	assert_field(d, "key", key, 32);
	emr_derived_source(key, record, cver, from.source);
	assert_field(d, "source", from.source, 32);
	assert_memory_equal(statement->prev, from.source, 32);
	emr_derived_rules(vectors_text(d, "table"), terms, from.rules);
	assert_field(d, "rules", from.rules, 32);
	emr_derived_doc(from.rules, doc);
	assert_string_equal(doc, vectors_text(c, "doc"));
	assert_true(emr_derived_doc_read(text(doc), read.rules));
	assert_memory_equal(read.rules, from.rules, 32);
	for (size_t at = 0; at < EMR_DERIVED_DOC_BYTES; at++) {
		doc[at] ^= 0x20; /* also letters of the other case */
		assert_true(!emr_derived_doc_read(text(doc), read.rules) ||
			    (doc[at] >= '0' && doc[at] <= '9'));
		doc[at] ^= 0x20;
	}
	emr_derived_mark(&from, mtime_ns, made);
	assert_field(d, "mark", made, sizeof made);
	assert_ok(emr_xattr_change((emr_bytes){0}, text(EMR_DERIVED_KEY),
		emr_bytes_of(made, sizeof made), false, &mark, &count));
	assert_true(emr_derived_mark_read(emr_buf_view(&mark), mtime_ns, &read));
	assert_memory_equal(&read, &from, sizeof read);
	assert_false(emr_derived_mark_read(emr_buf_view(&mark), mtime_ns + 1, &read));
}

static void check_statement(const json_t *c)
{
	EMR_AUTO_BUF buf = {0};
	emr_bytes bytes = field(c, "stmt", &buf);
	emr_statement statement;
	uint8_t again[EMR_STATEMENT_BYTES], hash[32];

	assert_ok(emr_statement_decode(bytes.data, &statement));
	assert_int_equal(statement.alg, EMR_STATEMENT_ED25519);
	assert_int_equal(statement.kind, json_object_get(c, "derived") != NULL
						 ? EMR_STATEMENT_DERIVED
						 : EMR_STATEMENT_ORIGINAL);
	if (json_object_get(c, "derived") != NULL)
		check_derived(c, json_object_get(c, "derived"), &statement);
	assert_int_equal(statement.n, vectors_u64(c, "n"));
	assert_int_equal(statement.cver, vectors_u64(c, "cver"));
	assert_int_equal(statement.issued_at, vectors_u64(c, "issued_at"));
	assert_field(c, "record_id", statement.record_id.b, 16);
	assert_field(c, "pid_commit", statement.pid_commit, 32);
	assert_field(c, "root", statement.root, 32);
	assert_field(c, "type_hash", statement.type_hash, 32);
	assert_field(c, "content_hash", statement.content, 32);
	assert_field(c, "com", statement.com, 32);
	emr_statement_encode(&statement, again);
	assert_memory_equal(again, bytes.data, sizeof again);
	emr_sha256(again, sizeof again, hash);
	assert_field(c, "stmt_sha256", hash, 32);
}

TEST(the_second_models_records_decode_and_encode_the_same)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *list = vectors_get(root, "cases");
	size_t i;
	json_t *c;

	assert_true(json_array_size(list) >= 30);
	json_array_foreach((json_t *)(uintptr_t)list, i, c)
	{
		EMR_AUTO_BUF buf = {0};

		check_header(c, field(c, "m", &buf));
		check_manifest(c, field(c, "manifest", &buf));
		check_hashes(c);
		check_meta(c);
		if (json_is_true(vectors_get(c, "signed")))
			check_statement(c);
	}
}

TEST(a_commitment_opens_for_one_original_in_one_dataset)
{
	EMR_AUTO_SECRET one = {0}, other = {0};
	const emr_id16 record = {{1}}, another = {{2}};
	uint8_t key[32], key_of_other[32], source[32], again[32];

	assert_ok(emr_secret_new(32, &one));
	assert_ok(emr_secret_new(32, &other));
	memset(one.data, 1, 32);
	memset(other.data, 2, 32);
	emr_derived_opening(&one, record, 3, key);
	emr_derived_source(key, record, 3, source);
	emr_derived_source(key, record, 4, again);
	assert_memory_not_equal(source, again, 32);
	emr_derived_source(key, another, 3, again);
	assert_memory_not_equal(source, again, 32);
	/* The same original in another dataset, and another version, have nothing in common. */
	emr_derived_opening(&other, record, 3, key_of_other);
	emr_derived_source(key_of_other, record, 3, again);
	assert_memory_not_equal(source, again, 32);
	emr_derived_opening(&one, record, 4, key_of_other);
	assert_memory_not_equal(key, key_of_other, 32);
}

TEST(headers_and_manifests_refuse_what_no_writer_makes)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *c = json_array_get(vectors_get(root, "cases"), 0);
	EMR_AUTO_BUF buf = {0}, plain = {0};
	emr_bytes m = field(c, "m", &buf), manifest = field(c, "manifest", &plain);
	emr_m_header header;
	emr_manifest decoded;
	emr_bytes sealed;

	for (size_t len = 0; len < m.len; len += 13)
		assert_status(EMR_DAMAGED,
			emr_m_header_decode(emr_bytes_of(m.data, len), &header, &sealed));
	for (size_t len = 0; len < manifest.len; len += 13)
		assert_status(EMR_DAMAGED,
			emr_manifest_decode(emr_bytes_of(manifest.data, len), &decoded));
	buf.data[4] = 3;
	assert_status(EMR_NEWER_FORMAT, emr_m_header_decode(m, &header, &sealed));
	buf.data[4] = 2; /* with holes, and none is announced */
	assert_status(EMR_DAMAGED, emr_m_header_decode(m, &header, &sealed));
	buf.data[7] = EMR_M_FLAG_HOLES;
	assert_ok(emr_m_header_decode(m, &header, &sealed));
	buf.data[7] = 0;
	buf.data[4] = 1;
	buf.data[5] = 3;
	assert_status(EMR_UNSUPPORTED, emr_m_header_decode(m, &header, &sealed));
	buf.data[5] = 1;
	buf.data[6] = 19;
	assert_status(EMR_NEWER_FORMAT, emr_m_header_decode(m, &header, &sealed));
	buf.data[6] = 17;
	assert_status(EMR_DAMAGED, emr_m_header_decode(m, &header, &sealed));
	buf.data[6] = 18;
	buf.data[7] = EMR_M_FLAG_HOLES; /* an earlier program must have seen version 2 */
	assert_status(EMR_DAMAGED, emr_m_header_decode(m, &header, &sealed));
	buf.data[7] = 4;
	assert_status(EMR_DAMAGED, emr_m_header_decode(m, &header, &sealed));
	buf.data[7] = 0;
	emr_put_u64(buf.data + 8, 16384); /* no file pads to that */
	assert_status(EMR_DAMAGED, emr_m_header_decode(m, &header, &sealed));
	emr_put_u64(buf.data + 8, UINT64_MAX);
	assert_status(EMR_DAMAGED, emr_m_header_decode(m, &header, &sealed));
	plain.data[1023] = 1;
	assert_status(EMR_DAMAGED, emr_manifest_decode(manifest, &decoded));
	plain.data[1023] = 0;
	plain.data[5] = 1;
	assert_status(EMR_DAMAGED, emr_manifest_decode(manifest, &decoded));
	plain.data[5] = 0;
	emr_put_u32(plain.data + 92, 7);
	assert_status(EMR_DAMAGED, emr_manifest_decode(manifest, &decoded));
	plain.data[4] = 2;
	assert_ok(emr_manifest_decode(manifest, &decoded));
	assert_int_equal(decoded.holes, 7);
	emr_put_u32(plain.data + 92, 0);
	assert_status(EMR_DAMAGED, emr_manifest_decode(manifest, &decoded));
	plain.data[4] = 3;
	assert_status(EMR_NEWER_FORMAT, emr_manifest_decode(manifest, &decoded));
	plain.data[4] = 1;
	emr_put_u16(plain.data + 90, 319);
	assert_status(EMR_DAMAGED, emr_manifest_decode(manifest, &decoded));
	emr_put_u16(plain.data + 90, 320);
	emr_put_u64(plain.data + 8, EMR_RECORD_MAX_BYTES + 1);
	assert_status(EMR_LIMIT, emr_manifest_decode(manifest, &decoded));
}

/* ---- Metadata ---- */

static emr_meta a_file(void)
{
	return (emr_meta){.type = EMR_META_FILE,
		.mode = 0640,
		.n = 63884,
		.mtime_ns = -1,
		.parent = {{9}},
		.r_pid = {7},
		.mime = text("application/pdf"),
		.name = text("report.pdf")};
}

TEST(metadata_comes_back_as_it_was)
{
	EMR_AUTO_BUF xattrs = {0}, more = {0}, out = {0};
	emr_meta meta = a_file(), got;
	emr_bytes value;

	assert_ok(emr_xattr_change(
		(emr_bytes){0}, text("user.b"), text("two"), false, &xattrs, &meta.xattr_count));
	assert_ok(emr_xattr_change(emr_buf_view(&xattrs), text("user.a"), (emr_bytes){0}, false,
		&more, &meta.xattr_count));
	meta.xattrs = emr_buf_view(&more);
	assert_int_equal(meta.xattr_count, 2);
	assert_ok(emr_meta_encode(&meta, &out));
	assert_int_equal(out.len, 512);
	assert_ok(emr_meta_decode(emr_buf_view(&out), &got));
	assert_int_equal(got.type, EMR_META_FILE);
	assert_int_equal(got.mode, 0640);
	assert_int_equal(got.n, 63884);
	assert_int_equal(got.mtime_ns, -1);
	assert_memory_equal(got.parent.b, meta.parent.b, 16);
	assert_memory_equal(got.r_pid, meta.r_pid, 32);
	assert_true(emr_bytes_equal(got.name, meta.name));
	assert_true(emr_bytes_equal(got.mime, meta.mime));
	assert_int_equal(got.xattr_count, 2);
	assert_ok(emr_xattr_find(got.xattrs, text("user.a"), &value));
	assert_int_equal(value.len, 0);
	assert_ok(emr_xattr_find(got.xattrs, text("user.b"), &value));
	assert_true(emr_bytes_equal(value, text("two")));
	assert_status(EMR_NO_ATTRIBUTE, emr_xattr_find(got.xattrs, text("user.c"), &value));
}

TEST(every_kind_of_node_has_its_metadata)
{
	EMR_AUTO_BUF out = {0};
	emr_meta meta = a_file(), got;

	meta.type = EMR_META_SYMLINK;
	assert_status(EMR_INVALID, emr_meta_encode(&meta, &out));
	meta.target = text("../scan.dcm");
	assert_ok(emr_meta_encode(&meta, &out));
	assert_ok(emr_meta_decode(emr_buf_view(&out), &got));
	assert_true(emr_bytes_equal(got.target, meta.target));
	meta.type = EMR_META_DIR;
	assert_status(EMR_INVALID, emr_meta_encode(&meta, &out));
	meta.target.len = 0;
	meta.name.len = 0;
	emr_buf_clear(&out);
	assert_ok(emr_meta_encode(&meta, &out));
	assert_ok(emr_meta_decode(emr_buf_view(&out), &got));
	assert_int_equal(got.name.len, 0);
	meta.mode = 010000;
	assert_status(EMR_INVALID, emr_meta_encode(&meta, &out));
}

/* A program of somebody's own writes anything there. */
TEST(a_name_is_one_component_whoever_wrote_it)
{
	static const emr_bytes bad[] = {{(const uint8_t *)"HEAD\0NUL", 8},
		{(const uint8_t *)"\0", 1}, {(const uint8_t *)"a/b", 3}, {(const uint8_t *)"/", 1},
		{(const uint8_t *)".", 1}, {(const uint8_t *)"..", 2}};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		EMR_AUTO_BUF out = {0};
		emr_meta meta = a_file(), got;

		meta.name = bad[i];
		assert_ok(emr_meta_encode(&meta, &out));
		assert_ok(emr_meta_decode(emr_buf_view(&out), &got));
		assert_true(emr_bytes_equal(got.name, text("unnamed")));
		assert_int_equal(got.n, meta.n); /* and the record is not lost by it */
	}
}

TEST(attributes_that_do_not_fit_are_said_to_need_space)
{
	EMR_AUTO_BUF xattrs = {0}, out = {0};
	EMR_AUTO_FREE uint8_t *big = calloc(1, 70000);
	emr_meta meta = a_file(), got;
	size_t fits = EMR_META_BYTES_MAX - 80 - meta.mime.len - meta.name.len - 3 - 6;

	assert_ok(emr_xattr_change((emr_bytes){0}, text("user.x"), emr_bytes_of(big, fits), false,
		&xattrs, &meta.xattr_count));
	meta.xattrs = emr_buf_view(&xattrs);
	assert_ok(emr_meta_encode(&meta, &out));
	assert_int_equal(out.len, EMR_META_BYTES_MAX);
	assert_ok(emr_meta_decode(emr_buf_view(&out), &got));
	assert_ok(emr_xattr_change((emr_bytes){0}, text("user.x"), emr_bytes_of(big, fits + 1),
		false, &xattrs, &meta.xattr_count));
	meta.xattrs = emr_buf_view(&xattrs);
	assert_status(EMR_ATTRIBUTE_SPACE, emr_meta_encode(&meta, &out));
	assert_status(
		EMR_LIMIT, emr_xattr_change((emr_bytes){0}, text("user.x"),
				   emr_bytes_of(big, 65536), false, &xattrs, &meta.xattr_count));
	assert_status(EMR_LIMIT, emr_xattr_change((emr_bytes){0}, (emr_bytes){0}, text("v"), false,
					 &xattrs, &meta.xattr_count));
}

TEST(attributes_are_replaced_and_removed_in_order)
{
	static const char *const keys[] = {"user.m", "user.a", "user.z", "user.m", "user.ab"};
	EMR_AUTO_BUF now = {0}, next = {0};
	uint16_t count = 0;
	emr_bytes rest, last = {0};
	emr_xattr entry;

	for (size_t i = 0; i < 5; i++) {
		emr_buf swap = now;

		assert_ok(emr_xattr_change(
			emr_buf_view(&now), text(keys[i]), text("v"), false, &next, &count));
		now = next;
		next = swap;
	}
	assert_int_equal(count, 4);
	assert_ok(emr_xattr_change(
		emr_buf_view(&now), text("user.m"), (emr_bytes){0}, true, &next, &count));
	assert_int_equal(count, 3);
	assert_status(EMR_NO_ATTRIBUTE, emr_xattr_change(emr_buf_view(&next), text("user.m"),
						(emr_bytes){0}, true, &now, &count));
	rest = emr_buf_view(&next);
	while (emr_xattr_next(&rest, &entry)) {
		assert_true(last.len == 0 || memcmp(last.data, entry.key.data, 6) <= 0);
		last = entry.key;
	}
	assert_int_equal(rest.len, 0);
}

TEST(metadata_refuses_what_no_writer_makes)
{
	EMR_AUTO_BUF out = {0};
	emr_meta meta = a_file(), got;

	assert_ok(emr_meta_encode(&meta, &out));
	for (size_t len = 0; len < 512; len += 7)
		assert_status(EMR_DAMAGED, emr_meta_decode(emr_bytes_of(out.data, len), &got));
	out.data[511] = 1;
	assert_status(EMR_DAMAGED, emr_meta_decode(emr_buf_view(&out), &got));
	out.data[511] = 0;
	out.data[0] = 3;
	assert_status(EMR_NEWER_FORMAT, emr_meta_decode(emr_buf_view(&out), &got));
	out.data[0] = 2; /* with holes, and it does not say how much is stored */
	assert_status(EMR_DAMAGED, emr_meta_decode(emr_buf_view(&out), &got));
	emr_put_u32(out.data + 4, 5);
	assert_ok(emr_meta_decode(emr_buf_view(&out), &got));
	assert_int_equal(got.stored_leaves, 5);
	emr_put_u32(out.data + 4, 0);
	out.data[0] = 1;
	out.data[1] = 4;
	assert_status(EMR_DAMAGED, emr_meta_decode(emr_buf_view(&out), &got));
	out.data[1] = 1;
	out.data[4] = 1;
	assert_status(EMR_DAMAGED, emr_meta_decode(emr_buf_view(&out), &got));
	out.data[4] = 0;
	emr_put_u16(out.data + 76, 65535); /* attributes that are not there */
	assert_status(EMR_DAMAGED, emr_meta_decode(emr_buf_view(&out), &got));
	emr_put_u16(out.data + 76, 0);
	emr_put_u16(out.data + 74, 9); /* a file with a target */
	assert_status(EMR_DAMAGED, emr_meta_decode(emr_buf_view(&out), &got));
}

/* ---- Private parts ---- */

TEST(private_parts_have_their_exact_lengths)
{
	uint8_t meta_ct[512 * 2 + 16] = {5}, list[EMR_LISTKEY_PART_BYTES];
	emr_put_part put = {
		.salt = {1}, .padded = 16383, .cver = 3, .meta_ct = emr_bytes_of(meta_ct, 528)};
	emr_meta_part meta = {.salt = {2}, .meta_ct = emr_bytes_of(meta_ct, sizeof meta_ct)};
	emr_listkey_part listkey = {.salt = {3}, .capsule = {4}, .kcheck = {5}};
	EMR_AUTO_BUF out = {0};
	emr_put_part put_got;
	emr_meta_part meta_got;
	emr_listkey_part list_got;

	put.root = emr_cid_of_block(EMR_CODEC_DAG_PB, text("x"));
	assert_ok(emr_put_part_encode(&put, &out));
	assert_int_equal(out.len, 828);
	assert_ok(emr_put_part_decode(emr_buf_view(&out), &put_got));
	assert_int_equal(put_got.cver, 3);
	assert_true(emr_cid_equal(&put_got.root, &put.root));
	assert_true(emr_bytes_equal(put_got.meta_ct, put.meta_ct));
	for (size_t len = 0; len < 828; len++)
		assert_status(
			EMR_DAMAGED, emr_put_part_decode(emr_bytes_of(out.data, len), &put_got));
	out.data[33] = 0x55; /* a bundle is a directory */
	assert_status(EMR_DAMAGED, emr_put_part_decode(emr_buf_view(&out), &put_got));
	out.data[33] = 0x70;
	emr_put_u64(out.data + 68, 17000);
	assert_status(EMR_DAMAGED, emr_put_part_decode(emr_buf_view(&out), &put_got));
	put.meta_ct.len = 529;
	assert_status(EMR_INVALID, emr_put_part_encode(&put, &out));

	emr_buf_clear(&out);
	assert_ok(emr_meta_part_encode(&meta, &out));
	assert_int_equal(out.len, 88 + 1024 + 16);
	assert_ok(emr_meta_part_decode(emr_buf_view(&out), &meta_got));
	assert_true(emr_bytes_equal(meta_got.meta_ct, meta.meta_ct));
	assert_status(
		EMR_DAMAGED, emr_meta_part_decode(emr_bytes_of(out.data, out.len - 1), &meta_got));

	emr_listkey_part_encode(&listkey, list);
	assert_ok(emr_listkey_part_decode(emr_bytes_of(list, sizeof list), &list_got));
	assert_memory_equal(&list_got, &listkey, sizeof listkey);
	assert_status(EMR_DAMAGED, emr_listkey_part_decode(emr_bytes_of(list, 159), &list_got));
}

TEST(the_metadata_is_bound_to_its_place)
{
	uint8_t aad[EMR_META_AAD_BYTES];
	static const uint8_t wanted_middle[12] = {0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 7};

	emr_meta_aad((emr_id16){{1}}, (emr_id16){{2}}, 5, 7, (emr_id32){{3}}, aad);
	assert_int_equal(aad[0], 1);
	assert_int_equal(aad[16], 2);
	assert_memory_equal(aad + 32, wanted_middle, 12);
	assert_int_equal(aad[44], 3);
}

/* ---- What the journal keeps ---- */

TEST(a_content_comes_back_from_its_journal_bytes)
{
	emr_content content = {.n = 20000,
		.padded = emr_padded_len(20000, true),
		.suite = 2,
		.leaf_log2 = 18,
		.flags = EMR_M_FLAG_POW2,
		.salt = {1},
		.com = {2},
		.hk = {3},
		.root = {4},
		.has_dek = true,
		.sealed_dek = {5}};
	uint8_t bytes[EMR_CONTENT_ENCODED_BYTES];
	emr_content got;

	content.c = emr_cid_of_block(EMR_CODEC_RAW, text("leaf"));
	emr_content_encode(&content, bytes);
	assert_ok(emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	assert_memory_equal(got.sealed_dek, content.sealed_dek, sizeof got.sealed_dek);
	assert_true(emr_cid_equal(&got.c, &content.c));
	assert_int_equal(got.n, 20000);
	for (size_t len = 0; len < sizeof bytes; len += 11)
		assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, len), &got));
	bytes[0] = 3;
	assert_status(
		EMR_NEWER_FORMAT, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	bytes[0] = 2;
	assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	bytes[0] = 1;
	bytes[279] = 1;
	assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	bytes[279] = 0;
	emr_put_u64(bytes + 16, 32767 + 1024);
	assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
}

TEST(the_holes_of_a_content_come_back_and_fit_its_length)
{
	emr_content content = {.n = 1000000,
		.padded = emr_padded_len(1000000, false),
		.suite = 1,
		.leaf_log2 = 18,
		.flags = EMR_M_FLAG_HOLES,
		.holes = 3};
	uint8_t bytes[EMR_CONTENT_ENCODED_BYTES];
	emr_content got;

	content.c = emr_cid_of_block(EMR_CODEC_DAG_PB, text("node"));
	emr_content_encode(&content, bytes);
	assert_ok(emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	assert_int_equal(got.holes, 3);
	assert_int_equal(emr_content_stored(&got), EMR_LEAF_BYTES);
	/* Its last leaf, in which the stream ends, is stored always. */
	content.holes = 4;
	emr_content_encode(&content, bytes);
	assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	content.holes = 3;
	content.flags = 0;
	emr_content_encode(&content, bytes);
	assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
	content.flags = EMR_M_FLAG_HOLES;
	content.holes = 0;
	emr_content_encode(&content, bytes);
	assert_status(EMR_DAMAGED, emr_content_decode(emr_bytes_of(bytes, sizeof bytes), &got));
}

TESTS(NULL, NULL)
