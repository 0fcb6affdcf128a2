/* A person who has nothing but ana's card floods the Inbox with listing keys and records that do
 * not open: the cost for ana is counted in what ana's computer opens and reads, not in seconds. */
#include "deposit_kit.h"

#include "contract/codes.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "ledger/batch.h"

#define FLOOD EMR_MANY(10000)
#define KEYS 40
#define BATCH 500

/* ---- what is counted ---- */

static size_t keys_opened, metas_opened, parts_read, items_read;

WRAPPED(emr_status, emr_list_key_open, const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	emr_id32 writer, const uint8_t capsule[EMR_CAPSULE_BYTES], const uint8_t kcheck[32],
	emr_list_key **out)
{
	keys_opened++;
	return __real_emr_list_key_open(kr, domain_id, epoch, writer, capsule, kcheck, out);
}

WRAPPED(emr_status, emr_list_key_open_meta, const emr_list_key *key, emr_id16 object_id,
	const uint8_t nonce[24], emr_bytes aad, emr_bytes sealed, uint8_t *out)
{
	metas_opened++;
	return __real_emr_list_key_open_meta(key, object_id, nonce, aad, sealed, out);
}

WRAPPED(emr_status, emr_replica_part, emr_replica *replica, const emr_part_key *key,
	emr_buf *out_part)
{
	parts_read++;
	return __real_emr_replica_part(replica, key, out_part);
}

WRAPPED(emr_status, emr_replica_item_get, emr_replica *replica, const emr_part_key *key,
	emr_buf *out_bytes, emr_replica_item *out_item)
{
	items_read++;
	return __real_emr_replica_item_get(replica, key, out_bytes, out_item);
}

static size_t work(void)
{
	return keys_opened + metas_opened + parts_read + items_read;
}

static void count_anew(void)
{
	keys_opened = metas_opened = parts_read = items_read = 0;
}

/* ---- the flood ---- */

typedef struct flood {
	depositor *d;
	emr_batch_builder *batch;
	emr_id32 list_key; /* the last one; its version */
	uint64_t list_version;
	unsigned refused;
} flood;

static emr_batch_builder *batch_of(const flood *f)
{
	const emr_batch_options options = {.keyring = f->d->v.s->lima.keyring,
		.signer = emr_signer_identity(),
		.net_id = emr_ledger_net_id(f->d->v.s->lima.ledger)};
	emr_batch_builder *batch;

	assert_ok(emr_batch_new(&options, &batch));
	return batch;
}

static void send(flood *f)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;

	if (f->batch == NULL)
		return;
	assert_ok(emr_batch_finish(f->batch, story_now(f->d->v.s), 7 * DAY, &bytes, NULL));
	assert_ok(emr_ledger_submit(f->d->v.s->lima.ledger, emr_buf_view(&bytes), &answer));
	for (size_t i = 0; i < answer.n_results; i++)
		f->refused += answer.results[i] != EMR_RESULT_APPLIED;
	emr_batch_free(f->batch);
	f->batch = NULL;
}

static void add(flood *f, const emr_operation *op, emr_id32 *out_id)
{
	if (f->batch != NULL && emr_batch_count(f->batch) == BATCH)
		send(f);
	if (f->batch == NULL)
		f->batch = batch_of(f);
	assert_ok(emr_batch_add(f->batch, op, out_id));
}

/* Lima's computer may have made one already, which goes on under hers. */
static void find_key(flood *f)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_listkey row;
	emr_key_text key;
	emr_id16 object;
	emr_status status;

	assert_ok(emr_replica_catch_up(f->d->v.s->lima.replica, NULL, NULL, NULL));
	emr_object_listkey(f->d->v.s->lima.public.signer_id.b, 1, object.b);
	emr_key_listkey(f->d->inbox.b, object.b, &key);
	status = emr_replica_state_get(f->d->v.s->lima.replica, key.text, &bytes);
	if (status == EMR_NOT_FOUND)
		return;
	assert_ok(status);
	assert_int_equal(
		emr_row_listkey_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	f->list_version = row.head.version;
	memcpy(f->list_key.b, row.head.item, sizeof f->list_key.b);
}

/* A key that does not open: nobody made its capsule. */
static void publish_key(flood *f)
{
	emr_operation op = {.op = EMR_OP_LISTKEY,
		.domain = f->d->inbox,
		.version = f->list_version + 1,
		.prev = f->list_key,
		.epoch = 1,
		.time = story_now(f->d->v.s)};
	emr_listkey_part part = {.salt = {1}, .capsule = {2}, .kcheck = {3}};
	uint8_t bytes[EMR_LISTKEY_PART_BYTES];

	memcpy(part.salt, emr_id32_random().b, sizeof part.salt);
	emr_listkey_part_encode(&part, bytes);
	emr_object_listkey(f->d->v.s->lima.public.signer_id.b, 1, op.object.b);
	op.priv = emr_bytes_of(bytes, sizeof bytes);
	add(f, &op, &f->list_key);
	f->list_version++;
}

static void leave_junk(flood *f, emr_id32 list_key)
{
	static const uint8_t meta_ct[512 + 16];
	emr_operation op = {.op = EMR_OP_PUT,
		.domain = f->d->inbox,
		.object = emr_id16_random(),
		.version = 1,
		.epoch = 1,
		.time = story_now(f->d->v.s)};
	emr_put_part part = {.padded = 16383,
		.record_id = op.object,
		.cver = 1,
		.listkey_id = list_key,
		.meta_ct = emr_bytes_of(meta_ct, sizeof meta_ct)};
	EMR_AUTO_BUF bytes = {0};
	emr_id32 id;

	memcpy(part.root.b, "\x01\x70\x12\x20", 4);
	memcpy(part.root.b + 4, emr_id32_random().b, 32);
	assert_ok(emr_put_part_encode(&part, &bytes));
	op.priv = emr_buf_view(&bytes);
	add(f, &op, &id);
}

static size_t at_start; /* what a start without any of it takes, with the folder as it was left */

static size_t start_costs(story *s)
{
	if (s->k.stack.view != NULL)
		emr_stack_close(&s->k.stack);
	count_anew();
	kit_start(&s->k);
	return work();
}

static char noticed[400];

static void note(void *arg, const char *id, const char *path)
{
	size_t len = strlen(noticed);

	(void)arg;
	(void)snprintf(noticed + len, sizeof noticed - len, "%s %s\n", id, path);
}

#define FLOODED                                                                                    \
	story s;                                                                                   \
	depositor d;                                                                               \
	flood f = {.d = &d};                                                                       \
	(void)state;                                                                               \
	story_begin(&s);                                                                           \
	depositor_open(&d, &s);                                                                    \
	s.k.options.notice = note;                                                                 \
	noticed[0] = '\0'

static uint64_t count_damaged(emr_facts *facts)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all_kept(facts);
	emr_place place;
	emr_meta meta;

	while (emr_facts_next(&all, &place, &meta))
		;
	assert_ok(all.status);
	return all.damaged;
}

TEST(a_start_after_a_flood_costs_what_it_cost_before)
{
	FLOODED;
	size_t first, again;

	(void)deposit(&d, "Findings.pdf", "%PDF all is well");
	deposits_arrive(&s);
	(void)start_costs(&s);
	at_start = start_costs(&s);
	emr_stack_close(&s.k.stack);
	find_key(&f);
	for (int i = 0; i < KEYS; i++)
		publish_key(&f);
	for (int i = 0; i < FLOOD; i++)
		leave_junk(&f, i % 3 == 0 ? emr_id32_random() : f.list_key);
	send(&f);
	assert_int_equal(f.refused, 0);
	/* Each is looked at once, a few reads for one; then never again. */
	first = start_costs(&s);
	assert_in_range(keys_opened, 1, KEYS + 8);
	assert_in_range(first, FLOOD, at_start + 8 * (FLOOD + KEYS));
	again = start_costs(&s);
	print_message("a start read %zu things, %zu with the flood, %zu after it\n", at_start,
		first, again);
	assert_in_range(again, 0, at_start + 64);
	assert_int_equal(emr_facts_unreadable(s.k.stack.facts), FLOOD);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "Findings.pdf");
	deposit_end(&s, &d);
}

static size_t times_in(const char *text, const char *what)
{
	size_t n = 0;

	for (text = strstr(text, what); text != NULL; text = strstr(text + 1, what))
		n++;
	return n;
}

/* Keys and records, and all of them wrong: the folder stays open meanwhile. */
TEST(a_flood_into_an_open_folder_is_looked_at_once)
{
	enum { EACH = 400 };
	FLOODED;

	(void)deposit(&d, "Findings.pdf", "%PDF all is well");
	deposits_arrive(&s);
	find_key(&f);
	for (int i = 0; i < KEYS; i++)
		publish_key(&f);
	for (int i = 0; i < EACH; i++)
		leave_junk(&f, i % 2 == 0 ? f.list_key : emr_id32_random());
	send(&f);
	assert_int_equal(f.refused, 0);
	count_anew();
	deposits_arrive(&s);
	assert_in_range(keys_opened, 1, 2 * EACH);
	assert_in_range(work(), EACH, 16 * EACH);
	count_anew();
	deposits_arrive(&s);
	assert_in_range(work(), 0, 64);
	assert_int_equal(emr_facts_unreadable(s.k.stack.facts), EACH);
	/* A right deposit is seen all the same, and the owner goes on. */
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "Findings.pdf");
	kit_rename(&s.k, deposits_path(&s, "Findings.pdf"), "Imaging/Findings.pdf");
	deposits_arrive(&s);
	kit_expect_text(&s.k, "Imaging/Findings.pdf", "%PDF all is well");
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/Findings.pdf", "user.emrfs.state"), "confirmed 1/1");
	deposit_end(&s, &d);
}

TEST(what_does_not_open_is_counted_told_and_erased)
{
	enum { SOME = 20 };
	FLOODED;
	const emr_erase what = {.unreadable = true};
	emr_erased erased;
	uint64_t damaged;

	(void)deposit(&d, "Findings.pdf", "%PDF all is well");
	deposits_arrive(&s);
	/* This kit's copy takes everybody's domains for ana's, and finds the others' unreadable. */
	damaged = count_damaged(s.k.stack.facts);
	find_key(&f);
	for (int i = 0; i < SOME; i++)
		leave_junk(&f, emr_id32_random());
	send(&f);
	noticed[0] = '\0';
	kit_restart(&s.k);
	assert_int_equal(times_in(noticed, "unreadable "), 1);
	assert_int_equal(emr_facts_unreadable(s.k.stack.facts), SOME);
	/* It is nobody's damage. */
	assert_int_equal(count_damaged(s.k.stack.facts), damaged);
	assert_ok(emr_view_erase(s.k.view, &what, &erased));
	assert_int_equal(erased.deleted, SOME);
	kit_publish_all(&s.k);
	kit_restart(&s.k);
	assert_int_equal(emr_facts_unreadable(s.k.stack.facts), 0);
	assert_int_equal(times_in(noticed, "unreadable "), 1);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "Findings.pdf");
	kit_expect_text(&s.k, deposits_path(&s, "Findings.pdf"), "%PDF all is well");
	assert_ok(emr_view_erase(s.k.view, &what, &erased));
	assert_int_equal(erased.deleted, 0);
	deposit_end(&s, &d);
}

TEST(the_ledger_takes_so_many_keys_of_one_writer)
{
	FLOODED;

	find_key(&f);
	for (unsigned i = 0; i < EMR_LISTKEYS_MAX + 16; i++)
		publish_key(&f);
	send(&f);
	assert_int_equal(f.refused, 16);
	deposit_end(&s, &d);
}

TESTS(NULL, NULL)
