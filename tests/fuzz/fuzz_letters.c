/* This fuzz target reads any bytes as letters to writers, to trustees and to an owner's other
 * computers, as requests and refusals: whatever decodes is encoded to the same bytes. */
#include "share_input.h"

#include "letters_private.h"

static void writer(const share_input *in)
{
	EMR_AUTO_BUF again = {0};
	emr_writer_letter read;
	emr_epoch_key **keys = NULL;
	size_t n = 0;

	if (emr_writer_letter_decode(in->bytes, (emr_id16){{1}}, &read, &keys, &n) != EMR_OK)
		return;
	if (emr_writer_letter_bytes(&read, n) != in->bytes.len ||
		emr_buf_append_zeros(&again, in->bytes.len) != EMR_OK ||
		emr_writer_letter_encode(
			&read, (const emr_epoch_key *const *)keys, n, again.data) != EMR_OK)
		abort();
	share_input_same(&again, in->bytes);
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	free(keys);
}

static void request(const share_input *in)
{
	EMR_AUTO_BUF again = {0};
	emr_request_body read;

	if (emr_request_body_decode(in->bytes, &read) != EMR_OK)
		return;
	if (emr_request_body_encode(&read, &again) != EMR_OK)
		abort();
	share_input_same(&again, in->bytes);
}

static void reason(const share_input *in)
{
	EMR_AUTO_BUF again = {0};
	char text[EMR_REQUEST_REASON_MAX + 1];

	if (emr_reason_decode(in->bytes, text) != EMR_OK)
		return;
	if (emr_reason_encode(text, &again) != EMR_OK)
		abort();
	share_input_same(&again, in->bytes);
}

/* Sealed parts of every operation with one letter: none opens. */
static void sealed(const share_input *in)
{
	static const size_t pubs[] = {32, 32, 48, 64, 49};
	static const uint8_t ops[] = {0x40, 0x42, 0x13, 0x52, 0x4b};
	uint8_t pub[64] = {0};
	char text[EMR_REQUEST_REASON_MAX + 1];
	emr_request_body body;
	emr_writer_letter letter;
	emr_epoch_key **keys = NULL;
	emr_grantee_key *member = NULL;
	size_t n;

	for (size_t i = 0; i < sizeof ops; i++) {
		EMR_AUTO_BUF item = {0};
		emr_bytes view;

		share_input_item(ops[i], emr_bytes_of(pub, pubs[i]), in->bytes, &item);
		view = emr_buf_view(&item);
		if ((i == 0 && emr_request_part_open(in->box, view, in->bytes, &body) == EMR_OK) ||
			(i == 1 && emr_deny_part_open(in->box, view, in->bytes, text) == EMR_OK) ||
			(i == 2 && emr_writer_part_open(in->box, view, in->bytes, &letter, &keys,
					   &n) == EMR_OK) ||
			(i == 3 && emr_admit_part_open(in->box, view, in->bytes, pub, &member) ==
					   EMR_OK) ||
			(i == 4 &&
				emr_emergency_part_open(in->box, view, in->bytes, text) == EMR_OK))
			abort();
	}
}

/* Of trustees, whose numbers are the first four bytes: no letter opens, and no answer does. */
static void trustees(const share_input *in)
{
	EMR_AUTO_BUF item = {0};
	uint8_t pub[8] = {0}, answer[EMR_TRUSTEE_ANSWER_BYTES];
	emr_trustee_shares shares = {.n = 0};
	emr_keyring *found = NULL;
	emr_bytes part;
	emr_id32 me = {{0}};

	if (in->bytes.len < 4 + sizeof answer + 32)
		return;
	memcpy(pub, in->bytes.data, 4);
	part = emr_bytes_of(in->bytes.data + 4, in->bytes.len - 4);
	share_input_item(0x68, emr_bytes_of(pub, sizeof pub), part, &item);
	memcpy(me.b, part.data + part.len - 32, 32);
	if (emr_trustee_answer(in->box, me, emr_buf_view(&item), part, me.b, me, answer) ==
			EMR_OK ||
		emr_trustee_shares_add(&shares, in->box, emr_buf_view(&item), part, me,
			emr_bytes_of(part.data, sizeof answer)) == EMR_OK ||
		emr_trustees_recover(&shares, emr_buf_view(&item), part, 0, &found) == EMR_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static share_reader *const readers[] = {writer, request, reason, sealed, trustees};

	return share_input_read(data, size, readers, sizeof readers / sizeof *readers);
}
