/* This wraps SQLite for the ledger and the replica: one connection with its prepared statements,
 * and every result as an emr_status. It refuses to open a file of another kind or a newer format,
 * or one that is not write-ahead and synchronous as asked. */
#pragma once

#include <limits.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/id.h"
#include "base/status.h"

#define EMR_SQL_STATEMENTS 48

/* Pages that stay in memory. */
typedef enum emr_sql_room {
	EMR_SQL_REST,  /* between transactions */
	EMR_SQL_BATCH, /* of what one batch changes */
	EMR_SQL_MANY,  /* of what thousands of entries change */
} emr_sql_room;

/* One connection; used by one thread at a time.  Zero-initialised is closed. */
typedef struct emr_sql {
	sqlite3 *db;
	const char *const *texts; /* statement texts by number; static */
	sqlite3_stmt *statements[EMR_SQL_STATEMENTS];
	emr_sql_room room;
	bool is_log_long;   /* since emr_sql_begin_many */
	bool is_still;	    /* on a disk that takes nothing: it is only read */
	emr_disk_seen seen; /* with is_still */
} emr_sql;

typedef struct emr_sql_kind {
	uint32_t application_id; /* PRAGMA application_id */
	uint32_t format;	 /* PRAGMA user_version: the newest this program knows */
	const char *schema;	 /* CREATE statements of that format */
	const char *const *texts;
	bool survives_power_cut; /* synchronous FULL, else NORMAL */
	bool has_triggers;	 /* else none that the file brings is run */
} emr_sql_kind;

/* Of every connection of this process, whatever it is for: it takes memory for a page when it has
 * one to keep, and not for twenty as it opens.  Before any is opened; later it changes nothing. */
void emr_sql_take_pages_singly(void);
/* The whole path of NAME in the directory DIRFD, which is what SQLite takes.  EMR_LIMIT: too long.
 */
emr_status emr_sql_path(int dirfd, const char *name, char out_path[PATH_MAX]);
/* Opens NAME in the directory DIRFD, which must exist unless MAY_CREATE.  Sets busy timeout, WAL,
 * synchronous (outside any transaction, where alone it counts) and secure_delete, and reads them
 * back.  On a disk that takes nothing (base/disk.h) it is opened for reading, whatever is asked,
 * with what its log has. EMR_NOT_FOUND, EMR_NEWER_FORMAT, EMR_DAMAGED (not such a file), EMR_IO,
 * EMR_BUSY; EMR_OFFLINE: it was being written where it cannot be locked. */
emr_status emr_sql_open(int dirfd, const char *name, const emr_sql_kind *kind, bool may_create,
	uint32_t busy_ms, emr_sql *out_sql);
/* With the schema of KIND, on no name. */
emr_status emr_sql_open_temporary(const emr_sql_kind *kind, emr_sql *out_sql);
void emr_sql_close(emr_sql *sql);
/* It is read without locks, on a disk that takes nothing here, and somebody else wrote it since it
 * was opened: what it says counts for nothing, and it is to be opened again. */
bool emr_sql_is_overtaken(const emr_sql *sql);
/* STATUS, of what was read; EMR_OFFLINE when it was overtaken meanwhile. */
emr_status emr_sql_seen(const emr_sql *sql, emr_status status);

/* The status for an SQLite result code; logs the code when it is neither success nor busy. */
emr_status emr_sql_status(sqlite3 *db, int code);

/* Statement NUMBER, prepared once, reset, without bindings. */
emr_status emr_sql_use(emr_sql *sql, int number, sqlite3_stmt **out_statement);
/* EMR_OK for a row, EMR_NOT_FOUND at the end (the statement is then reset). */
emr_status emr_sql_step(sqlite3_stmt *statement);
/* Runs to its end, expecting no row. */
emr_status emr_sql_done(sqlite3_stmt *statement);
emr_status emr_sql_run(emr_sql *sql, const char *text);

emr_status emr_sql_begin(emr_sql *sql); /* BEGIN IMMEDIATE; EMR_READ_ONLY: the disk takes nothing */
/* The same for thousands of entries: their pages have more room in memory, and go from the
 * write-ahead log into the file when emr_sql_settle is called, or the log is very long. */
emr_status emr_sql_begin_many(emr_sql *sql);
/* For a while the log may be longer than the file that it goes into: is so much free? */
bool emr_sql_has_room_for_many(const emr_sql *sql);
/* Outside of a transaction, after such ones.  Costs nothing where there were none. */
void emr_sql_settle(emr_sql *sql);
emr_status emr_sql_begin_read(emr_sql *sql); /* a snapshot */
emr_status emr_sql_commit(emr_sql *sql);
void emr_sql_rollback(emr_sql *sql); /* fine when no transaction is open */

static inline emr_bytes emr_sql_bytes(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);
	return emr_bytes_of(data, (size_t)sqlite3_column_bytes(statement, column));
}
/* Zeros where the column has none. */
static inline emr_id32 emr_sql_id32(sqlite3_stmt *statement, int column)
{
	const uint8_t *id = sqlite3_column_blob(statement, column);
	return sqlite3_column_bytes(statement, column) == 32 ? EMR_ID32_AT(id) : (emr_id32){{0}};
}
/* Binds without copying: the bytes must live until the statement is reset. */
static inline void emr_sql_bind(sqlite3_stmt *statement, int index, const void *data, size_t len)
{
	sqlite3_bind_blob64(statement, index, len ? data : (const void *)"", len, SQLITE_STATIC);
}
static inline void emr_sql_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}
static inline void emr_sql_bind_u64(sqlite3_stmt *statement, int index, uint64_t value)
{
	sqlite3_bind_int64(statement, index, (int64_t)value);
}
static inline uint64_t emr_sql_u64(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

/* Rows carry 8 bytes of SipHash-2-4 over key and value behind the value: they find accidental
 * damage, not an attacker. */
#define EMR_SQL_SUM 8
emr_status emr_sql_seal(const char *key, emr_bytes value, emr_buf *out_sealed);
/* The value inside SEALED; EMR_DAMAGED. */
emr_status emr_sql_unseal(const char *key, emr_bytes sealed, emr_bytes *out_value);
