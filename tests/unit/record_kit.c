/* Tests of records use this file: it has a block store in memory that can fail and lose power, a
 * keyring, and bytes from a seed. */
#include "record_kit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/codec.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/pre.h"
#include "ctx.h"

/* ---- A store in memory ---- */

struct kit_store {
	emr_block_store face;
	pthread_mutex_t lock;
	kit_block **blocks;
	size_t count, cap;
	size_t *slots; /* hash table: index + 1 into blocks */
	size_t slot_count;
	int fail_after;
	_Atomic unsigned gets;
};

/* By a function that the fault tests leave alone: the store is not what they test. */
static void *kit_alloc(void *old, size_t n, size_t size)
{
	void *memory = reallocarray(old, n, size);

	if (memory == NULL)
		abort();
	return memory;
}

static size_t hash_of(const emr_cid *cid)
{
	return (size_t)emr_get_u64(cid->b + 20);
}

static kit_block *find(kit_store *s, const emr_cid *cid)
{
	for (size_t i = hash_of(cid);; i++) {
		size_t slot = s->slot_count == 0 ? 0 : s->slots[i % s->slot_count];

		if (slot == 0)
			return NULL;
		if (s->blocks[slot - 1] != NULL && emr_cid_equal(&s->blocks[slot - 1]->cid, cid))
			return s->blocks[slot - 1];
	}
}

static void place(kit_store *s, size_t index)
{
	size_t i = hash_of(&s->blocks[index]->cid);

	while (s->slots[i % s->slot_count] != 0)
		i++;
	s->slots[i % s->slot_count] = index + 1;
}

static void grow(kit_store *s)
{
	s->cap = s->cap == 0 ? 64 : s->cap * 2;
	s->blocks = kit_alloc(s->blocks, s->cap, sizeof *s->blocks);
	s->slot_count = s->cap * 2;
	s->slots = kit_alloc(s->slots, s->slot_count, sizeof *s->slots);
	memset(s->slots, 0, s->slot_count * sizeof *s->slots);
	for (size_t i = 0; i < s->count; i++) {
		if (s->blocks[i] != NULL)
			place(s, i);
	}
}

static emr_status store_put(emr_block_store *store, const emr_block *blocks, size_t count)
{
	kit_store *s = (kit_store *)store;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&s->lock);
	if (s->fail_after == 0)
		status = EMR_NO_SPACE;
	else if (s->fail_after > 0)
		s->fail_after--;
	for (size_t i = 0; i < count && status == EMR_OK; i++) {
		kit_block *made;

		if (find(s, &blocks[i].cid) != NULL)
			continue;
		if (s->count == s->cap)
			grow(s);
		made = kit_alloc(NULL, 1, sizeof *made);
		made->synced = false;
		made->data = kit_alloc(NULL, 1, blocks[i].data.len + 1);
		made->cid = blocks[i].cid;
		made->len = blocks[i].data.len;
		memcpy(made->data, blocks[i].data.data, made->len);
		s->blocks[s->count++] = made;
		place(s, s->count - 1);
	}
	pthread_mutex_unlock(&s->lock);
	return status;
}

static emr_status store_get_verified(emr_block_store *store, const emr_cid *cid, emr_buf *out)
{
	kit_block *b = kit_store_find(store, cid);

	if (b == NULL)
		return EMR_NOT_FOUND;
	atomic_fetch_add(&((kit_store *)store)->gets, 1);
	if (emr_cid_verify(cid, emr_bytes_of(b->data, b->len)) != EMR_OK)
		return EMR_DAMAGED;
	return emr_buf_append(out, b->data, b->len);
}

static emr_status store_size(emr_block_store *store, const emr_cid *cid, uint64_t *out_bytes)
{
	kit_block *b = kit_store_find(store, cid);

	if (b == NULL)
		return EMR_NOT_FOUND;
	*out_bytes = b->len;
	return EMR_OK;
}

static emr_status store_sync(emr_block_store *store)
{
	kit_store *s = (kit_store *)store;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->count; i++) {
		if (s->blocks[i] != NULL)
			s->blocks[i]->synced = true;
	}
	pthread_mutex_unlock(&s->lock);
	return EMR_OK;
}

static void drop(kit_store *s, size_t i)
{
	if (s->blocks[i] == NULL)
		return;
	free(s->blocks[i]->data);
	free(s->blocks[i]);
	s->blocks[i] = NULL;
}

static void store_close(emr_block_store *store)
{
	EMR_AUTO_FREE kit_store *s = (kit_store *)store;

	for (size_t i = 0; i < s->count; i++)
		drop(s, i);
	free(s->blocks);
	free(s->slots);
	pthread_mutex_destroy(&s->lock);
}

static const emr_block_store_ops store_ops = {
	.put = store_put,
	.get_verified = store_get_verified,
	.size = store_size,
	.sync = store_sync,
};

emr_block_store *kit_store_new(void)
{
	kit_store *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	s->face.ops = &store_ops;
	s->fail_after = -1;
	pthread_mutex_init(&s->lock, NULL);
	return &s->face;
}

kit_block *kit_store_find(emr_block_store *store, const emr_cid *cid)
{
	kit_store *s = (kit_store *)store;
	kit_block *b;

	pthread_mutex_lock(&s->lock);
	b = find(s, cid);
	pthread_mutex_unlock(&s->lock);
	return b;
}

size_t kit_store_count(emr_block_store *store)
{
	return ((kit_store *)store)->count;
}

kit_block *kit_store_at(emr_block_store *store, size_t i)
{
	return ((kit_store *)store)->blocks[i];
}

void kit_store_remove(emr_block_store *store, const emr_cid *cid)
{
	kit_store *s = (kit_store *)store;

	for (size_t i = 0; i < s->count; i++) {
		if (s->blocks[i] != NULL && emr_cid_equal(&s->blocks[i]->cid, cid))
			drop(s, i);
	}
}

void kit_store_fail_put_after(emr_block_store *store, int puts)
{
	kit_store *s = (kit_store *)store;

	pthread_mutex_lock(&s->lock);
	s->fail_after = puts;
	pthread_mutex_unlock(&s->lock);
}

unsigned kit_store_gets(emr_block_store *store)
{
	return ((kit_store *)store)->gets;
}

void kit_store_power_cut(emr_block_store *store)
{
	kit_store *s = (kit_store *)store;

	for (size_t i = 0; i < s->count; i++) {
		if (s->blocks[i] != NULL && !s->blocks[i]->synced)
			drop(s, i);
	}
}

/* ---- The rest ---- */

void kit_open(kit *k, unsigned workers, uint64_t memory_bytes)
{
	memset(k, 0, sizeof *k);
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &k->keyring));
	k->store = kit_store_new();
	strcpy(k->spill_dir, "/tmp/emr-record-XXXXXX");
	assert_non_null(mkdtemp(k->spill_dir));
	k->spill_dirfd = open(k->spill_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(k->spill_dirfd >= 0);
	k->options = (emr_record_options){.store = k->store,
		.keyring = k->keyring,
		.spill_dirfd = k->spill_dirfd,
		.workers = workers,
		.memory_bytes = memory_bytes};
	assert_ok(emr_record_ctx_new(&k->options, &k->ctx));
}

uint64_t kit_memory(kit *k)
{
	return atomic_load(&k->ctx->memory);
}

void kit_restart(kit *k)
{
	assert_int_equal(kit_memory(k), 0);
	emr_record_ctx_free(k->ctx);
	assert_ok(emr_record_ctx_new(&k->options, &k->ctx));
}

void kit_close(kit *k)
{
	struct dirent *entry;
	DIR *dir;

	assert_int_equal(kit_memory(k), 0);
	emr_record_ctx_free(k->ctx);
	store_close(k->store);
	emr_keyring_free(k->keyring);
	dir = opendir(k->spill_dir);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlinkat(k->spill_dirfd, entry->d_name, 0);
	closedir(dir);
	close(k->spill_dirfd);
	rmdir(k->spill_dir);
}

uint32_t kit_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

uint8_t *kit_bytes(size_t len, uint32_t seed)
{
	uint8_t *bytes = malloc(len + 4);
	uint32_t state = seed;

	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < len; i += 4) {
		uint32_t x = kit_random(&state);

		for (size_t j = 0; j < 4; j++)
			bytes[i + j] = (uint8_t)(x >> (8 * j));
	}
	return bytes;
}

emr_content_key *kit_key(emr_keyring *keyring, const uint8_t dek[32])
{
	static const uint8_t nonce[24];
	emr_id16 domain = {{1}}, record = {{2}};
	emr_id32 digest = {{3}};
	emr_domain_public public;
	uint8_t ctx[32], capsule[96], wdek[48];
	EMR_AUTO_SECRET r = {0}, u = {0}, k = {0}, seed = {0}, ikm = {0}, kek = {0};
	emr_content_key *key;

	assert_ok(emr_keyring_domain_public(keyring, domain, 1, 1, &public));
	emr_capsule_ctx(domain, 1, record, 1, EMR_CAPSULE_CONTENT, digest, ctx);
	assert_ok(emr_secret_random(32, &seed));
	assert_ok(emr_pre_hedged(&seed, ctx, &r, &u));
	assert_ok(emr_pre_encapsulate(public.A, NULL, ctx, &r, &u, capsule, &k));
	assert_ok(emr_secret_new(64, &ikm));
	memcpy(ikm.data, k.data, 32);
	assert_ok(emr_hkdf_secret("emrfs/v1/kek", &ikm, emr_bytes_of(ctx, 32), 32, &kek));
	assert_ok(emr_aead_seal(&kek, nonce, emr_bytes_of(ctx, 32), emr_bytes_of(dek, 32), wdek));
	assert_ok(emr_content_key_unwrap(keyring, domain, 1, ctx, capsule, wdek, &key));
	return key;
}

emr_content_reader *kit_reader_of(kit *k, const uint8_t *data, size_t len, emr_content *out_content,
	emr_content_key **out_key)
{
	emr_staging *st;
	emr_content_reader *reader;

	assert_ok(emr_staging_new(k->ctx, emr_id16_random(), NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, data, len));
	assert_ok(emr_staging_freeze(st, out_content, out_key));
	emr_staging_discard(st);
	assert_ok(emr_content_reader_open(k->ctx, out_content, *out_key, &reader));
	return reader;
}

void kit_spill_path(const kit *k, emr_id16 id, char out[160])
{
	char hex[33];

	emr_hex(id.b, sizeof id.b, hex);
	snprintf(out, 160, "%s/%s", k->spill_dir, hex);
}
