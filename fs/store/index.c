/* This file keeps an index in SQLite that says in which file and where each block lies, and which
 * blocks are pinned. The index may always be lost: a sum over its rows finds damage, and it is
 * made again from the segments. It is never believed without the block's own hash. */
#include "index_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database/files.h"

#define INDEX_VERSION 2
/* Of the connection that reads, in KiB: the inner pages of a million blocks. */
#define READ_CACHE "PRAGMA cache_size = -512"

static const char *const sql[STATEMENTS] = {
	[FIND] = "SELECT segment, offset, length FROM block WHERE digest = ?1",
	[SEGMENTS] =
		"SELECT id, writer, number, indexed, file FROM segment ORDER BY writer, number",
	[BLOCKS] = "SELECT digest, segment, offset, length FROM block",
	[PINS] = "SELECT writer, owner, root, state FROM pin",
	[SENT_PINS] = "SELECT writer, owner, root, state FROM pin WHERE state = 2",
	[HAS_PINS] = "SELECT 1 FROM pin WHERE writer = ?1 LIMIT 1",
	[COUNTS] = ("SELECT count(*), coalesce(sum(length), 0) FROM block "
		    "WHERE segment IN (SELECT id FROM segment WHERE writer = ?1)"),
	[COUNT_PINS] = "SELECT count(*) FROM pin WHERE writer = ?1",
	[STATED] = "SELECT 1 FROM stated WHERE writer = ?1",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[GET_SUM] = "SELECT value FROM meta WHERE key = 'sum'",
	[SET_SUM] = ("INSERT INTO meta (key, value) VALUES ('sum', ?1) "
		     "ON CONFLICT (key) DO UPDATE SET value = ?1 WHERE value IS NOT ?1"),
	[PUT_SEGMENT] =
		("INSERT INTO segment (writer, number, indexed, file) VALUES (?1, ?2, ?3, ?4) "
		 "ON CONFLICT (writer, number) DO UPDATE SET indexed = ?3, file = ?4"),
	[GET_SEGMENT] = "SELECT id, indexed FROM segment WHERE writer = ?1 AND number = ?2",
	[DROP_SEGMENT] = "DELETE FROM segment WHERE id = ?1",
	[PUT_BLOCK] =
		"REPLACE INTO block (digest, segment, offset, length) VALUES (?1, ?2, ?3, ?4)",
	[OLD_BLOCK] = "SELECT digest, segment, offset, length FROM block WHERE digest = ?1",
	[DROP_BLOCK] = "DELETE FROM block WHERE digest = ?1",
	[PUT_PIN] = "REPLACE INTO pin (writer, owner, root, state) VALUES (?1, ?2, ?3, ?4)",
	[OLD_PIN] = "SELECT writer, owner, root, state FROM pin WHERE writer = ?1 AND owner = ?2 "
		    "AND root = ?3",
	[DROP_PIN] = "DELETE FROM pin WHERE writer = ?1 AND owner = ?2 AND root = ?3",
	[STATE_PINS] = "REPLACE INTO stated (writer) VALUES (?1)",
	[DOUBT_PINS] = "DELETE FROM stated WHERE writer = ?1",
};

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE segment (id INTEGER PRIMARY KEY AUTOINCREMENT, writer BLOB NOT NULL,"
	" number INTEGER NOT NULL, indexed INTEGER NOT NULL, file INTEGER NOT NULL,"
	" UNIQUE (writer, number));"
	"CREATE TABLE block (digest BLOB PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT "
	"NULL,"
	" length INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE pin (writer BLOB, owner BLOB, root BLOB, state INTEGER NOT NULL,"
	" PRIMARY KEY (writer, owner, root)) WITHOUT ROWID;"
	"CREATE INDEX pin_sent ON pin (state) WHERE state = 2;" /* each opening asks for these few
								 */
	"CREATE TABLE stated (writer BLOB PRIMARY KEY) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('version', 2), ('sum', 0);"
	"COMMIT;";

static emr_status from_sqlite(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return EMR_OK;
	case SQLITE_NOMEM:
		return EMR_NO_MEMORY;
	case SQLITE_FULL:
		return EMR_NO_SPACE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EMR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:	/* a table that is not there */
	case SQLITE_READONLY:	/* a file format from elsewhere in the header */
	case SQLITE_CONSTRAINT: /* two rows where one can be */
	case SQLITE_MISMATCH:
		return EMR_DAMAGED;
	default:
		return EMR_IO;
	}
}

emr_status index_prepare(connection *c, statement which, sqlite3_stmt **out)
{
	if (c->statements[which] == NULL) {
		int rc = sqlite3_prepare_v3(c->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
			&c->statements[which], NULL);

		if (rc != SQLITE_OK)
			return from_sqlite(rc);
	}
	*out = c->statements[which];
	return EMR_OK;
}

emr_status index_run(sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);

	sqlite3_reset(s);
	return from_sqlite(rc);
}

emr_status index_run_plain(connection *c, statement which)
{
	sqlite3_stmt *s = NULL;

	EMR_TRY(index_prepare(c, which, &s));
	return index_run(s);
}

static void close_connection(connection *c)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	pthread_mutex_destroy(&c->lock);
}

static emr_status open_connection(connection *c, const char *path, int flags)
{
	const char *files = emr_database_files();
	int rc;

	if (files == NULL || pthread_mutex_init(&c->lock, NULL) != 0)
		return EMR_NO_MEMORY;
	rc = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, files);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(c->db, 10000);
	if (rc == SQLITE_OK) {
		emr_database_restrict(c->db, false);
		rc = emr_database_use_log(c->db);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	return rc == SQLITE_CANTOPEN ? EMR_NOT_FOUND : from_sqlite(rc);
}

/* Only to be read, with what its log has, where nothing can be made beside it. */
static emr_status open_still(connection *c, const char *path, emr_disk_seen *out_seen)
{
	char uri[3 * INDEX_PATH_CHARS];
	const char *files = emr_database_files();
	bool is_alone;
	emr_status status = emr_disk_database(path, uri, sizeof uri, &is_alone, out_seen);
	int rc;

	if (files == NULL || pthread_mutex_init(&c->lock, NULL) != 0)
		return EMR_NO_MEMORY;
	if (status != EMR_OK)
		return status;
	rc = sqlite3_open_v2(
		uri, &c->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, files);
	if (rc == SQLITE_OK)
		emr_database_restrict(c->db, false);
	if (rc == SQLITE_OK && is_alone)
		rc = sqlite3_exec(c->db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
	return rc == SQLITE_CANTOPEN ? EMR_NOT_FOUND : from_sqlite(rc);
}

static emr_status check_version(connection *c, bool *out_empty)
{
	sqlite3_stmt *s = NULL;
	emr_status status = EMR_OK;
	int rc = sqlite3_prepare_v2(c->db, "SELECT count(*) FROM sqlite_master", -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	*out_empty = rc == SQLITE_ROW && sqlite3_column_int(s, 0) == 0;
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW || *out_empty)
		return from_sqlite(rc);
	s = NULL;
	rc = sqlite3_prepare_v2(
		c->db, "SELECT value FROM meta WHERE key = 'version'", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		status = rc == SQLITE_DONE ? EMR_DAMAGED : from_sqlite(rc);
	else if (sqlite3_column_int64(s, 0) > INDEX_VERSION)
		status = EMR_NEWER_FORMAT;
	else if (sqlite3_column_int64(s, 0) != INDEX_VERSION)
		status = EMR_DAMAGED;
	sqlite3_finalize(s);
	return status;
}

/* SQLite would let the umask decide; its WAL takes the mode of this file. A log beside a file that
 * is gone may still be in use by others, and would be taken for that of the new file. */
static emr_status create_private(const char *path)
{
	static const char *const suffixes[] = {"-wal", "-shm"};
	bool is_gone = access(path, F_OK) != 0 && errno == ENOENT;
	char beside[INDEX_PATH_CHARS + 8];
	int fd;

	for (size_t i = 0; is_gone && i < 2; i++) {
		snprintf(beside, sizeof beside, "%s%s", path, suffixes[i]);
		if (unlink(beside) != 0 && errno != ENOENT)
			return emr_status_from_errno(errno);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return emr_status_from_errno(errno);
	close(fd);
	return EMR_OK;
}

static emr_status open_both(emr_index *index, bool read_only, bool is_still, bool *out_fresh)
{
	int flags = SQLITE_OPEN_READWRITE | (read_only ? 0 : SQLITE_OPEN_CREATE);
	emr_status status = read_only ? EMR_OK : create_private(index->path);
	emr_disk_seen seen;
	struct stat st;
	bool empty;

	index->is_still = is_still;
	if (status == EMR_OK)
		status = is_still ? open_still(&index->write, index->path, &index->seen)
				  : open_connection(&index->write, index->path, flags);
	if (status == EMR_OK)
		status = check_version(&index->write, &empty);
	if (status != EMR_OK)
		return status;
	if (empty && read_only)
		return EMR_NOT_FOUND;
	if (empty)
		status = from_sqlite(sqlite3_exec(index->write.db, schema, NULL, NULL, NULL));
	if (status == EMR_OK)
		status = is_still ? open_still(&index->read, index->path, &seen)
				  : open_connection(&index->read, index->path, flags);
	if (status == EMR_OK)
		status = from_sqlite(sqlite3_exec(index->read.db, READ_CACHE, NULL, NULL, NULL));
	if (status == EMR_OK && stat(index->path, &st) != 0)
		status = EMR_IO;
	if (status != EMR_OK)
		return status;
	index->device = st.st_dev;
	index->inode = st.st_ino;
	*out_fresh = empty;
	return EMR_OK;
}

emr_status emr_index_open(
	const char *dir, bool read_only, bool is_still, emr_index **out_index, bool *out_fresh)
{
	emr_index *index = calloc(1, sizeof *index);
	emr_status status;

	if (index == NULL)
		return EMR_NO_MEMORY;
	if (snprintf(index->path, sizeof index->path, "%s/index.sqlite", dir) >= INDEX_PATH_CHARS) {
		free(index);
		return EMR_LIMIT;
	}
	status = open_both(index, read_only, is_still, out_fresh);
	if (status != EMR_OK) {
		emr_index_close(index);
		return status;
	}
	*out_index = index;
	return EMR_OK;
}

void emr_index_close(emr_index *index)
{
	if (index == NULL)
		return;
	close_connection(&index->read);
	close_connection(&index->write);
	free(index);
}

emr_status emr_index_remove(const char *dir)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char path[INDEX_PATH_CHARS];

	for (size_t i = 0; i < 3; i++) {
		if (snprintf(path, sizeof path, "%s/index.sqlite%s", dir, suffixes[i]) >=
			INDEX_PATH_CHARS)
			return EMR_LIMIT;
		if (unlink(path) != 0 && errno != ENOENT)
			return EMR_IO;
	}
	return EMR_OK;
}

bool emr_index_was_replaced(emr_index *index)
{
	struct stat st;

	return index == NULL || stat(index->path, &st) != 0 || st.st_dev != index->device ||
	       st.st_ino != index->inode || emr_database_has_lost(index->read.db) ||
	       (index->is_still && emr_disk_database_changed(index->path, &index->seen));
}

/* ---- Columns, checked: a damaged database can hold anything ---- */

static bool column_blob(sqlite3_stmt *s, int column, void *out, int len)
{
	if (sqlite3_column_type(s, column) != SQLITE_BLOB || sqlite3_column_bytes(s, column) != len)
		return false;
	memcpy(out, sqlite3_column_blob(s, column), (size_t)len);
	return true;
}

static bool column_place(sqlite3_stmt *s, int column, emr_index_place *out)
{
	int64_t offset = sqlite3_column_int64(s, column + 1);
	int64_t len = sqlite3_column_int64(s, column + 2);

	out->segment = sqlite3_column_int64(s, column);
	out->offset = (uint64_t)offset;
	out->len = (uint32_t)len;
	return out->segment > 0 && offset >= 0 && len >= 0 && len <= (int64_t)EMR_BLOCK_MAX;
}

static bool column_pin(sqlite3_stmt *s, emr_id16 *out_writer, emr_pin *out_pin)
{
	int state = sqlite3_column_int(s, 3);
	emr_cid root;

	if (!column_blob(s, 0, out_writer->b, 16) || !column_blob(s, 1, out_pin->owner.b, 16) ||
		!column_blob(s, 2, root.b, EMR_CID_BYTES))
		return false;
	if (state < EMR_PIN_WRITTEN || state > EMR_PIN_KEPT)
		return false;
	out_pin->state = (emr_pin_state)state;
	return emr_cid_parse(emr_bytes_of(root.b, EMR_CID_BYTES), &out_pin->root) == EMR_OK;
}

static bool column_segment(sqlite3_stmt *s, emr_index_segment *out)
{
	out->id = sqlite3_column_int64(s, 0);
	out->number = (uint64_t)sqlite3_column_int64(s, 2);
	out->indexed = (uint64_t)sqlite3_column_int64(s, 3);
	out->file = (uint64_t)sqlite3_column_int64(s, 4);
	return column_blob(s, 1, out->writer.b, 16) && out->id > 0 &&
	       sqlite3_column_int64(s, 2) > 0 && sqlite3_column_int64(s, 3) >= 0;
}

/* ---- The sum: XOR over rows of FNV-1a of each row's bytes; order does not matter, a changed row
 * does ---- */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

uint64_t index_block_hash(const uint8_t *digest, const emr_index_place *place)
{
	uint64_t h = hash_bytes(0xcbf29ce484222325u, "b", 1);

	h = hash_bytes(h, digest, EMR_DIGEST_PREFIX);
	h = hash_bytes(h, &place->segment, sizeof place->segment);
	h = hash_bytes(h, &place->offset, sizeof place->offset);
	return hash_bytes(h, &place->len, sizeof place->len);
}

uint64_t index_pin_hash(emr_id16 writer, const emr_pin *pin)
{
	uint64_t h = hash_bytes(0xcbf29ce484222325u, "p", 1);
	uint8_t state = (uint8_t)pin->state;

	h = hash_bytes(h, writer.b, 16);
	h = hash_bytes(h, pin->owner.b, 16);
	h = hash_bytes(h, pin->root.b, EMR_CID_BYTES);
	return hash_bytes(h, &state, 1);
}

/* ---- Reading ---- */

emr_status index_find_locked(connection *c, const uint8_t *digest, emr_index_place *out_place)
{
	emr_index_place place;
	sqlite3_stmt *s = NULL;
	emr_status status = index_prepare(c, FIND, &s);
	int rc;

	if (status != EMR_OK)
		return status;
	sqlite3_bind_blob(s, 1, digest, EMR_DIGEST_PREFIX, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		status = EMR_NOT_FOUND;
	else if (rc != SQLITE_ROW)
		status = from_sqlite(rc);
	else if (!column_place(s, 0, &place))
		status = EMR_DAMAGED;
	else
		*out_place = place;
	sqlite3_reset(s);
	return status;
}

emr_status emr_index_find(emr_index *index, const uint8_t *digest, emr_index_place *out_place)
{
	EMR_LOCKED(&index->read.lock);

	return index_find_locked(&index->read, digest, out_place);
}

emr_status index_each_row(connection *c, statement which, row_visit row, void *context)
{
	sqlite3_stmt *s = NULL;
	emr_status status = index_prepare(c, which, &s);
	int rc = SQLITE_DONE;

	if (status != EMR_OK)
		return status;
	while (status == EMR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		status = row(context, s);
	sqlite3_reset(s);
	return status == EMR_OK ? from_sqlite(rc) : status;
}

static emr_status each_read(emr_index *index, statement which, row_visit row, void *context)
{
	emr_status status;

	if (index == NULL)
		return EMR_IO;
	pthread_mutex_lock(&index->read.lock);
	status = index_each_row(&index->read, which, row, context);
	pthread_mutex_unlock(&index->read.lock);
	return status;
}

static emr_status row_segment(void *context, sqlite3_stmt *s)
{
	const visit_call *call = context;
	emr_index_segment segment;

	return column_segment(s, &segment) ? call->segment(call->context, &segment) : EMR_DAMAGED;
}

emr_status index_row_block(void *context, sqlite3_stmt *s)
{
	const visit_call *call = context;
	uint8_t digest[EMR_DIGEST_PREFIX];
	emr_index_place place;

	if (!column_blob(s, 0, digest, EMR_DIGEST_PREFIX) || !column_place(s, 1, &place))
		return EMR_DAMAGED;
	return call->block(call->context, digest, &place);
}

emr_status index_row_pin(void *context, sqlite3_stmt *s)
{
	const visit_call *call = context;
	emr_id16 writer;
	emr_pin pin;

	return column_pin(s, &writer, &pin) ? call->pin(call->context, writer, &pin) : EMR_DAMAGED;
}

emr_status emr_index_each_segment(emr_index *index, emr_index_segment_visit visit, void *context)
{
	visit_call call = {.segment = visit, .context = context};

	return each_read(index, SEGMENTS, row_segment, &call);
}

emr_status emr_index_each_block(emr_index *index, emr_index_block_visit visit, void *context)
{
	visit_call call = {.block = visit, .context = context};

	return each_read(index, BLOCKS, index_row_block, &call);
}

emr_status emr_index_each_pin(emr_index *index, emr_index_pin_visit visit, void *context)
{
	visit_call call = {.pin = visit, .context = context};

	return each_read(index, PINS, index_row_pin, &call);
}

emr_status emr_index_each_sent_pin(emr_index *index, emr_index_pin_visit visit, void *context)
{
	visit_call call = {.pin = visit, .context = context};

	return each_read(index, SENT_PINS, index_row_pin, &call);
}

emr_status index_row_numbers(void *context, sqlite3_stmt *s)
{
	uint64_t *numbers = context;

	for (int i = 0; i < sqlite3_column_count(s); i++)
		numbers[i] = (uint64_t)sqlite3_column_int64(s, i);
	return EMR_OK;
}

static emr_status count_of(
	connection *c, statement which, const emr_id16 *writer, uint64_t *numbers)
{
	sqlite3_stmt *s = NULL;
	emr_status status;

	EMR_TRY(index_prepare(c, which, &s));
	sqlite3_bind_blob(s, 1, writer->b, 16, SQLITE_STATIC);
	status = index_each_row(c, which, index_row_numbers, numbers);
	sqlite3_clear_bindings(s);
	return status;
}

emr_status emr_index_counts(emr_index *index, emr_id16 writer, uint64_t *out_blocks,
	uint64_t *out_bytes, uint64_t *out_pins)
{
	uint64_t blocks[2] = {0, 0};
	uint64_t pins = 0;
	emr_status status;

	pthread_mutex_lock(&index->read.lock);
	status = count_of(&index->read, COUNTS, &writer, blocks);
	if (status == EMR_OK)
		status = count_of(&index->read, COUNT_PINS, &writer, &pins);
	pthread_mutex_unlock(&index->read.lock);
	if (status != EMR_OK)
		return status;
	*out_blocks = blocks[0];
	*out_bytes = blocks[1];
	*out_pins = pins;
	return EMR_OK;
}

static emr_status add_block(void *context, const uint8_t *digest, const emr_index_place *place)
{
	*(uint64_t *)context ^= index_block_hash(digest, place);
	return EMR_OK;
}

static emr_status add_pin(void *context, emr_id16 writer, const emr_pin *pin)
{
	*(uint64_t *)context ^= index_pin_hash(writer, pin);
	return EMR_OK;
}

/* In one transaction of the change connection: sum and rows then belong together. */
emr_status emr_index_audit(emr_index *index)
{
	uint64_t found = 0;
	visit_call blocks = {.block = add_block, .context = &found};
	visit_call pins = {.pin = add_pin, .context = &found};
	emr_status status;

	EMR_TRY(emr_index_begin(index));
	status = index_each_row(&index->write, BLOCKS, index_row_block, &blocks);
	if (status == EMR_OK)
		status = index_each_row(&index->write, PINS, index_row_pin, &pins);
	if (status == EMR_OK && found != index->sum)
		status = EMR_DAMAGED;
	(void)index_run_plain(&index->write, ROLLBACK);
	sqlite3_db_release_memory(index->write.db); /* pages that nobody looks at again */
	pthread_mutex_unlock(&index->write.lock);
	return status;
}

static emr_status has_row(emr_index *index, statement which, const emr_id16 *writer, bool *out_has)
{
	sqlite3_stmt *s = NULL;
	int rc;
	EMR_LOCKED(&index->read.lock);

	EMR_TRY(index_prepare(&index->read, which, &s));
	sqlite3_bind_blob(s, 1, writer->b, 16, SQLITE_STATIC);
	rc = sqlite3_step(s);
	*out_has = rc == SQLITE_ROW;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return from_sqlite(rc);
}

emr_status emr_index_has_pins(emr_index *index, emr_id16 writer, bool *out_has)
{
	return has_row(index, HAS_PINS, &writer, out_has);
}

emr_status emr_index_pins_stated(emr_index *index, emr_id16 writer, bool *out_stated)
{
	return has_row(index, STATED, &writer, out_stated);
}
