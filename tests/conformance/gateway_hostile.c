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

/* True: peers call it valid. */
static bool sends_one(void)
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
	rework(emr_buf_view(&envelope), &odd);
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
		assert_true(sends_one());
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
		(void)sends_one();
		assert_true(++tried < 4 * wanted + 16);
	}
	print_message("%zu forms, of which peers took %lu\n", tried, wanted);
	everybody_reads_on();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_stopped_readers_before_stops_nobody),
		cmocka_unit_test(no_form_that_peers_take_stops_anybody),
	};

	if (argc != 5) {
		fprintf(stderr, "usage: gateway_hostile NETWORK TO FROM FORMS\n");
		return 2;
	}
	live.net = argv[1];
	wanted = strtoul(argv[4], NULL, 10);
	garble_to = fopen(argv[2], "we");
	garble_from = fopen(argv[3], "re");
	if (garble_to == NULL || garble_from == NULL)
		return 2;
	return cmocka_run_group_tests(tests, live_begin_domain, live_end);
}
