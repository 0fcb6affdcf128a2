/* These tests are about a ledger and this computer's copy of it on a disk that takes nothing:
 * both are read with what a killed process left in their logs, nothing is added, and no byte is
 * another afterwards. Others may write there all the same. */

#include "ledger_kit.h"
#include "still_kit.h"

static kit k;
static kit_domain domain;

AROUND(begin)
{
	kit_new(&k);
	domain = kit_domain_new(&k);
}

AROUND(end)
{
	still_is = false;
	kit_end(&k);
}

/* The same network and state in the directory BASE, opened there. */
static void open_in(const char *base, emr_ledger **out_ledger, emr_replica **out_replica, int *fd)
{
	char path[128];
	emr_ledger_options ledger = {.path = path, .submitter = k.keyring, .clock = &k.clock.clock};
	emr_replica_options replica = {.clock = &k.clock.clock};

	snprintf(path, sizeof path, "%s/network", base);
	assert_ok(emr_ledger_open(&ledger, out_ledger));
	*fd = replica.state_dirfd =
		open(printed("%s/state", base), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(replica.state_dirfd >= 0);
	replica.ledger = *out_ledger;
	assert_ok(emr_replica_open(&replica, out_replica));
}

/* Looks at what a process that had all open would leave, and at what is known then. */
static void look_at_what_is_left(
	emr_id16 object, uint64_t size, uint64_t followed, bool has_shared_memory)
{
	char base[96], line[256];
	emr_ledger *ledger;
	emr_replica *replica;
	emr_replica_position at;
	emr_replica_head head;
	emr_replica_trouble trouble = {0};
	EMR_AUTO_BUF batch = {0};
	emr_batch_builder *more = kit_batch(&k, domain.id);
	emr_ledger_answer answer;
	uint64_t found = 0, n = 0;
	char *before, *after;
	int fd;

	snprintf(base, sizeof base, "%s-left", k.base);
	still_copy(k.base, base);
	snprintf(line, sizeof line, "rm -f '%s'/*/*-shm", base);
	if (!has_shared_memory)
		assert_int_equal(system(line), 0);
	before = still_picture(base);
	still_is = true;
	open_in(base, &ledger, &replica, &fd);
	assert_ok(emr_ledger_size(ledger, &found));
	assert_int_equal(found, size);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, &n));
	assert_int_equal(n, 0);
	assert_ok(emr_replica_at(replica, &at));
	assert_int_equal(at.size, followed);
	assert_ok(emr_replica_head_get(replica, domain.id, object, &head));
	assert_int_equal(head.version, 2);
	assert_ok(emr_replica_verify_own(replica, &trouble, &n));
	assert_int_equal(n, followed);
	assert_ok(emr_replica_verify_chain(replica, &trouble, &n));
	(void)kit_put(more, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, more, &batch);
	assert_status(EMR_READ_ONLY, emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
	emr_replica_close(replica);
	emr_ledger_close(ledger);
	close(fd);
	still_is = false;
	after = still_picture(base);
	assert_string_equal(after, before);
	free(before);
	free(after);
	assert_int_equal(system(printed("rm -rf '%s'", base)), 0);
}

static emr_status take_any(void *arg, const emr_ledger_entry *entry)
{
	(void)arg, (void)entry;
	return EMR_OK;
}

static emr_id16 save(void)
{
	emr_id16 object = emr_id16_random();
	emr_id32 item = {{0}};

	for (uint64_t version = 1; version <= 2; version++) {
		emr_batch_builder *b = kit_batch(&k, domain.id);

		item = kit_put(b, &domain, object, version, item);
		(void)kit_send(&k, b);
	}
	return object;
}

TEST_IN(begin, end, what_the_logs_have_is_read_and_nothing_is_added)
{
	emr_id16 object = save();
	emr_replica *replica = kit_replica(&k);
	uint64_t size = 0;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_ledger_size(k.ledger, &size));
	look_at_what_is_left(object, size, size, true);
	look_at_what_is_left(object, size, size, false); /* as in a copy that left it out */
	kit_fill(&k, &domain, 3);
	look_at_what_is_left(
		object, size + 1, size, true); /* the copy is behind, and stays there */
	emr_replica_close(replica);
	look_at_what_is_left(object, size + 1, size, true);
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	look_at_what_is_left(object, size + 1, size, true); /* no logs */
}

/* All that it gives, as one who may only read that disk asks for it. */
static emr_status read_still(emr_ledger *still, uint64_t *out_size)
{
	emr_ledger_trouble trouble = {0};
	size_t n = 0;
	emr_status status;

	still_is = true;
	status = emr_ledger_size(still, out_size);
	if (status == EMR_OK)
		status = emr_ledger_entries(still, 0, SIZE_MAX, take_any, NULL, &n);
	if (status == EMR_OK)
		status = emr_ledger_verify(still, &trouble);
	still_is = false;
	if (status == EMR_OK)
		assert_true(n >= *out_size);
	return status;
}

TEST_IN(begin, end, others_who_write_where_this_one_may_only_read_damage_nothing)
{
	emr_ledger_options options = {
		.path = k.network, .submitter = k.keyring, .clock = &k.clock.clock};
	AUTO(emr_ledger_auto) emr_ledger *still;
	uint64_t size, seen;

	kit_fill(&k, &domain, 200);
	emr_ledger_close(k.ledger);
	still_is = true;
	assert_ok(emr_ledger_open(&options, &still));
	still_is = false;
	assert_ok(read_still(still, &seen));
	for (int round = 0; round < 4; round++) {
		k.ledger = kit_open(&k);
		for (int i = 0; i < 3; i++) {
			kit_fill(&k, &domain, 60);
			assert_ok(read_still(still, &seen));
			assert_ok(emr_ledger_size(k.ledger, &size));
			assert_int_equal(seen, size);
		}
		emr_ledger_close(k.ledger);
		k.ledger = NULL;
		assert_ok(read_still(still, &seen));
		assert_int_equal(seen, size);
	}
}

TESTS(NULL, NULL)
