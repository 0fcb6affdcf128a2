/* This file is the only one that sets up SQLite for ledgers: settings, transactions, prepared
 * statements, and a checksum for each row that shows rot of the disk. */
#include "ledger/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"
#include "database/files.h"

#define CACHE_AT_REST "PRAGMA cache_size=-512" /* KiB */
/* Pages of the write-ahead log that the next commit brings into the file: SQLite's own number, and
 * 256 MiB of them while there are thousands of entries to come. */
#define LOG_SHORT 1000
#define LOG_LONG 65536
/* The process that begins the log again, also after one that was killed, gives back its room. */
#define LOG_KEPT "PRAGMA journal_size_limit=8388608"
/* The room of a long log, of the transaction that ends it, and of the file that grows by both:
 * pages that found no room in the file could not leave the log either. */
#define LOG_LONG_ROOM (UINT64_C(1) << 30)

static const char *const cache_of[] = {
	[EMR_SQL_REST] = CACHE_AT_REST,
	[EMR_SQL_BATCH] = "PRAGMA cache_size=-16384",
	[EMR_SQL_MANY] = "PRAGMA cache_size=-65536",
};

void emr_sql_take_pages_singly(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

static emr_status status_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return EMR_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: /* a hundred tries at a log that others are busy with */
		return EMR_BUSY;
	case SQLITE_FULL:
		return EMR_NO_SPACE;
	case SQLITE_NOMEM:
		return EMR_NO_MEMORY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return EMR_DAMAGED;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return EMR_DENIED;
	case SQLITE_INTERRUPT:
		return EMR_INTERRUPTED;
	case SQLITE_TOOBIG:
		return EMR_LIMIT;
	default: /* SQLite's codes are not ours: a new one is an input or output error to us */
		return EMR_IO;
	}
}

/* Whether the disk of FILE, which may be NULL, did not answer last. */
static bool has_failed(sqlite3_file *file)
{
	int number = 0;

	return file != NULL && file->pMethods != NULL &&
	       file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK &&
	       (number == EIO || number == ENXIO);
}

/* SQLite calls a file damaged whose disk does not answer (SQLITE_IOERR_CORRUPTFS becomes
 * SQLITE_CORRUPT). A file that cannot be read now is not a changed one: it may be there again. */
static bool is_unreadable(sqlite3 *db)
{
	sqlite3_file *file = NULL, *log = NULL;

	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	return has_failed(file) || has_failed(log);
}

emr_status emr_sql_status(sqlite3 *db, int code)
{
	emr_status status = status_of(code);

	if ((code & 0xff) == SQLITE_CORRUPT && db != NULL && is_unreadable(db))
		status = EMR_IO;
	if (code == SQLITE_IOERR_SHMLOCK) /* somebody cut its index: opened again, it is there */
		status = EMR_OFFLINE;
	if (status != EMR_OK && status != EMR_BUSY)
		emr_log(EMR_LOG_WARN, "sqlite: code %d, errno %d", code,
			db ? sqlite3_system_errno(db) : 0);
	return status;
}

emr_status emr_sql_use(emr_sql *sql, int number, sqlite3_stmt **out_statement)
{
	sqlite3_stmt **cached = &sql->statements[number];

	if (*cached == NULL) {
		int code = sqlite3_prepare_v3(
			sql->db, sql->texts[number], -1, SQLITE_PREPARE_PERSISTENT, cached, NULL);
		if (code != SQLITE_OK)
			return emr_sql_status(sql->db, code);
	}
	/* The code that reset gives is that of the step before, which was answered then. */
	(void)sqlite3_reset(*cached);
	sqlite3_clear_bindings(*cached);
	*out_statement = *cached;
	return EMR_OK;
}

emr_status emr_sql_step(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return EMR_OK;
	(void)sqlite3_reset(statement);
	if (code == SQLITE_DONE)
		return EMR_NOT_FOUND;
	return emr_sql_status(sqlite3_db_handle(statement), code);
}

emr_status emr_sql_done(sqlite3_stmt *statement)
{
	emr_status status = emr_sql_step(statement);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	(void)sqlite3_reset(statement);
	return status;
}

emr_status emr_sql_run(emr_sql *sql, const char *text)
{
	int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

	return emr_sql_status(sql->db, code);
}

/* These go through step, too, so that whatever makes a step fail in a test also reaches BEGIN and
 * COMMIT. */
static emr_status run_one(emr_sql *sql, const char *text)
{
	sqlite3_stmt *statement = NULL;
	emr_status status;
	int code = sqlite3_prepare_v2(sql->db, text, -1, &statement, NULL);

	if (code != SQLITE_OK)
		return emr_sql_status(sql->db, code);
	status = emr_sql_done(statement);
	(void)sqlite3_finalize(statement);
	return status;
}

/* Rows have random keys, so a batch of 500 changes some thousand pages all over the file.  Those
 * that find no room in memory are written before the commit, read again and written once more;
 * between transactions a little is enough.  SQLite takes what it needs, gives it back when the
 * limit falls, and treats both as advice. */
static void limit_cache(emr_sql *sql, emr_sql_room room)
{
	if (sql->room == room)
		return;
	sql->room = room;
	(void)sqlite3_exec(sql->db, cache_of[room], NULL, NULL, NULL);
}

static emr_status begin_in(emr_sql *sql, emr_sql_room room)
{
	EMR_TRY(sql->is_still ? EMR_READ_ONLY : run_one(sql, "BEGIN IMMEDIATE"));
	limit_cache(sql, room);
	return EMR_OK;
}

emr_status emr_sql_begin(emr_sql *sql)
{
	return begin_in(sql, EMR_SQL_BATCH);
}

bool emr_sql_has_room_for_many(const emr_sql *sql)
{
	struct statvfs disk;

	return statvfs(sqlite3_db_filename(sql->db, "main"), &disk) == 0 &&
	       (uint64_t)disk.f_bavail * disk.f_frsize >= LOG_LONG_ROOM;
}

/* A page that several transactions change is written into the file once for all of them. */
emr_status emr_sql_begin_many(emr_sql *sql)
{
	if (!sql->is_log_long && !sql->is_still)
		sql->is_log_long = sqlite3_wal_autocheckpoint(sql->db, LOG_LONG) == SQLITE_OK;
	return begin_in(sql, EMR_SQL_MANY);
}

void emr_sql_settle(emr_sql *sql)
{
	if (!sql->is_log_long)
		return;
	(void)sqlite3_wal_autocheckpoint(sql->db, LOG_SHORT);
	sql->is_log_long = false;
	/* Pages that a reader holds back are brought in by the next commit. */
	(void)sqlite3_wal_checkpoint_v2(sql->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

emr_status emr_sql_begin_read(emr_sql *sql)
{
	return run_one(sql, "BEGIN");
}

emr_status emr_sql_commit(emr_sql *sql)
{
	EMR_TRY(run_one(sql, "COMMIT"));
	limit_cache(sql, EMR_SQL_REST);
	return EMR_OK;
}

void emr_sql_rollback(emr_sql *sql)
{
	for (int i = 0; i < EMR_SQL_STATEMENTS; i++)
		(void)sqlite3_reset(sql->statements[i]); /* NULL is fine */
	if (!sqlite3_get_autocommit(sql->db))
		(void)sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
	limit_cache(sql, EMR_SQL_REST);
}

/* ---- opening ---- */

static emr_status read_pragma(emr_sql *sql, const char *text, int64_t *out_value)
{
	sqlite3_stmt *statement = NULL;
	emr_status status;
	int code = sqlite3_prepare_v2(sql->db, text, -1, &statement, NULL);

	if (code != SQLITE_OK)
		return emr_sql_status(sql->db, code);
	status = emr_sql_step(statement);
	if (status == EMR_OK)
		*out_value = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

static emr_status expect_pragma(emr_sql *sql, const char *text, int64_t expected)
{
	int64_t value = 0;

	EMR_TRY(read_pragma(sql, text, &value));
	return value == expected ? EMR_OK : EMR_UNSUPPORTED;
}

/* Journal mode is the one setting that is kept in the file. */
static emr_status use_wal(emr_sql *sql)
{
	int code = emr_database_use_log(sql->db);

	return code == SQLITE_MISUSE ? EMR_UNSUPPORTED : emr_sql_status(sql->db, code);
}

/* Sets what holds also for a connection that only reads. */
static emr_status configure_reading(emr_sql *sql)
{
	return emr_sql_run(sql, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA "
				"temp_store=MEMORY; " CACHE_AT_REST);
}

static emr_status configure(emr_sql *sql, const emr_sql_kind *kind)
{
	EMR_TRY(use_wal(sql));
	EMR_TRY(emr_sql_run(sql, kind->survives_power_cut ? "PRAGMA synchronous=FULL"
							  : "PRAGMA synchronous=NORMAL"));
	EMR_TRY(emr_sql_run(sql, "PRAGMA secure_delete=ON; " LOG_KEPT));
	EMR_TRY(configure_reading(sql));
	EMR_TRY(expect_pragma(sql, "PRAGMA secure_delete", 1));
	return expect_pragma(sql, "PRAGMA synchronous", kind->survives_power_cut ? 2 : 1);
}

static emr_status make_tables(emr_sql *sql, const emr_sql_kind *kind)
{
	char text[96];

	(void)snprintf(text, sizeof text, "PRAGMA application_id=%u; PRAGMA user_version=%u",
		(unsigned)kind->application_id, (unsigned)kind->format);
	EMR_TRY(emr_sql_run(sql, kind->schema));
	return emr_sql_run(sql, text);
}

/* A file that was just made has application_id 0 and no table; several processes may meet here. */
static emr_status make_schema(emr_sql *sql, const emr_sql_kind *kind)
{
	int64_t id = 0;
	int64_t tables = 0;
	emr_status status = emr_sql_begin(sql);

	if (status == EMR_OK)
		status = read_pragma(sql, "PRAGMA application_id", &id);
	if (status == EMR_OK)
		status = read_pragma(sql, "SELECT count(*) FROM sqlite_master", &tables);
	if (status == EMR_OK && id == 0 && tables == 0)
		status = make_tables(sql, kind);
	if (status == EMR_OK)
		status = emr_sql_commit(sql);
	if (status != EMR_OK)
		emr_sql_rollback(sql);
	return status;
}

static emr_status check_kind(emr_sql *sql, const emr_sql_kind *kind)
{
	int64_t id = 0;
	int64_t format = 0;

	EMR_TRY(read_pragma(sql, "PRAGMA application_id", &id));
	EMR_TRY(read_pragma(sql, "PRAGMA user_version", &format));
	if (id != (int64_t)kind->application_id)
		return EMR_DAMAGED;
	if (format > (int64_t)kind->format)
		return emr_newer_format((uint64_t)format, kind->format);
	return format == (int64_t)kind->format ? EMR_OK : EMR_DAMAGED;
}

/* SQLite gives its side files the rights of the main file, so the main file is made first, with the
 * right ones. */
static emr_status make_file(int dirfd, const char *name)
{
	EMR_AUTO_FD fd =
		openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? EMR_OK : emr_status_from_errno(errno);
	return fchmod(fd, 0600) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_sql_path(int dirfd, const char *name, char out_path[PATH_MAX])
{
	char link[64];
	ssize_t n;
	int length;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
	n = readlink(link, out_path, PATH_MAX - 1);
	if (n < 0)
		return emr_status_from_errno(errno);
	length = snprintf(out_path + n, (size_t)(PATH_MAX - n), "/%s", name);
	return length < PATH_MAX - n ? EMR_OK : EMR_LIMIT;
}

static emr_status connect_to(
	int dirfd, const char *name, const emr_sql_kind *kind, uint32_t busy_ms, emr_sql *sql)
{
	const char *files = emr_database_files();
	char path[PATH_MAX], uri[3 * PATH_MAX];
	struct stat there;
	bool is_alone = false;
	int code;

	EMR_TRY(emr_sql_path(dirfd, name, path));
	if (files == NULL)
		return EMR_NO_MEMORY;
	if (fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISREG(there.st_mode))
		return EMR_DAMAGED;
	if (sql->is_still)
		EMR_TRY(emr_disk_database(path, uri, sizeof uri, &is_alone, &sql->seen));
	code = sqlite3_open_v2(sql->is_still ? uri : path, &sql->db,
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
			(sql->is_still ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
				       : SQLITE_OPEN_READWRITE),
		files);
	if (code != SQLITE_OK)
		return emr_sql_status(sql->db, code);
	(void)sqlite3_extended_result_codes(sql->db, 1);
	(void)sqlite3_busy_timeout(sql->db, (int)busy_ms);
	emr_database_restrict(sql->db, kind->has_triggers);
	/* Else each value that is bound where an index has a condition prepares its statement
	 * again.
	 */
	(void)sqlite3_db_config(sql->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	return is_alone ? emr_sql_run(sql, "PRAGMA locking_mode=EXCLUSIVE") : EMR_OK;
}

emr_status emr_sql_open(int dirfd, const char *name, const emr_sql_kind *kind, bool may_create,
	uint32_t busy_ms, emr_sql *out_sql)
{
	emr_sql sql = {.texts = kind->texts, .is_still = emr_disk_takes_nothing(dirfd)};
	emr_status status = EMR_OK;

	may_create = may_create && !sql.is_still;
	if (may_create)
		status = make_file(dirfd, name);
	if (status == EMR_OK)
		status = connect_to(dirfd, name, kind, busy_ms, &sql);
	if (status == EMR_OK)
		status = sql.is_still ? configure_reading(&sql) : configure(&sql, kind);
	if (status == EMR_OK && may_create)
		status = make_schema(&sql, kind);
	if (status == EMR_OK)
		status = check_kind(&sql, kind);
	if (status == EMR_DAMAGED && sql.db != NULL)
		status = emr_sql_seen(&sql, status);
	if (status != EMR_OK) {
		emr_sql_close(&sql);
		return status;
	}
	*out_sql = sql;
	return EMR_OK;
}

bool emr_sql_is_overtaken(const emr_sql *sql)
{
	return sql->is_still &&
	       emr_disk_database_changed(sqlite3_db_filename(sql->db, "main"), &sql->seen);
}

emr_status emr_sql_seen(const emr_sql *sql, emr_status status)
{
	return emr_sql_is_overtaken(sql) ? EMR_OFFLINE : status;
}

emr_status emr_sql_open_temporary(const emr_sql_kind *kind, emr_sql *out_sql)
{
	emr_sql sql = {.texts = kind->texts};
	int code = sqlite3_open_v2("", &sql.db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	emr_status status = emr_sql_status(sql.db, code);

	if (status == EMR_OK)
		status = make_tables(&sql, kind);
	if (status == EMR_OK)
		*out_sql = sql;
	else
		emr_sql_close(&sql);
	return status;
}

void emr_sql_close(emr_sql *sql)
{
	for (int i = 0; i < EMR_SQL_STATEMENTS; i++) {
		(void)sqlite3_finalize(sql->statements[i]);
		sql->statements[i] = NULL;
	}
	(void)sqlite3_close_v2(sql->db);
	sql->db = NULL;
}

/* ---- checksums ---- */

_Static_assert(EMR_SQL_SUM == crypto_shorthash_BYTES, "a checksum is one SipHash");

static emr_status sum(const char *key, emr_bytes value, uint8_t out[EMR_SQL_SUM])
{
	static const uint8_t sip_key[crypto_shorthash_KEYBYTES] = "emrfs row sum 1";
	uint8_t small[512];
	size_t key_len = strlen(key);
	EMR_AUTO_BUF large = {0};
	uint8_t *all = small;

	if (key_len + value.len > sizeof small) {
		EMR_TRY(emr_buf_reserve(&large, key_len + value.len));
		all = large.data;
	}
	memcpy(all, key, key_len);
	if (value.len)
		memcpy(all + key_len, value.data, value.len);
	(void)crypto_shorthash(out, all, key_len + value.len, sip_key);
	return EMR_OK;
}

emr_status emr_sql_seal(const char *key, emr_bytes value, emr_buf *out_sealed)
{
	uint8_t check[EMR_SQL_SUM];

	EMR_TRY(sum(key, value, check));
	emr_buf_clear(out_sealed);
	EMR_TRY(emr_buf_append(out_sealed, value.data, value.len));
	return emr_buf_append(out_sealed, check, sizeof check);
}

emr_status emr_sql_unseal(const char *key, emr_bytes sealed, emr_bytes *out_value)
{
	uint8_t check[EMR_SQL_SUM];
	emr_bytes value;

	if (sealed.len < EMR_SQL_SUM)
		return EMR_DAMAGED;
	value = emr_bytes_of(sealed.data, sealed.len - EMR_SQL_SUM);
	EMR_TRY(sum(key, value, check));
	if (memcmp(check, sealed.data + value.len, sizeof check) != 0)
		return EMR_DAMAGED;
	*out_value = value;
	return EMR_OK;
}
