/* This file tells, for the log, what this person has left in the Inboxes and folders of others. It
 * tells nothing of what others left. */
#include "share/left.h"

#include <stdlib.h>
#include <string.h>

#include "deeds_private.h"

/* Whose Inbox DOMAIN is, as a card in the book says it; zero: no card here does. */
static emr_id32 owner_by_card(const emr_book *book, emr_id16 domain)
{
	for (size_t i = 0; i < book->n; i++) {
		const emr_contact *one = &book->people[i];
		emr_card inbox;

		if (emr_card_inbox_read(emr_buf_view(&one->bytes), &one->card, &inbox) == EMR_OK &&
			emr_id16_equal(inbox.domain_id, domain))
			return one->card.signer_id;
	}
	return (emr_id32){{0}};
}

static emr_status note_left(gathering *g, const emr_deposit_left *left)
{
	emr_id32 owner = emr_id32_is_zero(left->owner) ? owner_by_card(&g->crowd.book, left->domain)
						       : left->owner;
	/* One whom nothing here names is somebody, once for each domain. */
	const emr_who nameless = {.kind = EMR_WHO_PERSON,
		.id = emr_who_org_id(left->domain),
		.root = emr_who_org_id(left->domain),
		.until_seq = UINT64_MAX};
	const bool has_name = left->name[0] != '\0', is_known = !emr_id32_is_zero(owner);
	emr_told one = {.dealing = {.kind = EMR_DEALING_LEFT,
				.seq = left->seq,
				.at = left->at,
				.batch_id = left->batch_id,
				.domain = left->domain,
				.person = is_known ? owner : nameless.id},
		.type = EMR_META_FILE,
		.path = has_name ? strdup(left->name) : NULL,
		.into = strdup(left->folder),
		.bytes = left->bytes};

	if (one.into != NULL && (one.path != NULL || !has_name))
		return gathering_dealing(g, &one, is_known ? NULL : &nameless);
	emr_told_free(&one);
	return EMR_NO_MEMORY;
}

emr_status gathering_left(gathering *g)
{
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_share_left(g->share, &all);

	EMR_EACH (const emr_deposit_left, left, &all)
		if (status == EMR_OK)
			status = note_left(g, left);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* on a ledger of one's own */
}
