/* Databases that others may write to are opened with this file system (VFS) of SQLite: its own,
 * without the rollback journals, and with the settings that keep a file from bringing its own
 * program. */
#include "database/files.h"

#include <pthread.h>
#include <string.h>

#define NAME "emrfs-no-rollback"
#define VALUE_MAX (64 << 20)

static sqlite3_vfs *usual;
static sqlite3_vfs without_rollback;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_there;

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

static int open_file(
	sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	(void)vfs;
	if (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) {
		file->pMethods = NULL;
		return SQLITE_CANTOPEN;
	}
	return usual->xOpen(usual, path, file, flags, out_flags);
}

/* SQLite deletes a log when its last reader goes.  Nothing else is its to delete. */
static int delete_file(sqlite3_vfs *vfs, const char *path, int syncs_directory)
{
	(void)vfs;
	return ends_with(path, "-wal") ? usual->xDelete(usual, path, syncs_directory)
				       : SQLITE_IOERR_DELETE_NOENT;
}

static int access_file(sqlite3_vfs *vfs, const char *path, int flags, int *out_is)
{
	(void)vfs;
	if (ends_with(path, "-journal")) {
		*out_is = 0;
		return SQLITE_OK;
	}
	return usual->xAccess(usual, path, flags, out_is);
}

static void add(void)
{
	usual = sqlite3_vfs_find(NULL);
	if (usual == NULL)
		return;
	without_rollback = *usual;
	without_rollback.pNext = NULL;
	without_rollback.zName = NAME;
	without_rollback.xOpen = open_file;
	without_rollback.xDelete = delete_file;
	without_rollback.xAccess = access_file;
	is_there = sqlite3_vfs_register(&without_rollback, 0) == SQLITE_OK;
}

const char *emr_database_files(void)
{
	pthread_once(&once, add);
	return is_there ? NAME : NULL;
}

void emr_database_restrict(sqlite3 *db, bool has_triggers)
{
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, has_triggers, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
}

static int set_mode(sqlite3 *db, const char *text, const char *wanted)
{
	sqlite3_stmt *s = NULL;
	const char *mode;
	int code = sqlite3_prepare_v2(db, text, -1, &s, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(s);
	mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
	if (code == SQLITE_ROW)
		code = mode != NULL && strcmp(mode, wanted) == 0 ? SQLITE_OK : SQLITE_MISUSE;
	(void)sqlite3_finalize(s);
	return code;
}

int emr_database_use_log(sqlite3 *db)
{
	int code = set_mode(db, "PRAGMA journal_mode", "wal");

	if (code != SQLITE_MISUSE)
		return code;
	/* The change itself would be journalled.  Only a file that was just made has another mode,
	 * and nothing is in it; another process may be faster, which the last line shows. */
	(void)set_mode(db, "PRAGMA journal_mode=MEMORY", "memory");
	return set_mode(db, "PRAGMA journal_mode=WAL", "wal");
}
