/* This fuzz target reads any bytes as a card, as an organisation's signature behind it, and as
 * text that somebody pasted: a card that reads comes back the same in both text forms, and no
 * signature fits by chance. */
#include "share_input.h"

#include "keyring/card.h"

/* A card that reads is written the same way in both text forms and comes back. */
static void both_ways(emr_bytes bytes)
{
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF again = {0};
	char qr[EMR_CARD_QR_MAX];

	if (emr_card_qr_text(bytes, qr) != EMR_OK ||
		emr_card_from_text(emr_bytes_of(qr, strlen(qr)), &again) != EMR_OK)
		abort();
	share_input_same(&again, bytes);
	emr_buf_clear(&again);
	if (emr_card_file_text(bytes, &text) != EMR_OK ||
		emr_card_from_text(emr_buf_view(&text), &again) != EMR_OK)
		abort();
	share_input_same(&again, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	share_input in = share_input_of(data, size);
	EMR_AUTO_BUF made = {0};
	emr_bytes card = {0};
	emr_card facts = {0};

	if (in.which == 0) {
		if (emr_card_from_text(in.bytes, &made) != EMR_OK)
			return 0;
		in.bytes = emr_buf_view(&made);
	}
	if (emr_card_read(in.bytes, &facts) == EMR_OK)
		both_ways(in.bytes);
	if (emr_card_first(in.bytes, &card) == EMR_OK && card.len > in.bytes.len)
		abort();
	return 0;
}
