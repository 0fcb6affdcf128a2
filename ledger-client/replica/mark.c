/* This file keeps the high-water mark: how far this computer has seen the ledger. A ledger or a
 * copy that is behind it was put back, and is not believed. A damaged mark is recognised. */
#include "mark.h"

#include "base/codec.h"
#include "base/file.h"
#include "crypto/sum.h"

#define NAME "replica.hw"
#define MAGIC "EMHW"
#define VERSION 1
#define BYTES_MAX (4 + 1 + 3 + 16 + 8 + 32 + 8 + 1 + 64 * 32 + 32 + 32)

emr_status mark_format(const high_mark *mark, emr_buf *out)
{
	emr_merkle_hash hashes[64];
	size_t n = emr_merkle_frontier_pack(&mark->frontier, hashes);
	emr_writer w = emr_writer_of(out);

	emr_buf_clear(out);
	emr_write_bytes(&w, MAGIC, 4);
	emr_write_u8(&w, VERSION);
	emr_write_zeros(&w, 3);
	emr_write_bytes(&w, mark->net_id.b, 16);
	emr_write_u64(&w, mark->frontier.size);
	emr_write_bytes(&w, mark->root, 32);
	emr_write_u64(&w, mark->last_time);
	emr_write_u8(&w, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		emr_write_bytes(&w, hashes[i].b, 32);
	emr_write_bytes(&w, mark->digest, 32);
	return w.status == EMR_OK ? emr_sum_append(out) : w.status;
}

emr_status mark_parse(emr_bytes bytes, high_mark *out_mark)
{
	emr_reader r = emr_reader_of(bytes);
	emr_merkle_hash hashes[64];
	high_mark mark = {0};
	uint8_t root[32];
	uint64_t size;
	size_t n;

	/* Those to come end with their sum, too: a number that rotted is none of theirs. */
	if (bytes.len > BYTES_MAX || !emr_sum_fits(bytes))
		return EMR_DAMAGED;
	emr_read_magic(&r, MAGIC);
	if (!r.bad && r.left > 0 && r.at[0] > VERSION)
		return emr_newer_format(r.at[0], VERSION);
	if (emr_read_u8(&r) != VERSION)
		return EMR_DAMAGED;
	emr_read_zeros(&r, 3);
	emr_read_copy(&r, mark.net_id.b, 16);
	size = emr_read_u64(&r);
	emr_read_copy(&r, mark.root, 32);
	mark.last_time = emr_read_u64(&r);
	n = emr_read_u8(&r);
	if (n > 64)
		return EMR_DAMAGED;
	for (size_t i = 0; i < n; i++)
		emr_read_copy(&r, hashes[i].b, 32);
	emr_read_copy(&r, mark.digest, 32);
	(void)emr_read_bytes(&r, 32);
	if (!emr_reader_done(&r) || size == 0 ||
		!emr_merkle_frontier_unpack(size, hashes, n, &mark.frontier))
		return EMR_DAMAGED;
	emr_merkle_frontier_root(&mark.frontier, root);
	if (memcmp(root, mark.root, 32) != 0)
		return EMR_DAMAGED;
	*out_mark = mark;
	return EMR_OK;
}

emr_status mark_read(int dirfd, high_mark *out_mark)
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_file_read(dirfd, NAME, BYTES_MAX, &bytes);

	if (status == EMR_LIMIT)
		return EMR_DAMAGED;
	return status == EMR_OK ? mark_parse(emr_buf_view(&bytes), out_mark) : status;
}

emr_status mark_write(int dirfd, const high_mark *mark)
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(mark_format(mark, &bytes));
	return emr_file_replace(dirfd, NAME, emr_buf_view(&bytes), 0600);
}
