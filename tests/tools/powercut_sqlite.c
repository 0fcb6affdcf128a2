/*
 * powercut_sqlite - a small SQLite workload and its check, to prove the power-cut tools by.
 *
 *   powercut_sqlite write DATABASE full|off COUNT    each commit is promised in EMR_POWERCUT_MARK
 *   powercut_sqlite check DATABASE MARKS             status 0: whole, and every promise is there
 *
 * With synchronous=FULL no promise may ever be lost; with OFF some must be, or the tools are blind.
 */
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 3 }; /* of each transaction */

static sqlite3 *db;

static void run(const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
		errno = 0;
		emr_kit_die("%s: %s", sql, message);
	}
}

static int64_t ask(const char *sql, int64_t argument)
{
	sqlite3_stmt *statement;
	int64_t answer;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int64(statement, 1, argument);
	answer = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
	sqlite3_finalize(statement);
	return answer;
}

static void write_all(const char *mode, uint64_t count)
{
	const char *marks = getenv("EMR_POWERCUT_MARK");
	int mark = marks == NULL ? -1 : open(marks, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char text[256];

	if (mark < 0)
		emr_kit_die("EMR_POWERCUT_MARK");
	run("PRAGMA journal_mode=WAL");
	run(strcmp(mode, "full") == 0 ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
	run("PRAGMA wal_autocheckpoint=40");
	run("CREATE TABLE IF NOT EXISTS t(n INTEGER, row INTEGER, body BLOB)");
	for (uint64_t n = 1; n <= count; n++) {
		run("BEGIN IMMEDIATE");
		for (int row = 0; row < ROWS; row++) {
			snprintf(text, sizeof(text),
				"INSERT INTO t VALUES(%llu,%d,randomblob(%llu))",
				(unsigned long long)n, row, (unsigned long long)(n * 37 % 3000));
			run(text);
		}
		run("COMMIT");
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
		if (emr_kit_write_all(mark, text, strlen(text)) != 0)
			emr_kit_die("cannot promise");
	}
}

static int check_all(const char *marks)
{
	FILE *file = fopen(marks, "r");
	unsigned long long n, last = 0;

	if (file == NULL)
		emr_kit_die("cannot open %s", marks);
	while (fscanf(file, "%llu", &n) == 1)
		last = n;
	fclose(file);
	if (last == 0)
		return 0; /* nothing was promised yet, not even the table */
	if (ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check", 0) != 1)
		return printf("the database is damaged: %s\n", sqlite3_errmsg(db)), 1;
	for (n = 1; n <= last; n++)
		if (ask("SELECT count(*) FROM t WHERE n = ?", (int64_t)n) != ROWS)
			return printf("transaction %llu of %llu is lost\n", n, last), 1;
	if (ask("SELECT count(*) FROM (SELECT n FROM t GROUP BY n HAVING count(*) != 3)", 0) != 0)
		return printf("half a transaction\n"), 1;
	return 0;
}

int main(int argc, char **argv)
{
	errno = 0;
	if (argc < 4)
		emr_kit_die("usage: powercut_sqlite write|check, see its source's head");
	if (sqlite3_open(argv[2], &db) != SQLITE_OK)
		emr_kit_die("cannot open %s", argv[2]);
	if (strcmp(argv[1], "check") == 0)
		return check_all(argv[3]);
	if (argc != 5)
		emr_kit_die("usage: powercut_sqlite write DATABASE full|off COUNT");
	write_all(argv[3], emr_kit_number(argv[4]));
	sqlite3_close(db);
	return 0;
}
