/* This file asks the peers of a channel for the private parts that a ledger's file lacks, and again
 * for those that they have not yet. It takes nothing that does not fit the hash in its item. */
#include "embedded_private.h"

#include <stdlib.h>

#define FIRST_PAUSE_NS                                                                             \
	INT64_C(1000000000) /* until parts are asked for again; twice as long then                 \
			     */
#define MOST_PAUSE_NS INT64_C(60000000000)

typedef struct asking {
	emr_ledger_part_fn fn;
	void *arg;
	size_t at[EMR_FABRIC_KEYS_MAX]; /* places among what was asked for */
	size_t later; /* of the first one that the next answer may have; 0: of none */
} asking;

static emr_status pass_part(void *arg, size_t index, const emr_fabric_part *part)
{
	asking *a = arg;

	if (part->is_later && index > 0 && a->later == 0)
		a->later = index;
	return part->part.data != NULL ? a->fn(a->arg, a->at[index], part->part) : EMR_OK;
}

/* Requests and releases, which are kept for a time only, lie beside the rest. */
static const char *collection_of(const emr_part_key *key)
{
	return key->family == 0x40 || (key->family >= 0x48 && key->family <= 0x4a) ? "mail"
										   : "parts";
}

/* Those of KEYS from *FROM on that lie in one collection, as many as one question takes. */
static emr_status ask_some(embedded *e, const emr_part_key *keys, size_t n, const char *collection,
	size_t *from, asking *a)
{
	emr_key_text texts[EMR_FABRIC_KEYS_MAX];
	const char *names[EMR_FABRIC_KEYS_MAX];
	size_t count = 0;
	emr_fabric_call call = embedded_call(e, 0, 0);
	bool is_complete;

	a->later = 0;
	for (; *from < n && count < EMR_FABRIC_KEYS_MAX; ++*from) {
		const emr_part_key *key = &keys[*from];

		if (strcmp(collection_of(key), collection) != 0)
			continue;
		emr_key_part(
			key->family, key->domain.b, key->object.b, key->version, &texts[count]);
		names[count] = texts[count].text;
		a->at[count++] = *from;
	}
	if (count > 0)
		EMR_TRY(emr_fabric_parts(e->channel->fabric, &call, collection, names, count,
			pass_part, a, &is_complete));
	if (a->later > 0)
		*from = a->at[a->later];
	return EMR_OK;
}

emr_status embedded_fetch_peers(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	static const char *const collections[] = {"parts", "mail"};
	asking a = {.fn = fn, .arg = arg};

	for (size_t i = 0; i < 2; i++)
		for (size_t from = 0; from < n;)
			EMR_TRY(ask_some(self, keys, n, collections[i], &from, &a));
	return EMR_OK;
}

typedef struct filling {
	embedded *e;
	const emr_part_key *keys;
	size_t n; /* that came */
} filling;

static emr_status fill_one(void *arg, size_t index, emr_bytes part)
{
	filling *f = arg;
	bool fits = false;
	EMR_LOCKED(&f->e->write_lock);

	EMR_TRY(emr_chain_begin(f->e->writer));
	EMR_TRY(emr_chain_end(
		f->e->writer, emr_chain_fill(f->e->writer, &f->keys[index], part, &fits)));
	f->n += fits;
	return EMR_OK;
}

emr_status embedded_bring_lacking(embedded *e, bool *out_is_left)
{
	EMR_AUTO_FREE emr_chain_lacking *lacking = malloc(sizeof *lacking);
	uint64_t from = 0;

	*out_is_left = false;
	if (lacking == NULL)
		return EMR_NO_MEMORY;
	do {
		filling f = {.e = e, .keys = lacking->keys};

		EMR_TRY(embedded_lacks(e, from, lacking));
		EMR_TRY(embedded_fetch_peers(e, lacking->keys, lacking->n, fill_one, &f));
		*out_is_left = *out_is_left || f.n < lacking->n;
		from = lacking->next;
	} while (from > 0);
	return EMR_OK;
}

emr_status embedded_tend_lacking(embedded *e)
{
	embedded_channel *c = e->channel;
	const int64_t now = emr_clock_boot_ns(emr_clock_system());
	bool is_left;

	if (now < c->lacking_due_ns)
		return EMR_OK;
	c->lacking_due_ns = now + FIRST_PAUSE_NS;
	EMR_TRY(embedded_bring_lacking(e, &is_left));
	c->lacking_pause_ns = c->lacking_pause_ns == 0			? FIRST_PAUSE_NS
			      : c->lacking_pause_ns < MOST_PAUSE_NS / 2 ? 2 * c->lacking_pause_ns
									: MOST_PAUSE_NS;
	c->lacking_due_ns = is_left ? now + c->lacking_pause_ns : INT64_MAX;
	return EMR_OK;
}

void embedded_expect_parts(embedded *e)
{
	e->channel->lacking_pause_ns = 0;
	e->channel->lacking_due_ns = emr_clock_boot_ns(emr_clock_system()) + FIRST_PAUSE_NS;
}
