/* This file writes on the ledger as another person does who has a folder there. */
#include "others_kit.h"

#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs.h"

static emr_id32 add_to(emr_batch_builder *b, emr_operation operation)
{
	emr_id32 id;

	operation.time = 1;
	assert_ok(emr_batch_add(b, &operation, &id));
	return id;
}

static emr_batch_builder *batch_of(kit *k, const emr_keyring *writer, emr_id16 domain)
{
	const emr_batch_options options = {.keyring = writer,
		.signer = emr_signer_domain(domain, 1),
		.net_id = emr_ledger_net_id(k->stack.ledger)};
	emr_batch_builder *b;

	assert_ok(emr_batch_new(&options, &b));
	return b;
}

static void send(kit *k, emr_batch_builder *b)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;

	assert_ok(
		emr_batch_finish(b, (uint64_t)(k->clock.unix_ns / 1000000000), 3600, &bytes, NULL));
	emr_batch_free(b);
	assert_ok(emr_ledger_submit(k->stack.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	for (size_t i = 0; i < answer.n_results; i++)
		assert_int_equal(answer.results[i], EMR_RESULT_APPLIED);
}

static void make_domain(kit *k, const emr_keyring *writer, emr_id16 domain)
{
	uint8_t pub[64], part[160] = {1};
	emr_pub_domain_new made;
	emr_domain_public public;
	emr_batch_builder *b = batch_of(k, writer, domain);
	emr_id32 id = emr_batch_signer_id(b);
	emr_id16 listkey;

	assert_ok(emr_keyring_domain_public(writer, domain, 1, 1, &public));
	memcpy(made.box, public.box, 32);
	memcpy(made.A, public.A, 32);
	emr_pub_domain_new_encode(&made, pub);
	emr_object_listkey(id.b, 1, listkey.b);
	(void)add_to(b, (emr_operation){.op = EMR_OP_DOMAIN_NEW,
				.domain = domain,
				.object = domain,
				.version = 1,
				.epoch = 1,
				.pub = emr_bytes_of(pub, sizeof pub)});
	(void)add_to(b, (emr_operation){.op = EMR_OP_LISTKEY,
				.domain = domain,
				.object = listkey,
				.version = 1,
				.epoch = 1,
				.priv = emr_bytes_of(part, sizeof part)});
	send(k, b);
}

static void erase_first(
	kit *k, const emr_keyring *writer, emr_id16 domain, emr_id16 object, emr_id32 prev)
{
	const emr_pub_erase erase = {
		.family = EMR_FAMILY_OBJECT, .from_version = 1, .to_version = 1};
	emr_batch_builder *b = batch_of(k, writer, domain);
	uint8_t pub[24];

	emr_pub_erase_encode(&erase, pub);
	(void)add_to(b, (emr_operation){.op = EMR_OP_ERASE,
				.domain = domain,
				.object = object,
				.version = 2,
				.prev = prev,
				.pub = emr_bytes_of(pub, sizeof pub)});
	send(k, b);
}

void others_write(kit *k, size_t n)
{
	static const uint8_t part[300 + 512 + 16] = {1};
	EMR_AUTO_KEYRING writer = NULL;
	emr_id16 domain = emr_id16_random(), object = {{0}};
	emr_id32 id = {{0}};

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &writer));
	make_domain(k, writer, domain);
	for (size_t i = 0; i < n; i++) {
		emr_batch_builder *b = batch_of(k, writer, domain);

		object = emr_id16_random();
		id = add_to(b, (emr_operation){.op = EMR_OP_PUT,
				       .domain = domain,
				       .object = object,
				       .version = 1,
				       .epoch = 1,
				       .priv = emr_bytes_of(part, sizeof part)});
		send(k, b);
	}
	erase_first(k, writer, domain, object, id);
}
