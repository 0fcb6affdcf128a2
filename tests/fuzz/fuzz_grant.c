/* This fuzz target reads bytes as the parts of GRANT and KFRAGS, and as the letter inside:
 * nothing opens that was not sealed, and what decodes is encoded to the same bytes. */
#include "share_input.h"

#include "letters_private.h"
#include "keyring/grant.h"

static void letter(emr_bytes plain)
{
	EMR_AUTO_BUF again = {0};
	emr_grant_letter read;

	if (emr_grant_letter_decode(plain, &read) != EMR_OK)
		return;
	if (emr_grant_letter_encode(&read, &again) != EMR_OK)
		abort();
	share_input_same(&again, plain);
}

static void note(emr_bytes plain)
{
	emr_grant_note read;

	if (plain.len == EMR_GRANT_NOTE_BYTES &&
		emr_grant_note_decode(plain.data, &read) == EMR_OK &&
		strlen(read.label) > EMR_NOTE_LABEL_MAX)
		abort();
}

/* The first 64 bytes are the public part, the rest the private one. */
static void grant(emr_bytes bytes, const emr_box_key *box)
{
	EMR_AUTO_BUF item = {0};
	emr_grant_part part;
	emr_grant_letter read;
	emr_grant_note noted;
	emr_bytes rest;
	const uint8_t pk[32] = {1};

	if (bytes.len < 64)
		return;
	rest = emr_bytes_of(bytes.data + 64, bytes.len - 64);
	share_input_item(0x30, emr_bytes_of(bytes.data, 64), rest, &item);
	if (emr_grant_part_read(emr_buf_view(&item), rest, &part) != EMR_OK)
		return;
	if (emr_grant_letter_open(box, emr_buf_view(&item), &part, &read) == EMR_OK ||
		emr_grant_note_open(box, emr_buf_view(&item), &part, &noted) == EMR_OK ||
		emr_grant_outer_check(emr_buf_view(&item), &part, pk) == EMR_OK)
		abort();
}

static void kfrags(emr_bytes bytes, const emr_box_key *box)
{
	EMR_AUTO_BUF item = {0};
	emr_grant_terms terms = {.t = 1, .n = 1};
	emr_kfrags_part part;
	emr_fragment *fragment = NULL;
	emr_id32 id;
	uint8_t pk[32] = {1};

	if (bytes.len > 72)
		terms.n = bytes.data[64] == 0 ? 1 : bytes.data[64];
	share_input_item(0x32, (emr_bytes){0}, bytes, &item);
	if (emr_kfrags_part_read(emr_buf_view(&item), bytes, &terms, &part) != EMR_OK)
		return;
	memcpy(id.b, part.frags[0].agent_id, 32);
	if (emr_fragment_open(box, id, pk, &terms, part.X, part.X, &part, &fragment) == EMR_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	share_input in = share_input_of(data, size);
	emr_box_key *box = NULL;

	if (emr_box_key_new(&box) != EMR_OK)
		abort();
	switch (in.which % 4) {
	case 0:
		letter(in.bytes);
		break;
	case 1:
		note(in.bytes);
		break;
	case 2:
		grant(in.bytes, box);
		break;
	case 3:
		kfrags(in.bytes, box);
		break;
	}
	emr_box_key_free(box);
	return 0;
}
