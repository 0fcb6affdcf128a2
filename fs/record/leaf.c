/* This file encrypts and decrypts one piece of content (256 KiB in chunks of 16 KiB). A chunk is
 * checked before any of its bytes is given out. */
#include "leaf.h"

#include "base/codec.h"
#include "crypto/unit.h"
#include "held.h"

void record_segment_hash(
	const uint8_t hk[32], uint64_t leaf, const uint8_t *plain, size_t len, uint8_t out[32])
{
	emr_sha256_ctx hash;
	uint8_t index[8];

	emr_put_u64(index, leaf);
	emr_merkle_leaf_init(&hash);
	emr_sha256_update(&hash, hk, 32);
	emr_sha256_update(&hash, index, sizeof index);
	emr_sha256_update(&hash, plain, len);
	emr_sha256_final(&hash, out);
}

/* In a content with holes the Merkle leaf of every segment of zeros, stored or not: SHA-256(0x00 ||
 * hk). So the root follows from the bytes alone, and a run of holes costs its logarithm: always the
 * largest complete subtree that fits next, as all of its leaves are equal. */
void record_append_holes(emr_merkle_frontier *tree, const uint8_t hk[32], uint64_t count)
{
	while (count > 0) {
		unsigned level = 0;
		uint8_t hash[32];

		emr_merkle_leaf(hk, 32, hash);
		while ((tree->size & (((uint64_t)2 << level) - 1)) == 0 &&
			(uint64_t)2 << level <= count) {
			emr_merkle_node(hash, hash, hash);
			level++;
		}
		(void)emr_merkle_append_subtree(tree, level, hash); /* it was chosen to fit */
		count -= (uint64_t)1 << level;
	}
}

bool record_is_zeros(const uint8_t *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

emr_status record_leaf_seal(const record_sealer *sealer, uint64_t leaf, const uint8_t *plain,
	size_t file_len, size_t stream_len, uint8_t *sealed, record_sealed_leaf *out)
{
	record_sealed_leaf result = {.has_segment = file_len > 0};
	uint8_t *at = sealed;
	emr_block block;

	for (size_t done = 0; done < stream_len; done += EMR_CHUNK_BYTES) {
		size_t len =
			stream_len - done < EMR_CHUNK_BYTES ? stream_len - done : EMR_CHUNK_BYTES;

		EMR_TRY(emr_chunk_seal(sealer->cipher,
			leaf * EMR_LEAF_CHUNKS + done / EMR_CHUNK_BYTES, plain + done, len, at));
		at += len + EMR_CHUNK_TAG_BYTES;
	}
	result.is_zeros = record_is_zeros(plain, file_len);
	if (result.has_segment)
		record_segment_hash(sealer->hk, leaf, plain, file_len, result.segment);
	block.data = emr_bytes_of(sealed, (size_t)(at - sealed));
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	memcpy(result.digest, emr_cid_digest(&block.cid), 32);
	EMR_TRY(sealer->fresh == NULL ? EMR_OK
				      : record_fresh_note(sealer->ctx, sealer->fresh, &block.cid));
	EMR_TRY(emr_block_store_put(sealer->ctx->options.store, &block, 1));
	if (stream_len == EMR_LEAF_BYTES)
		emr_block_store_note_units(sealer->ctx->options.store, &block.cid,
			(emr_units){0, EMR_UNITS_PER_LEAF}, sealed);
	*out = result;
	return EMR_OK;
}

/* Opens the chunks first..last of SOURCE from SEALED and gives the wanted bytes. */
static emr_status open_chunks(const record_leaf_source *source, const uint8_t *sealed, size_t from,
	size_t len, uint8_t *partial, uint8_t *out)
{
	size_t chunk = from / EMR_CHUNK_BYTES;

	while (len > 0) {
		size_t skip = from % EMR_CHUNK_BYTES;
		size_t start = chunk * EMR_CHUNK_BYTES;
		size_t plain_len = source->stream_len - start < EMR_CHUNK_BYTES
					   ? source->stream_len - start
					   : EMR_CHUNK_BYTES;
		size_t take = plain_len - skip < len ? plain_len - skip : len;
		bool whole = take == plain_len;

		EMR_TRY(emr_chunk_open(source->cipher, source->leaf * EMR_LEAF_CHUNKS + chunk,
			sealed, plain_len + EMR_CHUNK_TAG_BYTES, whole ? out : partial));
		if (!whole)
			memcpy(out, partial + skip, take);
		sealed += plain_len + EMR_CHUNK_TAG_BYTES;
		out += take;
		from += take;
		len -= take;
		chunk++;
	}
	return EMR_OK;
}

static size_t sealed_len(size_t stream_len)
{
	return stream_len +
	       (stream_len + EMR_CHUNK_BYTES - 1) / EMR_CHUNK_BYTES * EMR_CHUNK_TAG_BYTES;
}

/* LEN bytes from FROM, LEN not 0, of the leaf that SEALED is. */
static emr_status open_range(const record_leaf_source *source, const uint8_t *sealed, size_t from,
	size_t len, uint8_t *out)
{
	size_t first = from / EMR_CHUNK_BYTES, last = (from + len - 1) / EMR_CHUNK_BYTES;
	uint8_t partial[EMR_CHUNK_BYTES];

	atomic_fetch_add_explicit(
		&source->ctx->chunks_opened, last - first + 1, memory_order_relaxed);
	return open_chunks(
		source, sealed + first * EMR_CHUNK_SEALED_BYTES, from, len, partial, out);
}

/* ---- Units of a leaf that this computer knows ---- */

/* LEN bytes from FROM of units, which begin at the leaf's byte UNITS->first * EMR_UNIT_BYTES. */
static emr_status open_units(const record_leaf_source *source, const uint8_t *sealed, size_t from,
	size_t len, uint8_t *out)
{
	const uint8_t *at = sealed;
	emr_status status = EMR_OK;

	while (len > 0 && status == EMR_OK) {
		size_t skip = from % EMR_CHUNK_BYTES;
		size_t take = EMR_CHUNK_BYTES - skip < len ? EMR_CHUNK_BYTES - skip : len;

		status = emr_chunk_open_known(source->cipher,
			source->leaf * EMR_LEAF_CHUNKS + from / EMR_CHUNK_BYTES, skip,
			emr_bytes_of(at, take), out);
		at += take + EMR_CHUNK_TAG_BYTES;
		out += take;
		from += take;
		len -= take;
	}
	return status;
}

/* The units that LEN bytes from FROM lie in. */
static emr_units units_of(size_t from, size_t len)
{
	unsigned first = (unsigned)(from / EMR_UNIT_BYTES);

	return (emr_units){first, (unsigned)((from + len - 1) / EMR_UNIT_BYTES) + 1 - first};
}

/* Out of units that were right once: no more than these is read.  EMR_NOT_FOUND: they are not known
 * here, or changed. */
static emr_status read_known(
	const record_leaf_source *source, size_t from, size_t len, uint8_t *out)
{
	const emr_units units = units_of(from, len);
	size_t skip = from % EMR_UNIT_BYTES;
	record_scratch *scratch;
	emr_status status;

	if (source->stream_len != EMR_LEAF_BYTES)
		return EMR_NOT_FOUND;
	scratch = record_scratch_take(source->ctx);
	if (scratch == NULL)
		return EMR_NO_MEMORY;
	status = emr_block_store_get_units(
		source->ctx->options.store, &source->cid, units, scratch->sealed);
	if (status == EMR_OK && skip == 0)
		status = open_units(source, scratch->sealed, from, len, out);
	else if (status == EMR_OK)
		status = open_units(
			source, scratch->sealed, from - skip, skip + len, scratch->plain);
	if (status == EMR_OK && skip != 0)
		memcpy(out, scratch->plain + skip, len);
	if (status == EMR_OK)
		atomic_fetch_add_explicit(&source->ctx->chunks_opened,
			(from + len - 1) / EMR_CHUNK_BYTES + 1 - from / EMR_CHUNK_BYTES,
			memory_order_relaxed);
	record_scratch_give(source->ctx, scratch);
	return status;
}

/* The whole leaf was hashed, and the tags of the chunks in which LEN bytes from FROM lie fitted. */
static void note_known(
	const record_leaf_source *source, const uint8_t *sealed, size_t from, size_t len)
{
	size_t first = from / EMR_CHUNK_BYTES, last = (from + len - 1) / EMR_CHUNK_BYTES;
	const emr_units units = {(unsigned)first * EMR_UNITS_PER_CHUNK,
		(unsigned)(last + 1 - first) * EMR_UNITS_PER_CHUNK};

	if (source->stream_len == EMR_LEAF_BYTES)
		emr_block_store_note_units(source->ctx->options.store, &source->cid, units,
			sealed + emr_units_at(units));
}

emr_status record_leaf_read(const record_leaf_source *source, size_t from, size_t len, uint8_t *out)
{
	const uint8_t *sealed;
	record_held *held;
	emr_status status;

	if (len == 0)
		return EMR_OK;
	status = read_known(source, from, len, out);
	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(record_held_take(
		source->ctx, &source->cid, sealed_len(source->stream_len), &held, &sealed));
	status = open_range(source, sealed, from, len, out);
	if (status == EMR_OK)
		note_known(source, sealed, from, len);
	record_held_give(source->ctx, held);
	return status;
}

emr_status record_leaf_read_stored(const record_leaf_source *source, emr_buf *sealed, uint8_t *out)
{
	EMR_TRY(record_sealed_fetch(
		source->ctx, &source->cid, sealed_len(source->stream_len), sealed));
	return open_range(source, sealed->data, 0, source->stream_len, out);
}
