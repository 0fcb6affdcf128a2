/* These tests are about one member of a network on Fabric whose transactions are ordered in forms
 * that no honest program writes: a transaction that peers call valid stops nobody who reads blocks,
 * through whichever peer, and enters what it entered there. Another program (gateway_peer garble)
 * writes the forms, behind the pipes TO and FROM. */
#include "live_kit.h"

#include <arpa/inet.h>

#include "contract/quota.h"
#include "fields.h"
#include "gateway_private.h"

#define PAYLOAD_MAX (8u << 20)
#define FORMS 3 /* that have stopped readers before */

static FILE *garble_to, *garble_from;
static const char *faults; /* of a network that is played, where they are files; else NULL */
static unsigned long wanted;
static size_t entered;

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

/* A transaction with a batch of the member, whose bytes count where none of PLACES (a bit for each
 * of contract/quota.h) do: two that meet in a row of one block overtake each other. */
static void make_apart(emr_buf *out, uint64_t *places)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF batch = {0};
	emr_gateway_answer answer;
	emr_id16 object;
	emr_id32 id;

	do {
		emr_buf_free(&batch);
		batch = live_batch(1, &object);
		emr_batch_id(batch.data, id.b);
	} while ((*places >> id.b[0] % EMR_QUOTA_PLACES & 1) != 0);
	*places |= UINT64_C(1) << id.b[0] % EMR_QUOTA_PLACES;
	live_fine(live_register(live.by_owner, &call, emr_buf_view(&batch), out, &answer), &call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
}

static void make_one(emr_buf *out)
{
	uint64_t none = 0;

	make_apart(out, &none);
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

/* True: peers call it valid, in *OUT_BLOCK. */
static bool settles(const emr_buf *odd, uint64_t *out_block)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_commit commit = {.block = 0};
	emr_status status =
		emr_gateway_settle(live.by_owner, &call, emr_buf_view(odd), true, &commit);

	*out_block = commit.block;
	entered += status == EMR_OK ? 1 : 0;
	return status == EMR_OK;
}

static bool sends(const emr_buf *envelope)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	uint64_t block;

	/* Orderers do not take all of them. */
	return emr_gateway_submit(live.by_owner, &call, emr_buf_view(envelope)) == EMR_OK &&
	       settles(envelope, &block);
}

static bool sends_odd(void)
{
	EMR_AUTO_BUF envelope = {0}, odd = {0};

	make_one(&envelope);
	rework(emr_buf_view(&envelope), &odd);
	return sends(&odd);
}

/* The program that orders it spoils it so, and peers take it. */
static void send_spoilt(const char *how)
{
	EMR_AUTO_BUF envelope = {0};

	make_one(&envelope);
	set_fault(how, true);
	assert_true(sends(&envelope));
	set_fault(how, false);
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

TEST(what_has_stopped_readers_before_stops_nobody)
{
	for (int i = 0; i < FORMS; i++)
		assert_true(sends_odd());
	everybody_reads_on();
}

TEST(no_form_that_peers_take_stops_anybody)
{
	size_t tried = 0;

	while (entered < FORMS + wanted) {
		(void)sends_odd();
		assert_true(++tried < 4 * wanted + 16);
	}
	print_message("%zu forms, of which peers took %lu\n", tried, wanted);
	everybody_reads_on();
}

/* Whose signature it has, and what it enters: only organisations can say whether it is valid, and
 * no gateway does it for them. */
TEST(what_too_few_have_endorsed_is_what_a_majority_of_organisations_says)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_position position = {0};
	emr_ledger_trouble trouble = {0};
	emr_ledger_doubt doubt;
	emr_chain *chain = NULL;
	uint64_t height = 0;

	if (faults == NULL)
		skip();
	send_spoilt("spoils");
	everybody_reads_on();
	set_fault("silent-OrgB", true);
	everybody_reads_on(); /* two of three */
	set_fault("silent-OrgC", true);
	assert_ok(emr_chain_open_temporary(&chain));
	assert_status(EMR_UNSUPPORTED,
		emr_observe(live.by_client, &call, chain, emr_buf_view(&live.descriptor), &position,
			SIZE_MAX, &height, &trouble));
	assert_string_equal(emr_gateway_fault_name(call.fault), "doubt");
	assert_non_null(strstr(call.said, "fewer organisations have endorsed it than must"));
	assert_non_null(strstr(call.said, "CN=owner"));
	assert_ok(gateway_doubted(live.by_client, &doubt));
	assert_int_equal(doubt.end, EMR_DOUBT_OPEN);
	assert_int_equal(doubt.block, position.next_block);
	assert_non_null(strstr(doubt.certificate, "CN=owner"));
	set_fault("silent-OrgB", false);
	set_fault("silent-OrgC", false);
	live_observe(live.by_client, chain, &position);
	assert_ok(gateway_doubted(live.by_client, &doubt));
	assert_int_equal(doubt.end, EMR_DOUBT_VALID);
	emr_chain_close(chain);
}

/* That it is valid is the word of the one that is asked, as of any other: nobody waits until peers
 * of a majority have said so, too. */
TEST(what_a_majority_has_endorsed_waits_for_nobody)
{
	static const char *const silent[] = {"silent-OrgA", "silent-OrgB", "silent-OrgC"};
	emr_ledger_doubt doubt;
	emr_gateway_position position = {0};
	emr_chain *chain = NULL;

	if (faults == NULL)
		skip();
	assert_ok(emr_chain_open_temporary(&chain));
	live_observe(live.by_client, chain, &position);
	send_spoilt("steals");
	for (size_t i = 0; i < 3; i++)
		set_fault(silent[i], true);
	live_observe(live.by_client, chain, &position);
	for (size_t i = 0; i < 3; i++)
		set_fault(silent[i], false);
	assert_ok(gateway_doubted(live.by_client, &doubt));
	assert_int_equal(doubt.end, EMR_DOUBT_ENDORSED);
	assert_string_equal(doubt.cause, "it is not signed by its creator");
	emr_chain_close(chain);
	everybody_reads_on();
}

static size_t lines_of(const char *name)
{
	FILE *file;
	size_t n = 0;

	file = fopen(printed("%s/../%s", faults, name), "re");
	for (int c; file != NULL && (c = fgetc(file)) != EOF;)
		n += c == '\n' ? 1 : 0;
	if (file != NULL)
		(void)fclose(file);
	return n;
}

/* A member who fills a block with doubtful transactions costs its readers no more than one of them
 * would. */
TEST(however_much_of_a_block_is_in_doubt_each_organisation_is_asked_once)
{
	enum { MANY = 6 };
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_position position = {0};
	emr_buf odd[MANY] = {{0}};
	uint64_t block = 0, last = 0;
	size_t blocks = 0, asked;
	emr_chain *chain = NULL;

	if (faults == NULL)
		skip();
	assert_ok(emr_chain_open_temporary(&chain));
	live_observe(live.by_client, chain, &position);
	set_fault("spoils", true);
	while (blocks == 0 || blocks == MANY) { /* until two of them stand in one block */
		uint64_t places = 0;

		blocks = 0;
		for (size_t i = 0; i < MANY; i++)
			make_apart(&odd[i], &places);
		for (size_t i = 0; i < MANY; i++)
			live_fine(emr_gateway_submit(live.by_owner, &call, emr_buf_view(&odd[i])),
				&call);
		for (size_t i = 0; i < MANY; i++) {
			assert_true(settles(&odd[i], &block));
			blocks += block != last ? 1 : 0;
			last = block;
			emr_buf_free(&odd[i]);
		}
		if (blocks == MANY)
			live_observe(live.by_client, chain, &position);
	}
	set_fault("spoils", false);
	asked = lines_of("attested");
	live_observe(live.by_client, chain, &position);
	assert_int_equal(lines_of("attested") - asked, 2 * blocks); /* two of three are enough */
	emr_chain_close(chain);
	everybody_reads_on();
}

int main(int argc, char **argv)
{
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
	return emr_tests_run(live_begin, live_end);
}
