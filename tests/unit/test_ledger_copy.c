/* These tests copy a ledger as it was at one moment, and make a lost one again from a computer's
 * own copy when nothing is missing in that. */

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
	assert_ok(emr_ledger_copy_open(k.network, NULL, &copy));
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

TESTS(NULL, NULL)
