/* These tests are about one member of a network on Fabric who has his transactions ordered in forms
 * that nobody honest writes: what peers call valid stops nobody who reads blocks, through whichever
 * peer, and enters what it entered there.  Another program (gateway_peer garble) writes the forms,
 * behind the pipes TO and FROM. */
#include "live_kit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "gateway_private.h"

#define PAYLOAD_MAX (8u << 20)
#define FORMS 4 /* that have stopped readers before */

static FILE *garble_to, *garble_from;
static const char *faults; /* of a network that is played, where they are files; else NULL */
static unsigned long wanted;
static size_t entered;

/* The first letter of a label that no library but Go's takes, twice: the hostile member's proposals
 * and signatures show it. */
static void relabel(const emr_gateway_identity *identity, char from, char to)
{
	emr_bytes creator = emr_gateway_identity_creator(identity);
	static const char *const before[] = {"-----BEGIN ", "-----END "};

	for (size_t i = 0; i < 2; i++) {
		uint8_t *at = memmem(creator.data, creator.len, before[i], strlen(before[i]));

		assert_non_null(at);
		at += strlen(before[i]);
		assert_int_equal(*at, from);
		*at = (uint8_t)to;
	}
}

static void garbled(emr_bytes payload, emr_buf *out)
{
	uint32_t size = htonl((uint32_t)payload.len);

	assert_int_equal(fwrite(&size, sizeof size, 1, garble_to), 1);
	assert_int_equal(fwrite(payload.data, 1, payload.len, garble_to), payload.len);
	assert_int_equal(fflush(garble_to), 0);
	assert_int_equal(fread(&size, sizeof size, 1, garble_from), 1);
	size = ntohl(size);
	assert_true(size < PAYLOAD_MAX);
	assert_ok(emr_buf_append_zeros(out, size));
	assert_int_equal(fread(out->data, 1, size, garble_from), size);
}

/* ENVELOPE with another payload, which its member has signed as he may. */
static void rework(emr_bytes envelope, emr_buf *out)
{
	EMR_AUTO_BUF odd = {0}, signature = {0};
	emr_bytes payload = {0};
	const proto_want wants[] = {{ENVELOPE_PAYLOAD, PROTO_BYTES, &payload}};
	proto_writer writer = proto_writer_of(out);

	assert_ok(proto_read(envelope, wants, 1));
	garbled(payload, &odd);
	assert_ok(emr_gateway_identity_sign(live.owner, emr_buf_view(&odd), &signature));
	proto_put_bytes(&writer, ENVELOPE_PAYLOAD, emr_buf_view(&odd));
	proto_put_bytes(&writer, ENVELOPE_SIGNATURE, emr_buf_view(&signature));
	assert_ok(writer.status);
}

static void set_fault(const char *name, bool is_there)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", faults, name);
	if (!is_there) {
		assert_int_equal(remove(path), 0);
		return;
	}
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

/* True: peers call it valid. */
static bool sends_one(bool is_signed)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF batch = {0}, envelope = {0}, odd = {0};
	emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_id16 object;
	emr_status status;

	batch = live_batch(1, &object);
	live_fine(emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
			  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	if (is_signed)
		rework(emr_buf_view(&envelope), &odd);
	else
		assert_ok(emr_buf_append(&odd, envelope.data, envelope.len));
	odd.data[odd.len - 1] ^= is_signed ? 0 : 1; /* the signature is the last of it */
	/* Orderers do not take all of them. */
	status = emr_gateway_submit(live.by_owner, &call, emr_buf_view(&odd));
	if (status == EMR_OK)
		status =
			emr_gateway_settle(live.by_owner, &call, emr_buf_view(&odd), true, &commit);
	entered += status == EMR_OK ? 1 : 0;
	return status == EMR_OK;
}

static void everybody_reads_on(void)
{
	uint8_t roots[3][32];

	for (int peer = 0; peer < 3; peer++) {
		emr_gateway *gateway = live_gateway(live.client, peer + 1, 1);
		emr_gateway_position position = {0};
		emr_chain *chain = NULL;
		uint64_t size = 0;

		assert_ok(emr_chain_open_temporary(&chain));
		live_observe(gateway, chain, &position);
		assert_ok(emr_chain_size(chain, &size));
		/* Behind the descriptor, the owner and his domain. */
		assert_int_equal(size, 3 + entered);
		assert_ok(emr_chain_leaf(chain, size - 1, roots[peer]));
		assert_memory_equal(roots[peer], roots[0], sizeof roots[0]);
		emr_chain_close(chain);
		emr_gateway_close(gateway);
	}
}

static void what_has_stopped_readers_before_stops_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < FORMS; i++) {
		if (i == FORMS - 1)
			relabel(live.owner, 'C', 'c');
		assert_true(sends_one(true));
		if (i == FORMS - 1)
			relabel(live.owner, 'c', 'C');
	}
	everybody_reads_on();
}

static void no_form_that_peers_take_stops_anybody(void **state)
{
	size_t tried = 0;

	(void)state;
	while (entered < FORMS + wanted) {
		(void)sends_one(true);
		assert_true(++tried < 4 * wanted + 16);
	}
	print_message("%zu forms, of which peers took %lu\n", tried, wanted);
	everybody_reads_on();
}

/* Peers call something valid that cannot be verified here: their organisations say so themselves,
 * and no gateway does it for them. */
static void what_only_peers_can_verify_is_what_a_majority_of_organisations_says(void **state)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_position position = {0};
	emr_ledger_trouble trouble = {0};
	emr_chain *chain = NULL;
	uint64_t height = 0;

	(void)state;
	if (faults == NULL)
		skip();
	set_fault("careless", true);
	assert_true(sends_one(false));
	set_fault("careless", false);
	everybody_reads_on();
	set_fault("silent-OrgB", true);
	everybody_reads_on(); /* two of three */
	set_fault("silent-OrgC", true);
	assert_ok(emr_chain_open_temporary(&chain));
	assert_status(EMR_UNSUPPORTED,
		emr_observe(live.by_client, &call, chain, emr_buf_view(&live.descriptor), &position,
			SIZE_MAX, &height, &trouble));
	assert_string_equal(emr_gateway_fault_name(call.fault), "doubt");
	assert_non_null(strstr(call.said, "it is not signed by its creator"));
	assert_non_null(strstr(call.said, "CN=owner"));
	set_fault("silent-OrgB", false);
	set_fault("silent-OrgC", false);
	live_observe(live.by_client, chain, &position);
	emr_chain_close(chain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_stopped_readers_before_stops_nobody),
		cmocka_unit_test(no_form_that_peers_take_stops_anybody),
		cmocka_unit_test(
			what_only_peers_can_verify_is_what_a_majority_of_organisations_says),
	};

	if (argc != 5 && argc != 6) {
		fprintf(stderr, "usage: gateway_hostile NETWORK TO FROM FORMS [FAULTS]\n");
		return 2;
	}
	live.net = argv[1];
	faults = argc == 6 ? argv[5] : NULL;
	wanted = strtoul(argv[4], NULL, 10);
	garble_to = fopen(argv[2], "we");
	garble_from = fopen(argv[3], "re");
	if (garble_to == NULL || garble_from == NULL)
		return 2;
	return cmocka_run_group_tests(tests, live_begin_domain, live_end);
}
