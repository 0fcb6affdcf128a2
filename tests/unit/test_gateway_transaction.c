/* These tests are about a transaction of Fabric from proposal to envelope, beside bytes that
 * Fabric's own message types made: what we ask, who signs it, and that a gateway can put nothing
 * else under our signature. */

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cert_kit.h"
#include "crypto/hashsig.h"
#include "fields.h"
#include "gateway_private.h"
#include "keyring_kit.h"
#include "msp_identity.h"

typedef struct world {
	json_t *root;
	char dir[64];
	emr_gateway_identity *identity;
	emr_gateway *gateway;
	emr_buf args[3], transient;
	emr_bytes views[3];
	emr_gateway_invocation invocation;
	gateway_proposal made;
} world;

static world w;

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	EMR_AUTO_FD fd;

	(void)snprintf(path, sizeof path, "%s/%s", w.dir, name);
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void make_dir(const char *name)
{
	assert_int_equal(mkdir(printed("%s/%s", w.dir, name), 0700), 0);
}

static void remove_file(const char *name)
{
	(void)remove(printed("%s/%s", w.dir, name));
}

static emr_gateway *gateway_of(unsigned endorsers_least, bool has_authorities)
{
	const json_t *list = vectors_get(w.root, "authorities");
	const char *authorities[5] = {NULL};
	emr_gateway_endpoint endpoint = {.address = "http://127.0.0.1:1"};
	emr_gateway_options options = {.endpoints = &endpoint,
		.endpoint_count = 1,
		.channel = vectors_text(w.root, "channel"),
		.chaincode = vectors_text(w.root, "chaincode"),
		.identity = w.identity,
		.version = "0",
		.endorsers_least = endorsers_least,
		.authorities = has_authorities ? authorities : NULL};
	emr_gateway *gateway = NULL;

	for (size_t i = 0; i < 4; i++)
		authorities[i] = json_string_value(json_array_get(list, i));
	assert_ok(emr_gateway_open(&options, &gateway));
	return gateway;
}

static void make_vector_proposal(void)
{
	const json_t *args = vectors_get(w.root, "args");
	uint8_t nonce[24];

	for (size_t i = 0; i < 3; i++)
		w.views[i] = vectors_unhex(json_string_value(json_array_get(args, i)), &w.args[i]);
	w.invocation = (emr_gateway_invocation){.args = w.views,
		.arg_count = 3,
		.transient_name = "parts",
		.transient = vectors_hex(vectors_get(w.root, "transient"), "parts", &w.transient)};
	vectors_fixed(w.root, "nonce", nonce, sizeof nonce);
	assert_ok(proposal_make(w.gateway, &w.invocation, nonce,
		(int64_t)vectors_u64(w.root, "seconds") * 1000000000 +
			(int64_t)vectors_u64(w.root, "nanos"),
		&w.made));
}

AROUND(begin)
{
	assert_ok(emr_base_init());
	memset(&w, 0, sizeof w);
	w.root = vectors_open("gateway.json");
	(void)snprintf(w.dir, sizeof w.dir, "/tmp/emr-gateway-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	make_dir("signcerts");
	make_dir("keystore");
	write_file("signcerts/cert.pem", vectors_text(w.root, "certificate"), 0644);
	write_file("keystore/key.pem", vectors_text(w.root, "key"), 0600);
	assert_ok(msp_identity(w.dir, vectors_text(w.root, "msp_id"), &w.identity));
	w.gateway = gateway_of(2, true);
	make_vector_proposal();
}

AROUND(end)
{
	static const char *const names[] = {
		"signcerts/cert.pem", "keystore/key.pem", "signcerts", "keystore", ""};

	proposal_free(&w.made);
	for (size_t i = 0; i < 3; i++)
		emr_buf_free(&w.args[i]);
	emr_buf_free(&w.transient);
	emr_gateway_close(w.gateway);
	emr_gateway_identity_free(w.identity);
	json_decref(w.root);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		remove_file(names[i]);
}

/* ---- proposals ---- */

TEST_IN(begin, end, a_proposal_has_the_bytes_of_fabrics_own_types)
{
	EMR_AUTO_BUF want = {0};

	assert_true(emr_bytes_equal(
		emr_gateway_identity_creator(w.identity), vectors_hex(w.root, "creator", &want)));
	assert_string_equal(w.made.tx_id, vectors_text(w.root, "tx_id"));
	assert_true(emr_bytes_equal(
		emr_buf_view(&w.made.bytes), vectors_hex(w.root, "proposal", &want)));
}

TEST_IN(begin, end, private_parts_are_told_to_endorsers_and_stay_out_of_the_block)
{
	const emr_buf *block = &w.made.payload;

	assert_non_null(memmem(w.made.bytes.data, w.made.bytes.len, "sealed", 6));
	assert_null(memmem(block->data, block->len, "sealed", 6));
	assert_non_null(memmem(block->data, block->len, "batch", 5));
}

TEST_IN(begin, end, a_proposal_over_the_limits_is_not_made)
{
	uint8_t nonce[24] = {0};
	static uint8_t big[EMR_GATEWAY_REQUEST_MAX];
	emr_bytes args[2] = {emr_bytes_of("f", 1), emr_bytes_of(big, sizeof big)};
	emr_gateway_invocation invocation = {.args = args, .arg_count = 2};
	gateway_proposal made = {0};

	assert_status(EMR_LIMIT, proposal_make(w.gateway, &invocation, nonce, 1, &made));
	invocation.arg_count = 0;
	assert_status(EMR_INVALID, proposal_make(w.gateway, &invocation, nonce, 1, &made));
	invocation.arg_count = EMR_GATEWAY_ARGS_MAX + 1;
	assert_status(EMR_LIMIT, proposal_make(w.gateway, &invocation, nonce, 1, &made));
	assert_int_equal(made.bytes.len, 0);
}

/* ---- what a gateway gives to sign ---- */

TEST_IN(begin, end, what_an_honest_gateway_prepares_is_signed)
{
	EMR_AUTO_BUF payload = {0};
	gateway_prepared p;

	assert_null(
		prepared_wrong(w.gateway, &w.made, vectors_hex(w.root, "prepared", &payload), &p));
	assert_true(emr_bytes_equal(p.result, emr_bytes_of("done", 4)));
	assert_int_equal(p.endorsement_count, 2);
}

static const char *lie_of(const char *name, emr_buf *out_payload)
{
	json_t *lies = json_object_get(w.root, "lies"), *one;
	size_t i;

	json_array_foreach(lies, i, one)
	{
		gateway_prepared p;

		if (strcmp(vectors_text(one, "name"), name) == 0)
			return prepared_wrong(
				w.gateway, &w.made, vectors_hex(one, "payload", out_payload), &p);
	}
	fail_msg("no lie has the name %s", name);
	return NULL;
}

TEST_IN(begin, end, no_lie_of_a_gateway_is_signed)
{
	json_t *lies = json_object_get(w.root, "lies"), *one;
	size_t i;

	assert_true(json_array_size(lies) >= 30);
	json_array_foreach(lies, i, one)
	{
		EMR_AUTO_BUF payload = {0};

		if (lie_of(vectors_text(one, "name"), &payload) == NULL)
			fail_msg("this lie would be signed: %s", vectors_text(one, "name"));
	}
}

TEST_IN(begin, end, who_is_a_client_of_an_organisation_does_not_endorse_for_it)
{
	EMR_AUTO_BUF payload = {0};

	assert_string_equal(lie_of("a-client-endorses", &payload),
		"fewer organisations have endorsed it than must");
}

TEST_IN(begin, end, no_flipped_bit_of_a_transaction_is_signed)
{
	EMR_AUTO_BUF payload = {0};
	gateway_prepared p;

	(void)vectors_hex(w.root, "prepared", &payload);
	for (size_t i = 0; i < payload.len; i++) {
		payload.data[i] ^= (uint8_t)(1u << i % 8);
		if (prepared_wrong(w.gateway, &w.made, emr_buf_view(&payload), &p) == NULL)
			fail_msg("with byte %zu changed it would be signed", i);
		payload.data[i] ^= (uint8_t)(1u << i % 8);
	}
}

TEST_IN(begin, end, without_authorities_a_stranger_counts_and_a_false_signature_does_not)
{
	EMR_AUTO_BUF payload = {0};

	emr_gateway_close(w.gateway);
	w.gateway = gateway_of(1, false);
	assert_null(lie_of("stranger", &payload));
	assert_null(lie_of("one-endorsement", &payload));
	assert_null(lie_of("broken-endorsement", &payload)); /* the other one is fine */
	emr_gateway_close(w.gateway);
	w.gateway = gateway_of(2, false);
	assert_string_equal(lie_of("broken-endorsement", &payload),
		"fewer organisations have endorsed it than must");
	assert_string_equal(lie_of("no-endorsement", &payload),
		"fewer organisations have endorsed it than must");
}

/* ---- signatures ---- */

static bool is_signed(EVP_PKEY *key, const EVP_MD *md, emr_bytes message, const emr_buf *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_fine = EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
		       EVP_DigestVerify(ctx, signature->data, signature->len, message.data,
			       message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return is_fine;
}

static bool is_low(const emr_buf *signature)
{
	static const uint8_t half[32] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79,
		0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};
	const uint8_t *at = signature->data;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)signature->len);
	uint8_t s[32];

	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), s, 32), 32);
	ECDSA_SIG_free(sig);
	return memcmp(s, half, sizeof s) <= 0;
}

TEST_IN(begin, end, the_keyring_signs_with_its_certificate_and_no_other)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_BUF own = {0}, signature = {0};
	emr_gateway_identity *identity = NULL;
	cert_wish authority = cert_authority_wish("authority", 1700000000);
	cert_wish person = cert_person_wish("person", 1700000000);
	AUTO(cert_end) cert_authority ca;
	emr_public facts;
	emr_bytes message = emr_buf_view(&w.made.bytes);
	const uint8_t *at;
	X509 *certificate;

	assert_ok(emr_keyring_public(kr, &facts));
	cert_begin(&ca, &authority, NULL);
	cert_certify(&ca, &person, facts.p256_spki, &own);
	assert_ok(emr_gateway_identity_of_keyring(kr, "OrgA", emr_buf_view(&own), &identity));
	at = own.data;
	certificate = d2i_X509(NULL, &at, (long)own.len);
	for (int i = 0; i < 64; i++) { /* half of them are not low by themselves */
		emr_buf_clear(&signature);
		assert_ok(emr_gateway_identity_sign(identity, message, &signature));
		assert_true(is_signed(
			X509_get0_pubkey(certificate), EVP_sha256(), message, &signature));
		assert_true(is_low(&signature));
		message.len--;
	}
	X509_free(certificate);
	/* It does not sign what is no message of Fabric. */
	assert_status(EMR_INVALID,
		emr_gateway_identity_sign(identity, emr_bytes_of("emrfs/v1/bind", 14), &signature));
	emr_gateway_identity_free(identity);
	identity = NULL;
	assert_status(EMR_INVALID,
		emr_gateway_identity_of_keyring(kr, "", emr_buf_view(&own), &identity));
	assert_status(EMR_INVALID,
		emr_gateway_identity_of_keyring(kr, "OrgA", emr_buf_view(&ca.der), &identity));
	assert_ok(emr_buf_append(&own, "more", 4));
	assert_status(EMR_INVALID,
		emr_gateway_identity_of_keyring(kr, "OrgA", emr_buf_view(&own), &identity));
}

/* ---- envelopes that were kept ---- */

TEST_IN(begin, end, a_kept_envelope_must_be_of_this_channel_and_chaincode)
{
	EMR_AUTO_BUF payload = {0}, envelope = {0};
	proto_writer writer = proto_writer_of(&envelope);
	emr_gateway_call call = emr_gateway_call_of(1000, -1);
	char tx_id[EMR_GATEWAY_TX_ID_BYTES] = "";
	emr_bytes whole;

	proto_put_bytes(&writer, ENVELOPE_PAYLOAD, vectors_hex(w.root, "prepared", &payload));
	assert_status(
		EMR_DAMAGED, emr_gateway_envelope_tx_id(w.gateway, emr_buf_view(&envelope), tx_id));
	proto_put_text(&writer, ENVELOPE_SIGNATURE, "signed");
	whole = emr_buf_view(&envelope);
	assert_ok(emr_gateway_envelope_tx_id(w.gateway, whole, tx_id));
	assert_string_equal(tx_id, vectors_text(w.root, "tx_id"));
	assert_status(EMR_DAMAGED, emr_gateway_envelope_tx_id(w.gateway,
					   emr_bytes_of(whole.data, whole.len / 2), tx_id));
	assert_status(EMR_DAMAGED,
		emr_gateway_submit(w.gateway, &call, emr_bytes_of(whole.data, whole.len / 2)));
	assert_int_equal(call.fault, EMR_GATEWAY_HERE);
	assert_false(call.is_open); /* nobody was asked */
	free(w.gateway->channel);
	w.gateway->channel = strdup("elsewhere");
	assert_status(EMR_DAMAGED, emr_gateway_envelope_tx_id(w.gateway, whole, tx_id));
}

/* ---- blocks ---- */

typedef struct reading {
	json_t *wanted;
	size_t count;
	emr_status answer;
} reading;

static emr_status see(void *arg, const emr_gateway_entry *entry)
{
	reading *r = arg;
	const json_t *want = json_array_get(r->wanted, r->count);
	EMR_AUTO_BUF bytes = {0};
	uint8_t submitter[32];

	if (want == NULL)
		fail_msg("transaction %u is an entry", entry->tx);
	r->count++;
	assert_int_equal(entry->tx, vectors_u64(want, "tx"));
	assert_string_equal(entry->tx_id, vectors_text(want, "tx_id"));
	assert_true(emr_bytes_equal(entry->results, vectors_hex(want, "results", &bytes)));
	assert_true(emr_bytes_equal(entry->batch, vectors_hex(want, "batch", &bytes)));
	assert_int_equal(entry->submit_sig[0] + entry->submit_sig[63], 14);
	assert_int_equal(entry->ledger_time_unix_s, vectors_u64(w.root, "seconds"));
	emr_sha256("submitter", 9, submitter);
	assert_memory_equal(entry->submitter.b, submitter, sizeof submitter);
	return r->answer;
}

/* Nobody is asked about what is wrong: it is not valid then. */
static emr_status visit(emr_bytes block, emr_gateway_position *position, emr_gateway_entry_fn fn,
	void *arg, const char **out_wrong)
{
	const block_reader reader = {.visit = fn, .arg = arg};

	return block_visit(w.gateway, block, position, &reader, out_wrong);
}

TEST_IN(begin, end, blocks_are_read_in_order_and_batches_found_in_them)
{
	json_t *blocks = json_object_get(w.root, "blocks"), *one;
	emr_gateway_position position = {0};
	size_t i, refused = 0;

	json_array_foreach(blocks, i, one)
	{
		reading r = {.wanted = json_object_get(one, "entries"), .answer = EMR_OK};
		emr_gateway_position before = position;
		const char *hash = vectors_text(one, "hash"), *wrong = NULL;
		EMR_AUTO_BUF bytes = {0};
		emr_status status =
			visit(vectors_hex(one, "bytes", &bytes), &position, see, &r, &wrong);
		char text[65];

		if (hash[0] == '\0') {
			if (status == EMR_OK)
				fail_msg("%s was taken", vectors_text(one, "name"));
			assert_memory_equal(&before, &position, sizeof before);
			assert_true(status == EMR_FORK || wrong != NULL);
			refused++;
			continue;
		}
		if (status != EMR_OK)
			fail_msg("%s: %s", vectors_text(one, "name"), wrong);
		emr_hex(position.hash, sizeof position.hash, text);
		assert_string_equal(text, hash);
		assert_int_equal(position.next_block, before.next_block + 1);
		assert_int_equal(r.count, json_array_size(r.wanted));
	}
	assert_int_equal(position.next_block, 130);
	assert_int_equal(refused, 13);
}

/* A block's size is what bounds them: a list that was gone through again for each would not end. */
TEST_IN(begin, end, a_million_endorsements_of_nobody_hide_none)
{
	static const uint8_t junk[] = {0x12, 3, 0x0a, 1, 1};
	EMR_AUTO_BUF payload = {0}, endorsed = {0}, action = {0};
	EMR_AUTO_FREE emr_bytes *good = NULL;
	proto_writer of_endorsed = proto_writer_of(&endorsed), writer = proto_writer_of(&action);
	gateway_prepared p;

	assert_ok(prepared_read(vectors_hex(w.root, "prepared", &payload), &p));
	good = prepared_endorsements(&p);
	assert_non_null(good);
	for (size_t i = 0; i < 1000000; i++)
		assert_ok(emr_buf_append(&endorsed, junk, sizeof junk));
	proto_put_message(&writer, CHAINCODE_ACTION_PAYLOAD_ACTION, emr_buf_view(&endorsed));
	emr_buf_clear(&endorsed);
	for (size_t i = 0; i < p.endorsement_count; i++)
		proto_put_message(&of_endorsed, CHAINCODE_ENDORSED_ACTION_ENDORSEMENTS, good[i]);
	proto_put_message(&writer, CHAINCODE_ACTION_PAYLOAD_ACTION, emr_buf_view(&endorsed));
	assert_ok(of_endorsed.status);
	assert_ok(writer.status);
	p.action_payload = emr_buf_view(&action);
	p.endorsement_count += 1000000;
	assert_null(endorsements_wrong(w.gateway, &p, 2));
	assert_string_equal(endorsements_wrong(w.gateway, &p, 3),
		"fewer organisations have endorsed it than must");
}

typedef struct doubting {
	emr_status answer;
	char name[EMR_GATEWAY_SAID_BYTES];
	size_t asked, entries;
	bool may_count;
} doubting;

static emr_status answer_doubt(void *arg, const block_doubt *doubt)
{
	doubting *d = arg;

	d->asked++;
	d->may_count = doubt->may_count;
	block_doubt_name(doubt, d->name, sizeof d->name);
	return d->answer;
}

static emr_status count_entry(void *arg, const emr_gateway_entry *entry)
{
	doubting *d = arg;

	(void)entry;
	d->entries++;
	return EMR_OK;
}

/* The block of that NAME behind the first one, with that answer of the others to what is wrong. */
static emr_status visit_doubted(const char *name, doubting *d, const char **out_wrong)
{
	json_t *blocks = json_object_get(w.root, "blocks"), *one;
	const block_reader reader = {
		.visit = count_entry, .arg = d, .confirm = answer_doubt, .confirm_arg = d};
	emr_gateway_position position = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_status status;
	size_t i;

	assert_ok(visit(vectors_hex(json_array_get(blocks, 0), "bytes", &bytes), &position,
		count_entry, d, out_wrong));
	json_array_foreach(blocks, i, one)
	{
		if (strcmp(vectors_text(one, "name"), name) != 0)
			continue;
		emr_buf_clear(&bytes);
		status = block_visit(w.gateway, vectors_hex(one, "bytes", &bytes), &position,
			&reader, out_wrong);
		assert_int_equal(position.next_block, status == EMR_OK ? 2 : 1);
		return status;
	}
	fail_msg("no block has the name %s", name);
	return EMR_OK;
}

/* A transaction that peers count is in their state, and later blocks build on it: to stop here, or
 * to pass it over, would be the end of reading for everybody. */
TEST_IN(begin, end, what_is_wrong_here_counts_as_far_as_it_can_be_read_when_peers_say_so)
{
	static const struct {
		const char *name, *wrong;
		size_t entries;
		bool may_count; /* also where nobody says so */
	} doubted[] = {
		{"a valid transaction that cannot be read",
			"a valid transaction that cannot be read", 0, true},
		{"an entry that its creator did not sign", "it is not signed by its creator", 1,
			true},
		{"an entry that one organisation has endorsed",
			"fewer organisations have endorsed it than must", 1, false},
	};

	for (size_t i = 0; i < sizeof doubted / sizeof *doubted; i++) {
		doubting yes = {.answer = EMR_OK}, no = {.answer = EMR_DAMAGED},
			 nobody = {.answer = EMR_OFFLINE};
		const char *wrong = NULL;

		assert_ok(visit_doubted(doubted[i].name, &yes, &wrong));
		assert_null(wrong);
		assert_int_equal(yes.asked, 1);
		assert_int_equal(yes.may_count, doubted[i].may_count);
		assert_int_equal(yes.entries, doubted[i].entries);
		assert_non_null(strstr(yes.name, doubted[i].wrong));
		assert_non_null(strstr(yes.name, "block 1, transaction 0 ("));
		if (doubted[i].entries > 0)
			assert_non_null(strstr(yes.name, "CN=client"));
		assert_status(EMR_DAMAGED, visit_doubted(doubted[i].name, &no, &wrong));
		assert_string_equal(wrong, doubted[i].wrong);
		assert_status(EMR_OFFLINE, visit_doubted(doubted[i].name, &nobody, &wrong));
		assert_null(wrong);
		assert_int_equal(no.entries + nobody.entries, 0);
	}
}

/* It fits no channel, whatever anybody has said of how this one begins. */
TEST_IN(begin, end, a_first_block_that_names_one_before_it_is_a_lie)
{
	static const uint8_t none[32] = {0};
	json_t *blocks = json_object_get(w.root, "blocks");
	reading r = {.answer = EMR_OK};
	emr_gateway_position position = {0};
	EMR_AUTO_BUF first = {0}, named = {0};
	const char *wrong = NULL;
	emr_bytes bytes = vectors_hex(json_array_get(blocks, 0), "bytes", &first);

	/* Block.header (1), whose previous_hash (2) it has not. */
	assert_true(bytes.len > 2 && bytes.data[0] == 0x0a && bytes.data[1] < 0x50);
	assert_ok(emr_buf_append(&named, bytes.data, 2 + (size_t)bytes.data[1]));
	named.data[1] = (uint8_t)(named.data[1] + 2 + sizeof none);
	assert_ok(emr_buf_append(&named, (const uint8_t[]){0x12, sizeof none}, 2));
	assert_ok(emr_buf_append(&named, none, sizeof none));
	assert_ok(emr_buf_append(
		&named, bytes.data + 2 + bytes.data[1], bytes.len - 2 - bytes.data[1]));
	assert_status(EMR_DAMAGED, visit(emr_buf_view(&named), &position, see, &r, &wrong));
	assert_string_equal(wrong, "a first block that names one before it");
	assert_int_equal(position.next_block, 0);
}

TEST_IN(begin, end, a_reader_who_fails_stays_in_front_of_the_block)
{
	json_t *blocks = json_object_get(w.root, "blocks");
	const json_t *both[2] = {json_array_get(blocks, 0), json_array_get(blocks, 12)};
	reading r = {.wanted = json_object_get(both[1], "entries"), .answer = EMR_NO_SPACE};
	emr_gateway_position position = {0};
	EMR_AUTO_BUF bytes = {0};
	const char *wrong = NULL;

	assert_ok(visit(vectors_hex(both[0], "bytes", &bytes), &position, see, &r, &wrong));
	assert_status(EMR_NO_SPACE,
		visit(vectors_hex(both[1], "bytes", &bytes), &position, see, &r, &wrong));
	assert_null(wrong);
	assert_int_equal(r.count, 1);
	assert_int_equal(position.next_block, 1);
}

static emr_status digest_entry(void *arg, const emr_gateway_entry *entry)
{
	emr_sha256_ctx *ctx = arg;

	emr_sha256_update(ctx, &entry->tx, sizeof entry->tx);
	emr_sha256_update(ctx, entry->tx_id, sizeof entry->tx_id);
	emr_sha256_update(ctx, entry->submitter.b, sizeof entry->submitter.b);
	emr_sha256_update(ctx, entry->batch.data, entry->batch.len);
	emr_sha256_update(ctx, entry->results.data, entry->results.len);
	return EMR_OK;
}

/* A peer that says something else of a valid transaction has another digest, which who asks a
 * second peer sees. */
TEST_IN(begin, end, no_flipped_bit_of_a_block_changes_its_entries_unseen)
{
	json_t *blocks = json_object_get(w.root, "blocks");
	EMR_AUTO_BUF zero = {0}, one = {0};
	emr_gateway_position begun = {0}, honest;
	const char *wrong = NULL;
	uint8_t entries[32], others[32];
	emr_sha256_ctx ctx;
	size_t taken = 0;

	emr_sha256_init(&ctx);
	(void)vectors_hex(json_array_get(blocks, 0), "bytes", &zero);
	(void)vectors_hex(json_array_get(blocks, 12), "bytes", &one);
	assert_ok(visit(emr_buf_view(&zero), &begun, digest_entry, &ctx, &wrong));
	honest = begun;
	assert_ok(visit(emr_buf_view(&one), &honest, digest_entry, &ctx, &wrong));
	emr_sha256_final(&ctx, entries);
	for (size_t i = 0; i < one.len; i++) {
		emr_gateway_position position = begun;

		emr_sha256_init(&ctx);
		one.data[i] ^= (uint8_t)(1u << i % 8);
		if (visit(emr_buf_view(&one), &position, digest_entry, &ctx, &wrong) == EMR_OK) {
			emr_sha256_final(&ctx, others);
			taken++;
			if (memcmp(&position, &honest, sizeof honest) == 0)
				assert_memory_equal(entries, others, sizeof others);
		}
		one.data[i] ^= (uint8_t)(1u << i % 8);
	}
	assert_true(taken > 0 && taken < 64); /* metadata, which no hash of the header covers */
}

/* ---- opening ---- */

static emr_status open_at(const char *address, const char *ca_file, const char *cert_file)
{
	emr_gateway_endpoint endpoint = {
		.address = address, .ca_file = ca_file, .cert_file = cert_file};
	emr_gateway_options options = {.endpoints = &endpoint,
		.endpoint_count = 1,
		.channel = "c",
		.chaincode = "c",
		.identity = w.identity,
		.version = "0"};
	emr_gateway *gateway = NULL;
	emr_status status = emr_gateway_open(&options, &gateway);

	emr_gateway_close(gateway);
	return status;
}

TEST_IN(begin, end, clear_text_goes_to_this_computer_only)
{
	assert_ok(open_at("http://127.0.0.1:7051", NULL, NULL));
	assert_ok(open_at("http://[::1]:7051", NULL, NULL));
	assert_ok(open_at("https://peer.hospital:7051", "/ca.pem", NULL));
	assert_status(EMR_FORBIDDEN, open_at("http://peer.hospital:7051", NULL, NULL));
	assert_status(EMR_FORBIDDEN, open_at("http://127.0.0.1.hospital:7051", NULL, NULL));
	assert_status(EMR_FORBIDDEN, open_at("http://localhost.hospital:7051", NULL, NULL));
	assert_status(EMR_INVALID, open_at("https://peer.hospital:7051", NULL, NULL));
	assert_status(EMR_INVALID, open_at("https://peer.hospital:7051", "/ca.pem", "/cert.pem"));
	assert_status(EMR_INVALID, open_at("http://127.0.0.1@peer.hospital:7051", NULL, NULL));
	assert_status(EMR_INVALID, open_at("https://peer.hospital:7051/path", "/ca.pem", NULL));
	assert_status(EMR_INVALID, open_at("https://peer.hospital:7051/", "/ca.pem", NULL));
	assert_status(EMR_INVALID, open_at("ftp://127.0.0.1:7051", NULL, NULL));
	assert_status(EMR_INVALID, open_at("peer.hospital:7051", "/ca.pem", NULL));
	assert_status(EMR_INVALID, open_at("", NULL, NULL));
	assert_status(EMR_INVALID, open_at(NULL, NULL, NULL));
}

TESTS(NULL, NULL)
