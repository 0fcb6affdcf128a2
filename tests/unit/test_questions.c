/* These tests are about the questions to a copy of the ledger: none of them looks through a table
 * that grows with the network, and a row that has rotted ends its question. */
#include "emr_test.h"

#include "ledger/chain.h"
#include "ledger/sql.h"
#include "replica/ask.h"

static const char *const texts[] = {
#define QUESTION(name, type, text) text,
#include "replica/questions.def"
#undef QUESTION
};

/* The plan of SQLite says SCAN where it reads a whole table, and USE TEMP B-TREE where it sorts all
 * rows before the first is given. */
TEST(no_question_scans_or_sorts_a_table)
{
	emr_chain *chain = NULL;

	assert_ok(emr_chain_open_temporary(&chain));
	emr_chain_make_indexes(chain);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sqlite3_stmt *plan;
		char text[2048];
		bool is_own;

		(void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", texts[i]);
		assert_ok(emr_chain_ask(chain, i, text, &plan, &is_own));
		while (emr_sql_step(plan) == EMR_OK) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if (strncmp(step, "SCAN", 4) == 0 || strstr(step, "ORDER BY") != NULL)
				fail_msg("%s: %s", texts[i], step);
		}
		emr_chain_asked(chain, plan, is_own);
	}
	emr_chain_close(chain);
}

/* As the disk could leave it: the bytes of a row and a sum that is of others. */
TEST(a_row_that_rotted_ends_its_question)
{
	static const struct {
		const char *put;
		emr_question question;
	} rotten[] = {
		{"INSERT INTO state(key, value, seq, time) VALUES('K/' || "
		 "lower(hex(zeroblob(32))), zeroblob(352), 1, 1)",
			EMR_QUESTION_PEOPLE},
		{"INSERT INTO item VALUES(1, 0, 32, zeroblob(32), 1, 1, zeroblob(16), 1, 1, 1, 1, "
		 "0, 0, 0, zeroblob(8))",
			EMR_QUESTION_SINCE},
	};
	emr_chain *chain = NULL;
	struct sqlite3_stmt *s;
	bool is_own;

	assert_ok(emr_chain_open_temporary(&chain));
	for (size_t i = 0; i < sizeof rotten / sizeof *rotten; i++) {
		assert_ok(emr_chain_ask(
			chain, EMR_CHAIN_QUESTIONS - 1 - i, rotten[i].put, &s, &is_own));
		assert_int_equal(emr_sql_step(s), EMR_NOT_FOUND);
		emr_chain_asked(chain, s, is_own);
		assert_ok(emr_chain_ask(
			chain, rotten[i].question, texts[rotten[i].question], &s, &is_own));
		(void)sqlite3_bind_int64(s, 1, 0); /* from entry 0 on, where it is asked */
		assert_int_equal(emr_sql_step(s), EMR_DAMAGED);
		emr_chain_asked(chain, s, is_own);
	}
	emr_chain_close(chain);
}

TESTS(NULL, NULL)
