/* This is the SQLite index of the segments. It maps the prefix of a digest to a place, and knows
 * how far each segment is indexed, and the pins. Durability never depends on it: everything in it
 * can be read again from the segments. Thread-safe, but for closing. An index of NULL, one that
 * could not be opened, gives EMR_IO where rows are visited, and EMR_NO_SPACE where they are
 * changed: a full disk alone has a writer go on without. */
#pragma once

#include "pending.h"

typedef struct emr_index emr_index;

typedef struct emr_index_place {
	int64_t segment; /* the index's own number */
	uint64_t offset;
	uint32_t len;
} emr_index_place;

/* Opens DIR/index.sqlite.  *out_fresh: it was missing, and made (never when read_only:
 * EMR_NOT_FOUND). EMR_DAMAGED: cannot be used, emr_index_remove it; EMR_NEWER_FORMAT: made by a
 * newer program.  IS_STILL: the disk takes nothing, and nothing is made beside it. */
emr_status emr_index_open(
	const char *dir, bool read_only, bool is_still, emr_index **out_index, bool *out_fresh);
void emr_index_close(emr_index *index); /* NULL is fine */
/* Unlinks the index and its WAL.  It holds nothing that cannot be made again. */
emr_status emr_index_remove(const char *dir);
/* The file under the name is no longer the one that is open, a page of it was lost, or none is
 * open: EMR_IO of INDEX says no more than that. */
bool emr_index_was_replaced(emr_index *index);

/* EMR_NOT_FOUND; EMR_DAMAGED. */
emr_status emr_index_find(emr_index *index, const uint8_t *digest, emr_index_place *out_place);

typedef struct emr_index_segment {
	int64_t id;
	emr_id16 writer;
	uint64_t number;
	uint64_t indexed; /* sections that end at or before this offset have their rows */
	uint64_t file;	  /* the number of the file in its file system, when it was put */
} emr_index_segment;
typedef emr_status (*emr_index_segment_visit)(void *context, const emr_index_segment *segment);
emr_status emr_index_each_segment(emr_index *index, emr_index_segment_visit visit, void *context);
typedef emr_status (*emr_index_block_visit)(
	void *context, const uint8_t *digest, const emr_index_place *place);
emr_status emr_index_each_block(emr_index *index, emr_index_block_visit visit, void *context);
typedef emr_status (*emr_index_pin_visit)(void *context, emr_id16 writer, const emr_pin *pin);
emr_status emr_index_each_pin(emr_index *index, emr_index_pin_visit visit, void *context);
/* Those in the state EMR_PIN_SENT: few, and found without a look at the others. */
emr_status emr_index_each_sent_pin(emr_index *index, emr_index_pin_visit visit, void *context);
emr_status emr_index_has_pins(emr_index *index, emr_id16 writer, bool *out_has);
/* Counts the blocks in WRITER's segments, and the pins of WRITER. */
emr_status emr_index_counts(emr_index *index, emr_id16 writer, uint64_t *out_blocks,
	uint64_t *out_bytes, uint64_t *out_pins);
/* Compares all rows with the sum kept beside them: EMR_DAMAGED when a row is not what was written.
 */
emr_status emr_index_audit(emr_index *index);
/* True when the index was made again and WRITER has not stated its pins since. */
emr_status emr_index_pins_stated(emr_index *index, emr_id16 writer, bool *out_stated);

/* Takes out the rows of these segments and of their blocks; sorts IDS.  On the disk when it
 * returns: the files may go then, and what they said of pins is not forgotten with them. */
emr_status emr_index_drop_segments(emr_index *index, int64_t *ids, size_t count);

/* ---- Changes, between begin and commit; the first failure is kept and commit rolls back ---- */

emr_status emr_index_begin(emr_index *index);
emr_status emr_index_commit(emr_index *index);
void emr_index_rollback(emr_index *index);
/* Finds or makes the row of SEGMENT (its id is not looked at) and sets how far it is indexed. */
emr_status emr_index_put_segment(
	emr_index *index, const emr_index_segment *segment, int64_t *out_id);
emr_status emr_index_put_block(
	emr_index *index, const uint8_t *digest, const emr_index_place *place);
/* The row of DIGEST, when it leads to PLACE. */
emr_status emr_index_drop_block(
	emr_index *index, const uint8_t *digest, const emr_index_place *place);
emr_status emr_index_put_pin(emr_index *index, emr_id16 writer, const emr_pin_change *change);
emr_status emr_index_state_pins(emr_index *index, emr_id16 writer);
/* WRITER has to state its pins again. */
emr_status emr_index_doubt_pins(emr_index *index, emr_id16 writer);
