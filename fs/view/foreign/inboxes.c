/* A clinician who has a patient's card sees that patient's Inbox below `shared-with-me` and can
 * leave records there. This file shows these Inboxes, and takes one away when the card or the
 * clinician's role does not allow it any more. */

#include <string.h>

#include "base/log.h"
#include "share/deposit.h"

#include "foreign.h"
#include "node.h"
#include "shared_notice.h"

typedef struct taking {
	emr_view *view;
	emr_buf tell;
	emr_buf domains; /* of those that there are now */
} taking;

/* The owner's directory is called as her own card says, not as the nameless one of her Inbox. */
static emr_writing named(const emr_inbox *inbox)
{
	emr_writing writing = inbox->writing;

	memcpy(writing.card.name, inbox->owner.name, sizeof writing.card.name);
	memcpy(writing.card.born, inbox->owner.born, sizeof writing.card.born);
	return writing;
}

static emr_status take(void *arg, const emr_inbox *inbox)
{
	taking *t = arg;
	emr_writing writing = named(inbox);
	shared_share *s;
	emr_status status = emr_buf_append(&t->domains, &writing.domain, sizeof writing.domain);

	if (status == EMR_OK)
		status = foreign_take_writing(t->view, &writing, &t->tell);
	if (status != EMR_OK || !writing.by_role)
		return status;
	pthread_mutex_lock(&t->view->lock);
	s = shared_of_domain(t->view, writing.domain);
	if (s != NULL &&
		s->owner_card.len == 0) /* never changed: changes that are being sent point to it */
		status = emr_buf_append(&s->owner_card, inbox->card, inbox->card_len);
	pthread_mutex_unlock(&t->view->lock);
	return status;
}

/* The card was taken out of the book, or is over; or nobody calls this person a clinician any more.
 */
static void end_others(taking *t)
{
	emr_view *view = t->view;
	uint64_t now = (uint64_t)(view_now_ns(view) / 1000000000);

	for (shared_share *s = view->shares->all; s != NULL; s = s->next) {
		bool ends;

		pthread_mutex_lock(&view->lock);
		ends = s->owner_card.len > 0 && s->is_blind && s->phase == SHARED_OPEN &&
		       !emr_buf_has(&t->domains, emr_bytes_of(&s->domain, sizeof s->domain));
		if (ends)
			s->rights = 0;
		pthread_mutex_unlock(&view->lock);
		if (ends)
			shared_end(view, s, SHARED_EXPIRED, now, &t->tell);
	}
}

void inboxes_turn(emr_view *view)
{
	const emr_inboxes *inboxes = view->options.inboxes;
	void *arg = view->options.inboxes_arg;
	taking t = {.view = view};
	uint64_t generation;
	bool was_there;
	emr_status status;

	if (inboxes == NULL)
		return;
	generation = inboxes->generation(arg);
	if (view->shares->knows_inboxes && generation == view->shares->inboxes)
		return;
	was_there = shared_was_there(view);
	status = inboxes->each(arg, take, &t);
	if (status == EMR_OK)
		end_others(&t);
	if (status == EMR_OK)
		status = shared_have_come(view, was_there, &t.tell);
	else
		emr_log(EMR_LOG_WARN, "Inboxes of others could not be looked up: %s",
			emr_status_text(status));
	view->shares->knows_inboxes = status == EMR_OK;
	view->shares->inboxes = generation;
	emr_buf_free(&t.tell);
	emr_buf_free(&t.domains);
}
