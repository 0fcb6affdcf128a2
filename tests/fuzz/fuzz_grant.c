/* This fuzz target reads bytes as the parts of GRANT and KFRAGS, and as the letter inside:
 * nothing opens that was not sealed, and what decodes is encoded to the same bytes. */
#include "share_input.h"

#include "letters_private.h"
#include "keyring/grant.h"

static void letter(const share_input *in)
{
	EMR_AUTO_BUF again = {0};
	emr_grant_letter read;

	if (emr_grant_letter_decode(in->bytes, &read) != EMR_OK)
		return;
	if (emr_grant_letter_encode(&read, &again) != EMR_OK)
		abort();
	share_input_same(&again, in->bytes);
}

static void note(const share_input *in)
{
	emr_grant_note read;

	if (in->bytes.len == EMR_GRANT_NOTE_BYTES &&
		emr_grant_note_decode(in->bytes.data, &read) == EMR_OK &&
		strlen(read.label) > EMR_NOTE_LABEL_MAX)
		abort();
}

/* The first 64 bytes are the public part, the rest the private one. */
static void grant(const share_input *in)
{
	EMR_AUTO_BUF item = {0};
	emr_grant_part part;
	emr_grant_letter read;
	emr_grant_note noted;
	emr_bytes rest;
	const uint8_t pk[32] = {1};

	if (in->bytes.len < 64)
		return;
	rest = emr_bytes_of(in->bytes.data + 64, in->bytes.len - 64);
	share_input_item(0x30, emr_bytes_of(in->bytes.data, 64), rest, &item);
	if (emr_grant_part_read(emr_buf_view(&item), rest, &part) != EMR_OK)
		return;
	if (emr_grant_letter_open(in->box, emr_buf_view(&item), &part, &read) == EMR_OK ||
		emr_grant_note_open(in->box, emr_buf_view(&item), &part, &noted) == EMR_OK ||
		emr_grant_outer_check(emr_buf_view(&item), &part, pk) == EMR_OK)
		abort();
}

static void kfrags(const share_input *in)
{
	EMR_AUTO_BUF item = {0};
	emr_grant_terms terms = {.t = 1, .n = 1};
	emr_kfrags_part part;
	emr_fragment *fragment = NULL;
	emr_id32 id;
	uint8_t pk[32] = {1};

	if (in->bytes.len > 72)
		terms.n = in->bytes.data[64] == 0 ? 1 : in->bytes.data[64];
	share_input_item(0x32, (emr_bytes){0}, in->bytes, &item);
	if (emr_kfrags_part_read(emr_buf_view(&item), in->bytes, &terms, &part) != EMR_OK)
		return;
	memcpy(id.b, part.frags[0].agent_id, 32);
	if (emr_fragment_open(in->box, id, pk, &terms, part.X, part.X, &part, &fragment) == EMR_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static share_reader *const readers[] = {letter, note, grant, kfrags};

	return share_input_read(data, size, readers, sizeof readers / sizeof *readers);
}
