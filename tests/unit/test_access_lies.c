/* These tests open questions and answers that are sealed properly and break a rule inside: each
 * is refused. */
#include "share_world.h"

#include "letters_private.h"
#include "crypto/aead.h"

/* ---- Answers that somebody made up ---- */

typedef struct made_entry {
	uint32_t epoch; /* 0: goes on in the group before */
	uint16_t slot;
	uint8_t status;
	bool has_fragment;
	uint8_t first; /* byte of the cfrag */
} made_entry;

/* A mode 1 plaintext of up to two groups. */
static void made_answer(const made_entry *entries, size_t n, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	uint16_t groups = 0;

	for (size_t i = 0; i < n; i++)
		groups += entries[i].epoch != 0;
	emr_write_u16(&w, groups);
	for (size_t i = 0; i < n; i++) {
		uint8_t cfrag[EMR_PRE_CFRAG_BYTES] = {entries[i].first};
		uint16_t count = 1;

		while (i + count < n && entries[i + count].epoch == 0)
			count++;
		if (entries[i].epoch != 0) {
			uint8_t B[32];

			public_B(owner, B); /* any point */
			emr_write_u32(&w, entries[i].epoch);
			for (int part = 0; part < 4; part++)
				entries[i].has_fragment ? emr_write_bytes(&w, B, 32)
							: emr_write_zeros(&w, 32);
			emr_write_u16(&w, count);
		}
		emr_write_u16(&w, entries[i].slot);
		emr_write_u8(&w, entries[i].status);
		emr_write_u8(&w, 0);
		emr_write_bytes(&w, cfrag, sizeof cfrag);
	}
	emr_part_write_padding(&w, 0);
	assert_ok(w.status);
}

static emr_status parse_bytes(emr_bytes plain, emr_answer_kind mode, size_t slots, size_t given)
{
	emr_vault vault = {0};
	emr_answer *answer = NULL;
	emr_status status;

	assert_ok(emr_vault_new(plain.len, &vault));
	memcpy(vault.data, plain.data, plain.len);
	status = emr_answer_parse(&vault, mode, (emr_id32){{0}}, slots, given, &answer);
	emr_answer_free(answer);
	return status;
}

static emr_status parse_made(const made_entry *entries, size_t n, size_t slots, size_t given)
{
	EMR_AUTO_BUF plain = {0};

	made_answer(entries, n, &plain);
	return parse_bytes(emr_buf_view(&plain), EMR_ANSWER_CFRAGS, slots, given);
}

TEST(answers_that_break_a_rule_are_refused)
{
	const made_entry good[] = {{1, 0, 0, true, 7}, {2, 1, 0, true, 7}, {0, 2, 26, true, 0}};
	const made_entry twice[] = {{1, 0, 0, true, 7}, {2, 0, 0, true, 7}};
	const made_entry descending[] = {{2, 0, 0, true, 7}, {1, 1, 0, true, 7}};
	const made_entry same_epoch[] = {{2, 0, 0, true, 7}, {2, 1, 0, true, 7}};
	const made_entry no_fragment[] = {{1, 0, 0, false, 7}};
	const made_entry refused_with_bytes[] = {{1, 0, 26, true, 7}};

	assert_ok(parse_made(good, 3, 3, 2));
	assert_status(EMR_DAMAGED, parse_made(good, 3, 3, 3)); /* not the public count */
	assert_status(EMR_DAMAGED, parse_made(good, 3, 3, 1));
	assert_status(EMR_DAMAGED, parse_made(good + 1, 2, 2, 1)); /* slot 2 of 0 and 1 */
	assert_status(EMR_DAMAGED, parse_made(twice, 2, 3, 2));
	assert_status(EMR_DAMAGED, parse_made(descending, 2, 3, 2));
	assert_status(EMR_DAMAGED, parse_made(same_epoch, 2, 3, 2));
	assert_status(EMR_DAMAGED, parse_made(no_fragment, 1, 3, 1));
	assert_status(EMR_DAMAGED, parse_made(refused_with_bytes, 1, 3, 0));
	assert_status(EMR_DAMAGED, parse_made(good, 0, 3, 0));
	assert_status(EMR_INVALID, parse_made(good, 3, 1025, 2));
}

TEST(padding_and_empty_answers_have_one_form)
{
	const made_entry one[] = {{1, 0, 0, true, 7}};
	EMR_AUTO_BUF plain = {0};
	uint8_t nothing[1024] = {0};

	made_answer(one, 1, &plain);
	plain.data[plain.len - 1] = 1;
	assert_status(EMR_DAMAGED, parse_bytes(emr_buf_view(&plain), EMR_ANSWER_CFRAGS, 3, 1));
	plain.data[plain.len - 1] = 0;
	assert_ok(emr_buf_append_zeros(&plain, 512)); /* a unit too many */
	assert_status(EMR_DAMAGED, parse_bytes(emr_buf_view(&plain), EMR_ANSWER_CFRAGS, 3, 1));
	assert_ok(parse_bytes(emr_bytes_of(nothing, 512), EMR_ANSWER_REFUSED, 3, 0));
	assert_status(
		EMR_DAMAGED, parse_bytes(emr_bytes_of(nothing, 511), EMR_ANSWER_REFUSED, 3, 0));
	assert_status(
		EMR_DAMAGED, parse_bytes(emr_bytes_of(nothing, 1024), EMR_ANSWER_REFUSED, 3, 0));
	nothing[1] = 1;
	assert_status(
		EMR_DAMAGED, parse_bytes(emr_bytes_of(nothing, 512), EMR_ANSWER_REFUSED, 3, 0));
}

/* ---- A request whose reader lies ---- */

/* ACCESS_REQ for the owner, sealed properly, with PLAIN as its body under an item that says COUNT.
 */
static emr_status read_made_request(emr_bytes plain, uint16_t count)
{
	AUTO_PART model = share_part_of(root, "ACCESS_REQ");
	EMR_AUTO_SECRET k = {0};
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item facts;
	uint8_t aad[124 + 40], kcom[32], pk[32], nonce[24] = {0}, sealed[4096];
	emr_id32 rid = emr_owner_rid(domain_id);
	share_item full = {.op = 0x48, .domain_id = domain_id, .pub = {NULL, 40}};

	assert_ok(emr_buf_append(&item, model.item.data, model.item.len));
	emr_put_u16(item.data + 160 + 32, count);
	assert_ok(emr_part_item_read(emr_buf_view(&item), EMR_PART_ACCESS_REQ, &facts));
	assert_ok(emr_secret_random(32, &k));
	emr_request_commit(&k, kcom);
	emr_box_key_public(domain_box, pk);
	emr_part_write_salt(&w);
	emr_write_zeros(&w, 32);
	emr_write_u8(&w, 1);
	emr_write_zeros(&w, 7);
	emr_write_bytes(&w, kcom, 32);
	emr_write_bytes(&w, nonce, 24);
	emr_write_bytes(&w, rid.b, 32);
	assert_ok(emr_part_letter_seal(
		&facts, "emrfs/v1/mbox", emr_bytes_of(rid.b, 32), pk, emr_secret_view(&k), &w));
	memcpy(aad, item.data, 124);
	memcpy(aad + 124, item.data + 160, 40);
	assert_ok(emr_aead_seal(&k, nonce, emr_bytes_of(aad, sizeof aad), plain, sealed));
	emr_write_bytes(&w, sealed, plain.len + 16);
	assert_ok(w.status);
	/* The item with this part's hash; head and public part as they were. */
	full.pub.data = item.data + 160;
	{
		EMR_AUTO_BUF hashed = {0};

		share_item_encode(&full, emr_buf_view(&part), &hashed);
		memcpy(item.data + 124, hashed.data + 124, 36);
	}
	return open_access(emr_buf_view(&item), emr_buf_view(&part));
}

TEST(a_reader_cannot_ask_for_more_than_he_says_in_public)
{
	EMR_AUTO_BUF body = {0};

	vectors_hex(vectors_get(root, "access"), "body", &body);
	assert_ok(read_made_request(emr_buf_view(&body), 5));
	assert_status(EMR_DAMAGED, read_made_request(emr_buf_view(&body), 4));
	assert_status(EMR_DAMAGED, read_made_request(emr_buf_view(&body), 6));
	/* Behind the five slots come three empty ones, and nothing else. */
	body.data[8 + 5 * 32] = 1;
	assert_status(EMR_DAMAGED, read_made_request(emr_buf_view(&body), 5));
	body.data[8 + 5 * 32] = 0;
	assert_status(EMR_DAMAGED, read_made_request(emr_bytes_of(body.data, body.len - 32), 5));
	body.data[0] = 9; /* a purpose that does not exist */
	assert_status(EMR_DAMAGED, read_made_request(emr_buf_view(&body), 5));
}

TESTS(set_up, tear_down)
