/* Every ledger must pass these tests, whatever it is built on: answers, refusals, several
 * processes at once, reading, proofs, checkpoints and waiting. */
#include <pthread.h>
#include <sys/wait.h>

#include "contract/item.h"
#include "crypto/merkle.h"
#include "ledger/checkpoint.h"
#include "ledger_kit.h"

static kit k;

AROUND_BY(begin, kit_new(&k))
AROUND_BY(end, kit_end(&k))

/* ---- submit ---- */

TEST_IN(begin, end, a_new_network_has_a_descriptor_and_its_owner)
{
	emr_bytes descriptor = emr_ledger_descriptor(k.ledger);
	emr_id16 net_id;

	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net_id.b);
	assert_memory_equal(net_id.b, emr_ledger_net_id(k.ledger).b, 16);
	assert_int_equal(kit_size(&k), 2);
	kit_sound(&k);
}

TEST_IN(begin, end, a_batch_is_answered_item_by_item)
{
	kit_domain d = kit_domain_new(&k);
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_id16 object = emr_id16_random();
	emr_id32 item = kit_put(b, &d, object, 1, (emr_id32){{0}});
	emr_ledger_answer answer;
	uint64_t seq = 0;
	uint16_t index = 9;

	(void)kit_unlink(b, &d, object, 2, item);
	answer = kit_send(&k, b);
	assert_int_equal(answer.n_results, 2);
	assert_int_equal(answer.seq, 3);
	assert_int_equal(answer.ledger_time, KIT_NOW);
	assert_ok(emr_ledger_find_item(k.ledger, item, &seq, &index));
	assert_int_equal(seq, 3);
	assert_int_equal(index, 0);
	assert_status(EMR_NOT_FOUND, emr_ledger_find_item(k.ledger, answer.batch_id, &seq, &index));
	kit_sound(&k);
}

TEST_IN(begin, end, the_same_bytes_again_give_the_old_answer)
{
	kit_domain d = kit_domain_new(&k);
	emr_batch_builder *b = kit_batch(&k, d.id);
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer first;
	emr_ledger_answer again;

	(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	(void)kit_unlink(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &first));
	assert_int_equal(first.results[0], EMR_RESULT_APPLIED);
	assert_true(first.results[1] >= 16);
	kit_clock_set(&k.clock, KIT_NOW + 40 * 86400); /* long after the batch ran out */
	emr_ledger_close(k.ledger);
	k.ledger = kit_open(&k);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &again));
	assert_true(again.is_repeat);
	assert_int_equal(again.seq, first.seq);
	assert_int_equal(again.ledger_time, first.ledger_time);
	assert_memory_equal(again.results, first.results, 2);
	assert_int_equal(kit_size(&k), first.seq + 1);
}

static void assert_refused(emr_bytes batch, unsigned code)
{
	emr_ledger_answer answer;
	uint64_t size = kit_size(&k);

	assert_ok(emr_ledger_submit(k.ledger, batch, &answer));
	assert_int_equal(answer.refusal, code);
	assert_int_equal(answer.n_results, 0);
	assert_int_equal(kit_size(&k), size);
}

TEST_IN(begin, end, what_breaks_the_rules_as_a_whole_leaves_no_entry)
{
	kit_domain d = kit_domain_new(&k);
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_id16 net_id = k.net_id;
	EMR_AUTO_BUF bytes = {0};
	uint8_t *large = calloc(1, EMR_LEDGER_BATCH_MAX + 1);
	emr_ledger_answer answer;

	(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	bytes.data[150] ^= 1;
	assert_refused(emr_buf_view(&bytes), EMR_RESULT_SIGNATURE);
	bytes.data[150] ^= 1;
	assert_refused(emr_bytes_of(bytes.data, bytes.len - 1), EMR_RESULT_FORMAT);
	assert_refused(emr_bytes_of(bytes.data, 100), EMR_RESULT_FORMAT);
	assert_refused(emr_bytes_of(bytes.data, 0), EMR_RESULT_FORMAT);
	bytes.data[EMR_HEADER_BYTES + 30] ^= 1; /* an item: the root does not fit */
	assert_refused(emr_buf_view(&bytes), EMR_RESULT_FORMAT);
	bytes.data[EMR_HEADER_BYTES + 30] ^= 1;
	kit_clock_set(&k.clock, KIT_NOW - 3601);
	assert_refused(emr_buf_view(&bytes), EMR_RESULT_TIME_AHEAD);
	kit_clock_set(&k.clock, KIT_NOW + 3601);
	if (!kit_backend_in_use->is_in_channel) /* which keeps what it answered */
		assert_refused(emr_buf_view(&bytes), EMR_RESULT_EXPIRED_BATCH);
	kit_clock_set(&k.clock, KIT_NOW);
	k.net_id.b[0] ^= 1;
	b = kit_batch(&k, d.id);
	k.net_id = net_id;
	(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	assert_refused(emr_buf_view(&bytes), EMR_RESULT_NETWORK);
	assert_status(EMR_LIMIT, emr_ledger_submit(k.ledger,
					 emr_bytes_of(large, EMR_LEDGER_BATCH_MAX + 1), &answer));
	free(large);
	kit_sound(&k);
}

TEST_IN(begin, end, a_batch_that_has_seen_another_log_is_refused)
{
	kit_domain d = kit_domain_new(&k);
	EMR_AUTO_BUF bytes = {0};
	emr_batch_builder *b = NULL;
	emr_batch_options options = {.keyring = k.keyring,
		.signer = emr_signer_domain(d.id, 1),
		.net_id = k.net_id,
		.seen_seq = 1,
		.seen_leaf = {{7}}};

	if (kit_backend_in_use->is_in_channel)
		skip();
	assert_ok(emr_batch_new(&options, &b));
	(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	assert_refused(emr_buf_view(&bytes), EMR_RESULT_FORK);
	options.seen_seq = 77; /* beyond the end */
	assert_ok(emr_batch_new(&options, &b));
	(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	assert_refused(emr_buf_view(&bytes), EMR_RESULT_FORK);
}

TEST_IN(begin, end, the_second_save_over_one_version_is_a_conflict)
{
	kit_domain d = kit_domain_new(&k);
	emr_id16 object = emr_id16_random();
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_id32 first = kit_put(b, &d, object, 1, (emr_id32){{0}});
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;

	(void)kit_send(&k, b);
	b = kit_batch(&k, d.id);
	(void)kit_put(b, &d, object, 2, first);
	(void)kit_send(&k, b);
	b = kit_batch(&k, d.id);
	(void)kit_put(b, &d, object, 2, first);
	kit_finish(&k, b, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	assert_int_equal(answer.results[0], EMR_RESULT_CONFLICT);
	kit_sound(&k);
}

TEST_IN(begin, end, a_batch_holds_501_items_and_one_mebibyte)
{
	kit_domain d = kit_domain_new(&k);
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_operation operation = {
		.op = EMR_OP_PUT, .domain = d.id, .version = 1, .time = KIT_NOW, .epoch = 1};
	uint8_t *part = calloc(1, EMR_BATCH_SEND_BYTES);
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;
	emr_id32 id;

	for (size_t i = 0; i < EMR_BATCH_SEND_ITEMS; i++)
		(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
	operation.priv = emr_bytes_of(part, 64);
	assert_status(EMR_LIMIT, emr_batch_add(b, &operation, &id));
	assert_int_equal(kit_send(&k, b).n_results, EMR_BATCH_SEND_ITEMS);
	b = kit_batch(&k, d.id);
	operation.priv =
		emr_bytes_of(part, EMR_BATCH_SEND_BYTES - EMR_HEADER_BYTES - EMR_ITEM_BYTES + 1);
	assert_status(EMR_LIMIT, emr_batch_add(b, &operation, &id));
	operation.priv.len--;
	assert_ok(emr_batch_add(b, &operation, &id));
	assert_int_equal(emr_batch_size(b), EMR_BATCH_SEND_BYTES);
	kit_finish(&k, b, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	assert_int_equal(answer.results[0], EMR_RESULT_PRIVATE_PART); /* a save has no such part */
	free(part);
	kit_sound(&k);
}

TEST_IN(begin, end, a_handle_without_a_submitter_only_reads)
{
	EMR_AUTO_LEDGER reader = NULL;
	emr_ledger_options options = {.path = k.network};
	emr_ledger_answer answer;
	uint64_t size = 0;

	if (!kit_backend_in_use->is_files)
		skip();
	assert_ok(emr_ledger_open(&options, &reader));
	assert_status(EMR_DENIED, emr_ledger_submit(reader, emr_bytes_of("x", 1), &answer));
	assert_ok(emr_ledger_size(reader, &size));
	assert_int_equal(size, 2);
}

/* ---- several processes ---- */

#define CHILDREN 4
#define ROUNDS 12

/* Does what a process does that lost a race: it follows the ledger and looks where the row stands
 * now. */
static emr_id32 newest(const kit_domain *d, emr_id16 object, uint64_t *out_next_version)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	emr_replica_head head;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_head_get(replica, d->id, object, &head));
	*out_next_version = head.version + 1;
	return head.item_id;
}

/* Saves over one object until ROUNDS of its own saves were taken. */
static int child(const char *base, const char *domain_hex, const char *object_hex)
{
	kit_domain d = {0};
	emr_id16 object;
	emr_id32 prev = {{0}};
	uint64_t version = 1;

	kit_load_keyring(&k, base);
	assert_ok(emr_unhex(domain_hex, d.id.b, 16));
	assert_ok(emr_unhex(object_hex, object.b, 16));
	(void)snprintf(k.state, sizeof k.state, "%s/state-%d", base, (int)getpid());
	assert_int_equal(mkdir(k.state, 0700), 0);
	k.state_fd = open(k.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int done = 0; done < ROUNDS;) {
		emr_batch_builder *b = kit_batch(&k, d.id);
		EMR_AUTO_BUF bytes = {0};
		emr_ledger_answer answer;
		emr_id32 item = kit_put(b, &d, object, version, prev);
		kit_finish(&k, b, &bytes);
		assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
		assert_int_equal(answer.refusal, 0);
		if (answer.results[0] == EMR_RESULT_APPLIED) {
			done++;
			version++;
			prev = item;
			continue;
		}
		assert_int_equal(answer.results[0], EMR_RESULT_CONFLICT);
		prev = newest(&d, object, &version);
	}
	emr_ledger_close(k.ledger);
	emr_keyring_free(k.keyring);
	return 0;
}

TEST_IN(begin, end, processes_that_save_at_once_lose_nothing)
{
	kit_domain d = kit_domain_new(&k);
	emr_id16 object = emr_id16_random();
	char domain_hex[33];
	char object_hex[33];
	pid_t pids[CHILDREN];
	EMR_AUTO_REPLICA replica = NULL;
	emr_replica_head head;

	kit_save_keyring(&k);
	emr_hex(d.id.b, 16, domain_hex);
	emr_hex(object.b, 16, object_hex);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			/* A new program: secrets are not inherited by fork. */
			execl("/proc/self/exe", "child", k.base, domain_hex, object_hex,
				(char *)NULL);
			_exit(127);
		}
	}
	for (int i = 0; i < CHILDREN; i++) {
		int status = 0;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	kit_sound(&k);
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_head_get(replica, d.id, object, &head));
	assert_int_equal(head.version, (uint64_t)CHILDREN * ROUNDS);
}

/* ---- reading ---- */

typedef struct chain_check {
	uint64_t next;
	uint8_t leaf[32];
} chain_check;

static emr_status check_link(void *arg, const emr_ledger_entry *entry)
{
	chain_check *c = arg;
	emr_entry parsed;
	uint64_t size;

	assert_int_equal(entry->seq, c->next);
	if (entry->seq > 0) {
		assert_int_equal(
			emr_entry_parse((emr_span){entry->entry.data, entry->entry.len}, &parsed),
			EMR_CONTRACT_OK);
		assert_int_equal(parsed.seq, entry->seq);
		assert_memory_equal(parsed.prev_entry, c->leaf, 32);
	}
	emr_entry_leaf((emr_span){entry->entry.data, entry->entry.len}, c->leaf);
	c->next++;
	return emr_ledger_size(k.ledger, &size); /* calling the ledger from here is fine */
}

TEST_IN(begin, end, entries_are_chained_in_order)
{
	kit_domain d = kit_domain_new(&k);
	chain_check c = {0};
	size_t n = 0;

	for (int i = 0; i < 150; i++)
		kit_fill(&k, &d, 1);
	assert_ok(emr_ledger_entries(k.ledger, 0, 1000, check_link, &c, &n));
	assert_int_equal(n, 153);
	assert_ok(emr_ledger_entries(k.ledger, 153, 10, check_link, &c, &n));
	assert_int_equal(n, 0);
	c.next = 150;
	assert_ok(emr_ledger_entries(k.ledger, 149, 0, check_link, &c, &n));
	assert_int_equal(n, 0);
}

static emr_status count_entries(void *arg, const emr_ledger_entry *entry)
{
	(void)entry;
	(*(size_t *)arg)++;
	return *(size_t *)arg == 3 ? EMR_INTERRUPTED : EMR_OK;
}

TEST_IN(begin, end, a_walk_ends_when_it_is_told_to)
{
	kit_domain d = kit_domain_new(&k);
	size_t seen = 0;
	size_t n = 0;

	kit_fill(&k, &d, 1);
	kit_fill(&k, &d, 1);
	assert_status(
		EMR_INTERRUPTED, emr_ledger_entries(k.ledger, 0, 10, count_entries, &seen, &n));
	assert_int_equal(n, 2);
}

typedef struct fetched {
	emr_buf parts[2];
	bool is_there[2];
} fetched;

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	fetched *f = arg;

	f->is_there[index] = part.data != NULL;
	emr_buf_clear(&f->parts[index]);
	return emr_buf_append(&f->parts[index], part.data, part.len);
}

static bool file_has(const char *name, const uint8_t *bytes, size_t len)
{
	EMR_AUTO_FREE char *all = NULL;
	bool has;
	long size;
	FILE *file;

	file = fopen(printed("%s/%s", k.network, name), "rb");
	if (file == NULL)
		return false;
	(void)fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	all = malloc((size_t)size + 1);
	assert_int_equal(fread(all, 1, (size_t)size, file), (size_t)size);
	(void)fclose(file);
	has = memmem(all, (size_t)size, bytes, len) != NULL;
	return has;
}

TEST_IN(begin, end, an_erased_part_is_gone_also_from_the_disk)
{
	kit_domain d = kit_domain_new(&k);
	emr_id16 object = emr_id16_random();
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_id32 first = kit_put(b, &d, object, 1, (emr_id32){{0}});
	emr_id32 second = kit_put(b, &d, object, 2, first);
	emr_part_key keys[2] = {{d.id, object, 1, 0x20}, {d.id, object, 2, 0x20}};
	fetched f = {0};
	uint8_t salt[32];

	(void)kit_send(&k, b);
	assert_ok(emr_ledger_fetch(k.ledger, keys, 2, take_part, &f));
	assert_true(f.is_there[0] && f.is_there[1]);
	assert_int_equal(f.parts[0].len, 828);
	memcpy(salt, f.parts[0].data, 32);
	if (kit_backend_in_use->is_files)
		assert_true(file_has("ledger.sqlite", salt, 32) ||
			    file_has("ledger.sqlite-wal", salt, 32));
	b = kit_batch(&k, d.id);
	(void)kit_erase(b, &d, object, 3, second, 1, 1);
	(void)kit_send(&k, b);
	assert_ok(emr_ledger_fetch(k.ledger, keys, 2, take_part, &f));
	assert_false(f.is_there[0]);
	assert_true(f.is_there[1]);
	/* One who follows a channel answers first, and forgets then. */
	while (kit_backend_in_use->is_files &&
		(file_has("ledger.sqlite", salt, 32) || file_has("ledger.sqlite-wal", salt, 32)))
		(void)usleep(1000);
	emr_buf_free(&f.parts[0]);
	emr_buf_free(&f.parts[1]);
	kit_sound(&k);
}

/* ---- proofs ---- */

TEST_IN(begin, end, every_entry_is_proven_in_every_tree)
{
	kit_domain d = kit_domain_new(&k);
	uint8_t roots[16][32];
	uint8_t leaf[32];
	emr_ledger_path path;
	uint64_t size;

	for (int i = 0; i < 10; i++)
		kit_fill(&k, &d, 1);
	size = kit_size(&k);
	assert_int_equal(size, 13);
	for (uint64_t n = 1; n <= size; n++)
		assert_ok(emr_ledger_root(k.ledger, n, roots[n]));
	for (uint64_t seq = 1; seq < size; seq++)
		for (uint64_t n = seq + 1; n <= size; n++) {
			emr_ledger_proof proof;
			emr_entry entry;
			emr_header header;
			assert_ok(emr_ledger_prove(k.ledger, seq, 0, n, &proof));
			emr_entry_leaf((emr_span){proof.entry.data, proof.entry.len}, leaf);
			assert_true(emr_merkle_inclusion_verify(
				leaf, seq, n, proof.log_path.hashes, proof.log_path.n, roots[n]));
			assert_int_equal(
				emr_entry_parse(
					(emr_span){proof.entry.data, proof.entry.len}, &entry),
				EMR_CONTRACT_OK);
			assert_int_equal(
				emr_header_parse(
					(emr_span){entry.header, EMR_HEADER_BYTES}, &header),
				EMR_CONTRACT_OK);
			emr_entry_leaf((emr_span){proof.item.data, proof.item.len}, leaf);
			assert_true(emr_merkle_inclusion_verify(leaf, 0, header.count,
				proof.item_path.hashes, proof.item_path.n, header.root));
			assert_int_equal(proof.result, EMR_RESULT_APPLIED);
			emr_ledger_proof_free(&proof);
		}
	assert_status(EMR_INVALID, emr_ledger_root(k.ledger, 0, leaf));
	assert_status(EMR_INVALID, emr_ledger_root(k.ledger, size + 1, leaf));
	assert_status(EMR_INVALID, emr_ledger_inclusion(k.ledger, size, size, &path));
}

TEST_IN(begin, end, a_proof_of_another_items_place_fails)
{
	kit_domain d = kit_domain_new(&k);
	emr_ledger_proof proof;
	uint8_t root[32];
	uint8_t leaf[32];

	kit_fill(&k, &d, 5);
	assert_ok(emr_ledger_root(k.ledger, 4, root));
	assert_ok(emr_ledger_prove(k.ledger, 3, 4, 4, &proof));
	emr_entry_leaf((emr_span){proof.entry.data, proof.entry.len}, leaf);
	assert_false(emr_merkle_inclusion_verify(
		leaf, 2, 4, proof.log_path.hashes, proof.log_path.n, root));
	emr_ledger_proof_free(&proof);
	assert_status(EMR_INVALID, emr_ledger_prove(k.ledger, 3, 5, 4, &proof));
	assert_status(EMR_INVALID, emr_ledger_prove(k.ledger, 0, 0, 4, &proof));
}

static void make_note(uint64_t size, emr_buf *out)
{
	emr_checkpoint checkpoint = {.net_id = k.net_id, .size = size};

	assert_ok(emr_ledger_root(k.ledger, size, checkpoint.root));
	assert_ok(emr_checkpoint_cosign(&checkpoint, k.keyring, KIT_NOW));
	assert_ok(emr_checkpoint_format(&checkpoint, out));
}

TEST_IN(begin, end, a_checkpoint_is_kept_and_never_goes_back)
{
	kit_domain d = kit_domain_new(&k);
	EMR_AUTO_BUF note = {0};
	EMR_AUTO_BUF kept = {0};
	emr_checkpoint parsed;
	uint8_t log_pk[32];

	assert_status(EMR_NOT_FOUND, emr_ledger_checkpoint(k.ledger, &kept));
	kit_fill(&k, &d, 1);
	make_note(4, &note);
	assert_ok(emr_ledger_leave_checkpoint(k.ledger, emr_buf_view(&note)));
	assert_ok(emr_ledger_checkpoint(k.ledger, &kept));
	assert_ok(emr_checkpoint_parse(emr_buf_view(&kept), &parsed));
	assert_ok(emr_keyring_log_public(k.keyring, k.net_id, log_pk));
	assert_ok(emr_checkpoint_verify(&parsed, k.owner.signer_id, log_pk));
	make_note(3, &note);
	assert_status(EMR_ROLLBACK, emr_ledger_leave_checkpoint(k.ledger, emr_buf_view(&note)));
	parsed.root[0] ^= 1;
	assert_ok(emr_checkpoint_format(&parsed, &note));
	assert_status(EMR_FORK, emr_ledger_leave_checkpoint(k.ledger, emr_buf_view(&note)));
}

/* ---- waiting ---- */

static void *save_from_a_thread(void *arg)
{
	kit_domain *d = arg;

	kit_fill(&k, d, 1);
	return NULL;
}

static void *wake_from_a_thread(void *arg)
{
	emr_ledger_wake(arg);
	return NULL;
}

TEST_IN(begin, end, a_waiter_hears_of_a_save_and_can_be_woken)
{
	kit_domain d = kit_domain_new(&k);
	EMR_AUTO_LEDGER other = kit_open(&k);
	pthread_t thread;
	uint64_t size = 0;

	assert_status(EMR_TIMEOUT, emr_ledger_wait(other, 3, 20, &size));
	assert_ok(emr_ledger_wait(other, 2, 0, &size));
	assert_int_equal(size, 3);
	assert_int_equal(pthread_create(&thread, NULL, save_from_a_thread, &d), 0);
	assert_ok(emr_ledger_wait(other, 3, 20000, &size));
	assert_int_equal(size, 4);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, wake_from_a_thread, other), 0);
	assert_status(EMR_INTERRUPTED, emr_ledger_wait(other, 4, 20000, &size));
	assert_int_equal(pthread_join(thread, NULL), 0);
}

typedef struct many {
	kit_domain d;
	int n;
} many;

static void *save_many(void *arg)
{
	const many *m = arg;

	for (int i = 0; i < m->n; i++)
		kit_fill(&k, &m->d, 1);
	return NULL;
}

TEST_IN(begin, end, threads_share_one_handle)
{
	many m = {.d = kit_domain_new(&k), .n = 20};
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, save_many, &m), 0);
	for (int i = 0; i < 20; i++) {
		size_t n = 0;
		chain_check c = {0};
		assert_ok(emr_ledger_entries(k.ledger, 0, 1000, check_link, &c, &n));
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(kit_size(&k), 63);
	kit_sound(&k);
}

int ledger_suite(int argc, char **argv)
{
	if (argc == 4)
		return child(argv[1], argv[2], argv[3]);
	return emr_tests_run_named(kit_backend_in_use->name, NULL, NULL);
}
