/* These tests try the client against real peers and orderers (examples/network/fabric, fresh): a
 * network of emrfs begins there, an owner with a certificate of the hospital's CA registers
 * batches through the gateway, entries, rows and parts are what was registered, and what was
 * interrupted has no second effect. gateway_calls.c, gateway_sends.c and gateway_storm.c have the
 * rest. */
#include "live_kit.h"

#include <pthread.h>
#include <time.h>

#include "contract/rows.h"
#include "gateway/host.h"

#define MSP "Emr1MSP"
#define LARGE_BYTES ((size_t)5300000) /* half of what is too large for the channel */
#define BRIEF_S 90 /* of a certificate: until it is on the ledger and has signed twice */

static emr_status keep_state(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	emr_gateway_part_state *states = arg;

	states[index] = state;
	assert_int_equal(part.len, 0);
	return EMR_OK;
}

TEST(an_erased_part_is_purged_and_not_merely_missing)
{
	emr_batch_builder *b = kit_batch(&live.k, live.domain.id);
	EMR_AUTO_BUF batch = {0}, erasure = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_commit commit;
	emr_id16 object = emr_id16_random();
	emr_key_text keys[2];
	const char *texts[2] = {keys[0].text, keys[1].text};
	emr_gateway_part_state states[2];
	emr_id32 item = kit_put(b, &live.domain, object, 1, (emr_id32){{0}});

	kit_finish(&live.k, b, &batch);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	b = kit_batch(&live.k, live.domain.id);
	item = kit_unlink(b, &live.domain, object, 2, item);
	(void)kit_erase(b, &live.domain, object, 3, item, 1, 1);
	kit_finish(&live.k, b, &erasure);
	live_send(live.by_owner, emr_buf_view(&erasure), &commit);
	emr_key_part(EMR_FAMILY_OBJECT, live.domain.id.b, object.b, 1, &keys[0]);
	emr_key_part(EMR_FAMILY_OBJECT, live.domain.id.b, object.b, 9, &keys[1]);
	live_fine(emr_gateway_parts(live.by_owner, &call, texts, 2, keep_state, states), &call);
	assert_int_equal(states[0], EMR_GATEWAY_PART_PURGED);
	assert_int_equal(states[1], EMR_GATEWAY_PART_UNKNOWN);
}

typedef struct reading {
	size_t entries;
	emr_id32 last_batch;
} reading;

static emr_status read_entry(void *arg, const emr_gateway_entry *entry)
{
	reading *r = arg;

	r->entries++;
	assert_true(entry->batch.len > EMR_HEADER_BYTES);
	assert_memory_equal(
		entry->submitter.b, live.k.owner.signer_id.b, sizeof entry->submitter.b);
	emr_batch_id(entry->batch.data, r->last_batch.b);
	return EMR_OK;
}

static void read_all(emr_gateway *gateway, emr_gateway_position *position, reading *out)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	uint64_t height = 0;

	do
		live_fine(
			emr_gateway_entries(gateway, &call, position, 7, read_entry, out, &height),
			&call);
	while (position->next_block < height);
}

TEST(a_place_that_the_peer_does_not_have_is_called_by_its_name)
{
	emr_gateway_position here = {0}, position;
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	reading all = {0};
	emr_id16 object;
	uint64_t told;

	read_all(live.by_client, &here, &all);
	assert_true(all.entries >= 2);
	position = here;
	position.hash[0] ^= 1;
	batch = live_batch(1, &object);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	read_all(live.by_client, &here, &all);
	assert_status(EMR_FORK,
		emr_gateway_entries(live.by_client, &call, &position, 1, read_entry, &all, NULL));
	assert_string_equal(emr_gateway_fault_name(call.fault), "other-history");
	position = here; /* another one, who is gone, had a block more */
	told = position.next_block + 1;
	live_fine(emr_gateway_entries(live.by_client, &call, &position, 7, read_entry, &all, &told),
		&call);
	assert_int_equal(told, here.next_block);
	assert_memory_equal(&position, &here, sizeof here);
	position.next_block += 1000;
	assert_status(EMR_ROLLBACK,
		emr_gateway_entries(live.by_client, &call, &position, 1, read_entry, &all, NULL));
}

typedef struct comparing {
	emr_gateway *gateway;
	size_t rows;
} comparing;

typedef struct wanted_row {
	emr_bytes value;
} wanted_row;

static emr_status same_row(void *arg, size_t index, emr_bytes value)
{
	const wanted_row *want = arg;

	(void)index;
	return emr_bytes_equal(value, want->value) ? EMR_OK : EMR_DAMAGED;
}

static void compare_rows(comparing *c, emr_chain *chain, const char *prefix)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = chain, .prefix = prefix};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);

	for (; emr_chain_next_row(&rows); c->rows++) {
		wanted_row want = {.value = rows.value};

		if (emr_gateway_rows(c->gateway, &call, &rows.key, 1, same_row, &want) != EMR_OK)
			fail_msg("%s is otherwise at the peer: %s", rows.key, call.said);
	}
	assert_ok(rows.status);
}

/* The contract judges every batch again, from the blocks of one peer and of another; tree and state
 * are the same, and the rows those of the peers. */
TEST(whoever_observes_has_the_same_log_and_the_peers_rows)
{
	EMR_AUTO_CHAIN one = NULL;
	EMR_AUTO_CHAIN other = NULL;
	static const char *const prefixes[] = {"N", "M/", "K/", "D/", "E/", "L/", "O/"};
	emr_gateway *elsewhere = live_gateway(live.owner, 3, 1);
	emr_gateway_position position = {0}, other_position = {0}, again = {0};
	comparing rows = {.gateway = live.by_client};
	uint8_t digests[2][32], roots[2][32], leaf[32];
	uint64_t size = 0, seq = 0;
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_ledger_trouble trouble;
	emr_id16 object;
	emr_id32 id;

	assert_ok(emr_chain_open_temporary(&one));
	assert_ok(emr_chain_open_temporary(&other));
	live_observe(live.by_client, one, &position);
	batch = live_batch(2, &object);
	emr_batch_id(batch.data, id.b);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	live_observe(live.by_client, one, &position);
	while (other_position.next_block < position.next_block)
		live_observe(elsewhere, other, &other_position);
	live_observe(live.by_client, one, &again); /* whoever has lost his place begins again */
	assert_memory_equal(&again, &position, sizeof position);
	assert_ok(emr_chain_size(one, &size));
	assert_true(size >= 7);
	assert_ok(emr_chain_root(one, size, roots[0]));
	assert_ok(emr_chain_root(other, size, roots[1]));
	assert_memory_equal(roots[0], roots[1], 32);
	assert_ok(emr_chain_digest(one, digests[0]));
	assert_ok(emr_chain_digest(other, digests[1]));
	assert_memory_equal(digests[0], digests[1], 32);
	assert_ok(emr_chain_find_batch(one, id.b, &seq));
	assert_int_equal(seq, size - 1);
	assert_ok(emr_chain_leaf(one, seq, leaf));
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		compare_rows(&rows, one, prefixes[i]);
	assert_true(rows.rows >= 5);
	/* Of another network it makes nothing. */
	live.descriptor.data[live.descriptor.len - 1] ^= 1;
	assert_status(
		EMR_FORK, emr_observe(live.by_client, &call, one, emr_buf_view(&live.descriptor),
				  &position, 1, NULL, &trouble));
	live.descriptor.data[live.descriptor.len - 1] ^= 1;
	emr_gateway_close(elsewhere);
}

/* ---- the ledger as every part of emrfs sees it ---- */

static emr_ledger *open_host(emr_gateway *gateway)
{
	emr_host_options options = {.gateway = gateway,
		.submitter = live.k.keyring,
		.descriptor = emr_buf_view(&live.descriptor),
		.dirfd = live.k.state_fd,
		.timeout_ms = LIVE_PATIENCE_MS};
	emr_ledger *ledger = NULL;

	assert_ok(emr_host_open(&options, &ledger));
	return ledger;
}

static emr_status count_entry(void *arg, const emr_ledger_entry *entry)
{
	uint64_t *next = arg;

	assert_int_equal(entry->seq, (*next)++);
	return EMR_OK;
}

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return part.data == NULL ? EMR_NOT_FOUND : emr_buf_append(arg, part.data, part.len);
}

TEST(the_handle_of_a_ledger_submits_reads_and_proves)
{
	EMR_AUTO_LEDGER ledger = open_host(live.by_owner);
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF part = {0};
	static emr_ledger_answer first, again;
	emr_batch *parsed = malloc(sizeof *parsed);
	emr_ledger_proof proof = {0};
	emr_ledger_trouble trouble;
	emr_id16 object;
	emr_part_key key;
	uint64_t size = 0, seq = 0, next = 0;
	size_t n = 0;

	assert_non_null(parsed);
	batch = live_batch(3, &object);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, parsed), EMR_RESULT_APPLIED);
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &first));
	assert_int_equal(first.refusal, 0);
	assert_int_equal(first.n_results, 3);
	assert_false(first.is_repeat);
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &again));
	assert_true(again.is_repeat);
	assert_int_equal(again.seq, first.seq);
	assert_int_equal(again.ledger_time, first.ledger_time);
	assert_ok(emr_ledger_size(ledger, &size));
	assert_int_equal(size, first.seq + 1);
	assert_ok(emr_ledger_entries(ledger, 0, 1000, count_entry, &next, &n));
	assert_int_equal(n, size);
	assert_ok(emr_ledger_prove(ledger, first.seq, 2, size, &proof));
	emr_ledger_proof_free(&proof);
	key = (emr_part_key){.domain = live.domain.id,
		.object = object,
		.version = 1,
		.family = EMR_FAMILY_OBJECT};
	assert_ok(emr_ledger_fetch(ledger, &key, 1, take_part, &part));
	assert_true(emr_bytes_equal(emr_buf_view(&part),
		emr_bytes_of(parsed->items[2].part.data, parsed->items[2].part.len)));
	free(parsed);
	assert_ok(emr_ledger_verify(ledger, &trouble));
	assert_true(trouble.is_ordered);
	batch.data[EMR_HEADER_BYTES - 1] ^= 1;
	batch.data[60] ^= 1;
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &first));
	assert_true(first.refusal != 0);
	emr_ledger_close(ledger);
	ledger = open_host(live.by_owner);
	assert_ok(emr_ledger_size(ledger, &seq));
	assert_int_equal(seq, size);
}

/* As the handle keeps what it has signed for BATCH. */
static void keep_envelope(const emr_buf *batch, emr_bytes envelope, char name[80])
{
	emr_id32 id;

	emr_batch_id(batch->data, id.b);
	(void)snprintf(name, 80, "envelope-");
	emr_hex(id.b, sizeof id.b, name + strlen(name));
	assert_ok(emr_file_create(live.k.state_fd, name, envelope, 0600));
}

/* The envelope was kept, and then the power went, before or after it was sent: the same bytes get
 * their answer, by the transaction that was signed then. */
TEST(a_batch_on_its_way_at_a_power_cut_is_entered_once)
{
	emr_ledger *ledger;

	for (int was_sent = 0; was_sent < 2; was_sent++) {
		EMR_AUTO_BUF batch = {0};
		EMR_AUTO_BUF envelope = {0};
		emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
		static emr_gateway_answer judged;
		static emr_ledger_answer answer;
		char name[80], tx_id[EMR_GATEWAY_TX_ID_BYTES];
		emr_gateway_position position = {0};
		emr_gateway_commit commit;
		reading all = {0};
		emr_id16 object;
		emr_id32 id;

		batch = live_batch(1, &object);
		emr_batch_id(batch.data, id.b);
		live_fine(live_register(
				  live.by_owner, &call, emr_buf_view(&batch), &envelope, &judged),
			&call);
		memcpy(tx_id, call.tx_id, sizeof tx_id);
		keep_envelope(&batch, emr_buf_view(&envelope), name);
		if (was_sent != 0)
			live_fine(emr_gateway_submit(live.by_owner, &call, emr_buf_view(&envelope)),
				&call);
		ledger = open_host(live.by_owner);
		assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
		assert_int_equal(answer.n_results, 1);
		assert_int_equal(faccessat(live.k.state_fd, name, F_OK, 0), -1);
		emr_ledger_close(ledger);
		live_fine(emr_gateway_commit_status(live.by_owner, &call, tx_id, &commit), &call);
		assert_int_equal(commit.validation, 0);
		read_all(live.by_owner, &position, &all);
		assert_memory_equal(all.last_batch.b, id.b, sizeof id.b);
	}
}

static void *submit_later(void *arg)
{
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_id16 object;

	(void)arg;
	batch = live_batch(1, &object);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	return NULL;
}

static void *wake_it(void *arg)
{
	emr_ledger_wake(arg);
	return NULL;
}

TEST(who_waits_hears_of_the_next_entry_or_is_woken)
{
	EMR_AUTO_LEDGER ledger = open_host(live.by_owner);
	uint64_t size = 0, later = 0;
	pthread_t thread;

	assert_ok(emr_ledger_size(ledger, &size));
	assert_status(EMR_TIMEOUT, emr_ledger_wait(ledger, size, 50, &later));
	assert_int_equal(pthread_create(&thread, NULL, submit_later, NULL), 0);
	assert_ok(emr_ledger_wait(ledger, size, LIVE_PATIENCE_MS, &later));
	assert_int_equal(later, size + 1);
	(void)pthread_join(thread, NULL);
	assert_int_equal(pthread_create(&thread, NULL, wake_it, ledger), 0);
	assert_status(EMR_INTERRUPTED, emr_ledger_wait(ledger, later, LIVE_PATIENCE_MS, &size));
	(void)pthread_join(thread, NULL);
}

/* The example's channel takes 10 MiB (AbsoluteMaxBytes), which its peers endorse more than. */
TEST(what_the_channel_calls_too_large_is_refused_by_name)
{
	EMR_AUTO_FREE char *key = calloc(1, LARGE_BYTES + 1);
	EMR_AUTO_BUF envelope = {0};
	emr_bytes args[3] = {emr_bytes_of("rows", 4)};
	emr_gateway_invocation invocation = {.args = args, .arg_count = 3};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_position before = {0}, after = {0};
	emr_gateway_commit commit;
	reading all = {0};

	assert_non_null(key);
	memset(key, 'k', LARGE_BYTES);
	args[1] = args[2] = emr_bytes_of(key, LARGE_BYTES);
	read_all(live.by_owner, &before, &all);
	live_fine(emr_gateway_endorse(live.by_owner, &call, &invocation, &envelope, NULL), &call);
	assert_true(envelope.len > 2 * LARGE_BYTES);
	assert_status(EMR_LIMIT,
		emr_gateway_settle(live.by_owner, &call, emr_buf_view(&envelope), false, &commit));
	assert_string_equal(emr_gateway_fault_name(call.fault), "too-large");
	assert_string_equal(emr_gateway_stage_name(call.stage), "submit");
	assert_non_null(strstr(call.said, "exceeds maximum allowed 10485760 bytes"));
	read_all(live.by_owner, &after, &all);
	assert_int_equal(after.next_block, before.next_block);
}

/* A computer is closed with a signed transaction that was not sent, and opened when the certificate
 * has ended and another one is there: orderers take the old one no more.  So it is with a file that
 * cannot be read.  This test is the last: by_owner has the certificate that is replaced here. */
TEST(what_no_orderer_takes_any_more_is_signed_anew)
{
	EMR_AUTO_BUF brief = {0}, lasting = {0};
	emr_gateway_identity *identities[2];
	emr_gateway *gateways[2];
	const time_t ends = time(NULL) + BRIEF_S;

	live_certificate(BRIEF_S, &brief);
	assert_ok(emr_gateway_identity_of_keyring(
		live.k.keyring, MSP, emr_buf_view(&brief), &identities[0]));
	gateways[0] = live_gateway(identities[0], 1, 3);
	live_renew(gateways[0], emr_buf_view(&brief));
	for (int is_ended = 0; is_ended < 2; is_ended++) {
		EMR_AUTO_LEDGER ledger = NULL;
		EMR_AUTO_BUF batch = {0}, envelope = {0};
		emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
		emr_gateway_answer judged;
		static emr_ledger_answer answer;
		char name[80];
		emr_id16 object;

		batch = live_batch(1, &object);
		live_fine(
			live_register(gateways[0], &call, emr_buf_view(&batch), &envelope, &judged),
			&call);
		assert_int_equal(judged.kind, EMR_OUTCOME_APPLIED);
		if (is_ended == 0)
			envelope.len /= 2;
		keep_envelope(&batch, emr_buf_view(&envelope), name);
		if (is_ended == 1) {
			while (time(NULL) <= ends)
				(void)sleep(1);
			live_certificate(0, &lasting);
			assert_ok(emr_gateway_identity_of_keyring(
				live.k.keyring, MSP, emr_buf_view(&lasting), &identities[1]));
			gateways[1] = live_gateway(identities[1], 1, 3);
			live_renew(gateways[1], emr_buf_view(&lasting));
		}
		ledger = open_host(gateways[is_ended]);
		assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
		assert_int_equal(answer.refusal, 0);
		assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
		assert_int_equal(faccessat(live.k.state_fd, name, F_OK, 0), -1);
	}
	for (int i = 0; i < 2; i++) {
		emr_gateway_close(gateways[i]);
		emr_gateway_identity_free(identities[i]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gateway_live NETWORK\n");
		return 2;
	}
	live.net = argv[1];
	return emr_tests_run(live_begin, live_end);
}
