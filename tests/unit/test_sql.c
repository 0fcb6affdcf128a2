/* These tests show that a ledger's database is read as quickly as it can be, and with nothing that
 * others may have put into it or beside it: no journal of theirs is played back, and no trigger or
 * view of theirs runs. Statements are prepared once, whatever is bound to them. */
#include "emr_test.h"

#include <limits.h>

#include "base/codec.h"
#include "ledger/sql.h"

/* ---- a directory with a database "things" ---- */

static char path[32];
static int fd;
static emr_sql sql;
static sqlite3_stmt *s;

AROUND(begin)
{
	strcpy(path, "/tmp/emr-sql-XXXXXX");
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	sql = (emr_sql){0};
	s = NULL;
}

/* Nothing else is left in it. */
AROUND(end)
{
	emr_sql_close(&sql);
	assert_int_equal(unlinkat(fd, "things", 0), 0);
	(void)unlinkat(fd, "things-wal", 0);
	(void)unlinkat(fd, "things-shm", 0);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

#define ONE_THING "CREATE TABLE things(value INTEGER); INSERT INTO things VALUES(5);"

static emr_sql_kind kind_of(const char *schema, const char *const *texts)
{
	return (emr_sql_kind){.application_id = 7, .format = 1, .schema = schema, .texts = texts};
}

TEST_IN(begin, end, a_statement_is_prepared_once_for_all_values)
{
	static const char *const texts[EMR_SQL_STATEMENTS] = {
		"SELECT value FROM things WHERE kind=?1 AND name=?2 AND a=0 AND b=0"};
	const emr_sql_kind kind =
		kind_of("CREATE TABLE things(kind INTEGER, name INTEGER, value INTEGER, a INTEGER,"
			" b INTEGER, UNIQUE(a, b, name, kind));"
			"CREATE INDEX numbers ON things(value) WHERE kind=32;"
			"INSERT INTO things VALUES(32, 1, 5, 0, 0), (32, 2, 6, 0, 0), (1, 1, 7, 0, "
			"0);",
			texts);

	assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
	for (uint64_t i = 0; i < 10; i++) {
		assert_ok(emr_sql_use(&sql, 0, &s));
		emr_sql_bind_u64(s, 1, i % 3 == 0 ? 1 : 32);
		emr_sql_bind_u64(s, 2, i % 3 == 0 ? 1 : i % 3);
		assert_ok(emr_sql_step(s));
		assert_int_equal(emr_sql_u64(s, 0), i % 3 == 0 ? 7 : 4 + i % 3);
	}
	assert_int_equal(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0), 0);
}

/* The bytes that SQLite looks for in a rollback journal: as many pages as the file has, none to put
 * back, and at its end the name of a file that tells of other journals, with its sum
 * (sqlite.org/fileformat2.html, section 3, and writeSuperJournal of pager.c). */
static void plant_journal(int dirfd, const char *name, const char *victim)
{
	static const uint8_t magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	size_t n = strlen(victim);
	uint8_t head[512] = {0}, end[4 + PATH_MAX + 16], *p = end;
	struct stat there;
	uint32_t sum = 0;
	EMR_AUTO_FD file = -1;

	assert_int_equal(fstatat(dirfd, "things", &there, 0), 0);
	memcpy(head, magic, sizeof magic);
	emr_put_u32(head + 16, (uint32_t)(there.st_size / 4096));
	emr_put_u32(head + 20, 512);
	emr_put_u32(head + 24, 4096);
	emr_put_u32(p, 0x40000000 / 4096 + 1);
	memcpy(p += 4, victim, n);
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)(signed char)victim[i];
	emr_put_u32(p += n, (uint32_t)n);
	emr_put_u32(p + 4, sum);
	memcpy(p + 8, magic, sizeof magic);
	file = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	assert_int_equal(write(file, head, sizeof head), sizeof head);
	assert_int_equal(write(file, end, 4 + n + 16), 4 + n + 16);
}

/* A writer beside a ledger could have had any file of its reader deleted. */
TEST_IN(begin, end, a_journal_that_somebody_planted_beside_a_database_deletes_nothing)
{
	static const char *const texts[EMR_SQL_STATEMENTS] = {"SELECT value FROM things"};
	const emr_sql_kind kind = kind_of(ONE_THING, texts);
	char victim[64];
	int other;

	snprintf(victim, sizeof victim, "%s/keyfile", path);
	other = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(other, "not a journal", 13), 13);
	close(other);
	assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
	emr_sql_close(&sql);
	plant_journal(fd, "things-journal", victim);
	assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
	assert_ok(emr_sql_use(&sql, 0, &s));
	assert_ok(emr_sql_step(s));
	assert_int_equal(emr_sql_u64(s, 0), 5);
	emr_sql_close(&sql);
	assert_int_equal(unlinkat(fd, "things-journal", 0), 0); /* nobody played it back */
	assert_int_equal(unlinkat(fd, "keyfile", 0), 0);
}

/* All programs that have a ledger open share its index in memory: who cuts that file could have
 * ended all of them. */
TEST_IN(begin, end, an_index_that_somebody_cuts_ends_no_program)
{
	static const char *const texts[EMR_SQL_STATEMENTS] = {
		"UPDATE things SET value=value+1", "SELECT value FROM things"};
	const emr_sql_kind kind = kind_of(ONE_THING, texts);
	emr_sql other = {0};

	for (uint64_t round = 0; round < 3; round++) {
		int shared;

		assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
		assert_ok(emr_sql_open(fd, "things", &kind, false, 1000, &other));
		assert_ok(emr_sql_use(&sql, 0, &s));
		assert_status(EMR_NOT_FOUND, emr_sql_step(s));
		emr_sql_rollback(&sql);
		shared = openat(fd, "things-shm", O_RDWR | O_CLOEXEC);
		assert_true(shared >= 0);
		assert_int_equal(ftruncate(shared, 0), 0);
		close(shared);
		/* At the latest what begins after that is refused, until it is opened again. */
		assert_ok(emr_sql_use(&sql, 1, &s));
		(void)emr_sql_step(s);
		emr_sql_rollback(&sql);
		assert_ok(emr_sql_use(&sql, 1, &s));
		assert_status(EMR_OFFLINE, emr_sql_step(s));
		emr_sql_rollback(&sql);
		assert_ok(emr_sql_use(&other, 1, &s));
		assert_status(EMR_OFFLINE, emr_sql_step(s));
		emr_sql_rollback(&other);
		emr_sql_close(&sql);
		emr_sql_close(&other);
		assert_ok(emr_sql_open(fd, "things", &kind, false, 1000, &sql));
		assert_ok(emr_sql_use(&sql, 1, &s));
		assert_ok(emr_sql_step(s));
		assert_int_equal(emr_sql_u64(s, 0), 6 + round);
		emr_sql_close(&sql);
	}
}

/* A trigger could empty what is registered; a view could be a table without an end. */
TEST_IN(begin, end, nothing_is_run_that_a_database_brings)
{
	static const char *const texts[EMR_SQL_STATEMENTS] = {
		"UPDATE things SET value=6", "SELECT value FROM things"};
	const emr_sql_kind kind = kind_of(ONE_THING
		"CREATE TRIGGER eat AFTER UPDATE ON things BEGIN DELETE FROM things; END;"
		"CREATE TABLE far(value INTEGER);",
		texts);
	sqlite3 *bare = NULL;

	assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
	assert_ok(emr_sql_use(&sql, 0, &s));
	assert_status(EMR_NOT_FOUND, emr_sql_step(s));
	assert_ok(emr_sql_use(&sql, 1, &s));
	assert_ok(emr_sql_step(s));
	assert_int_equal(emr_sql_u64(s, 0), 6);
	emr_sql_close(&sql);
	assert_int_equal(sqlite3_open(printed("%s/things", path), &bare), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(bare, "DROP TABLE things; CREATE VIEW things AS SELECT 7 AS value",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(bare);
	assert_ok(emr_sql_open(fd, "things", &kind, true, 1000, &sql));
	assert_true(emr_sql_use(&sql, 1, &s) != EMR_OK);
}

TESTS(NULL, NULL)
