/* This file reads and writes single records of a spill (the encrypted temporary file of a
 * working copy), each sealed and bound to its place. A record that is torn or changed is where
 * the log ends. */
#include "spill_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"

/* ---- Head of a record ---- */

void spill_record_head_encode(
	const spill_record *record, const uint8_t nonce[24], uint8_t out[SPILL_RECORD_HEAD])
{
	emr_put_u64(out, record->seq);
	emr_put_u64(out + 8, record->off);
	emr_put_u32(out + 16, record->len);
	memcpy(out + 20, nonce, 24);
}

emr_status spill_record_head_decode(
	const uint8_t bytes[SPILL_RECORD_HEAD], spill_record *out, uint8_t nonce[24])
{
	spill_record record = {.seq = emr_get_u64(bytes),
		.off = emr_get_u64(bytes + 8),
		.len = emr_get_u32(bytes + 16)};

	if (record.len == 0 || record.len > SPILL_PAYLOAD_MAX)
		return EMR_DAMAGED;
	if (record.off != SPILL_OFF_CONTROL && record.off > EMR_RECORD_MAX_BYTES - record.len)
		return EMR_DAMAGED;
	*out = record;
	memcpy(nonce, bytes + 20, 24);
	return EMR_OK;
}

bool spill_seq_follows(uint64_t last, uint64_t seq)
{
	return seq == last + 1 || (seq >> 32 > last >> 32 && (uint32_t)seq == 0);
}

/* ---- Control records ---- */

static void write_leaves(emr_writer *w, const spill_control *control)
{
	emr_write_u8(w, control->suite);
	emr_write_zeros(w, 2);
	emr_write_bytes(w, control->salt, sizeof control->salt);
	emr_write_bytes(w, control->sealed_dek, sizeof control->sealed_dek);
	emr_write_u32(w, control->leaf_count);
	emr_write_bytes(w, control->leaves.data, control->leaves.len);
}

emr_status spill_control_encode(const spill_control *control, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	uint8_t content[EMR_CONTENT_ENCODED_BYTES];

	emr_write_u8(&w, (uint8_t)control->kind);
	switch (control->kind) {
	case SPILL_BASE:
		emr_write_u8(&w, (uint8_t)control->base);
		emr_write_zeros(&w, 2);
		emr_write_u64(&w, control->base_limit);
		if (control->base == SPILL_BASE_GIVEN)
			emr_write_bytes(&w, control->base_cid.b, sizeof control->base_cid.b);
		if (control->base == SPILL_BASE_OWN) {
			emr_content_encode(&control->content, content);
			emr_write_bytes(&w, content, sizeof content);
		}
		break;
	case SPILL_CUT:
		emr_write_zeros(&w, 3);
		emr_write_u64(&w, control->size);
		break;
	case SPILL_LEAVES:
		write_leaves(&w, control);
		break;
	case SPILL_MARK:
		emr_write_zeros(&w, 3);
		emr_write_u64(&w, control->size);
		emr_write_u64(&w, (uint64_t)control->mtime_ns);
		emr_write_u64(&w, control->number);
		break;
	}
	return w.status;
}

static emr_status read_base(emr_reader *r, spill_control *control)
{
	uint8_t base = emr_read_u8(r);
	emr_status status = EMR_OK;

	emr_read_zeros(r, 2);
	control->base_limit = emr_read_u64(r);
	if (base > SPILL_BASE_OWN || control->base_limit > EMR_RECORD_MAX_BYTES)
		return EMR_DAMAGED;
	control->base = (spill_base_kind)base;
	if (control->base == SPILL_BASE_GIVEN)
		status = emr_cid_parse(emr_read_bytes(r, EMR_CID_BYTES), &control->base_cid);
	if (control->base == SPILL_BASE_OWN)
		status = emr_content_decode(
			emr_read_bytes(r, EMR_CONTENT_ENCODED_BYTES), &control->content);
	return status == EMR_OK ? EMR_OK : EMR_DAMAGED;
}

static void read_leaves(emr_reader *r, spill_control *control)
{
	control->suite = emr_read_u8(r);
	emr_read_zeros(r, 2);
	emr_read_copy(r, control->salt, sizeof control->salt);
	emr_read_copy(r, control->sealed_dek, sizeof control->sealed_dek);
	control->leaf_count = emr_read_u32(r);
	if (control->leaf_count > SPILL_LEAVES_MAX)
		r->bad = true;
	else
		control->leaves = emr_read_bytes(r, (size_t)control->leaf_count * SPILL_LEAF_BYTES);
}

emr_status spill_control_decode(emr_bytes bytes, spill_control *out)
{
	spill_control control = {0};
	emr_reader r = emr_reader_of(bytes);
	uint8_t kind = emr_read_u8(&r);
	emr_status status = EMR_OK;

	if (kind == SPILL_BASE) {
		status = read_base(&r, &control);
	} else if (kind == SPILL_LEAVES) {
		read_leaves(&r, &control);
	} else if (kind == SPILL_CUT || kind == SPILL_MARK) {
		emr_read_zeros(&r, 3);
		control.size = emr_read_u64(&r);
		if (kind == SPILL_MARK) {
			control.mtime_ns = (int64_t)emr_read_u64(&r);
			control.number = emr_read_u64(&r);
		}
	} else {
		return EMR_DAMAGED;
	}
	if (status != EMR_OK || !emr_reader_done(&r) || control.size > EMR_RECORD_MAX_BYTES)
		return EMR_DAMAGED;
	control.kind = (spill_control_kind)kind;
	*out = control;
	return EMR_OK;
}

void spill_leaf_encode(const spill_leaf *leaf, uint8_t out[SPILL_LEAF_BYTES])
{
	emr_put_u64(out, leaf->leaf);
	emr_put_u32(out + 8, leaf->len);
	memcpy(out + 12, leaf->digest, 32);
}

emr_status spill_leaf_decode(const uint8_t bytes[SPILL_LEAF_BYTES], spill_leaf *out)
{
	spill_leaf leaf = {.leaf = emr_get_u64(bytes), .len = emr_get_u32(bytes + 8)};

	if (leaf.leaf >= EMR_RECORD_MAX_BYTES >> EMR_LEAF_LOG2 || leaf.len > EMR_LEAF_BYTES)
		return EMR_DAMAGED;
	memcpy(leaf.digest, bytes + 12, 32);
	*out = leaf;
	return EMR_OK;
}

/* ---- The file ---- */

void spill_name(emr_id16 id, bool temporary, char out[SPILL_NAME_MAX])
{
	emr_hex(id.b, sizeof id.b, out);
	if (temporary)
		memcpy(out + 2 * sizeof id.b, ".new", sizeof ".new");
}

/* The key hangs on the id and on 16 bytes that stand only in the file's header: wiping them shreds
 * the file. */
static emr_status derive_key(
	emr_record_ctx *ctx, emr_id16 id, const uint8_t half[16], spill_file *spill)
{
	memcpy(spill->key_id.b, id.b, 16);
	memcpy(spill->key_id.b + 16, half, 16);
	return emr_local_key_get(
		ctx->options.keyring, EMR_LOCAL_STAGING, &spill->key_id, &spill->key);
}

/* 0 "EMRS" | 4 ver=1 | 5 0[3] | 8 key half[16] | 24 zeros */
emr_status spill_create(emr_record_ctx *ctx, emr_id16 id, bool temporary, spill_file *out)
{
	spill_file spill = {.reserve = ctx->options.reserve,
		.fd = -1,
		.end = SPILL_HEADER_BYTES,
		.dir_unsynced = true};
	uint8_t header[SPILL_HEADER_BYTES] = "EMRS\x01";
	char name[SPILL_NAME_MAX];
	emr_status status;

	randombytes_buf(header + 8, 16);
	EMR_TRY(derive_key(ctx, id, header + 8, &spill));
	spill_name(id, temporary, name);
	spill.fd = openat(ctx->options.spill_dirfd, name,
		O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (spill.fd < 0)
		status = emr_status_from_errno(errno);
	else
		status = emr_pwrite_all(spill.fd, header, sizeof header, 0);
	if (status != EMR_OK) {
		if (spill.fd >= 0)
			unlinkat(ctx->options.spill_dirfd, name, 0);
		spill_close(&spill);
		return status;
	}
	*out = spill;
	return EMR_OK;
}

emr_status spill_open(emr_record_ctx *ctx, emr_id16 id, spill_file *out)
{
	spill_file spill = {.reserve = ctx->options.reserve, .fd = -1, .end = SPILL_HEADER_BYTES};
	uint8_t header[SPILL_HEADER_BYTES];
	char name[SPILL_NAME_MAX];
	struct stat info;
	emr_status status = EMR_OK;

	if (ctx->options.spill_dirfd < 0)
		return EMR_NOT_FOUND;
	spill_name(id, false, name);
	spill.fd = openat(ctx->options.spill_dirfd, name,
		(ctx->is_still ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
	if (spill.fd < 0)
		return emr_status_from_errno(errno);
	if (fstat(spill.fd, &info) != 0)
		status = EMR_IO;
	else if (info.st_size < SPILL_HEADER_BYTES)
		status = EMR_NOT_FOUND; /* died while it was made: nothing was promised yet */
	if (status == EMR_OK)
		status = emr_pread_all(spill.fd, header, sizeof header, 0);
	if (status == EMR_OK && memcmp(header, "EMRS", 4) != 0)
		status = sodium_is_zero(header, sizeof header) ? EMR_NOT_FOUND : EMR_DAMAGED;
	if (status == EMR_OK && header[4] != 1)
		status = header[4] > 1 ? emr_newer_format(header[4], 1) : EMR_DAMAGED;
	if (status == EMR_OK && !sodium_is_zero(header + 5, 3))
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = derive_key(ctx, id, header + 8, &spill);
	if (status != EMR_OK) {
		spill_close(&spill);
		return status;
	}
	*out = spill;
	return EMR_OK;
}

void spill_close(spill_file *spill)
{
	if (spill->fd >= 0)
		close(spill->fd);
	spill->fd = -1;
	emr_local_key_free(spill->key);
	spill->key = NULL;
}

#define RECORD_AAD_BYTES 52

/* staging_id || seq || off || len */
static void record_aad(
	const spill_file *spill, const spill_record *record, uint8_t out[RECORD_AAD_BYTES])
{
	memcpy(out, spill->key_id.b, 32);
	emr_put_u64(out + 32, record->seq);
	emr_put_u64(out + 40, record->off);
	emr_put_u32(out + 48, record->len);
}

emr_status spill_append(spill_file *spill, uint64_t off, emr_bytes payload, spill_record *out)
{
	spill_record record = {
		.at = spill->end, .seq = spill->next_seq, .off = off, .len = (uint32_t)payload.len};
	size_t room = (size_t)spill_record_room(payload.len);
	EMR_AUTO_FREE uint8_t *bytes = calloc(1, room);
	uint8_t nonce[24], aad[RECORD_AAD_BYTES];

	if (bytes == NULL)
		return EMR_NO_MEMORY;
	if (emr_reserve_is_out(spill->reserve))
		return EMR_NO_SPACE;
	randombytes_buf(nonce, sizeof nonce);
	spill_record_head_encode(&record, nonce, bytes);
	record_aad(spill, &record, aad);
	EMR_TRY(emr_local_seal(spill->key, nonce, emr_bytes_of(aad, sizeof aad), payload,
		bytes + SPILL_RECORD_HEAD));
	EMR_TRY(emr_pwrite_all(spill->fd, bytes, room, (off_t)record.at));
	spill->end += room;
	spill->next_seq++;
	*out = record;
	return EMR_OK;
}

static emr_status open_record(const spill_file *spill, const spill_record *record,
	const uint8_t nonce[24], const uint8_t *sealed, uint8_t *out)
{
	uint8_t aad[RECORD_AAD_BYTES];

	record_aad(spill, record, aad);
	return emr_local_open(spill->key, nonce, emr_bytes_of(aad, sizeof aad),
		emr_bytes_of(sealed, record->len + 16), out);
}

emr_status spill_read(const spill_file *spill, const spill_record *record, uint8_t *out)
{
	uint8_t bytes[SPILL_RECORD_MAX];
	uint8_t nonce[24];
	spill_record found;

	EMR_TRY(emr_pread_all(
		spill->fd, bytes, SPILL_RECORD_HEAD + record->len + 16, (off_t)record->at));
	EMR_TRY(spill_record_head_decode(bytes, &found, nonce));
	if (found.seq != record->seq || found.off != record->off || found.len != record->len)
		return EMR_DAMAGED;
	return open_record(spill, record, nonce, bytes + SPILL_RECORD_HEAD, out);
}

/* A record that reaches beyond the file's end or does not open is where a torn log ends; only a
 * disk that cannot be read is an error. */
emr_status spill_read_at(const spill_file *spill, uint64_t at, spill_record *out, uint8_t *payload)
{
	uint8_t bytes[SPILL_RECORD_MAX];
	uint8_t nonce[24];
	spill_record record;
	ssize_t got;

	do {
		got = pread(spill->fd, bytes, sizeof bytes, (off_t)at);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return emr_status_from_errno(errno);
	if ((size_t)got < SPILL_RECORD_HEAD ||
		spill_record_head_decode(bytes, &record, nonce) != EMR_OK)
		return EMR_NOT_FOUND;
	if ((size_t)got < SPILL_RECORD_HEAD + record.len + 16)
		return EMR_NOT_FOUND;
	record.at = at;
	if (open_record(spill, &record, nonce, bytes + SPILL_RECORD_HEAD, payload) != EMR_OK)
		return EMR_NOT_FOUND;
	*out = record;
	return EMR_OK;
}
