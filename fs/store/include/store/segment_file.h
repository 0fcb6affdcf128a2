/* These functions look at a segment as a file, for a program that copies it: its name, where its
 * complete sections end, and whether its blocks still have their hashes. They need no open store,
 * and refuse to count what a writer has not finished. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "store/block_store.h"

/* A number above this is no segment's: there must always be a name for the one that comes next. */
#define EMR_SEGMENT_NUMBER_MAX 1000000000000U

/* The writer and number that NAME (seg-<writer>-<number>.car) tells; false when it is no segment's
 * name. */
bool emr_segment_file_parse(const char *name, emr_id16 *out_writer, uint64_t *out_number);

/* The line by which a state tells its own segments: the writer id and the beginning of its SHA-256,
 * each in hexadecimal and in a line. */
#define EMR_WRITER_TEXT_BYTES (32 + 1 + 8 + 1)
void emr_writer_text(emr_id16 writer, char out[EMR_WRITER_TEXT_BYTES + 1]);
/* EMR_DAMAGED.  One line alone is from before there was the other. */
emr_status emr_writer_text_parse(emr_bytes text, emr_id16 *out_writer);

/* Opens NAME, which others may have put there: never waits, follows no link.  EMR_INVALID when it
 * is no regular file. */
emr_status emr_segment_file_open(int dirfd, const char *name, int flags, int *out_fd);

/* Sections from FROM (0, or an end that was given before) to the last whole one with a right hash;
 * a damaged place with whole sections behind it is passed over and counted, what stands behind the
 * last one is a torn or unfinished end. Another process may be appending.  *out_end is 0 when not
 * even the segment's beginning is there.  EMR_DAMAGED: it does not begin as a segment does; EMR_IO:
 * also when the file became shorter meanwhile. */
typedef struct emr_segment_extent {
	uint64_t end;
	uint64_t damaged; /* places between FROM and end */
} emr_segment_extent;
emr_status emr_segment_file_extent(int fd, uint64_t from, emr_segment_extent *out_extent);

/* Every section of the first END bytes: VISIT is called for each place that is no section with a
 * right hash. EMR_DAMAGED when there was one, or when END is not the end of a section. */
typedef void (*emr_segment_damage_fn)(void *arg, uint64_t offset, uint64_t len);
emr_status emr_segment_file_check(int fd, uint64_t end, emr_segment_damage_fn visit, void *arg);

/* Reads what the first END bytes of segment NUMBER of WRITER hold: blocks by the place of their
 * first byte, in order, and what its frames say of pins, in order.  HASHED: only blocks whose bytes
 * have the hash of their name; else what the section heads say, which reads little of the file. */
typedef struct emr_segment_visitor {
	emr_status (*block)(void *arg, const emr_cid *cid, uint64_t offset, size_t len);
	emr_status (*pin)(void *arg, const emr_pin *pin, bool is_unpin);
	void *arg;
} emr_segment_visitor;
emr_status emr_segment_file_contents(int fd, uint64_t end, emr_id16 writer, uint64_t number,
	bool hashed, const emr_segment_visitor *visitor);
