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

/* One whom nothing here names, in the list's people, once for each domain. */
static emr_status add_nameless(emr_openings *o, emr_id16 domain, size_t *out_who)
{
	emr_who nameless = {.kind = EMR_WHO_PERSON,
		.id = emr_who_org_id(domain),
		.root = emr_who_org_id(domain),
		.until_seq = UINT64_MAX};
	emr_who *grown;

	for (size_t i = 0; i < o->n_people; i++) {
		if (emr_id32_equal(o->people[i].id, nameless.id)) {
			*out_who = i;
			return EMR_OK;
		}
	}
	grown = realloc(o->people, (o->n_people + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	o->people = grown;
	o->people[o->n_people] = nameless;
	*out_who = o->n_people++;
	return EMR_OK;
}

static emr_status note_left(gathering *g, const emr_deposit_left *left)
{
	emr_id32 owner = emr_id32_is_zero(left->owner) ? owner_by_card(&g->crowd.book, left->domain)
						       : left->owner;
	emr_dealing one = {.said = {.kind = EMR_DEALING_LEFT,
				   .seq = left->seq,
				   .at = left->at,
				   .batch_id = left->batch_id,
				   .domain = left->domain,
				   .person = owner},
		.type = EMR_META_FILE,
		.bytes = left->bytes};
	emr_status status;

	if (left->at < g->since)
		return EMR_OK;
	EMR_TRY(emr_id32_is_zero(owner) ? add_nameless(g->out, left->domain, &one.who)
					: gathering_person(g, owner, left->seq, &one.who));
	one.path = left->name[0] != '\0' ? strdup(left->name) : NULL;
	one.into = strdup(left->folder);
	status = one.into != NULL && (one.path != NULL || left->name[0] == '\0')
			 ? gathering_add_dealing(g->out, &one)
			 : EMR_NO_MEMORY;
	if (status != EMR_OK)
		emr_dealing_free(&one);
	return status;
}

/* Those that expired stay behind, by their time; of one entry what was left is in the order of its
 * names. */
static int compare(const void *a, const void *b)
{
	const emr_dealing *one = a, *other = b;
	bool is_over = one->said.kind == EMR_DEALING_EXPIRED,
	     is_other_over = other->said.kind == EMR_DEALING_EXPIRED;
	int order;

	if (is_over != is_other_over)
		return is_over ? 1 : -1;
	if (is_over && one->said.at != other->said.at)
		return one->said.at < other->said.at ? -1 : 1;
	if (one->said.seq != other->said.seq)
		return one->said.seq < other->said.seq ? -1 : 1;
	if (one->said.kind != other->said.kind)
		return one->said.kind < other->said.kind ? -1 : 1;
	order = memcmp(one->said.domain.b, other->said.domain.b, sizeof one->said.domain.b);
	if (order == 0)
		order = strcmp(
			one->path != NULL ? one->path : "", other->path != NULL ? other->path : "");
	return order;
}

emr_status gathering_left(gathering *g)
{
	size_t before = g->out->n_dealings;
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_share_left(g->share, &all);

	EMR_EACH (const emr_deposit_left, left, &all)
		if (status == EMR_OK)
			status = note_left(g, left);
	if (status == EMR_OK && g->out->n_dealings > before)
		qsort(g->out->dealings, g->out->n_dealings, sizeof *g->out->dealings, compare);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* on a ledger of one's own */
}
