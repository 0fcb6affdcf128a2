/* This file reads the pages of the kept facts (FORMAT.md), one record behind the other. */
#include "facts_pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/file.h"
#include "settle/place.h"

/* 0 "EMRFACTS" | 8 version u8 | 9 0[7] | 16 file_id[16] | 32 size u64 | 40 root[32] | 72 0[8] */
void facts_header_encode(facts_header *h)
{
	memset(h->bytes, 0, sizeof h->bytes);
	memcpy(h->bytes, "EMRFACTS", 8);
	h->bytes[8] = FACTS_VERSION;
	memcpy(h->bytes + 16, h->file_id.b, 16);
	emr_put_u64(h->bytes + 32, h->size);
	memcpy(h->bytes + 40, h->root, 32);
}

bool facts_header_decode(facts_header *h)
{
	emr_reader r = emr_reader_of(emr_bytes_of(h->bytes, sizeof h->bytes));

	emr_read_magic(&r, "EMRFACTS");
	if (emr_read_u8(&r) != FACTS_VERSION)
		return false;
	emr_read_zeros(&r, 7);
	emr_read_copy(&r, h->file_id.b, sizeof h->file_id.b);
	h->size = emr_read_u64(&r);
	emr_read_copy(&r, h->root, sizeof h->root);
	emr_read_zeros(&r, 8);
	return emr_reader_done(&r);
}

void facts_page_names(const facts_header *h, uint64_t page, bool is_last,
	uint8_t out_aad[FACTS_AAD_BYTES], uint8_t out_nonce[24])
{
	memcpy(out_aad, h->bytes, FACTS_HEADER_BYTES);
	emr_put_u64(out_aad + FACTS_HEADER_BYTES, page);
	out_aad[FACTS_HEADER_BYTES + 8] = is_last;
	memcpy(out_nonce, h->file_id.b, 16);
	emr_put_u64(out_nonce + 16, page);
}

emr_status facts_read_page(const facts_cache *cache, facts_cursor *c, uint64_t page)
{
	uint8_t aad[FACTS_AAD_BYTES], nonce[24];

	EMR_TRY(emr_pread_all(cache->fd, c->sealed, FACTS_PAGE_BYTES,
		(off_t)(FACTS_HEADER_BYTES + page * FACTS_PAGE_BYTES)));
	facts_page_names(&cache->head, page, page + 1 == cache->pages, aad, nonce);
	EMR_TRY(emr_local_open(cache->key, nonce, emr_bytes_of(aad, sizeof aad),
		emr_bytes_of(c->sealed, FACTS_PAGE_BYTES), c->plain));
	c->r = emr_reader_of(emr_bytes_of(c->plain, FACTS_PLAIN_BYTES));
	c->left = emr_read_u32(&c->r);
	return EMR_OK;
}

emr_status facts_read_record(emr_reader *r, facts_kept *out)
{
	size_t len;

	out->units = emr_read_u16(r);
	len = emr_read_u16(r);
	emr_place_read(r, &out->place);
	if (!r->bad && out->units == 0 && len <= FACTS_JUNK) { /* it could not be read */
		out->meta = (emr_bytes){.len = len};
		return EMR_OK;
	}
	out->meta = emr_read_bytes(r, len);
	return r->bad || out->units > EMR_META_UNITS_MAX || len > out->units * EMR_META_UNIT
		       ? EMR_DAMAGED
		       : EMR_OK;
}

emr_bytes facts_whole_meta(facts_cursor *c, const facts_kept *kept)
{
	const size_t len = kept->units * EMR_META_UNIT;

	memcpy(c->meta, kept->meta.data, kept->meta.len);
	memset(c->meta + kept->meta.len, 0, len - kept->meta.len);
	return emr_bytes_of(c->meta, len);
}

int facts_by_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_named_object));
}

bool facts_has_changed(const facts_cache *cache, const emr_place *place)
{
	emr_named_object id = {.domain = place->domain, .object = place->object};

	return cache->changed.len > 0 &&
	       bsearch(&id, cache->changed.data, cache->changed.len / sizeof id, sizeof id,
		       facts_by_ids) != NULL;
}
