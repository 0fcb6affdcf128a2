/* The reserve is a file that keeps disk space aside. When the disk is full, emrfs gives it back,
 * so that removing files, the journal, the ledger and reclaiming space still work. While it is
 * out, content is refused, or it would take that room, too. Databases take from the one that was
 * opened last by themselves (database/files.h). It refuses to be made where it would leave nothing
 * for others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct emr_reserve emr_reserve; /* thread-safe */

#define EMR_RESERVE_NAME "reserve"
#define EMR_RESERVE_BYTES ((uint64_t)16 << 20) /* DESIGN.md says what was measured */
#define EMR_RESERVE_LOW ((uint64_t)2 << 20)    /* less than this free is a full disk */

/* Opens or makes the file in DIRFD (stays the caller's) and fills it when there is room; gives it
 * back at once on a full disk.  BYTES 0: EMR_RESERVE_BYTES, or a quarter of a small disk.
 * EMR_NO_MEMORY; EMR_IO and others when there can be no such file. */
emr_status emr_reserve_open(int dirfd, uint64_t bytes, emr_reserve **out_reserve);
/* Takes as much as there is, for the next start.  NULL is fine, here and below: nothing is put
 * aside then. */
void emr_reserve_close(emr_reserve *reserve);

/* After "no space" in something that must go on: gives EMR_RESERVE_LOW of it back.  True when it is
 * worth trying again. */
bool emr_reserve_release(emr_reserve *reserve);
/* Before work that must go on: gives the room back already when less than EMR_RESERVE_LOW is free.
 */
void emr_reserve_check(emr_reserve *reserve);
/* If part of it is out already, the rest, too: for copies after which more is free than before. */
void emr_reserve_lend(emr_reserve *reserve);
void emr_reserve_take_back(emr_reserve *reserve); /* after each lend */
/* True while content must be refused.  Takes room again as soon as there is some, so nobody has to
 * wait for a mend. */
bool emr_reserve_is_out(emr_reserve *reserve);
/* Bytes that content may still use, of FREE bytes of the disk. */
uint64_t emr_reserve_left(emr_reserve *reserve, uint64_t free_bytes);
