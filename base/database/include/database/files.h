/* This opens an SQLite database that somebody else may have written to: the ledger and the index
 * of the block store lie in a directory of several people. It refuses to play back a rollback
 * journal, and to run what the file itself brings to be run. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

/* The name of the file system (sqlite3_vfs) to give to sqlite3_open_v2; NULL without memory.  It is
 * SQLite's own, but knows no rollback journals: one that lies beside a database is not looked at,
 * because SQLite deletes whatever file such a journal names (pager_delsuper of its pager.c), and
 * puts pages of anybody's choice into the database.  The rows of a database have hashes, but nobody
 * would miss a row that a journal deletes. A write-ahead log is not concerned.
 *
 * Its index (-shm) is mapped by all who have the database open.  When somebody cuts that file,
 * which would end a program that touches it (SIGBUS), calls fail with SQLITE_IOERR_SHMLOCK until
 * this program has closed all its connections to the database.  SIGBUS must not be blocked in a
 * thread that uses one.  Thread-safe. */
const char *emr_database_files(void);

/* After opening, before anything is read.  Views are not looked into and, unless HAS_TRIGGERS,
 * triggers are not run: a file can bring both.  No value is larger than 64 MiB (a batch has 4). */
void emr_database_restrict(sqlite3 *db, bool has_triggers);

/* MAKE gives room on a full disk: it is called when a database finds none, and what was refused is
 * tried again for as long as it answers true.  It is called in a signal handler, too: the index of
 * the log is memory, and on a file system that writes each page to a new place (btrfs) it is a
 * touched page for which there is no room.  One for the process; it stays.  Without room calls
 * fail with SQLITE_FULL, and where a page was lost with SQLITE_IOERR_SHMLOCK. */
void emr_database_room(bool (*make)(void));

/* Whether a page of DB's index was lost: nothing is done with it until it is opened again. */
bool emr_database_has_lost(sqlite3 *db);

/* A database becomes one with a write-ahead log, which it stays.  Returns a code of SQLite:
 * SQLITE_MISUSE when it cannot have one. */
int emr_database_use_log(sqlite3 *db);
