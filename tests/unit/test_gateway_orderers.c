/* Tests of the signatures of orderers: on blocks of real channels, by Raft and by BFT, and on what
 * a peer might make of them.  tests/vectors/orderers.json. */
#include "emr_test.h"

#include "base/clock.h"
#include "gateway_private.h"
#include "vectors.h"

#define BLOCKS 3
#define AUTHORITIES 6
#define HEADER_BYTES 72 /* of the first message of a block with a small number */

typedef struct channel {
	emr_gateway *gateway;
	emr_gateway_orderers *orderers;
	emr_buf blocks[BLOCKS];
	const char *wrong;
} channel;

static json_t *root;

/* Of KIND, as it is for somebody who knows the first KNOWN organisations, and the hash of the first
 * block (NULL: not). */
static channel channel_from(const char *kind, size_t known, const uint8_t *genesis)
{
	const json_t *one = vectors_get(root, kind);
	const json_t *list = vectors_get(one, "authorities"), *blocks = vectors_get(one, "blocks");
	const char *authorities[AUTHORITIES + 1] = {NULL};
	emr_gateway_endpoint endpoint = {.address = "http://127.0.0.1:1"};
	emr_gateway_options options = {.endpoints = &endpoint,
		.endpoint_count = 1,
		.channel = "emrfs",
		.chaincode = "emrfs",
		.identity = (const void *)kind, /* nobody is spoken to */
		.version = "0",
		.authorities = authorities,
		.genesis = genesis};
	channel c = {.orderers = emr_gateway_orderers_new()};

	assert_non_null(c.orderers);
	for (size_t i = 0; i < 2 * known; i++)
		authorities[i] = json_string_value(json_array_get(list, i));
	assert_ok(emr_gateway_open(&options, &c.gateway));
	for (size_t i = 0; i < BLOCKS; i++)
		(void)vectors_unhex(json_string_value(json_array_get(blocks, i)), &c.blocks[i]);
	return c;
}

static channel channel_of(const char *kind, size_t known)
{
	return channel_from(kind, known, NULL);
}

static void channel_end(channel *c)
{
	for (size_t i = 0; i < BLOCKS; i++)
		emr_buf_free(&c->blocks[i]);
	emr_gateway_orderers_free(c->orderers);
	emr_gateway_close(c->gateway);
}

static emr_status look(channel *c, size_t block)
{
	return orderers_look(c->gateway, c->orderers, emr_buf_view(&c->blocks[block]), &c->wrong);
}

static void look_anew(channel *c)
{
	emr_gateway_orderers_free(c->orderers);
	c->orderers = emr_gateway_orderers_new();
	assert_non_null(c->orderers);
	assert_ok(look(c, 0));
}

static const char *const kinds[] = {"raft", "bft"};

TEST(blocks_of_real_orderers_are_signed_by_them)
{
	for (size_t k = 0; k < 2; k++) {
		channel c = channel_of(kinds[k], 3);

		for (size_t i = 0; i < BLOCKS; i++)
			if (look(&c, i) != EMR_OK)
				fail_msg("%s, block %zu: %s", kinds[k], i, c.wrong);
		assert_true(emr_gateway_orderers_have_signed(c.orderers));
		channel_end(&c);
	}
}

static size_t find(const emr_buf *block, const char *text)
{
	const uint8_t *at = memmem(block->data, block->len, text, strlen(text));

	assert_non_null(at);
	return (size_t)(at - block->data);
}

static emr_status see_nothing(void *arg, const emr_gateway_entry *entry)
{
	(void)arg;
	(void)entry;
	return EMR_OK;
}

static emr_status visit(channel *c, size_t block, emr_gateway_position *position)
{
	const block_reader reader = {.visit = see_nothing};

	return block_visit(
		c->gateway, emr_buf_view(&c->blocks[block]), position, &reader, &c->wrong);
}

/* As who follows a channel takes it. */
static bool is_taken(channel *c, size_t block, emr_gateway_position *position)
{
	return look(c, block) == EMR_OK && visit(c, block, position) == EMR_OK;
}

/* The hash is the one that the next block of Fabric names as that of the block before. */
TEST(a_channel_with_another_first_block_is_another_channel)
{
	for (size_t k = 0; k < 2; k++) {
		emr_gateway_position first = {0}, next, none = {0};
		channel c = channel_of(kinds[k], 3);

		assert_true(is_taken(&c, 0, &first));
		next = first;
		assert_true(is_taken(&c, 1, &next));
		channel_end(&c);
		c = channel_from(kinds[k], 3, first.hash);
		assert_true(is_taken(&c, 0, &none));
		assert_true(is_taken(&c, 1, &none));
		channel_end(&c);
		for (size_t i = 0; i < sizeof first.hash; i++) {
			none = (emr_gateway_position){0};
			first.hash[i] ^= 0x10;
			c = channel_from(kinds[k], 3, first.hash);
			first.hash[i] ^= 0x10;
			assert_status(EMR_FORK, visit(&c, 0, &none));
			assert_int_equal(none.next_block, 0);
			channel_end(&c);
		}
	}
}

TEST(no_flipped_bit_of_a_header_is_taken)
{
	for (size_t k = 0; k < 2; k++) {
		channel c = channel_of(kinds[k], 3);
		emr_buf *block = &c.blocks[1];
		size_t taken = 0;

		for (size_t i = 0; i < HEADER_BYTES; i++) {
			emr_gateway_position position = {0};

			look_anew(&c);
			assert_true(is_taken(&c, 0, &position));
			block->data[i] ^= (uint8_t)(1u << i % 8);
			taken += is_taken(&c, 1, &position);
			block->data[i] ^= (uint8_t)(1u << i % 8);
		}
		assert_int_equal(taken, 0);
		channel_end(&c);
	}
}

TEST(a_block_without_its_signatures_or_with_too_few_is_refused)
{
	static const char *const said[] = {"a block that no orderer has signed",
		"a block that fewer orderers have signed than must"};

	for (size_t k = 0; k < 2; k++) {
		channel c = channel_of(kinds[k], 3);
		emr_buf *block = &c.blocks[1];
		size_t broken = 0;

		/* In DER each signature begins so; those of the metadata are the last. */
		look_anew(&c);
		for (size_t i = block->len - 8; i > block->len / 2 && broken == 0; i--) {
			if (block->data[i] != 0x30 || block->data[i + 2] != 0x02 ||
				block->data[i + 1] < 0x42 || block->data[i + 1] > 0x48)
				continue;
			block->data[i + 10] ^= 1;
			broken++;
		}
		assert_int_equal(broken, 1);
		assert_status(EMR_DAMAGED, look(&c, 1));
		assert_string_equal(c.wrong, said[k]);
		channel_end(&c);
	}
}

/* Their organisation is named here, and their certificate is another CA's. */
TEST(who_says_that_he_is_of_a_known_organisation_is_asked_for_its_ca)
{
	json_t *raft, *bft, *list;

	raft = json_object_get(root, "raft");
	bft = json_object_get(root, "bft");
	list = json_deep_copy(json_object_get(raft, "authorities"));
	for (size_t k = 0; k < 2; k++) {
		json_t *one = k == 0 ? raft : bft;
		json_t *own = json_deep_copy(json_object_get(one, "authorities"));
		channel c;

		json_object_set(
			one, "authorities", k == 0 ? json_object_get(bft, "authorities") : list);
		c = channel_of(kinds[k], 3);
		assert_ok(look(&c, 0));
		assert_status(EMR_DAMAGED, look(&c, 1));
		channel_end(&c);
		json_object_set_new(one, "authorities", own);
	}
	json_decref(list);
}

TEST(orderers_of_whom_nothing_is_known_are_not_called_checked)
{
	for (size_t k = 0; k < 2; k++) {
		channel c = channel_of(kinds[k], 0);

		for (size_t i = 0; i < BLOCKS; i++)
			assert_ok(look(&c, i));
		assert_false(emr_gateway_orderers_have_signed(c.orderers));
		channel_end(&c);
	}
}

TEST(a_first_block_that_names_no_orderers_leaves_nobody_known)
{
	for (size_t k = 0; k < 2; k++) {
		channel c = channel_of(kinds[k], 3);

		c.blocks[0].data[find(&c.blocks[0], "ConsensusType")] ^= 1;
		assert_ok(look(&c, 0));
		assert_ok(look(&c, 1));
		assert_false(emr_gateway_orderers_have_signed(c.orderers));
		channel_end(&c);
	}
}

/* Known here, and of no orderer's organisation by the channel's own word. */
TEST(who_orders_nothing_signs_no_block)
{
	AUTO(channel_end) channel c = channel_of("raft", 3);
	emr_buf *zero = &c.blocks[0];
	uint8_t *at;

	while ((at = memmem(zero->data, zero->len, "Emr", 3)) != NULL)
		*at = 'X';
	assert_ok(look(&c, 0));
	assert_status(EMR_DAMAGED, look(&c, 1));
	assert_string_equal(c.wrong, "a block that no orderer has signed");
}

static size_t skip_length(const emr_buf *block, size_t at)
{
	while ((block->data[at] & 0x80) != 0)
		at++;
	return at + 1;
}

/* Any member may bring one; a configuration is written by orderers. */
TEST(a_transaction_that_cannot_be_read_hides_nobody)
{
	for (size_t k = 0; k < 2; k++) {
		channel c = channel_of(kinds[k], 3);
		emr_buf *block = &c.blocks[1];
		size_t at = skip_length(block, HEADER_BYTES + 1); /* of the data */

		at = skip_length(block, at + 1); /* of the transaction */
		assert_int_equal(block->data[at], 0x0a);
		block->data[at] = 0x0f; /* of a type that protobuf has not */
		assert_ok(look(&c, 0));
		assert_ok(look(&c, 1));
		assert_true(emr_gateway_orderers_have_signed(c.orderers));
		channel_end(&c);
	}
}

/* Batches that one member signs at once meet in a row, and would meet there again. */
TEST(what_was_overtaken_waits_before_it_is_proposed_again)
{
	emr_gateway_call call = emr_gateway_call_of(0, -1);
	int64_t begun = emr_clock_boot_ns(emr_clock_system());
	int ends[2];

	assert_true(gateway_wait_apart(&call, 0));
	assert_true(emr_clock_boot_ns(emr_clock_system()) - begun >= 50 * INT64_C(1000000));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	call.cancel_fd = ends[0];
	assert_false(gateway_wait_apart(&call, 30));
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	int failed;

	root = vectors_open("orderers.json");
	failed = emr_tests_run(NULL, NULL);
	json_decref(root);
	return failed;
}
