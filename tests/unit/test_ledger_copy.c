/* These tests copy a ledger as it was at one moment, make a lost one again from a computer's own
 * copy when nothing is missing in that, and a lost copy from such a file, damaged as it may be. */

#include "ledger/copy.h"
#include "ledger_kit.h"

static kit k;

AROUND_BY(begin, kit_new(&k))

AROUND_BY(end, kit_end(&k))

/* The copy in a network directory of its own, opened. */
static emr_ledger *open_copy(emr_ledger_copy *copy)
{
	char path[160];
	EMR_AUTO_BUF descriptor = {0};
	emr_ledger_options options = {.path = path};
	emr_ledger *ledger = NULL;
	EMR_AUTO_FD fd = -1;

	(void)snprintf(path, sizeof path, "%s/copied", k.base);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_ledger_copy_write(copy, fd, EMR_NETWORK_LEDGER));
	assert_status(EMR_EXISTS, emr_ledger_copy_write(copy, fd, EMR_NETWORK_LEDGER));
	assert_ok(emr_ledger_copy_descriptor(copy, &descriptor));
	assert_ok(emr_file_create(fd, EMR_NETWORK_DESCRIPTOR, emr_buf_view(&descriptor), 0600));
	assert_ok(emr_ledger_open(&options, &ledger));
	return ledger;
}

TEST_IN(begin, end, a_copy_is_the_ledger_as_it_was_when_it_was_held)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	EMR_AUTO_LEDGER copied = NULL;
	kit_domain domain = kit_domain_new(&k);
	emr_ledger_trouble trouble;
	uint64_t held, now;
	uint8_t root[32], copied_root[32];
	bool is_newest = false;

	kit_fill(&k, &domain, 10);
	assert_ok(emr_ledger_size(k.ledger, &held));
	assert_ok(emr_ledger_root(k.ledger, held, root));
	assert_ok(emr_ledger_copy_open(k.network, &copy));
	assert_ok(emr_ledger_copy_is_newest(copy, &is_newest));
	assert_true(is_newest);
	kit_fill(&k, &domain, 700);
	assert_ok(emr_ledger_copy_is_newest(copy, &is_newest));
	assert_false(is_newest);
	copied = open_copy(copy);
	assert_ok(emr_ledger_size(copied, &now));
	assert_int_equal(now, held);
	assert_ok(emr_ledger_root(copied, held, copied_root));
	assert_memory_equal(root, copied_root, 32);
	assert_ok(emr_ledger_verify(copied, &trouble));
}

static bool not_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	(void)arg;
	(void)domain;
	(void)d_row;
	return false;
}

TEST_IN(begin, end, a_replica_that_lacks_parts_of_others_becomes_none_and_is_whole_as_a_copy)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_ledger_trouble trouble;
	emr_replica *replica = NULL;
	emr_replica_options options = {.state_dirfd = k.state_fd,
		.ledger = k.ledger,
		.clock = &k.clock.clock,
		.is_mine = not_mine};
	kit_domain domain = kit_domain_new(&k);

	kit_fill(&k, &domain, 5);
	assert_ok(emr_replica_open(&options, &replica));
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_close(replica);
	assert_ok(emr_ledger_copy_open_own(k.state, &copy));
	assert_status(EMR_DAMAGED, emr_ledger_copy_check(copy, false, &trouble));
	assert_ok(emr_ledger_copy_check(copy, true, &trouble));
}

static const struct {
	const char *sql;
	uint64_t whole; /* entries; 0: all */
	uint64_t gaps;	/* parts that only the ledger has */
} damages[] = {
	{"SELECT 1", 0, 0},
	{"UPDATE state SET value = substr(value,1,60) || x'aaaa' || substr(value,63) WHERE seq=3",
		0, 0},
	{"DELETE FROM item WHERE seq=3", 0, 0},
	{"UPDATE parts SET part = substr(part,1,40) || x'aaaa' || substr(part,43) WHERE seq=3", 0,
		5},
	{"UPDATE entries SET entry = substr(entry,1,260) || x'aaaa' || substr(entry,263) WHERE "
	 "seq=3",
		3, 0},
	{"UPDATE entries SET items = substr(items,1,40) || x'aaaa' || substr(items,43) WHERE seq=4",
		4, 0},
};

TEST_IN(begin, end, a_copy_of_a_damaged_ledger_has_what_is_true_in_it_and_the_ledger_gives_the_rest)
{
	kit_domain domain = kit_domain_new(&k);
	uint64_t size, first, missing, checked, n;

	kit_fill(&k, &domain, 5); /* entry 3 */
	kit_fill(&k, &domain, 5);
	assert_ok(emr_ledger_size(k.ledger, &size));
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		const uint64_t whole = damages[i].whole > 0 ? damages[i].whole : size;
		EMR_AUTO_FD fd = -1;
		EMR_AUTO_REPLICA replica = NULL;
		emr_ledger_trouble trouble;
		emr_status status;

		assert_int_equal(
			system(printed("cd %s && rm -rf kept %s/replica.* && cp -a %s kept", k.base,
				k.state, k.network)),
			0);
		kit_sql(printed("%s/kept", k.base), "ledger.sqlite", damages[i].sql);
		fd = open(printed("%s/kept", k.base), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		status = emr_ledger_copy_make_own(fd, k.state_fd, &trouble);
		assert_status(whole < size ? EMR_DAMAGED : EMR_OK, status);
		if (status == EMR_DAMAGED)
			assert_int_equal(trouble.seq, whole);
		replica = kit_replica(&k);
		assert_ok(emr_replica_catch_up(replica, NULL, NULL, &n));
		assert_int_equal(n, size - whole);
		assert_ok(emr_replica_missing(replica, &missing, &first));
		assert_int_equal(missing, damages[i].gaps);
		assert_ok(emr_replica_adopt(replica, domain.id, NULL));
		assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
		assert_int_equal(checked, size);
	}
}

TESTS(NULL, NULL)
