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

TEST_IN(begin, end, what_is_told_belongs_to_the_held_moment)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	kit_domain domain = kit_domain_new(&k);
	emr_ledger_copy_facts facts;
	uint64_t size;

	kit_fill(&k, &domain, 10);
	assert_ok(emr_ledger_copy_open(k.network, NULL, &copy));
	kit_fill(&k, &domain, 5);
	assert_ok(emr_ledger_copy_tell(copy, &facts));
	assert_int_equal(facts.records, 10);
	assert_true(emr_id16_equal(facts.net_id, k.net_id));
	assert_ok(emr_ledger_copy_renew(copy));
	assert_ok(emr_ledger_copy_tell(copy, &facts));
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_int_equal(facts.records, 15);
	assert_int_equal(facts.entries, size);
}

static emr_status see_member(void *arg, const emr_ledger_member *member)
{
	size_t *n = arg;

	assert_memory_equal(member->pk, k.owner.pk, 32);
	assert_true(emr_id32_equal(member->signer_id, k.owner.signer_id));
	assert_true(member->certificate.len > 100);
	assert_int_equal(member->certificate.data[0], 0x30);
	(*n)++;
	return EMR_OK;
}

TEST_IN(begin, end, members_are_told_with_key_and_certificate)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	size_t n = 0;

	assert_ok(emr_ledger_copy_open(k.network, NULL, &copy));
	assert_ok(emr_ledger_copy_members(copy, see_member, &n));
	assert_int_equal(n, 1);
}

TEST_IN(begin, end, without_a_ledger_there_is_nothing_to_hold)
{
	emr_ledger_copy *copy = NULL;

	assert_status(EMR_NOT_FOUND, emr_ledger_copy_open(k.state, NULL, &copy));
	assert_status(EMR_NOT_FOUND, emr_ledger_copy_open("/nowhere", NULL, &copy));
	assert_null(copy);
}

static bool not_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	(void)arg;
	(void)domain;
	(void)d_row;
	return false;
}

/* The ledger is lost: what this computer has verified of it becomes one again, when nothing is
 * missing in it. */
TEST_IN(begin, end, a_whole_replica_becomes_a_ledger_again)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	EMR_AUTO_LEDGER again = NULL;
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	emr_ledger_copy_facts facts;
	emr_ledger_trouble trouble;
	kit_domain domain = kit_domain_new(&k);
	uint64_t size, reaches = 0;
	uint8_t root[32], made[32];

	kit_fill(&k, &domain, 30);
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_ok(emr_ledger_root(k.ledger, size, root));
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_reaches(k.state_fd, &reaches, made));
	assert_int_equal(reaches, size);
	assert_ok(emr_ledger_copy_open_own(k.state, &copy));
	assert_ok(emr_ledger_copy_check(copy, false, &trouble));
	assert_ok(emr_ledger_copy_tell(copy, &facts));
	assert_int_equal(facts.entries, size);
	assert_int_equal(facts.records, 30);
	again = open_copy(copy);
	assert_ok(emr_ledger_root(again, size, made));
	assert_memory_equal(root, made, 32);
	assert_ok(emr_ledger_verify(again, &trouble));
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

TEST_IN(begin, end, a_members_copy_lacks_all_parts_of_a_folder_or_none)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_ledger_trouble trouble;
	emr_replica *replica = kit_replica(&k);
	kit_domain domain = kit_domain_new(&k);

	kit_fill(&k, &domain, 5);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_close(replica);
	kit_sql(k.state, "replica.sqlite",
		"DELETE FROM parts WHERE rowid IN (SELECT rowid FROM parts WHERE family=32 LIMIT "
		"1)");
	assert_ok(emr_ledger_copy_open_own(k.state, &copy));
	assert_status(EMR_DAMAGED, emr_ledger_copy_check(copy, true, &trouble));
}

TESTS(NULL, NULL)
