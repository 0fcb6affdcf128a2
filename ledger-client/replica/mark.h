/* The high-water mark says how far this computer has verified the ledger. It is a small file
 * beside the copy. A file whose checksum does not fit is not believed. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "crypto/merkle.h"

typedef struct high_mark {
	emr_id16 net_id;
	uint64_t last_time;
	emr_merkle_frontier
		frontier; /* its size is the number of verified entries; 0 = no high_mark */
	uint8_t root[32];
	uint8_t digest[32]; /* of the state rows */
} high_mark;

/* EMR_NOT_FOUND, EMR_DAMAGED, EMR_NEWER_FORMAT, EMR_IO. */
emr_status mark_read(int dirfd, high_mark *out_mark);
emr_status mark_write(int dirfd, const high_mark *mark);
/* The bytes of the file, and back. */
emr_status mark_format(const high_mark *mark, emr_buf *out);
emr_status mark_parse(emr_bytes bytes, high_mark *out_mark);
