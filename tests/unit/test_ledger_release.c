/* A ledger directory that an earlier version made opens, follows and verifies for ever.
 * `test_ledger_release make` makes it, once a format: the result goes into tests/releases/ and is
 * never changed. */

#include "ledger_kit.h"

static kit k;

/* A small life: a domain, files, a rename, a removal, an erased version. */
static int make(void)
{
	emr_id16 object = emr_id16_random();
	emr_replica_position position;
	emr_batch_builder *b;
	emr_replica *replica;
	kit_domain domain;
	emr_id32 item;
	char hex[65];

	kit_new(&k);
	domain = kit_domain_new(&k);
	kit_fill(&k, &domain, 5);
	b = kit_batch(&k, domain.id);
	item = kit_put(b, &domain, object, 1, (emr_id32){{0}});
	item = kit_put(b, &domain, object, 2, item);
	item = kit_unlink(b, &domain, object, 3, item);
	(void)kit_send(&k, b);
	b = kit_batch(&k, domain.id);
	(void)kit_erase(b, &domain, object, 4, item, 1, 1);
	(void)kit_send(&k, b);
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_at(replica, &position));
	emr_hex(position.root, 32, hex);
	printf("%s\n%llu %s\n", k.network, (unsigned long long)position.size, hex);
	emr_replica_close(replica);
	emr_ledger_close(k.ledger); /* the directory stays: copy it */
	return 0;
}

static void copy_in(const char *release, const char *name)
{
	assert_int_equal(system(printed("cp %s/%s/%s %s/ && chmod 0600 %s/%s", EMR_RELEASES_DIR,
				 release, name, k.network, k.network, name)),
		0);
}

TEST(a_kept_ledger_opens_follows_and_verifies)
{
	static const char expected_root[] =
		"787a67961fc59b949bf3c5facb8bd17fa5668dd928e1e2087dfda10631c0b29f";
	emr_ledger_options options = {.path = k.network};
	emr_replica_trouble trouble = {0};
	emr_replica_position position;
	emr_replica *replica;
	emr_replica_head head;
	size_t heads[4] = {0};
	uint64_t checked = 0;
	char hex[65];

	kit_begin(&k);
	assert_int_equal(mkdir(k.network, 0700), 0);
	options.path = k.network;
	copy_in("ledger-v1", "descriptor");
	copy_in("ledger-v1", "ledger.sqlite");
	assert_ok(emr_ledger_open(&options, &k.ledger));
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 6);
	emr_hex(position.root, 32, hex);
	assert_string_equal(hex, expected_root);
	{
		EMR_ASK(asked, replica, ALL_HEADS);
		while (emr_next(&asked, &head))
			heads[head.state]++;
		assert_ok(asked.status);
	}
	assert_int_equal(heads[1], 5); /* live */
	assert_int_equal(heads[2], 1); /* unlinked, one version of it erased */
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	emr_replica_close(replica);
	kit_end(&k);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "make") == 0)
		return make();
	return emr_tests_run(NULL, NULL);
}
