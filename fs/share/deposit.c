/* This file reads from a person's card into which Inbox its holder may leave records. It refuses
 * a card that has run out, and a holder whose role does not allow it. */
#include "share/deposit.h"

#include <string.h>

#include "share_private.h"

emr_status emr_share_inbox(emr_share *share, emr_bytes bytes, emr_inbox *out_inbox)
{
	emr_inbox inbox = {.card_len = 0};
	emr_bytes card, vouches, between;
	emr_card domain;
	emr_status status = emr_card_split(bytes, &card, &vouches);

	if (status == EMR_OK)
		status = emr_card_read(card, &inbox.owner);
	if (status == EMR_OK)
		status = emr_card_inbox_read(bytes, &inbox.owner, &domain);
	if (status == EMR_OK)
		status = emr_card_inbox(bytes, &between);
	if (status == EMR_OK && domain.expires <= share_now(share))
		status = EMR_ACCESS_ENDED;
	if (status == EMR_OK)
		status = emr_share_writing_by_card(share, between, &inbox.writing);
	if (status == EMR_OK &&
		(!inbox.writing.is_inbox || inbox.writing.phase != EMR_WRITING_IN_FORCE))
		status = EMR_DENIED;
	if (status != EMR_OK)
		return status;
	memcpy(inbox.card, between.data, between.len);
	inbox.card_len = between.len;
	*out_inbox = inbox;
	return EMR_OK;
}
