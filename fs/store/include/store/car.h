/* These functions write CARv1, the archive of blocks that every IPFS tool reads: a header with
 * roots, then sections. They read the sections of our own segments, and refuse blocks over 2 MiB,
 * more than 1,024 roots, and every CID that store/cid.h refuses. A CAR that any tool wrote is
 * scanned: whatever its roots, whatever else is in it; what is refused of it is a torn end, bytes
 * that are not what their SHA-256 name says, blocks over 2 MiB, and CARv2.
 *
 * Source: ipld/ipld specs/transport/car/carv1.  Header: varint length, DAG-CBOR {"roots": [cid...],
 * "version": 1}. Section: varint length of what follows, CID (36 bytes here), block. */
#pragma once

#include "store/block_store.h"
#include "store/varint.h"

#define EMR_CAR_ROOTS_MAX 1024
#define EMR_CAR_SECTION_HEAD_MAX (EMR_VARINT_MAX + EMR_CID_BYTES)

/* Appends the header for these roots (1..1,024). */
emr_status emr_car_write_header(emr_buf *out, const emr_cid *roots, size_t count);
/* Varint and CID of a section whose block has LEN bytes; returns its size. */
size_t emr_car_section_head(uint8_t out[EMR_CAR_SECTION_HEAD_MAX], const emr_cid *cid, size_t len);

typedef struct emr_car_section {
	emr_cid cid;
	size_t head_len; /* varint and CID */
	size_t data_len; /* the block */
} emr_car_section;

/* Parses varint and CID at the start of DATA (45 bytes suffice).  EMR_NOT_FOUND: a zero byte, which
 * is where written data ends in a segment; EMR_RANGE: DATA ends inside the head; EMR_LIMIT: block
 * over 2 MiB; EMR_DAMAGED. */
emr_status emr_car_read_section_head(emr_bytes data, emr_car_section *out_section);

/* OFFSET: of the block's first byte in the file. */
typedef emr_status (*emr_car_section_fn)(void *arg, const emr_block *block, uint64_t offset);

/* Reads FD, a regular file, from its beginning to its end; FN gets the raw and dag-pb blocks, in
 * order, what has another kind of name is passed over.  *OUT_END: bytes of the file.  EMR_DAMAGED,
 * EMR_LIMIT, EMR_NEWER_FORMAT, or what FN says. */
emr_status emr_car_scan(int fd, emr_car_section_fn fn, void *arg, uint64_t *out_end);
/* The roots that its header names, all of our kinds of name.  EMR_LIMIT: more than MAX;
 * EMR_DAMAGED, EMR_NEWER_FORMAT as above. */
emr_status emr_car_scan_roots(int fd, emr_cid *out, size_t max, size_t *out_n);
