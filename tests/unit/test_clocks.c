/* The times that submitters have said are looked for among all entries once, and not by each
 * program that opens the ledger: one leaves word where they are.  What is left changes no answer,
 * and a wrong one nobody goes by. */
#include <fcntl.h>
#include <unistd.h>

#include "base/codec.h"
#include "chain_private.h"
#include "folk_kit.h"
#include "ledger/network.h"

#define ENTRIES 1100

static size_t passes; /* over all entries */

emr_status __real_emr_sql_use(emr_sql *sql, int number, sqlite3_stmt **out_statement);
emr_status __wrap_emr_sql_use(emr_sql *sql, int number, sqlite3_stmt **out_statement);
emr_status __wrap_emr_sql_use(emr_sql *sql, int number, sqlite3_stmt **out_statement)
{
	passes += number == ENTRIES_NEWEST;
	return __real_emr_sql_use(sql, number, out_statement);
}

static emr_chain *open_chain(void)
{
	emr_chain *chain = NULL;
	int dir = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	assert_ok(emr_chain_open(dir, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 10000, &chain));
	(void)close(dir);
	return chain;
}

/* The row as it is in the file; NULL bytes: it goes. */
static void put_left(emr_bytes row)
{
	EMR_AUTO_CHAIN chain = open_chain();

	if (row.data == NULL) {
		kit_sql(k.network, "ledger.sqlite", "DELETE FROM meta WHERE name='clocks'");
		return;
	}
	assert_ok(emr_chain_begin(chain));
	assert_ok(chain_meta_put(chain, "clocks", row));
	assert_ok(emr_chain_commit(chain));
}

static void get_left(emr_buf *out)
{
	EMR_AUTO_CHAIN chain = open_chain();

	assert_ok(chain_meta_get(chain, "clocks", out));
}

/* How many times a program that opens the ledger now and saves once looks through all entries. */
static size_t passes_of_a_first_save(void)
{
	emr_ledger_close(k.ledger);
	k.ledger = kit_open(&k);
	passes = 0;
	kit_fill(&k, &health, 1);
	return passes;
}

static int begin(void **state)
{
	assert_int_equal(folk_with_clinic(state), 0);
	/* Once lima and the boss have said something, ana says the rest. */
	for (size_t i = 0; i < ENTRIES; i++)
		kit_fill(&k, &health, 1);
	return 0;
}

/* What each of them hears of the others, by a program that has just opened the ledger. */
static void hear(uint64_t out[4])
{
	const member *all[4] = {&ana, &lima, &agent, &boss};
	EMR_AUTO_CHAIN chain = open_chain();

	for (size_t i = 0; i < 4; i++)
		assert_ok(emr_chain_heard(chain, all[i]->public.signer_id.b, &out[i]));
}

static void the_next_program_looks_where_the_last_one_said(void **state)
{
	uint64_t with[4], without[4];
	EMR_AUTO_BUF row = {0};

	(void)state;
	put_left((emr_bytes){0});
	assert_int_equal(passes_of_a_first_save(), 1);
	assert_int_equal(passes_of_a_first_save(), 0);
	folk_pass(1000);
	kit_fill(&k, &health, 3);
	assert_int_equal(passes_of_a_first_save(), 0);
	passes = 0;
	hear(with);
	assert_int_equal(passes, 0);
	get_left(&row);
	put_left((emr_bytes){0});
	hear(without);
	assert_int_equal(passes, 1);
	assert_memory_equal(with, without, sizeof with);
	assert_true(with[1] > with[0]); /* ana's last word is 1,000 s later than the others' */
	put_left(emr_buf_view(&row));
}

static void what_is_left_is_not_written_with_every_save(void **state)
{
	EMR_AUTO_BUF before = {0};
	EMR_AUTO_BUF after = {0};

	(void)state;
	(void)passes_of_a_first_save();
	get_left(&before);
	kit_fill(&k, &health, 1);
	(void)passes_of_a_first_save();
	get_left(&after);
	assert_true(emr_bytes_equal(emr_buf_view(&before), emr_buf_view(&after)));
}

static void a_wrong_one_is_not_gone_by(void **state)
{
	EMR_AUTO_BUF row = {0};
	uint64_t expected[4], heard[4];

	(void)state;
	(void)passes_of_a_first_save();
	get_left(&row);
	for (int i = 0; i < 5; i++) {
		EMR_AUTO_BUF wrong = {0};

		hear(expected);
		assert_ok(emr_buf_append(&wrong, row.data, row.len));
		if (i == 0) /* of other entries */
			wrong.data[8] ^= 1;
		else if (i == 1) /* of more than there are */
			memset(wrong.data, 0x7f, 8);
		else if (i == 2) /* one that does not count yet */
			memcpy(wrong.data + 40, wrong.data, 8);
		else if (i == 3)
			wrong.len = 39;
		else
			wrong.len -= 3;
		put_left(emr_buf_view(&wrong));
		passes = 0;
		hear(heard);
		assert_int_equal(passes, 1);
		assert_memory_equal(heard, expected, sizeof heard);
		assert_int_equal(passes_of_a_first_save(), 1);
		/* Whoever looked through all of them has put it right. */
		assert_int_equal(passes_of_a_first_save(), 0);
	}
	kit_sql(k.network, "ledger.sqlite", "UPDATE meta SET value=x'00' WHERE name='clocks'");
	assert_int_equal(passes_of_a_first_save(), 1);
}

static void a_ledger_of_a_few_entries_has_none(void **state)
{
	EMR_AUTO_CHAIN chain = NULL;
	EMR_AUTO_BUF row = {0};

	assert_int_equal(folk_begin(state), 0);
	kit_fill(&k, &health, 1);
	chain = open_chain();
	assert_status(EMR_NOT_FOUND, chain_meta_get(chain, "clocks", &row));
	assert_int_equal(folk_end(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_program_looks_where_the_last_one_said),
		cmocka_unit_test(what_is_left_is_not_written_with_every_save),
		cmocka_unit_test(a_wrong_one_is_not_gone_by),
	};
	const struct CMUnitTest small[] = {cmocka_unit_test(a_ledger_of_a_few_entries_has_none)};
	int failed = cmocka_run_group_tests(tests, begin, folk_end);

	return failed + cmocka_run_group_tests(small, NULL, NULL);
}
