/* These tests are about the questions to a copy of the ledger: none of them looks through a table
 * that grows with the network. */
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

TESTS(NULL, NULL)
