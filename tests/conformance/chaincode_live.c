/* This program makes an embedded ledger and writes down what happened on it: each batch with its
 * time and answer, each entry, and which rows and parts there are in the end.  drive does the same
 * with the chaincode. */
#include "ledger_kit.h"

#include <jansson.h>

#include "contract/item.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "ledger/chain.h"

static void set_hex(json_t *object, const char *name, emr_bytes bytes)
{
	EMR_AUTO_FREE char *text = malloc(2 * bytes.len + 1);

	assert_non_null(text);
	emr_hex(bytes.data, bytes.len, text);
	assert_int_equal(json_object_set_new(object, name, json_string(text)), 0);
}

/* One call of the ledger, as drive repeats it. */
static void note(json_t *calls, const kit *k, emr_bytes batch, const uint8_t *answer, size_t len)
{
	json_t *call = json_object();
	uint8_t signature[64];

	assert_ok(emr_batch_sign_submit(k->keyring, k->net_id, batch, signature));
	set_hex(call, "batch", batch);
	set_hex(call, "signed", emr_bytes_of(signature, sizeof signature));
	set_hex(call, "answer", emr_bytes_of(answer, len));
	(void)json_object_set_new(
		call, "time", json_integer((json_int_t)emr_clock_unix_s(&k->clock.clock)));
	assert_int_equal(json_array_append_new(calls, call), 0);
}

/* As the chaincode answers: applied 1 or known 2 with the results, refused 3 with the reason. */
static void submit(kit *k, json_t *calls, emr_bytes batch)
{
	static uint8_t told[1 + EMR_LEDGER_ITEMS_MAX];
	emr_ledger_answer answer;

	assert_ok(emr_ledger_submit(k->ledger, batch, &answer));
	told[0] = answer.refusal != 0 ? 3 : answer.is_repeat ? 2 : 1;
	memcpy(told + 1, answer.results, answer.n_results);
	if (answer.refusal != 0)
		told[1] = answer.refusal;
	note(calls, k, batch, told, 1u + (answer.refusal != 0 ? 1u : answer.n_results));
}

static void finish_and_submit(kit *k, json_t *calls, emr_batch_builder *b)
{
	EMR_AUTO_BUF bytes = {0};

	kit_finish(k, b, &bytes);
	bytes.data[EMR_HEADER_BYTES - 1] ^= 1; /* of the signature */
	submit(k, calls, emr_buf_view(&bytes));
	bytes.data[EMR_HEADER_BYTES - 1] ^= 1;
	submit(k, calls, emr_buf_view(&bytes));
	submit(k, calls, emr_buf_view(&bytes)); /* it is known by now */
}

static void happen(kit *k, json_t *calls)
{
	kit_domain d = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(k, d.id);
	emr_id16 kept = emr_id16_random(), erased = emr_id16_random();
	emr_id32 first, other;

	kit_clock_set(&k->clock, KIT_NOW + 5000);
	kit_domain_into(k, b, &d);
	finish_and_submit(k, calls, b);
	kit_clock_set(&k->clock, KIT_NOW + 6000);
	b = kit_batch(k, d.id);
	first = kit_put(b, &d, kept, 1, (emr_id32){{0}});
	other = kit_put(b, &d, erased, 1, (emr_id32){{0}});
	(void)kit_put(b, &d, kept, 2, first);
	(void)kit_put(b, &d, kept, 2, first); /* a conflict */
	finish_and_submit(k, calls, b);
	kit_clock_set(&k->clock, KIT_NOW + 7000);
	b = kit_batch(k, d.id);
	other = kit_unlink(b, &d, erased, 2, other);
	(void)kit_erase(b, &d, erased, 3, other, 1, 2);
	finish_and_submit(k, calls, b);
}

/* ---- what is there in the end ---- */

typedef struct picture {
	emr_chain *chain;
	json_t *rows;
	json_t *parts;
	emr_batch *batch;
	emr_buf first; /* the whole batch of entry 1 */
	emr_id32 submitter;
} picture;

static void add_plain_rows(picture *p, const char *prefix)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = p->chain, .prefix = prefix};

	while (emr_chain_next_row(&rows))
		set_hex(p->rows, rows.key, rows.value);
	assert_ok(rows.status);
}

/* A row that the embedded ledger makes from its tables. */
static void add_made_row(picture *p, const char *key)
{
	EMR_AUTO_BUF value = {0};
	emr_status status = emr_chain_row(p->chain, key, &value, NULL, NULL);

	if (status == EMR_NOT_FOUND)
		return;
	assert_ok(status);
	set_hex(p->rows, key, emr_buf_view(&value));
}

static void add_item(picture *p, size_t i)
{
	EMR_AUTO_BUF part = {0};
	emr_part_key at = {0};
	emr_key_text key;
	emr_pub_erase erase;
	emr_item item;
	emr_span pub;
	emr_status status;

	emr_batch_item_at(p->batch, i, &item, &pub);
	at.family = emr_op_family(item.op);
	if (item.op == EMR_OP_ERASE && emr_pub_erase_parse(pub, &erase))
		at.family = erase.family;
	at.version = item.version;
	memcpy(at.domain.b, item.domain_id, 16);
	memcpy(at.object.b, item.object_id, 16);
	emr_key_place(at.family, at.domain.b, at.object.b, at.version, &key);
	add_made_row(p, key.text);
	emr_key_head(at.domain.b, &key);
	add_made_row(p, key.text);
	if (item.priv_len == 0)
		return;
	emr_key_part(at.family, at.domain.b, at.object.b, at.version, &key);
	status = emr_chain_part(p->chain, &at, &part);
	assert_true(status == EMR_OK || status == EMR_NOT_FOUND);
	set_hex(p->parts, key.text, emr_buf_view(&part));
	if (p->first.len > 0 && item.op == EMR_OP_KEY_REG)
		assert_ok(emr_buf_append(&p->first, part.data, part.len));
}

static void add_entry(picture *p, uint64_t seq)
{
	EMR_AUTO_BUF entry = {0};
	EMR_AUTO_BUF items = {0};
	emr_key_text key;
	emr_entry parsed;
	uint8_t id[32];

	assert_ok(emr_chain_entry(p->chain, seq, &entry, &items));
	assert_int_equal(emr_entry_parse((emr_span){entry.data, entry.len}, &parsed), 0);
	if (seq == 1) {
		memcpy(p->submitter.b, parsed.submitter_id, 32);
		assert_ok(emr_buf_append(&p->first, parsed.header, EMR_HEADER_BYTES));
		assert_ok(emr_buf_append(&p->first, items.data, items.len));
	}
	emr_batch_id(parsed.header, id);
	emr_key_batch(id, &key);
	add_made_row(p, key.text);
	assert_int_equal(emr_batch_parse_items((emr_span){parsed.header, EMR_HEADER_BYTES},
				 (emr_span){items.data, items.len}, NULL, 0, p->batch),
		EMR_RESULT_APPLIED);
	for (size_t i = 0; i < p->batch->count; i++)
		add_item(p, i);
}

/* The calls that LATER has, behind the one that registered the owner. */
static json_t *told_by(const kit *k, picture *p, const json_t *later)
{
	static const uint8_t applied[2] = {1, 0};
	emr_bytes descriptor = emr_ledger_descriptor(k->ledger);
	emr_descriptor network;
	emr_descriptor_org org;
	json_t *story = json_object(), *calls = json_array();
	const uint8_t *part =
		p->first.data + EMR_HEADER_BYTES + EMR_ITEM_BYTES + emr_op_pub_len(EMR_OP_KEY_REG);

	assert_int_equal(
		emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &network), 0);
	assert_int_equal(emr_descriptor_org_at(&network, 0, &org), 0);
	set_hex(story, "descriptor", descriptor);
	set_hex(story, "msp", emr_bytes_of(org.org, 16));
	set_hex(story, "submitter", emr_bytes_of(p->submitter.b, 32));
	/* behind its salt and length */
	set_hex(story, "certificate", emr_bytes_of(part + 34, (size_t)part[32] << 8 | part[33]));
	note(calls, k, emr_buf_view(&p->first), applied, sizeof applied);
	assert_int_equal(json_array_extend(calls, (json_t *)(uintptr_t)later), 0);
	(void)json_object_set_new(story, "calls", calls);
	(void)json_object_set(story, "rows", p->rows);
	(void)json_object_set(story, "parts", p->parts);
	return story;
}

int main(void)
{
	static const char *const letters[] = {"D", "E", "K", "L", "M", "N", "O", "P", "U"};
	picture p = {
		.rows = json_object(), .parts = json_object(), .batch = malloc(sizeof *p.batch)};
	json_t *calls = json_array(), *story;
	uint64_t size;
	EMR_AUTO_FD dirfd;

	SCENE(kit, k, kit_new, kit_end);
	happen(&k, calls);
	dirfd = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_chain_open(
		dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 10000, &p.chain));
	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		add_plain_rows(&p, letters[i]);
	assert_ok(emr_chain_size(p.chain, &size));
	for (uint64_t seq = 1; seq < size; seq++)
		add_entry(&p, seq);
	kit_clock_set(&k.clock, KIT_NOW);
	story = told_by(&k, &p, calls);
	assert_int_equal(json_dumpf(story, stdout, JSON_INDENT(1)), 0);
	json_decref(story);
	json_decref(calls);
	json_decref(p.rows);
	json_decref(p.parts);
	emr_buf_free(&p.first);
	free(p.batch);
	emr_chain_close(p.chain);
	return 0;
}
