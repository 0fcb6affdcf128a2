/* This fuzz target reads any bytes as letters to writers and to an owner's other computers, as
 * requests and refusals: whatever decodes is encoded to the same bytes. */
#include "share_input.h"

#include "letters_private.h"

static void writer(emr_bytes plain)
{
	EMR_AUTO_BUF again = {0};
	emr_writer_letter read;
	emr_epoch_key **keys = NULL;
	size_t n = 0;

	if (emr_writer_letter_decode(plain, (emr_id16){{1}}, &read, &keys, &n) != EMR_OK)
		return;
	if (emr_writer_letter_bytes(&read, n) != plain.len ||
		emr_buf_append_zeros(&again, plain.len) != EMR_OK ||
		emr_writer_letter_encode(
			&read, (const emr_epoch_key *const *)keys, n, again.data) != EMR_OK)
		abort();
	share_input_same(&again, plain);
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	free(keys);
}

static void request(emr_bytes plain)
{
	EMR_AUTO_BUF again = {0};
	emr_request_body read;

	if (emr_request_body_decode(plain, &read) != EMR_OK)
		return;
	if (emr_request_body_encode(&read, &again) != EMR_OK)
		abort();
	share_input_same(&again, plain);
}

static void reason(emr_bytes plain)
{
	EMR_AUTO_BUF again = {0};
	char text[EMR_REQUEST_REASON_MAX + 1];

	if (emr_reason_decode(plain, text) != EMR_OK)
		return;
	if (emr_reason_encode(text, &again) != EMR_OK)
		abort();
	share_input_same(&again, plain);
}

/* Sealed parts of every operation with one letter: none opens. */
static void sealed(emr_bytes bytes, const emr_box_key *box)
{
	static const size_t pubs[] = {32, 32, 48, 64};
	static const uint8_t ops[] = {0x40, 0x42, 0x13, 0x52};
	uint8_t pub[64] = {0};
	char text[EMR_REQUEST_REASON_MAX + 1];
	emr_request_body body;
	emr_writer_letter letter;
	emr_epoch_key **keys = NULL;
	emr_grantee_key *member = NULL;
	size_t n;

	for (size_t i = 0; i < 4; i++) {
		EMR_AUTO_BUF item = {0};
		emr_bytes view;

		share_input_item(ops[i], emr_bytes_of(pub, pubs[i]), bytes, &item);
		view = emr_buf_view(&item);
		if ((i == 0 && emr_request_part_open(box, view, bytes, &body) == EMR_OK) ||
			(i == 1 && emr_deny_part_open(box, view, bytes, text) == EMR_OK) ||
			(i == 2 && emr_writer_part_open(box, view, bytes, &letter, &keys, &n) ==
					   EMR_OK) ||
			(i == 3 && emr_admit_part_open(box, view, bytes, pub, &member) == EMR_OK))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	share_input in = share_input_of(data, size);
	emr_box_key *box = NULL;

	if (emr_box_key_new(&box) != EMR_OK)
		abort();
	switch (in.which % 4) {
	case 0:
		writer(in.bytes);
		break;
	case 1:
		request(in.bytes);
		break;
	case 2:
		reason(in.bytes);
		break;
	case 3:
		sealed(in.bytes, box);
		break;
	}
	emr_box_key_free(box);
	return 0;
}
