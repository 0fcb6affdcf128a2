/* The files of a directory can rest in the kept facts: this file notes, page by page, where they
 * lie there, and finds them. */
#include "facts_pages.h"

#include <stdlib.h>

/* Where a file rests. */
typedef struct rester {
	uint64_t prefix; /* of its object: emr_kept_prefix */
	uint32_t run;
} rester;

/* KEPT, AT, rests: behind the last one, if it GOES_ON in the same directory, or in a new run. */
static emr_status note_rester(facts_cache *cache, const emr_kept_run *at, bool goes_on,
	const facts_kept *kept, uint64_t bytes)
{
	size_t n = cache->runs.len / sizeof *at;
	emr_kept_run *runs = (emr_kept_run *)(void *)cache->runs.data;
	rester one = {.prefix = emr_kept_prefix(kept->place.object)};

	if (!goes_on || !emr_id16_equal(runs[n - 1].directory, at->directory) ||
		!emr_id16_equal(runs[n - 1].domain, at->domain)) {
		EMR_TRY(emr_buf_append(&cache->runs, at, sizeof *at));
		runs = (emr_kept_run *)(void *)cache->runs.data;
		n++;
	}
	runs[n - 1].count++;
	runs[n - 1].bytes += bytes;
	one.run = (uint32_t)n - 1;
	return emr_buf_append(&cache->resters, &one, sizeof one);
}

emr_status facts_look_at_page(facts_cache *cache, uint64_t page)
{
	facts_cursor *c = &cache->all;
	bool goes_on = false;
	uint8_t awake = 0;
	facts_kept kept;
	emr_meta meta;

	EMR_TRY(facts_read_page(cache, c, page));
	for (; cache->may_rest != NULL && c->left > 0; c->left--) {
		emr_kept_run at = {.page = page, .offset = FACTS_PLAIN_BYTES - c->r.left};
		bool rests;

		EMR_TRY(facts_read_record(&c->r, &kept));
		rests = kept.units > 0 &&
			emr_meta_decode(facts_whole_meta(c, &kept), &meta) == EMR_OK &&
			cache->may_rest(cache->judge, &kept.place, &meta) &&
			!facts_has_changed(cache, &kept.place);
		if (rests) {
			at.domain = kept.place.domain;
			at.directory = meta.parent;
			EMR_TRY(note_rester(cache, &at, goes_on, &kept, meta.n));
		}
		awake |= !rests;
		goes_on = rests;
	}
	c->left = 0;
	return cache->may_rest != NULL ? emr_buf_append(&cache->awake, &awake, 1) : EMR_OK;
}

static int by_prefix(const void *a, const void *b)
{
	const rester *x = a, *y = b;

	return (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

void facts_sort_resters(facts_cache *cache)
{
	const size_t n = cache->resters.len / sizeof(rester);
	const rester *all = (const rester *)(const void *)cache->resters.data;
	emr_kept_run *runs = (emr_kept_run *)(void *)cache->runs.data;

	if (n < 2)
		return;
	qsort(cache->resters.data, n, sizeof *all, by_prefix);
	for (size_t i = 1; i < n; i++)
		if (all[i].prefix == all[i - 1].prefix)
			runs[all[i].run].is_ambiguous = runs[all[i - 1].run].is_ambiguous = true;
}

emr_status facts_pass_run(facts_cache *cache, bool *out_has)
{
	const emr_kept_run *runs = (const emr_kept_run *)(const void *)cache->runs.data;
	const size_t n = cache->runs.len / sizeof *runs;
	facts_cursor *c = &cache->all;
	const uint64_t page = c->next - 1, offset = FACTS_PLAIN_BYTES - c->r.left;
	uint64_t left = 0;
	facts_kept kept;

	while (cache->next_run < n && runs[cache->next_run].page < page)
		cache->next_run++;
	*out_has = cache->next_run < n && runs[cache->next_run].page == page &&
		   runs[cache->next_run].offset == offset;
	if (*out_has)
		left = runs[cache->next_run++].count;
	for (; left > 0; left--, c->left--)
		EMR_TRY(facts_read_record(&c->r, &kept));
	return EMR_OK;
}

emr_kept_run *emr_kept_runs(emr_kept_facts *kept, uint32_t *out_count)
{
	*out_count = (uint32_t)(kept->runs.len / sizeof(emr_kept_run));
	return (emr_kept_run *)(void *)kept->runs.data;
}

bool emr_kept_find(const emr_kept_facts *kept, emr_id16 object, uint32_t *out_run)
{
	const rester key = {.prefix = emr_kept_prefix(object)}, *found = NULL;

	if (kept->resters.len > 0)
		found = bsearch(&key, kept->resters.data, kept->resters.len / sizeof key,
			sizeof key, by_prefix);
	if (found != NULL)
		*out_run = found->run;
	return found != NULL;
}

bool emr_kept_has_changed(const emr_kept_facts *kept)
{
	return kept->changed.len > 0;
}

emr_status emr_kept_prefixes(const emr_kept_facts *kept, emr_buf *out)
{
	EMR_EACH (const rester, one, &kept->resters)
		EMR_TRY(emr_buf_append(out, &one->prefix, sizeof one->prefix));
	return EMR_OK;
}
