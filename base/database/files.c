/* Databases that others may write to are opened with this file system (VFS) of SQLite: its own,
 * without the rollback journals, and with the settings that keep a file from bringing its own
 * program. On a full disk it asks for room. A program that cuts the index of the log, which all
 * programs share in memory, ends none of them, and no transaction goes on with what it does not
 * find there.
 */
#include "database/files.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAME "emrfs-no-rollback"
#define VALUE_MAX (64 << 20)
#define FULL_BYTES ((uint64_t)2 << 20) /* what btrfs still calls free may be of no use */

static sqlite3_vfs *usual;
static sqlite3_vfs without_rollback;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_there;

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

/* ---- an index that somebody cuts ---- */

#define REGIONS 256
#define REGION_BYTES 32768 /* SQLite maps so much of -shm at a time (WALINDEX_PGSZ) */

/* One that is open in this program.  It stays when it is closed, and is taken again. */
typedef struct database {
	struct database *next;
	char *path, *index_path;
	unsigned opened;
	atomic_bool has_lost; /* a page of its index: until the last who has it open closes it */
} database;

/* Where an index is mapped. */
typedef struct region {
	atomic_uintptr_t begin; /* 0: none */
	_Atomic(database *) of;
	atomic_int number; /* of those of its file */
} region;

/* Behind what SQLite keeps of a file. */
typedef struct guarded_file {
	database *of; /* NULL: it is not guarded */
	bool is_main;
} guarded_file;

static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static database *databases;
static region regions[REGIONS];
static atomic_uint newest; /* of REGIONS */
static _Atomic(bool (*)(void)) make_room;
static const sqlite3_io_methods *bare;
static sqlite3_io_methods guarded;
static uintptr_t page_bytes;

static guarded_file *guarded_of(sqlite3_file *file)
{
	return (guarded_file *)(void *)((uint8_t *)file + usual->szOsFile);
}

static region *region_at(uintptr_t at)
{
	for (size_t i = 0; i < REGIONS; i++) {
		uintptr_t begin = atomic_load(&regions[i].begin);

		if (begin != 0 && at >= begin && at - begin < REGION_BYTES)
			return &regions[i];
	}
	return NULL;
}

static bool has_made_room(void)
{
	bool (*make)(void) = atomic_load(&make_room);

	return make != NULL && make();
}

/* The file has the page: the disk has no room for what is written to it. */
static bool is_full_at(const region *where, const database *of)
{
	struct stat st;

	return stat(of->index_path, &st) == 0 &&
	       st.st_size >= ((off_t)atomic_load(&where->number) + 1) * REGION_BYTES;
}

/* On a full disk room is made, and the program goes on where it was.  Behind the end of a file that
 * was cut is no page: the program gets an empty one of its own, and nothing more is read or written
 * by it.  Anything else ends the program, as without us. */
static void give_page(int number, siginfo_t *info, void *context)
{
	region *where = info->si_code == BUS_ADRERR ? region_at((uintptr_t)info->si_addr) : NULL;
	database *of = where != NULL ? atomic_load(&where->of) : NULL;

	(void)context;
	if (of != NULL && is_full_at(where, of) && has_made_room())
		return;
	if (of != NULL) {
		atomic_store(&of->has_lost, true);
		if (mmap((void *)((uintptr_t)info->si_addr & ~(page_bytes - 1)), page_bytes,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) != MAP_FAILED)
			return;
	}
	(void)signal(number, SIG_DFL);
}

/* SQLite says that a file beside PATH cannot be made, or cannot grow, and not why. */
static int told_full(const char *path, int code)
{
	struct statvfs disk;
	bool is_unmade = code == SQLITE_IOERR_SHMSIZE || (code & 0xff) == SQLITE_CANTOPEN;

	if (!is_unmade || statvfs(path, &disk) != 0)
		return code;
	return (uint64_t)disk.f_bavail * disk.f_frsize < FULL_BYTES ||
			       (disk.f_files != 0 && disk.f_favail == 0)
		       ? SQLITE_FULL
		       : code;
}

static int check_index(sqlite3_file *file)
{
	return atomic_load(&guarded_of(file)->of->has_lost) ? SQLITE_IOERR_SHMLOCK : SQLITE_OK;
}

static int map_shared(
	sqlite3_file *file, int number, int bytes, int extends, void volatile **out_region)
{
	int code;

	do
		code = told_full(guarded_of(file)->of->path,
			bare->xShmMap(file, number, bytes, extends, out_region));
	while (code == SQLITE_FULL && has_made_room());
	if (code == SQLITE_OK && *out_region != NULL && region_at((uintptr_t)*out_region) == NULL) {
		region *next = &regions[atomic_fetch_add(&newest, 1) % REGIONS];

		atomic_store(&next->begin, 0);
		atomic_store(&next->of, guarded_of(file)->of);
		atomic_store(&next->number, number);
		atomic_store(&next->begin, (uintptr_t)*out_region);
	}
	return code;
}

static int lock_shared(sqlite3_file *file, int first, int n, int flags)
{
	int code = (flags & SQLITE_SHM_UNLOCK) != 0 ? SQLITE_OK : check_index(file);

	return code == SQLITE_OK ? bare->xShmLock(file, first, n, flags) : code;
}

static int read_bytes(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	int code = check_index(file);

	return code == SQLITE_OK ? bare->xRead(file, to, n, at) : code;
}

static int write_bytes(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	int code = check_index(file);

	if (code != SQLITE_OK)
		return code;
	do
		code = bare->xWrite(file, from, n, at);
	while (code == SQLITE_FULL && has_made_room());
	return code;
}

static int cut_file(sqlite3_file *file, sqlite3_int64 size)
{
	int code = check_index(file);

	return code == SQLITE_OK ? bare->xTruncate(file, size) : code;
}

/* A log is taken in and removed behind this. */
static int sync_file(sqlite3_file *file, int flags)
{
	int code = check_index(file);

	return code == SQLITE_OK ? bare->xSync(file, flags) : code;
}

/* The last user of a mapping takes it away. */
static void leave_database(database *of)
{
	(void)pthread_mutex_lock(&guard_lock);
	if (--of->opened == 0) {
		for (size_t i = 0; i < REGIONS; i++)
			if (atomic_load(&regions[i].of) == of)
				atomic_store(&regions[i].begin, 0);
		atomic_store(&of->has_lost, false);
	}
	(void)pthread_mutex_unlock(&guard_lock);
}

static int close_file(sqlite3_file *file)
{
	const guarded_file was = *guarded_of(file);
	int code = bare->xClose(file);

	if (was.is_main)
		leave_database(was.of);
	return code;
}

/* guard_lock held. */
static database *database_of(const char *path, size_t len)
{
	database *of = databases;

	while (of != NULL && (strncmp(of->path, path, len) != 0 || of->path[len] != '\0'))
		of = of->next;
	if (of != NULL)
		return of;
	of = calloc(1, sizeof *of);
	if (of != NULL)
		of->path = strndup(path, len);
	if (of == NULL || of->path == NULL || asprintf(&of->index_path, "%s-shm", of->path) < 0) {
		if (of != NULL)
			free(of->path);
		free(of);
		return NULL;
	}
	of->next = databases;
	databases = of;
	return of;
}

/* guard_lock held.  SQLite has other methods for files that nobody shares. */
static bool has_guarded(const sqlite3_io_methods *methods)
{
	struct sigaction action = {.sa_sigaction = give_page, .sa_flags = SA_SIGINFO | SA_RESTART};

	if (bare == NULL && methods->iVersion >= 2 && methods->xShmMap != NULL) {
		bare = methods;
		guarded = *methods;
		guarded.xClose = close_file;
		guarded.xRead = read_bytes;
		guarded.xWrite = write_bytes;
		guarded.xTruncate = cut_file;
		guarded.xSync = sync_file;
		guarded.xShmMap = map_shared;
		guarded.xShmLock = lock_shared;
		if (guarded.iVersion > 2)
			guarded.iVersion = 2; /* no mapping of the file itself */
		page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	}
	if (methods != bare)
		return false;
	(void)sigemptyset(&action.sa_mask); /* another may have been put there since */
	(void)sigaction(SIGBUS, &action, NULL);
	return true;
}

static void guard(sqlite3_file *file, const char *path, bool is_main)
{
	size_t len = strlen(path) - (is_main ? 0 : strlen("-wal"));
	guarded_file *extra = guarded_of(file);

	*extra = (guarded_file){.is_main = is_main};
	(void)pthread_mutex_lock(&guard_lock);
	if (has_guarded(file->pMethods)) {
		extra->of = database_of(path, len);
		if (extra->of != NULL) {
			extra->of->opened += is_main;
			file->pMethods = &guarded;
		}
	}
	(void)pthread_mutex_unlock(&guard_lock);
}

/* ---- the file system ---- */

/* The log is not there: its directory is asked. */
static int told_log_full(const char *path, int code)
{
	char directory[PATH_MAX];
	const char *end = strrchr(path, '/');

	if (end == NULL || end - path >= PATH_MAX)
		return code;
	memcpy(directory, path, (size_t)(end - path));
	directory[end - path] = '\0';
	return told_full(directory, code);
}

static int open_file(
	sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	int code;

	(void)vfs;
	if (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) {
		file->pMethods = NULL;
		return SQLITE_CANTOPEN;
	}
	code = usual->xOpen(usual, path, file, flags, out_flags);
	if (code != SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0)
		code = told_log_full(path, code);
	if (code == SQLITE_OK && file->pMethods != NULL && path != NULL &&
		(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0)
		guard(file, path, (flags & SQLITE_OPEN_MAIN_DB) != 0);
	return code;
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
	without_rollback.szOsFile = usual->szOsFile + (int)sizeof(guarded_file);
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

void emr_database_room(bool (*make)(void))
{
	atomic_store(&make_room, make);
}

bool emr_database_has_lost(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	return sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
	       file->pMethods == &guarded && check_index(file) != SQLITE_OK;
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
