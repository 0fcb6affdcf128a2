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
	emr_told one = {.seq = left->seq,
		.at = left->at,
		.dealing = {.kind = EMR_DEALING_LEFT,
			.seq = left->seq,
			.at = left->at,
			.batch_id = left->batch_id,
			.domain = left->domain,
			.person = owner},
		.type = EMR_META_FILE,
		.bytes = left->bytes};

	if (left->at < g->since)
		return EMR_OK;
	EMR_TRY(emr_id32_is_zero(owner) ? gathering_nameless(g, left->domain, &one.who)
					: gathering_person(g, owner, left->seq, &one.who));
	one.path = left->name[0] != '\0' ? strdup(left->name) : NULL;
	one.into = strdup(left->folder);
	if (one.into != NULL && (one.path != NULL || left->name[0] == '\0'))
		return gathering_add(g->out, &one);
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
