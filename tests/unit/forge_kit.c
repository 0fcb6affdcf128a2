/* Tests of forged records use this file: it seals a changed chunk again in its place
 * (forge_kit.h). */
#include "forge_kit.h"

#include <dirent.h>

#include "crypto/chunk.h"
#include "reader.h"

/* Where in FD's segment the block CID of LEN bytes stands: behind its CID, which stands in the
 * nodes above it, too.  -1: not there. */
static off_t find_block(int fd, const emr_cid *cid, size_t len)
{
	EMR_AUTO_FREE uint8_t *bytes = NULL;
	const uint8_t *at, *end;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_ok(emr_pread_all(fd, bytes, (size_t)st.st_size, 0));
	end = bytes + st.st_size;
	for (at = bytes; (at = memmem(at, (size_t)(end - at), cid->b, EMR_CID_BYTES)) != NULL;) {
		at += EMR_CID_BYTES;
		if ((size_t)(end - at) >= len &&
			emr_cid_verify(cid, emr_bytes_of(at, len)) == EMR_OK)
			return at - bytes;
	}
	return -1;
}

void forger_begin(forger *f, const emr_content_reader *his, const char *blocks, uint64_t offset)
{
	uint64_t leaf = offset >> EMR_LEAF_LOG2;
	size_t len = emr_leaf_sealed_len(his->content.padded, leaf);
	DIR *dir = opendir(blocks);
	const struct dirent *entry;
	emr_cid cid;

	*f = (forger){.his = his, .offset = offset, .fd = -1, .at = -1};
	assert_non_null(dir);
	assert_ok(emr_unixfs_tree_leaf(his->tree, leaf, &cid, NULL));
	while (f->at < 0 && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "seg-", 4) != 0)
			continue;
		f->fd = openat(dirfd(dir), entry->d_name, O_RDWR | O_CLOEXEC);
		assert_true(f->fd >= 0);
		f->at = find_block(f->fd, &cid, len);
		if (f->at < 0)
			close(f->fd);
	}
	closedir(dir);
	assert_true(f->at >= 0);
	f->at += (off_t)(offset / EMR_CHUNK_BYTES % EMR_LEAF_CHUNKS * EMR_CHUNK_SEALED_BYTES);
}

void forger_write(forger *f, const char *word)
{
	uint64_t chunk = f->offset / EMR_CHUNK_BYTES;
	uint64_t left = f->his->content.padded - chunk * EMR_CHUNK_BYTES;
	size_t len = left < EMR_CHUNK_BYTES ? (size_t)left : EMR_CHUNK_BYTES;
	uint8_t plain[EMR_CHUNK_BYTES], sealed[EMR_CHUNK_SEALED_BYTES];

	assert_ok(emr_pread_all(f->fd, sealed, len + EMR_CHUNK_TAG_BYTES, f->at));
	assert_ok(emr_chunk_open(f->his->cipher, chunk, sealed, len + EMR_CHUNK_TAG_BYTES, plain));
	assert_true(f->offset % EMR_CHUNK_BYTES + strlen(word) <= len);
	memcpy(plain + f->offset % EMR_CHUNK_BYTES, word, strlen(word));
	assert_ok(emr_chunk_seal(f->his->cipher, chunk, plain, len, sealed));
	assert_ok(emr_pwrite_all(f->fd, sealed, len + EMR_CHUNK_TAG_BYTES, f->at));
}

void forger_end(forger *f)
{
	close(f->fd);
}

void forge(const emr_content_reader *his, const char *blocks, uint64_t offset, const char *word)
{
	SCENE_OF(forger, f, forger_end, forger_begin, his, blocks, offset);
	forger_write(&f, word);
}
