/* These tests try the client against real peers and orderers (examples/network/fabric, fresh): a
 * network of emrfs begins there, an owner with a certificate of the hospital's CA registers
 * batches through the gateway, rows, parts and events are what was registered, and what is
 * refused, repeated or interrupted has no second effect. It kills a peer in the end. */
#include "live_kit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "contract/rows.h"
#include "gateway/host.h"

#define MSP "Emr1MSP"
#define LARGE_BYTES ((size_t)5300000) /* half of what is too large for the channel */
#define BRIEF_S 90 /* of a certificate: until it is on the ledger and has signed twice */

TEST(the_network_begins_once)
{
	emr_bytes args[2] = {emr_bytes_of("genesis", 7), emr_buf_view(&live.descriptor)};
	emr_gateway_invocation invocation = {.args = args, .arg_count = 2};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};

	live_network();
	assert_status(
		EMR_IO, emr_gateway_endorse(live.by_client, &call, &invocation, &envelope, NULL));
	assert_string_equal(emr_gateway_fault_name(call.fault), "chaincode");
	assert_non_null(strstr(call.said, "this network has begun already"));
}

TEST(the_owner_registers_with_his_certificate)
{
	live_owner();
}

static emr_status keep_row(void *arg, size_t index, emr_bytes value)
{
	(void)index;
	return value.data == NULL ? EMR_NOT_FOUND : emr_buf_append(arg, value.data, value.len);
}

typedef struct seen {
	emr_gateway_part_state state;
	emr_buf bytes;
} seen;

static emr_status keep_part(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	seen *s = arg;

	s[index].state = state;
	emr_buf_clear(&s[index].bytes);
	return part.len > 0 ? emr_buf_append(&s[index].bytes, part.data, part.len) : EMR_OK;
}

TEST(rows_and_parts_are_what_was_registered)
{
	EMR_AUTO_BUF batch = {0}, row = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_commit commit;
	emr_id16 object;
	emr_key_text keys[3];
	const char *texts[3] = {keys[0].text, keys[1].text, keys[2].text};
	const char *domain_key[1] = {keys[0].text};
	seen parts[2] = {{.bytes = {0}}, {.bytes = {0}}};
	EMR_AUTO_FREE emr_batch *parsed = malloc(sizeof *parsed);

	assert_non_null(parsed);
	live_domain();
	emr_key_domain(live.domain.id.b, &keys[0]);
	live_fine(emr_gateway_rows(live.by_owner, &call, domain_key, 1, keep_row, &row), &call);
	assert_true(row.len > 48);

	batch = live_batch(3, &object);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	emr_key_part(EMR_FAMILY_OBJECT, live.domain.id.b, object.b, 1, &keys[0]);
	emr_key_part(EMR_FAMILY_OBJECT, live.domain.id.b, object.b, 2, &keys[1]);
	live_fine(emr_gateway_parts(live.by_owner, &call, texts, 2, keep_part, parts), &call);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, parsed), EMR_RESULT_APPLIED);
	assert_int_equal(parts[0].state, EMR_GATEWAY_PART_HERE);
	assert_true(emr_bytes_equal(emr_buf_view(&parts[0].bytes),
		emr_bytes_of(parsed->items[2].part.data, parsed->items[2].part.len)));
	assert_int_equal(parts[1].state, EMR_GATEWAY_PART_UNKNOWN);
	emr_buf_free(&parts[0].bytes);
	emr_buf_free(&parts[1].bytes);
}

TEST(an_erased_part_is_purged_and_not_merely_missing)
{
	emr_batch_builder *b = kit_batch(&live.k, live.domain.id);
	EMR_AUTO_BUF batch = {0}, erasure = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_commit commit;
	emr_id16 object = emr_id16_random();
	emr_key_text key;
	const char *text = key.text;
	seen part = {.bytes = {0}};
	emr_id32 item = kit_put(b, &live.domain, object, 1, (emr_id32){{0}});

	kit_finish(&live.k, b, &batch);
	emr_batch_free(b);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	b = kit_batch(&live.k, live.domain.id);
	item = kit_unlink(b, &live.domain, object, 2, item);
	(void)kit_erase(b, &live.domain, object, 3, item, 1, 1);
	kit_finish(&live.k, b, &erasure);
	emr_batch_free(b);
	live_send(live.by_owner, emr_buf_view(&erasure), &commit);
	emr_key_part(EMR_FAMILY_OBJECT, live.domain.id.b, object.b, 1, &key);
	live_fine(emr_gateway_parts(live.by_owner, &call, &text, 1, keep_part, &part), &call);
	assert_int_equal(part.state, EMR_GATEWAY_PART_PURGED);
	emr_buf_free(&part.bytes);
}

TEST(the_same_batch_again_is_known_and_a_strangers_is_refused)
{
	EMR_AUTO_BUF envelope = {0}, batch = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_id16 object;

	batch = live_batch(2, &object);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	live_fine(emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
			  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_KNOWN);
	assert_int_equal(answer.n_results, 2);
	assert_int_equal(envelope.len, 0);
	emr_buf_clear(&batch);
	emr_buf_free(&batch);
	batch = live_batch(1, &object);
	live_fine(emr_gateway_register(live.by_client, &call, live.k.owner.signer_id,
			  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_REFUSED);
	assert_int_equal(answer.refusal, EMR_RESULT_SUBMITTER);
	batch.data[EMR_HEADER_BYTES - 1] ^= 1;
	live_fine(emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
			  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.refusal, EMR_RESULT_SIGNATURE);
}

/* The envelope is kept before it is sent; whoever comes back with it has one effect, also when it
 * was sent twice, and also through another organisation's gateway. */
TEST(a_transaction_that_was_interrupted_is_ended_by_its_envelope)
{
	EMR_AUTO_BUF envelope = {0}, batch = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit first, again;
	emr_gateway *elsewhere = live_gateway(live.owner, 2, 1);
	emr_id16 object;

	batch = live_batch(1, &object);
	live_fine(emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
			  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	live_fine(emr_gateway_submit(live.by_owner, &call, emr_buf_view(&envelope)), &call);
	/* Orderers by BFT call it a failure when some have put it into a block already. */
	(void)emr_gateway_submit(elsewhere, &call, emr_buf_view(&envelope));
	assert_true(call.is_open);
	live_fine(
		emr_gateway_settle(elsewhere, &call, emr_buf_view(&envelope), true, &first), &call);
	live_fine(emr_gateway_settle(live.by_owner, &call, emr_buf_view(&envelope), true, &again),
		&call);
	assert_int_equal(first.block, again.block);
	emr_gateway_close(elsewhere);
}

/* Two proposals on the same row, both endorsed before either is committed: one is overtaken, and
 * its batch is then judged again. */
TEST(who_is_overtaken_is_told_and_can_propose_anew)
{
	emr_buf envelopes[2] = {{0}, {0}}, batches[2] = {{0}, {0}};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_id16 object = emr_id16_random();

	for (int i = 0; i < 2; i++) {
		emr_batch_builder *b = kit_batch(&live.k, live.domain.id);

		(void)kit_put(b, &live.domain, object, 1, (emr_id32){{0}});
		kit_finish(&live.k, b, &batches[i]);
		emr_batch_free(b);
		live_fine(
			emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
				emr_buf_view(&batches[i]), (emr_bytes){0}, &envelopes[i], &answer),
			&call);
		assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
	}
	live_fine(emr_gateway_settle(
			  live.by_owner, &call, emr_buf_view(&envelopes[0]), false, &commit),
		&call);
	assert_status(EMR_CONFLICT, emr_gateway_settle(live.by_owner, &call,
					    emr_buf_view(&envelopes[1]), false, &commit));
	assert_string_equal(emr_gateway_fault_name(call.fault), "overtaken");
	assert_false(call.is_open);
	emr_buf_clear(&envelopes[1]);
	live_fine(emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
			  emr_buf_view(&batches[1]), (emr_bytes){0}, &envelopes[1], &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	assert_int_equal(answer.results[0], EMR_RESULT_CONFLICT);
	for (int i = 0; i < 2; i++) {
		emr_buf_free(&envelopes[i]);
		emr_buf_free(&batches[i]);
	}
}

typedef struct listener {
	int fd;
	uint64_t wanted_block, last_block;
	size_t events;
	emr_id32 batch_id;
} listener;

static emr_status hear(void *arg, const emr_gateway_event *event)
{
	listener *l = arg;
	uint64_t one = 1;

	l->last_block = event->block;
	if (event->is_block_end)
		return event->block >= l->wanted_block && write(l->fd, &one, sizeof one) < 0
			       ? EMR_IO
			       : EMR_OK;
	l->events++;
	assert_true(emr_bytes_equal(event->name, emr_bytes_of("batch", 5)));
	assert_true(event->payload.len > sizeof l->batch_id);
	memcpy(l->batch_id.b, event->payload.data, sizeof l->batch_id.b);
	return EMR_OK;
}

TEST(events_tell_which_batches_were_entered)
{
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_id16 object;
	emr_id32 id;
	listener l = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	emr_gateway_call call = emr_gateway_call_of(0, l.fd);

	batch = live_batch(1, &object);
	emr_batch_id(batch.data, id.b);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	l.wanted_block = commit.block;
	assert_status(EMR_INTERRUPTED, emr_gateway_events(live.by_owner, &call, 1, hear, &l));
	assert_true(l.events >= 5);
	assert_int_equal(l.last_block, commit.block);
	assert_memory_equal(l.batch_id.b, id.b, sizeof id.b);
	(void)close(l.fd);
}

typedef struct reading {
	size_t entries, items;
	emr_id32 last_batch;
	uint64_t last_block;
} reading;

static emr_status read_entry(void *arg, const emr_gateway_entry *entry)
{
	reading *r = arg;

	r->entries++;
	r->items += entry->results.len;
	r->last_block = entry->block;
	assert_true(entry->batch.len > EMR_HEADER_BYTES);
	assert_memory_equal(
		entry->submitter.b, live.k.owner.signer_id.b, sizeof entry->submitter.b);
	assert_true(emr_bytes_equal(entry->creator, emr_gateway_identity_creator(live.owner)));
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

/* Every organisation's peer has the same blocks and calls the same transactions valid. */
TEST(all_entries_are_read_from_the_blocks_of_each_peer)
{
	emr_gateway_position first = {0}, position, forked;
	reading all = {0}, more = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_id16 object;
	emr_id32 id;
	uint64_t told;

	read_all(live.by_client, &first, &all);
	assert_true(all.entries >= 8);
	batch = live_batch(3, &object);
	emr_batch_id(batch.data, id.b);
	live_send(live.by_owner, emr_buf_view(&batch), &commit);
	forked = first;
	read_all(live.by_client, &first, &more);
	assert_int_equal(more.entries, 1);
	assert_int_equal(more.items, 3);
	assert_int_equal(more.last_block, commit.block);
	assert_memory_equal(more.last_batch.b, id.b, sizeof id.b);
	for (int peer = 2; peer <= 3; peer++) {
		emr_gateway *other = live_gateway(live.owner, peer, 1);
		reading same = {0};

		position = (emr_gateway_position){0};
		while (position.next_block < first.next_block)
			read_all(other, &position, &same);
		assert_memory_equal(&position, &first, sizeof first);
		assert_int_equal(same.entries, all.entries + 1);
		emr_gateway_close(other);
	}
	forked.hash[0] ^= 1;
	assert_status(EMR_FORK,
		emr_gateway_entries(live.by_client, &call, &forked, 1, read_entry, &more, NULL));
	assert_string_equal(emr_gateway_fault_name(call.fault), "other-history");
	position = first; /* another one, who is gone, had a block more */
	told = position.next_block + 1;
	live_fine(
		emr_gateway_entries(live.by_client, &call, &position, 7, read_entry, &more, &told),
		&call);
	assert_int_equal(told, first.next_block);
	assert_memory_equal(&position, &first, sizeof first);
	position = first;
	position.next_block += 1000;
	assert_status(EMR_ROLLBACK,
		emr_gateway_entries(live.by_client, &call, &position, 1, read_entry, &more, NULL));
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
	assert_true(size >= 10);
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
	assert_true(rows.rows >= 8);
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
		live_fine(emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
				  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &judged),
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

TEST(a_wrong_channel_is_called_by_its_name)
{
	const char *address_key[1] = {"N"};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF row = {0};
	char address[64];
	emr_gateway_endpoint endpoint = {
		.address = address, .ca_file = live_file(1, "tlsca/cert.pem")};
	emr_gateway_options options = {.endpoints = &endpoint,
		.endpoint_count = 1,
		.channel = "elsewhere",
		.chaincode = "emrfs",
		.identity = live.client,
		.version = "0"};
	emr_gateway *gateway = NULL;

	(void)snprintf(address, sizeof address, "https://127.0.0.1:%d", live.ports[0]);
	assert_ok(emr_gateway_open(&options, &gateway));
	assert_status(
		EMR_OFFLINE, emr_gateway_rows(gateway, &call, address_key, 1, keep_row, &row));
	assert_string_equal(emr_gateway_fault_name(call.fault), "unavailable");
	emr_gateway_close(gateway);
	endpoint.ca_file = live_file(1, "ca/cert.pem");
	options.channel = "emrfs";
	assert_ok(emr_gateway_open(&options, &gateway));
	assert_status(EMR_DENIED, emr_gateway_rows(gateway, &call, address_key, 1, keep_row, &row));
	assert_string_equal(emr_gateway_fault_name(call.fault), "tls");
	emr_gateway_close(gateway);
}

static void kill_peer(int number)
{
	FILE *file;
	int pid = 0;

	file = fopen(live_file(0, printed("peer-%d.pid", number)), "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	(void)fclose(file);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

/* The one that was asked until now, with connections that lie idle, is gone from one moment to the
 * next.  Endorsers may still count on it for some seconds: then the same batch is proposed again.
 */
TEST(the_next_gateway_takes_over_from_a_peer_that_is_killed)
{
	EMR_AUTO_BUF batch = {0}, envelope = {0};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_gateway_position position = {0};
	reading all = {0};
	emr_id16 object;
	emr_id32 id;
	emr_status status;
	int tries = 0;

	batch = live_batch(2, &object);
	emr_batch_id(batch.data, id.b);
	kill_peer(1);
	do {
		call.timeout_ms = 5000;
		status = emr_gateway_register(live.by_owner, &call, live.k.owner.signer_id,
			emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer);
	} while (status != EMR_OK && emr_status_may_pass(status) && ++tries < 60);
	live_fine(status, &call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	assert_true(call.endpoint > 0);
	call.timeout_ms = LIVE_PATIENCE_MS;
	live_fine(emr_gateway_settle(live.by_owner, &call, emr_buf_view(&envelope), false, &commit),
		&call);
	read_all(live.by_owner, &position, &all);
	assert_memory_equal(all.last_batch.b, id.b, sizeof id.b);
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
		live_fine(emr_gateway_register(gateways[0], &call, live.k.owner.signer_id,
				  emr_buf_view(&batch), (emr_bytes){0}, &envelope, &judged),
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
