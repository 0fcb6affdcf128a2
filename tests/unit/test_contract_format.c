/* These tests are about the bytes of the contract: known answers of the format, and refusal of
 * everything beside them. */
#include "test_contract_kit.h"

#include <jansson.h>
#include <sodium.h>

#include "crypto/hashsig.h"

static json_t *vectors;

static int load_vectors(void **state)
{
	json_error_t error;

	(void)state;
	vectors = json_load_file(EMR_VECTOR_DIR "/ledger.json", 0, &error);
	return vectors == NULL;
}

AROUND_BY(drop_vectors, json_decref(vectors))

/* Bytes of a hex field; the caller frees .data. */
static emr_span hex(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t len;
	uint8_t *bytes;

	assert_non_null(text);
	bytes = malloc(strlen(text) / 2 + 1);
	assert_non_null(bytes);
	assert_int_equal(
		sodium_hex2bin(bytes, strlen(text) / 2 + 1, text, strlen(text), NULL, &len, NULL),
		0);
	return kit_span(bytes, len);
}

static void drop(emr_span bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

static void assert_hex(const json_t *object, const char *name, const uint8_t *got, size_t len)
{
	emr_span expected = hex(object, name);

	assert_int_equal(expected.len, len);
	assert_memory_equal(expected.data, got, len);
	drop(expected);
}

static void item_matches(const json_t *vector)
{
	emr_span bytes = hex(vector, "bytes"), priv = hex(vector, "priv"), pub = hex(vector, "pub");
	uint8_t again[EMR_ITEM_BYTES + EMR_PUB_MAX], id[32];
	emr_item item;
	size_t len;

	assert_int_equal(emr_item_parse(bytes, &item), EMR_CONTRACT_OK);
	assert_int_equal(item.op, json_integer_value(json_object_get(vector, "op")));
	assert_int_equal(item.version, json_integer_value(json_object_get(vector, "version")));
	assert_hex(vector, "priv_hash", item.priv_hash, 32);
	emr_item_set_part(&item, priv);
	assert_hex(vector, "priv_hash", item.priv_hash, 32);
	assert_int_equal(emr_item_encode(&item, pub, again, sizeof again, &len), EMR_CONTRACT_OK);
	assert_hex(vector, "bytes", again, len);
	assert_hex(vector, "head124", again, EMR_ITEM_HEAD_BYTES);
	emr_item_id(bytes, id);
	assert_hex(vector, "id", id, 32);
	drop(bytes);
	drop(priv);
	drop(pub);
}

static void batch_matches(const json_t *vector)
{
	static emr_batch batch;
	emr_span bytes = hex(vector, "batch"), pk;
	uint8_t root[32], id[32], again[EMR_HEADER_BYTES], message[EMR_HEADER_MESSAGE_BYTES];
	emr_header header;

	assert_int_equal(emr_batch_parse(bytes, &batch), EMR_RESULT_APPLIED);
	assert_int_equal(emr_items_root(batch.items_bytes, batch.count, root), EMR_CONTRACT_OK);
	assert_hex(vector, "root", root, 32);
	emr_batch_id(bytes.data, id);
	assert_hex(vector, "batch_id", id, 32);
	assert_int_equal(emr_header_parse(batch.header, &header), EMR_CONTRACT_OK);
	emr_header_encode(&header, again);
	assert_memory_equal(again, bytes.data, sizeof again);
	emr_header_message(again, message);
	pk = hex(vector, "signer_pk");
	assert_true(emr_ed25519_verify(pk.data, message, sizeof message, header.sig));
	drop(pk);
	drop(bytes);
}

TEST(items_batches_and_ids_are_the_published_ones)
{
	const json_t *story = json_object_get(vectors, "story"),
		     *fixed = json_object_get(vectors, "fixed");
	size_t i, n;
	json_t *batch, *item;

	json_array_foreach(json_object_get(fixed, "items"), i, item) item_matches(item);
	batch_matches(json_object_get(fixed, "batch"));
	json_array_foreach(json_object_get(story, "batches"), i, batch)
	{
		batch_matches(batch);
		json_array_foreach(json_object_get(batch, "items"), n, item) item_matches(item);
	}
	assert_int_equal(json_array_size(json_object_get(fixed, "items")), 3);
	assert_int_equal(json_array_size(json_object_get(story, "batches")), 20);
}

static void entry_matches(const json_t *vector, const uint8_t submitter_pk[32])
{
	uint8_t again[EMR_ENTRY_BYTES_MAX], leaf[32], message[EMR_SUBMIT_MESSAGE_BYTES];
	static const uint8_t zero[64];
	emr_span bytes = hex(vector, "entry");
	emr_entry entry;
	size_t len;

	assert_int_equal(emr_entry_parse(bytes, &entry), EMR_CONTRACT_OK);
	assert_int_equal(entry.seq, json_integer_value(json_object_get(vector, "seq")));
	assert_hex(vector, "results", entry.results.data, entry.results.len);
	assert_int_equal(emr_entry_encode(&entry, again, sizeof again, &len), EMR_CONTRACT_OK);
	assert_int_equal(len, bytes.len);
	assert_memory_equal(again, bytes.data, len);
	emr_entry_leaf(bytes, leaf);
	assert_hex(vector, "leaf", leaf, 32);
	emr_submit_message(entry.header + 40, entry.header, message); /* of its own network */
	if (memcmp(entry.submit_sig, zero, 64) != 0)
		assert_true(emr_ed25519_verify(
			submitter_pk, message, sizeof message, entry.submit_sig));
	drop(bytes);
}

TEST(entries_and_their_leaves_are_the_published_ones)
{
	const json_t *entries = json_object_get(json_object_get(vectors, "fixed"), "entries");
	const json_t *batches = json_object_get(json_object_get(vectors, "story"), "batches");
	uint8_t pk[32], sk[64];
	json_t *entry, *batch;
	emr_span bytes;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		bytes = hex(entry, "submitter_pk");
		entry_matches(entry, bytes.data);
		drop(bytes);
	}
	assert_int_equal(i, 2);
	json_array_foreach(batches, i, batch)
	{
		bytes = hex(json_object_get(batch, "caller"), "submitter_seed");
		crypto_sign_seed_keypair(pk, sk, bytes.data);
		entry_matches(json_object_get(batch, "entry"), pk);
		drop(bytes);
	}
}

TEST(a_descriptor_makes_the_published_network)
{
	const json_t *network = json_object_get(json_object_get(vectors, "story"), "network");
	emr_span bytes = hex(network, "descriptor");
	emr_descriptor descriptor, other;
	emr_descriptor_org orgs[3];
	uint8_t net_id[16], *again = malloc(bytes.len + 1);
	size_t len;

	assert_int_equal(emr_descriptor_parse(bytes, &descriptor), EMR_CONTRACT_OK);
	assert_int_equal(descriptor.norg, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(emr_descriptor_org_at(&descriptor, i, &orgs[i]), EMR_CONTRACT_OK);
	assert_int_equal(emr_descriptor_org_at(&descriptor, 3, &orgs[0]), EMR_CONTRACT_ARGUMENT);
	assert_int_equal(emr_descriptor_encode(&descriptor, orgs, again, bytes.len - 1, &len),
		EMR_CONTRACT_NO_ROOM);
	assert_int_equal(
		emr_descriptor_encode(&descriptor, orgs, again, bytes.len, &len), EMR_CONTRACT_OK);
	assert_int_equal(len, bytes.len);
	assert_memory_equal(again, bytes.data, len);
	emr_descriptor_net_id(bytes, net_id);
	assert_hex(json_array_get(json_object_get(json_object_get(vectors, "story"), "batches"), 0),
		"net_id", net_id, 16);
	for (size_t cut = 0; cut < bytes.len; cut++)
		assert_int_equal(emr_descriptor_parse(kit_span(bytes.data, cut), &other),
			EMR_CONTRACT_FORMAT);
	assert_int_equal(
		emr_descriptor_parse(kit_span(again, bytes.len + 1), &other), EMR_CONTRACT_FORMAT);
	again[6] = 4; /* a quorum larger than the network */
	assert_int_equal(
		emr_descriptor_parse(kit_span(again, bytes.len), &other), EMR_CONTRACT_FORMAT);
	orgs[2] = orgs[1]; /* one organisation twice */
	assert_int_equal(
		emr_descriptor_encode(&descriptor, orgs, again, bytes.len, &len), EMR_CONTRACT_OK);
	assert_int_equal(emr_descriptor_parse(kit_span(again, len), &other), EMR_CONTRACT_FORMAT);
	free(again);
	drop(bytes);
}

TEST(binding_messages_and_listing_ids_are_the_published_ones)
{
	const json_t *story = json_object_get(vectors, "story");
	json_t *registration, *batch, *item;
	size_t i, n, listkeys = 0;

	json_array_foreach(json_object_get(story, "registrations"), i, registration)
	{
		uint8_t message[EMR_BIND_MESSAGE_BYTES];
		emr_span pub, net, signer;

		batch = json_array_get(json_object_get(story, "batches"), i);
		item = json_array_get(json_object_get(batch, "items"), 0);
		pub = hex(item, "pub");
		net = hex(batch, "net_id");
		signer = hex(item, "signer_id");
		assert_int_equal(
			emr_bind_message(net.data, signer.data, pub, message), EMR_CONTRACT_OK);
		assert_hex(registration, "bind_message", message, sizeof message);
		drop(pub);
		drop(net);
		drop(signer);
	}
	json_array_foreach(json_object_get(story, "batches"), i, batch)
	{
		json_array_foreach(json_object_get(batch, "items"), n, item)
		{
			uint8_t object[16];
			emr_span signer = hex(item, "signer_id");

			emr_object_listkey(signer.data,
				(uint32_t)json_integer_value(json_object_get(item, "epoch")),
				object);
			if (json_integer_value(json_object_get(item, "op")) == EMR_OP_LISTKEY) {
				assert_hex(item, "object_id", object, 16);
				listkeys++;
			}
			drop(signer);
		}
	}
	assert_int_equal(listkeys, 2);
}

TEST(keys_are_plain_text)
{
	uint8_t dom[16], object[16], id[32];
	emr_key_text key;

	memset(dom, 0xd0, 16);
	memset(object, 0x0b, 16);
	memset(id, 0xee, 32);
	emr_key_network(&key);
	assert_string_equal(key.text, "N");
	emr_key_org(dom, &key);
	assert_string_equal(key.text, "M/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0");
	emr_key_signer(id, &key);
	assert_string_equal(
		key.text, "K/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	emr_key_epoch(dom, 258, &key);
	assert_string_equal(key.text, "E/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0/00000102");
	emr_key_object(dom, object, &key);
	assert_string_equal(
		key.text, "O/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0/0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	emr_key_writer(dom, id, &key);
	assert_string_equal(
		key.text, "W/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	emr_key_by_object("DS", object, &key);
	assert_string_equal(key.text, "DS/0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	emr_key_place(0x20, dom, object, 258, &key);
	assert_string_equal(key.text, "i/20/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0/"
				      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b/0000000000000102");
	emr_key_part(0x15, dom, object, 1, &key);
	assert_string_equal(key.text, "p/15/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0/"
				      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b/0000000000000001");
	emr_key_head(dom, &key);
	assert_string_equal(key.text, "c/d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0");
}

TEST(every_cut_of_a_batch_is_refused)
{
	static emr_batch view;
	emr_span bytes = hex(json_object_get(json_object_get(vectors, "fixed"), "batch"), "batch");
	EMR_AUTO_FREE uint8_t *longer = malloc(bytes.len + 1);

	for (size_t cut = 0; cut < bytes.len; cut++)
		assert_int_equal(
			emr_batch_parse(kit_span(bytes.data, cut), &view), EMR_RESULT_FORMAT);
	memcpy(longer, bytes.data, bytes.len);
	longer[bytes.len] = 0;
	assert_int_equal(
		emr_batch_parse(kit_span(longer, bytes.len + 1), &view), EMR_RESULT_FORMAT);
	longer[EMR_HEADER_BYTES + 5] = 0xff; /* an operation that no version has */
	assert_int_equal(
		emr_batch_parse(kit_span(longer, bytes.len), &view), EMR_RESULT_UNKNOWN_OP);
	memset(longer + 6, 0, 2);
	assert_int_equal(emr_batch_parse(kit_span(longer, bytes.len), &view), EMR_RESULT_FORMAT);
	longer[6] = 4;
	longer[7] = 1; /* 1,025 items */
	assert_int_equal(emr_batch_parse(kit_span(longer, bytes.len), &view), EMR_RESULT_FORMAT);
	drop(bytes);
}

TEST(a_batch_without_its_parts_can_be_split)
{
	static emr_batch whole, bare;
	emr_span bytes = hex(json_object_get(json_object_get(vectors, "fixed"), "batch"), "batch"),
		 parts[3];

	assert_int_equal(emr_batch_parse(bytes, &whole), EMR_RESULT_APPLIED);
	assert_int_equal(emr_batch_parse_items(whole.header, whole.items_bytes, NULL, 0, &bare),
		EMR_RESULT_APPLIED);
	assert_null(bare.items[1].part.data);
	for (size_t i = 0; i < 3; i++)
		parts[i] = whole.items[i].part;
	assert_int_equal(emr_batch_parse_items(whole.header, whole.items_bytes, parts, 3, &bare),
		EMR_RESULT_APPLIED);
	assert_int_equal(bare.items[1].part.len, 616);
	assert_int_equal(emr_batch_parse_items(whole.header, whole.items_bytes, parts, 2, &bare),
		EMR_RESULT_FORMAT);
	parts[0].len = SIZE_MAX;
	assert_int_equal(emr_batch_parse_items(whole.header, whole.items_bytes, parts, 3, &bare),
		EMR_RESULT_FORMAT);
	drop(bytes);
}

TEST(every_cut_of_an_entry_is_refused)
{
	const json_t *entries = json_object_get(json_object_get(vectors, "fixed"), "entries");
	emr_span bytes = hex(json_array_get(entries, 0), "entry");
	emr_entry entry;

	for (size_t cut = 0; cut < bytes.len; cut++)
		assert_int_equal(
			emr_entry_parse(kit_span(bytes.data, cut), &entry), EMR_CONTRACT_FORMAT);
	drop(bytes);
}

TEST(encoders_keep_to_the_callers_buffer)
{
	uint8_t out[EMR_ITEM_BYTES + 64] = {0}, pub[64] = {0};
	emr_item item = {.op = EMR_OP_DOMAIN_NEW};
	size_t len;

	assert_int_equal(emr_item_encode(&item, kit_span(pub, 64), out, sizeof out - 1, &len),
		EMR_CONTRACT_NO_ROOM);
	assert_int_equal(emr_item_encode(&item, kit_span(pub, 63), out, sizeof out, &len),
		EMR_CONTRACT_ARGUMENT);
	item.op = 0xff;
	assert_int_equal(emr_item_encode(&item, kit_span(pub, 0), out, sizeof out, &len),
		EMR_CONTRACT_ARGUMENT);
	for (size_t i = 0; i < sizeof out; i++)
		assert_int_equal(out[i], 0);
}

TESTS(load_vectors, drop_vectors)
