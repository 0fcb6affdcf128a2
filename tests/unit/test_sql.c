/* Statements of the ledger's databases are prepared once, whatever is bound to them: an index with
 * a condition made SQLite prepare one again for each value that could meet it. */
#include "emr_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "ledger/sql.h"

static void a_statement_is_prepared_once_for_all_values(void **state)
{
	static const char *const texts[EMR_SQL_STATEMENTS] = {
		"SELECT value FROM things WHERE kind=?1 AND name=?2 AND a=0 AND b=0"};
	static const emr_sql_kind kind = {.application_id = 7,
		.format = 1,
		.schema =
			"CREATE TABLE things(kind INTEGER, name INTEGER, value INTEGER, a INTEGER,"
			" b INTEGER, UNIQUE(a, b, name, kind));"
			"CREATE INDEX numbers ON things(value) WHERE kind=32;"
			"INSERT INTO things VALUES(32, 1, 5, 0, 0), (32, 2, 6, 0, 0), (1, 1, 7, 0, "
			"0);",
		.texts = texts,
		.mode = 0600};
	char path[] = "/tmp/emr-sql-XXXXXX";
	sqlite3_stmt *s = NULL;
	emr_sql sql = {0};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
	for (uint64_t i = 0; i < 10; i++) {
		assert_ok(emr_sql_use(&sql, 0, &s));
		emr_sql_bind_u64(s, 1, i % 3 == 0 ? 1 : 32);
		emr_sql_bind_u64(s, 2, i % 3 == 0 ? 1 : i % 3);
		assert_ok(emr_sql_step(s));
		assert_int_equal(emr_sql_u64(s, 0), i % 3 == 0 ? 7 : 4 + i % 3);
	}
	assert_int_equal(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0), 0);
	emr_sql_close(&sql);
	assert_int_equal(unlinkat(fd, "things", 0), 0);
	(void)unlinkat(fd, "things-wal", 0);
	(void)unlinkat(fd, "things-shm", 0);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_is_prepared_once_for_all_values)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
