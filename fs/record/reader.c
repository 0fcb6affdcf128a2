#include "reader.h"

#include <stdlib.h>

#include "crypto/merkle.h"
#include "format_checks.h"
#include "leaf.h"

/* ---- Opening ---- */

static emr_status find_leaf(
	emr_content_reader *reader, uint64_t leaf, record_leaf_source *out, emr_cid *out_missing)
{
	uint64_t start = leaf << EMR_LEAF_LOG2;
	uint64_t left = reader->content.padded - start;
	emr_status status;

	out->ctx = reader->ctx;
	out->cipher = reader->cipher;
	out->leaf = leaf;
	out->stream_len = left < EMR_LEAF_BYTES ? (size_t)left : EMR_LEAF_BYTES;
	status = emr_unixfs_tree_leaf(reader->tree, leaf, &out->cid, out_missing);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

/* The stream's end is there, and what follows the file in its last chunk is zeros. */
static emr_status check_last_chunk(emr_content_reader *reader)
{
	uint64_t at = (reader->content.padded - 1) / EMR_CHUNK_BYTES * EMR_CHUNK_BYTES;
	size_t len = (size_t)(reader->content.padded - at);
	size_t file_part = reader->content.n > at ? (size_t)(reader->content.n - at) : 0;
	record_leaf_source source;
	uint8_t chunk[EMR_CHUNK_BYTES];
	emr_status status;

	status = find_leaf(reader, at >> EMR_LEAF_LOG2, &source, NULL);
	if (status == EMR_OK)
		status = record_leaf_read(&source, (size_t)(at & (EMR_LEAF_BYTES - 1)), len, chunk);
	if (status == EMR_OK && !is_zero(chunk + file_part, len - file_part))
		status = EMR_DAMAGED;
	return status;
}

static emr_status open_parts(emr_content_reader *reader, const emr_content_key *key)
{
	const emr_content *content = &reader->content;
	uint8_t com[EMR_CHUNK_COM_BYTES];
	emr_status status;

	status = emr_content_key_cipher(key, content->suite, content->salt, &reader->cipher, com);
	if (status != EMR_OK)
		return status;
	status = emr_chunk_cipher_check(reader->cipher, content->com);
	if (status != EMR_OK)
		return status;
	status = emr_unixfs_tree_open(reader->ctx->options.store, &content->c, content->padded,
		content->leaf_log2, &reader->tree);
	if (status != EMR_OK)
		return status;
	return check_last_chunk(reader);
}

static emr_status new_reader(
	emr_record_ctx *ctx, const emr_content *content, emr_content_reader **out)
{
	emr_content_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return EMR_NO_MEMORY;
	reader->ctx = ctx;
	reader->content = *content;
	atomic_init(&reader->owners, 1);
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->loaded, NULL);
	*out = reader;
	return EMR_OK;
}

emr_status emr_content_reader_open(emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, emr_content_reader **out_reader)
{
	emr_content_reader *reader;
	emr_status status = record_content_check(content);

	if (status == EMR_OK)
		status = new_reader(ctx, content, &reader);
	if (status != EMR_OK)
		return status;
	status = open_parts(reader, key);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	*out_reader = reader;
	return EMR_OK;
}

emr_status record_reader_of_sealed(emr_record_ctx *ctx, const emr_content *content,
	emr_chunk_cipher *cipher, emr_content_reader **out_reader)
{
	emr_content_reader *reader;
	emr_status status = new_reader(ctx, content, &reader);

	if (status != EMR_OK)
		return status;
	status = emr_unixfs_tree_open(ctx->options.store, &content->c, content->padded,
		content->leaf_log2, &reader->tree);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	reader->cipher = cipher;
	*out_reader = reader;
	return EMR_OK;
}

emr_content_reader *emr_content_reader_share(emr_content_reader *reader)
{
	if (reader != NULL)
		atomic_fetch_add(&reader->owners, 1);
	return reader;
}

static void empty_slot(emr_content_reader *reader, reader_slot *slot)
{
	if (slot->plain == NULL)
		return;
	emr_wipe(slot->plain, slot->len);
	free(slot->plain);
	slot->plain = NULL;
	slot->state = SLOT_EMPTY;
	atomic_fetch_sub(&reader->ctx->cached_leaves, 1);
}

void emr_content_reader_free(emr_content_reader *reader)
{
	if (reader == NULL || atomic_fetch_sub(&reader->owners, 1) != 1)
		return;
	pthread_mutex_lock(&reader->lock);
	for (size_t i = 0; i < READER_SLOTS; i++) {
		while (reader->slots[i].state == SLOT_QUEUED ||
			reader->slots[i].state == SLOT_LOADING)
			pthread_cond_wait(&reader->loaded, &reader->lock);
		empty_slot(reader, &reader->slots[i]);
	}
	pthread_mutex_unlock(&reader->lock);
	emr_unixfs_tree_close(reader->tree);
	emr_chunk_cipher_free(reader->cipher);
	pthread_cond_destroy(&reader->loaded);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}

const emr_content *emr_content_reader_content(const emr_content_reader *reader)
{
	return &reader->content;
}

/* ---- Reading ahead ---- */

static void load_slot(record_job *job)
{
	reader_slot *slot = (reader_slot *)job; /* its first member */
	emr_content_reader *reader = slot->reader;
	record_leaf_source source;
	emr_status status;

	pthread_mutex_lock(&reader->lock);
	slot->state = SLOT_LOADING;
	pthread_mutex_unlock(&reader->lock);
	status = find_leaf(reader, slot->leaf, &source, NULL);
	if (status == EMR_OK)
		status = record_leaf_read(&source, 0, source.stream_len, slot->plain);
	pthread_mutex_lock(&reader->lock);
	slot->len = status == EMR_OK ? source.stream_len : 0;
	slot->state = SLOT_READY;
	if (status != EMR_OK)
		empty_slot(reader, slot); /* the reader that comes here meets the cause itself */
	pthread_cond_broadcast(&reader->loaded);
	pthread_mutex_unlock(&reader->lock);
}

static reader_slot *slot_of(emr_content_reader *reader, uint64_t leaf)
{
	for (size_t i = 0; i < READER_SLOTS; i++) {
		if (reader->slots[i].state != SLOT_EMPTY && reader->slots[i].leaf == leaf)
			return &reader->slots[i];
	}
	return NULL;
}

/* An empty slot, or the one unused for longest; with its buffer.  NULL when all are busy or memory
 * is short. */
static reader_slot *slot_to_fill(emr_content_reader *reader)
{
	reader_slot *best = NULL;

	for (size_t i = 0; i < READER_SLOTS; i++) {
		reader_slot *slot = &reader->slots[i];

		if (slot->state == SLOT_QUEUED || slot->state == SLOT_LOADING || slot->readers > 0)
			continue;
		if (best == NULL || slot->state == SLOT_EMPTY ||
			(best->state != SLOT_EMPTY && slot->last_use < best->last_use))
			best = slot;
	}
	if (best == NULL || best->plain != NULL)
		return best;
	if (atomic_fetch_add(&reader->ctx->cached_leaves, 1) >= RECORD_CACHED_LEAVES_MAX ||
		(best->plain = malloc(EMR_LEAF_BYTES)) == NULL) {
		atomic_fetch_sub(&reader->ctx->cached_leaves, 1);
		return NULL;
	}
	return best;
}

/* Under the lock. */
static void open_ahead(emr_content_reader *reader, uint64_t leaf)
{
	reader_slot *slot;

	if (reader->ctx->thread_count == 0 || leaf << EMR_LEAF_LOG2 >= reader->content.n ||
		slot_of(reader, leaf) != NULL)
		return;
	slot = slot_to_fill(reader);
	if (slot == NULL)
		return;
	slot->job.run = load_slot;
	slot->reader = reader;
	slot->leaf = leaf;
	slot->state = SLOT_QUEUED;
	slot->last_use = ++reader->uses;
	(void)record_submit(reader->ctx, &slot->job); /* cannot fail: there are workers */
}

/* Notices a run of reads that follow each other; the kernel's readahead may deliver them a little
 * out of order. */
static void note_access(emr_content_reader *reader, uint64_t offset, size_t len)
{
	uint64_t leaf = (offset + len - 1) >> EMR_LEAF_LOG2;
	uint64_t gap;

	pthread_mutex_lock(&reader->lock);
	gap = offset > reader->next_offset ? offset - reader->next_offset
					   : reader->next_offset - offset;
	reader->run = gap <= 4 * EMR_LEAF_BYTES ? reader->run + 1 : 0;
	if (reader->run == 0 || offset + len > reader->next_offset)
		reader->next_offset = offset + len;
	if (reader->run >= READER_RUN_BEFORE_PREFETCH) {
		for (unsigned i = 1;
			i <= reader->ctx->options.read_ahead_leaves && i < READER_SLOTS; i++)
			open_ahead(reader, leaf + i);
	}
	pthread_mutex_unlock(&reader->lock);
}

/* Copies from a slot if the leaf is there, or, with MAY_WAIT, is being opened there. */
static bool read_slot(emr_content_reader *reader, uint64_t leaf, size_t from, size_t len,
	bool may_wait, uint8_t *out)
{
	reader_slot *slot;
	bool found = false;

	pthread_mutex_lock(&reader->lock);
	slot = slot_of(reader, leaf);
	while (may_wait && slot != NULL && slot->state == SLOT_LOADING) {
		pthread_cond_wait(&reader->loaded, &reader->lock);
		slot = slot_of(reader, leaf);
	}
	if (slot != NULL && slot->state == SLOT_READY && from + len <= slot->len) {
		slot->readers++;
		slot->last_use = ++reader->uses;
		pthread_mutex_unlock(&reader->lock);
		memcpy(out, slot->plain + from, len);
		pthread_mutex_lock(&reader->lock);
		slot->readers--;
		found = true;
	}
	pthread_mutex_unlock(&reader->lock);
	return found;
}

/* ---- Reading ---- */

static emr_status read_piece(emr_content_reader *reader, uint64_t leaf, size_t from, size_t len,
	bool may_wait, uint8_t *out)
{
	record_leaf_source source;
	emr_status status;

	if (read_slot(reader, leaf, from, len, may_wait, out))
		return EMR_OK;
	status = find_leaf(reader, leaf, &source, NULL);
	return status == EMR_OK ? record_leaf_read(&source, from, len, out) : status;
}

static size_t clip_to_file(const emr_content_reader *reader, uint64_t offset, size_t len)
{
	uint64_t n = reader->content.n;

	if (offset >= n)
		return 0;
	return len > n - offset ? (size_t)(n - offset) : len;
}

static emr_status read_range(
	emr_content_reader *reader, uint64_t offset, uint8_t *out, size_t len, bool may_wait)
{
	while (len > 0) {
		size_t from = (size_t)(offset & (EMR_LEAF_BYTES - 1));
		size_t take = EMR_LEAF_BYTES - from < len ? EMR_LEAF_BYTES - from : len;
		emr_status status =
			read_piece(reader, offset >> EMR_LEAF_LOG2, from, take, may_wait, out);

		if (status != EMR_OK)
			return status;
		offset += take;
		out += take;
		len -= take;
	}
	return EMR_OK;
}

emr_status emr_content_reader_read(
	emr_content_reader *reader, uint64_t offset, void *buffer, size_t len, size_t *out_got)
{
	emr_status status;

	len = clip_to_file(reader, offset, len);
	if (len > 0 && reader->content.n > EMR_LEAF_BYTES &&
		reader->ctx->options.read_ahead_leaves > 0)
		note_access(reader, offset, len);
	status = read_range(reader, offset, buffer, len, true);
	if (status == EMR_OK)
		*out_got = len;
	return status;
}

emr_status record_reader_read_direct(
	emr_content_reader *reader, uint64_t offset, uint8_t *out, size_t len, size_t *out_got)
{
	emr_status status;

	len = clip_to_file(reader, offset, len);
	status = read_range(reader, offset, out, len, false);
	if (status == EMR_OK)
		*out_got = len;
	return status;
}

/* ---- The whole ---- */

emr_status emr_content_reader_present(
	emr_content_reader *reader, bool *out_present, emr_cid *out_missing)
{
	uint64_t leaves = emr_leaf_count(reader->content.padded);
	emr_cid missing = reader->content.c;

	for (uint64_t leaf = 0; leaf < leaves; leaf++) {
		record_leaf_source source;
		emr_status status = find_leaf(reader, leaf, &source, &missing);

		if (status != EMR_OK && status != EMR_MISSING_DATA)
			return status;
		if (status == EMR_OK) {
			missing = source.cid;
			if (emr_block_store_has(reader->ctx->options.store, &source.cid))
				continue;
		}
		if (out_missing != NULL)
			*out_missing = missing;
		*out_present = false;
		return EMR_OK;
	}
	*out_present = true;
	return EMR_OK;
}

/* One leaf: CID, tags, the zeros after the file; its segment joins the tree. */
static emr_status verify_leaf(emr_content_reader *reader, uint64_t leaf, emr_buf *block,
	uint8_t *plain, emr_merkle_frontier *tree)
{
	uint64_t start = leaf << EMR_LEAF_LOG2;
	uint64_t n = reader->content.n;
	size_t file_len = n <= start		       ? 0
			  : n - start < EMR_LEAF_BYTES ? (size_t)(n - start)
						       : EMR_LEAF_BYTES;
	record_leaf_source source;
	uint8_t segment[32];
	emr_status status;

	status = find_leaf(reader, leaf, &source, NULL);
	if (status != EMR_OK)
		return status;
	emr_buf_clear(block);
	status = emr_block_store_get_verified(reader->ctx->options.store, &source.cid, block);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	if (block->len != emr_leaf_sealed_len(reader->content.padded, leaf))
		return EMR_DAMAGED;
	status = record_leaf_read(&source, 0, source.stream_len, plain);
	if (status != EMR_OK)
		return status;
	if (!is_zero(plain + file_len, source.stream_len - file_len))
		return EMR_DAMAGED;
	if (file_len > 0) {
		record_segment_hash(reader->content.hk, leaf, plain, file_len, segment);
		emr_merkle_append(tree, segment);
	}
	return EMR_OK;
}

emr_status emr_content_reader_verify(emr_content_reader *reader)
{
	uint64_t leaves = emr_leaf_count(reader->content.padded);
	EMR_AUTO_BUF block = {0};
	EMR_AUTO_FREE uint8_t *plain = malloc(EMR_LEAF_BYTES);
	emr_merkle_frontier tree = {0};
	uint8_t root[32];

	if (plain == NULL)
		return EMR_NO_MEMORY;
	for (uint64_t leaf = 0; leaf < leaves; leaf++) {
		emr_status status = verify_leaf(reader, leaf, &block, plain, &tree);

		if (status != EMR_OK)
			return status;
	}
	emr_wipe(plain, EMR_LEAF_BYTES);
	emr_merkle_frontier_root(&tree, root);
	return memcmp(root, reader->content.root, sizeof root) == 0 ? EMR_OK : EMR_DAMAGED;
}
