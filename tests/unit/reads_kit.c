/* Counts the rows that SQLite gives to a thread, and its steps to find them. */
#include "reads_kit.h"

#include <sqlite3.h>

#include "emr_test.h"

/* Looking one up takes fewer; where an index is missing, passing over one counts as well. */
#define STEPS_A_ROW 100

static _Thread_local uint64_t rows, steps;

WRAPPED(int, sqlite3_step, sqlite3_stmt *statement)
{
	int result = __real_sqlite3_step(statement);

	steps += (uint64_t)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
	rows += result == SQLITE_ROW;
	return result;
}

uint64_t rows_read(void)
{
	return rows + steps / STEPS_A_ROW;
}
