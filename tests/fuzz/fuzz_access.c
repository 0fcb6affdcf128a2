/* This fuzz target reads any bytes as a question for keys, an answer or a report, sealed and in
 * the clear: whatever decodes is encoded to the same bytes, and nothing opens that was not
 * sealed. */
#include "share_input.h"

#include "letters_private.h"

static void body(const share_input *in)
{
	EMR_AUTO_BUF again = {0};
	emr_access_body read;

	if (emr_access_body_decode(in->bytes, &read) != EMR_OK)
		return;
	if (emr_access_body_encode(&read, &again) != EMR_OK)
		abort();
	share_input_same(&again, in->bytes);
	emr_access_body_free(&read);
}

static void report(const share_input *in)
{
	EMR_AUTO_BUF again = {0};
	emr_report_row *rows = NULL;
	size_t n;

	if (emr_report_decode(in->bytes, &rows, &n) != EMR_OK)
		return;
	if (emr_report_encode(rows, n, &again) != EMR_OK)
		abort();
	share_input_same(&again, in->bytes);
	free(rows);
}

/* The first byte is the number of slots given, then the plaintext. */
static void answer(const share_input *in)
{
	static const emr_answer_kind modes[] = {
		EMR_ANSWER_CFRAGS, EMR_ANSWER_KEYS, EMR_ANSWER_REFUSED};
	const emr_answer_kind mode = modes[in->which - 4];
	const emr_bytes bytes = in->bytes;
	emr_vault vault = {0};
	emr_answer *read = NULL;

	if (bytes.len < 2)
		return;
	if (emr_vault_new(bytes.len - 1, &vault) != EMR_OK)
		abort();
	memcpy(vault.data, bytes.data + 1, bytes.len - 1);
	if (emr_answer_parse(&vault, mode, (emr_id32){{0}}, 8, bytes.data[0], &read) != EMR_OK)
		return;
	for (size_t i = 0; i < emr_answer_count(read); i++) {
		emr_answer_entry entry;
		emr_kem_key *key = NULL;
		uint16_t slot;
		uint8_t status;

		if (mode == EMR_ANSWER_CFRAGS && emr_answer_entry_get(read, i, &entry) != EMR_OK)
			abort();
		if (mode == EMR_ANSWER_KEYS &&
			emr_answer_key_get(read, i, &slot, &status, &key) != EMR_OK)
			abort();
		emr_kem_key_free(key);
	}
	emr_answer_free(read);
}

static void request_part(const share_input *in)
{
	EMR_AUTO_BUF item = {0};
	uint8_t pub[40] = {0};
	emr_access_part part;
	emr_request_key *key = NULL;
	emr_id32 rid;

	share_input_item(0x48, emr_bytes_of(pub, sizeof pub), in->bytes, &item);
	if (emr_access_part_read(emr_buf_view(&item), in->bytes, &part) != EMR_OK)
		return;
	memcpy(rid.b, part.recipients.data, 32);
	if (emr_request_key_open(in->box, rid, emr_buf_view(&item), &part, &key) == EMR_OK)
		abort();
}

static void served_part(const share_input *in)
{
	EMR_AUTO_BUF item = {0};
	uint8_t pub[56] = {0};
	emr_access_part asked = {.n = 0};
	emr_answer *read = NULL;
	emr_request_key *key = NULL;

	pub[48] = EMR_ANSWER_CFRAGS;
	share_input_item(0x49, emr_bytes_of(pub, sizeof pub), in->bytes, &item);
	if (emr_answer_open(in->box, emr_buf_view(&item), in->bytes, 8, &read) == EMR_OK ||
		emr_request_key_of_served(in->box, emr_buf_view(&item), in->bytes, &asked, &key) ==
			EMR_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static share_reader *const readers[] = {
		body, report, request_part, served_part, answer, answer, answer};

	return share_input_read(data, size, readers, sizeof readers / sizeof *readers);
}
