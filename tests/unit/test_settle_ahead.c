/* These tests are about keys that are wrapped before they are asked for: each change gets its own
 * key, by whichever thread and in whichever order; a key that cannot be wrapped is an error of that
 * change alone. */
#include "view_kit.h"

#include "build.h"

#define RECORDS 40
#define EPOCH 7

typedef struct desk {
	kit k;
	emr_change changes[RECORDS];
	emr_place places[RECORDS];
	size_t n;
	build_ctx ctx;
	ahead *keys;
} desk;

static void note_file(desk *d, const emr_place *place)
{
	assert_true(d->n < RECORDS);
	d->places[d->n] = *place;
	d->changes[d->n] = (emr_change){.kind = EMR_CHANGE_REWRAP,
		.domain = {{0xd0}},
		.object = place->object,
		.record_id = place->record_id,
		.cver = place->cver,
		.from = &d->places[d->n]};
	d->n++;
}

static int begin(void **state)
{
	desk *d = calloc(1, sizeof *d);
	EMR_AUTO_FACTS_WALK all = {.facts = NULL};
	emr_domain_public public;
	emr_place place;
	emr_meta meta;

	assert_non_null(d);
	kit_open(&d->k);
	kit_mkdir(&d->k, "Imaging");
	for (int i = 0; i < RECORDS; i++) {
		kit_text(&d->k, printed("Imaging/%02d", i), printed("record %d", i));
	}
	kit_publish_all(&d->k);
	all = emr_facts_all(d->k.stack.facts);
	while (emr_facts_next(&all, &place, &meta))
		if (meta.type == EMR_META_FILE)
			note_file(d, &place);
	assert_ok(all.status);
	assert_int_equal(all.damaged, 0);
	assert_int_equal(d->n, RECORDS);
	d->ctx = (build_ctx){.keyring = d->k.stack.keyring,
		.facts = d->k.stack.facts,
		.domain = {{0xd0}},
		.epoch = EPOCH};
	assert_ok(emr_keyring_domain_public(d->k.stack.keyring, d->ctx.domain, 1, EPOCH, &public));
	memcpy(d->ctx.A, public.A, sizeof d->ctx.A);
	*state = d;
	return 0;
}

static int end(void **state)
{
	EMR_AUTO_FREE desk *d = *state;

	ahead_end(d->keys);
	kit_close(&d->k);
	return 0;
}

/* The key opens the content's manifest. */
static void expect_key(desk *d, const emr_change *change, const wrapped_key *got)
{
	emr_content_key *key;
	emr_bundle bundle;
	emr_id32 digest;
	uint8_t ctx[32];

	memcpy(digest.b, got->root.b + 4, sizeof digest.b);
	emr_capsule_ctx(d->ctx.domain, EPOCH, change->record_id, change->cver, EMR_CAPSULE_CONTENT,
		digest, ctx);
	assert_ok(emr_content_key_unwrap(
		d->k.stack.keyring, d->ctx.domain, EPOCH, ctx, got->capsule, got->wdek, &key));
	assert_ok(emr_bundle_open(d->k.stack.records, &change->from->root, key, change->record_id,
		change->cver, &bundle));
	assert_int_equal(bundle.content.padded, got->padded);
	emr_content_key_free(key);
}

static void begin_ahead(desk *d)
{
	d->keys = ahead_begin(&d->ctx, d->changes, d->n);
	assert_non_null(d->keys);
}

TEST_IN(begin, end, what_cannot_be_opened_is_said_of_that_change_alone)
{
	desk *d = *state;

	d->places[5].object.b[0] ^= 1;
	begin_ahead(d);
	for (size_t i = 0; i < d->n; i++) {
		wrapped_key got;
		emr_status status = ahead_get(d->keys, &d->changes[i], &got);

		assert_int_equal(status, i == 5 ? EMR_MISSING_DATA : EMR_OK);
		if (i != 5)
			expect_key(d, &d->changes[i], &got);
	}
}

TESTS(NULL, NULL)
