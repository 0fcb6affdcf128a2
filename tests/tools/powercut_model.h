/* This model says what a disk may hold after a power cut, given the operations before it. It
 * assumes the worst: whatever was not flushed may be there, be missing or be torn.
 *
 * Bytes of a file. Bytes that were written before the begin of a flush of that file that ended are
 * on disk. Every later change is one version more of each sector it touches, and a sector may hold
 * any of its versions, independently of its neighbours; the style of the cut says how they are
 * drawn: 0 nothing survives 1 everything survives 2 a prefix, its last change torn 3 each change
 * for itself (so also out of order) 4, 5 each 512 or 4096 bytes for themselves A sector that shows
 * a change shows the earlier changes of that sector as well, as a page in a cache does. The size
 * goes with the changes (0 to 3) or is drawn for itself (4, 5).
 *
 * Names. Strict: a change of a directory's entries is on disk once that directory was flushed after
 * it; of the others each directory has a prefix of its own, and a rename is one change, of the
 * directory it moves to. Apart: as strict, but each change that was not flushed is kept or lost for
 * itself, whatever came before it in its directory: the letter of POSIX, which promises no order at
 * all; a rename is still one change. Ordered: as in a journal, names change on disk in the order
 * they were made; a flush of a file or directory carries every change up to the last that concerned
 * it. Modes are on disk at once; times and attributes are not modelled. */
#pragma once

#include "powercut_format.h"

#include <stdbool.h>
#include <stddef.h>

enum powercut_names { PC_NAMES_STRICT, PC_NAMES_ORDERED, PC_NAMES_APART };
enum { PC_STYLES = 6 };

struct powercut_event {
	struct powercut_record head;
	const char *path, *path2; /* with a zero, owned by the trace */
	const unsigned char *data;
};

struct powercut_model;

struct powercut_model *powercut_model_new(enum powercut_names names, bool drops_flushes);

/* Takes the next event; NUMBER counts up from 0.  EVENT's data must stay. */
void powercut_model_apply(
	struct powercut_model *model, const struct powercut_event *event, uint64_t number);

/* Makes the new directory DIR what the disk may hold if the power went now. */
void powercut_model_save(
	const struct powercut_model *model, uint64_t seed, unsigned style, const char *dir);
