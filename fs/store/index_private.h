/* This header declares the inside of the index: a connection with its prepared statements, and
 * what reading and changing share. Only fs/store/index*.c see it. */
#pragma once

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/disk.h"
#include "base/worker.h"
#include "index.h"

#define INDEX_PATH_CHARS 4096

typedef enum statement {
	FIND,
	SEGMENTS,
	BLOCKS,
	PINS,
	SENT_PINS,
	HAS_PINS,
	COUNTS,
	COUNT_PINS,
	STATED,
	BEGIN,
	COMMIT,
	ROLLBACK,
	GET_SUM,
	SET_SUM,
	PUT_SEGMENT,
	GET_SEGMENT,
	DROP_SEGMENT,
	PUT_BLOCK,
	OLD_BLOCK,
	DROP_BLOCK,
	PUT_PIN,
	OLD_PIN,
	DROP_PIN,
	STATE_PINS,
	DOUBT_PINS,
	STATEMENTS
} statement;

/* A connection with its statements; reads and changes have one each, so that a batch does not stop
 * readers. */
typedef struct connection {
	pthread_mutex_t lock; /* protects the rest */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
} connection;

struct emr_index {
	char path[INDEX_PATH_CHARS];
	dev_t device;
	ino_t inode;
	bool is_still;
	emr_disk_seen seen; /* with is_still */
	connection read;
	connection write;
	/* of the transaction under way, which holds write.lock */
	uint64_t sum;
	emr_status failed;
};

typedef emr_status (*row_visit)(void *context, sqlite3_stmt *s);

typedef struct visit_call {
	emr_index_segment_visit segment;
	emr_index_block_visit block;
	emr_index_pin_visit pin;
	void *context;
} visit_call;

emr_status index_prepare(connection *c, statement which, sqlite3_stmt **out);
/* Runs a statement that gives no rows. */
emr_status index_run(sqlite3_stmt *s);
emr_status index_run_plain(connection *c, statement which);
/* Calls ROW for each row of WHICH on a connection that the caller has locked. */
emr_status index_each_row(connection *c, statement which, row_visit row, void *context);
emr_status index_row_block(void *context, sqlite3_stmt *s);
emr_status index_row_pin(void *context, sqlite3_stmt *s);
emr_status index_row_numbers(void *context, sqlite3_stmt *s);
uint64_t index_block_hash(const uint8_t *digest, const emr_index_place *place);
uint64_t index_pin_hash(emr_id16 writer, const emr_pin *pin);
emr_status index_find_locked(connection *c, const uint8_t *digest, emr_index_place *out_place);
