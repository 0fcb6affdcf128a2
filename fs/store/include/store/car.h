/* These functions write CARv1, the archive of blocks that every IPFS tool reads: a header with
 * roots, then sections. They read the sections of our own segments, and refuse blocks over 2 MiB,
 * more than 1,024 roots, and every CID that store/cid.h refuses. Archives of strangers are read in
 * fs/evidence/carry.
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
