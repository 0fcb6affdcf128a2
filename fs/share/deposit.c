/* This file reads from a person's card into which Inbox its holder may leave records. It refuses
 * a card that has run out, and a holder whose role does not allow it. */
#include "share/deposit.h"

#include <string.h>

#include "share_private.h"

emr_status emr_share_inbox(emr_share *share, emr_bytes bytes, emr_inbox *out_inbox)
{
	emr_inbox inbox = {.card_len = 0};
	emr_bytes card, between;
	emr_card domain;

	EMR_TRY(emr_card_first(bytes, &card));
	EMR_TRY(emr_card_read(card, &inbox.owner));
	EMR_TRY(emr_card_inbox_read(bytes, &inbox.owner, &domain));
	EMR_TRY(emr_card_inbox(bytes, &between));
	if (domain.expires <= share_now(share))
		return EMR_ACCESS_ENDED;
	EMR_TRY(emr_share_writing_by_card(share, between, &inbox.writing));
	if (!inbox.writing.is_inbox || inbox.writing.phase != EMR_WRITING_IN_FORCE)
		return EMR_DENIED;
	memcpy(inbox.card, between.data, between.len);
	inbox.card_len = between.len;
	*out_inbox = inbox;
	return EMR_OK;
}
