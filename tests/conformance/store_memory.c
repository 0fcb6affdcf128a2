/* This program puts the smallest possible block store, a list in memory, under the same suite:
 * it shows what the suite asks, and that a second implementation can be put there. */
#include "store_suite.h"

#include <pthread.h>

typedef struct memory {
	emr_block_store face;
	pthread_mutex_t lock;
	emr_block *blocks;
	size_t count;
	emr_pin *pins;
	size_t pin_count;
} memory;

static const emr_block *find(memory *m, const emr_cid *cid)
{
	for (size_t i = m->count; i > 0; i--)
		if (emr_cid_equal(&m->blocks[i - 1].cid, cid))
			return &m->blocks[i - 1];
	return NULL;
}

static emr_status put(emr_block_store *face, const emr_block *blocks, size_t count)
{
	memory *m = (memory *)face;

	for (size_t i = 0; i < count; i++)
		if (blocks[i].data.len > EMR_BLOCK_MAX)
			return EMR_LIMIT;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < count; i++) {
		uint8_t *copy;

		if (find(m, &blocks[i].cid) != NULL)
			continue;
		copy = malloc(blocks[i].data.len + 1);
		m->blocks = realloc(m->blocks, (m->count + 1) * sizeof *m->blocks);
		if (blocks[i].data.len > 0)
			memcpy(copy, blocks[i].data.data, blocks[i].data.len);
		m->blocks[m->count].cid = blocks[i].cid;
		m->blocks[m->count++].data = emr_bytes_of(copy, blocks[i].data.len);
	}
	pthread_mutex_unlock(&m->lock);
	return EMR_OK;
}

static emr_status get_verified(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	memory *m = (memory *)face;
	const emr_block *block;
	emr_status status = EMR_NOT_FOUND;

	pthread_mutex_lock(&m->lock);
	block = find(m, cid);
	if (block != NULL)
		status = emr_cid_verify(cid, block->data);
	if (status == EMR_OK)
		status = emr_buf_append(out, block->data.data, block->data.len);
	pthread_mutex_unlock(&m->lock);
	return status;
}

static emr_status size(emr_block_store *face, const emr_cid *cid, uint64_t *out_bytes)
{
	memory *m = (memory *)face;
	const emr_block *block;

	pthread_mutex_lock(&m->lock);
	block = find(m, cid);
	if (block != NULL)
		*out_bytes = block->data.len;
	pthread_mutex_unlock(&m->lock);
	return block == NULL ? EMR_NOT_FOUND : EMR_OK;
}

static size_t find_pin(const memory *m, const emr_pin *pin)
{
	size_t i = 0;

	while (i < m->pin_count && (!emr_cid_equal(&m->pins[i].root, &pin->root) ||
					   !emr_id16_equal(m->pins[i].owner, pin->owner)))
		i++;
	return i;
}

static emr_status pin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	memory *m = (memory *)face;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < count; i++) {
		size_t at = find_pin(m, &pins[i]);

		if (at == m->pin_count)
			m->pins = realloc(m->pins, ++m->pin_count * sizeof *m->pins);
		m->pins[at] = pins[i];
	}
	pthread_mutex_unlock(&m->lock);
	return EMR_OK;
}

static emr_status unpin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	memory *m = (memory *)face;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < count; i++) {
		size_t at = find_pin(m, &pins[i]);

		if (at < m->pin_count)
			m->pins[at] = m->pins[--m->pin_count];
	}
	pthread_mutex_unlock(&m->lock);
	return EMR_OK;
}

static emr_status each_pin(emr_block_store *face, emr_pin_visit visit, void *context)
{
	memory *m = (memory *)face;
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < m->pin_count; i++)
		status = visit(context, &m->pins[i]);
	return status;
}

static emr_status sync_nothing(emr_block_store *face)
{
	(void)face;
	return EMR_OK;
}

static emr_status stats(emr_block_store *face, emr_store_stats *out_stats)
{
	const memory *m = (memory *)face;

	*out_stats = (emr_store_stats){.blocks = m->count, .pins = m->pin_count};
	for (size_t i = 0; i < m->count; i++)
		out_stats->block_bytes += m->blocks[i].data.len;
	return EMR_OK;
}

static void close_memory(emr_block_store *face)
{
	EMR_AUTO_FREE memory *m = (memory *)face;

	for (size_t i = 0; i < m->count; i++)
		free((void *)(uintptr_t)m->blocks[i].data.data);
	free(m->blocks);
	free(m->pins);
}

static const emr_block_store_ops ops = {.put = put,
	.get_verified = get_verified,
	.size = size,
	.pin = pin,
	.unpin = unpin,
	.each_pin = each_pin,
	.sync = sync_nothing,
	.stats = stats};

static emr_block_store *begin(void **out_place)
{
	memory *m = calloc(1, sizeof *m);

	m->face.ops = &ops;
	pthread_mutex_init(&m->lock, NULL);
	*out_place = m;
	return &m->face;
}

static void end(void *place, emr_block_store *store)
{
	(void)place;
	close_memory(store);
}

int main(void)
{
	static const store_maker in_memory = {"block store: in memory", begin, NULL, end};

	return store_suite_run(&in_memory);
}
