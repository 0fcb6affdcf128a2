/* This file keeps a small hint where reading the journal may begin, so that opening is fast. A
 * wrong or missing hint costs time only. */
#include "journal_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hashsig.h"

#define HEAD_VERSION 1
#define HEAD_BYTES 64
#define CHECKED_BYTES 56

/* 0 "EMRH" | 4 ver | 5 0[3] | 8 writer[16] | 24 number u64 | 32 offset u64 | 40 seq u64 | 48 0[8] |
 * 56 check[8] = first bytes of SHA-256 of bytes 0..55 */

static void head_name(emr_store *store, char out[64])
{
	emr_id16 writer = emr_store_writer(store);
	char hex[33];

	emr_hex(writer.b, sizeof writer.b, hex);
	snprintf(out, 64, "journal-%s.head", hex);
}

static emr_bytes head_encode(const emr_journal_head *head, emr_id16 writer, uint8_t out[64])
{
	uint8_t digest[32];

	memset(out, 0, HEAD_BYTES);
	memcpy(out, "EMRH", 4);
	out[4] = HEAD_VERSION;
	memcpy(out + 8, writer.b, sizeof writer.b);
	emr_put_u64(out + 24, head->start.number);
	emr_put_u64(out + 32, head->start.offset);
	emr_put_u64(out + 40, head->seq);
	emr_sha256(out, CHECKED_BYTES, digest);
	memcpy(out + CHECKED_BYTES, digest, HEAD_BYTES - CHECKED_BYTES);
	return emr_bytes_of(out, HEAD_BYTES);
}

emr_status emr_journal_head_decode(emr_bytes bytes, emr_id16 writer, emr_journal_head *out_head)
{
	emr_reader r = emr_reader_of(bytes);
	emr_journal_head head;
	uint8_t digest[32];
	emr_id16 whose;
	uint8_t version;

	if (bytes.len != HEAD_BYTES)
		return EMR_DAMAGED;
	emr_sha256(bytes.data, CHECKED_BYTES, digest);
	if (memcmp(digest, bytes.data + CHECKED_BYTES, HEAD_BYTES - CHECKED_BYTES) != 0)
		return EMR_DAMAGED;
	emr_read_magic(&r, "EMRH");
	version = emr_read_u8(&r);
	emr_read_zeros(&r, 3);
	emr_read_copy(&r, whose.b, sizeof whose.b);
	head.start.number = emr_read_u64(&r);
	head.start.offset = emr_read_u64(&r);
	head.seq = emr_read_u64(&r);
	emr_read_zeros(&r, 8);
	if (!r.bad && version > HEAD_VERSION)
		return emr_newer_format(version, HEAD_VERSION);
	if (r.bad || version != HEAD_VERSION || !emr_id16_equal(whose, writer) ||
		head.start.number == 0)
		return EMR_DAMAGED;
	*out_head = head;
	return EMR_OK;
}

emr_status emr_journal_head_read(emr_store *store, emr_journal_head *out_head)
{
	EMR_AUTO_BUF bytes = {0};
	char name[64];
	emr_status status;

	if (emr_store_directory(store) < 0)
		return EMR_NOT_FOUND;
	head_name(store, name);
	status = emr_file_read(emr_store_directory(store), name, HEAD_BYTES, &bytes);
	/* Anybody who writes in the directory may have put something else there: a directory, a
	 * pipe, a file without rights. */
	if (status == EMR_LIMIT || status == EMR_IO || status == EMR_DENIED)
		return EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	return emr_journal_head_decode(emr_buf_view(&bytes), emr_store_writer(store), out_head);
}

/* A directory, which is none of ours: it may have anything in it, so it only gets another name. */
static bool put_aside(int dirfd, const char *name)
{
	emr_id16 random = emr_id16_random();
	char hex[33], aside[128];
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
		return false;
	emr_hex(random.b, sizeof random.b, hex);
	snprintf(aside, sizeof aside, "%s.odd-%s", name, hex);
	return renameat(dirfd, name, dirfd, aside) == 0;
}

emr_status emr_journal_head_write(emr_store *store, const emr_journal_head *head)
{
	const int dirfd = emr_store_directory(store);
	uint8_t bytes[HEAD_BYTES];
	const emr_bytes encoded = head_encode(head, emr_store_writer(store), bytes);
	char name[64];
	emr_status status;

	head_name(store, name);
	status = emr_file_replace(dirfd, name, encoded, 0600);
	return status != EMR_OK && put_aside(dirfd, name)
		       ? emr_file_replace(dirfd, name, encoded, 0600)
		       : status;
}
