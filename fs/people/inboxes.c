/* This file goes through the person's book for cards with which its owner can leave records in
 * somebody's Inbox. */
#include "people/answers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "contract/codes.h"
#include "kit/places.h"
#include "people/book.h"
#include "replica/ask.h"

static void count_ends(emr_inbox_list *list, uint64_t size)
{
	emr_replica_change change;

	EMR_ASK(asked, list->session->replica, SINCE, .at = list->seen);
	while (list->seen != 0 && size > list->seen && emr_next(&asked, &change))
		list->ends += change.op == EMR_OP_KEY_REVOKE || change.family == EMR_FAMILY_ORG;
	if (asked.status == EMR_OK)
		list->seen = size;
}

/* The book is replaced as a whole, so its file's number says whether it is another; one's own key's
 * row, whether the role is; an owner's key may have been ended. */
static uint64_t generation(void *arg)
{
	emr_inbox_list *list = arg;
	const emr_session *session = list->session;
	emr_known_person me;
	emr_replica_position at = {.size = 0};
	struct stat book;
	uint64_t number = 1;

	if (fstatat(session->state_fd, EMR_STATE_BOOK, &book, AT_SYMLINK_NOFOLLOW) == 0)
		number += (uint64_t)book.st_ino * 31 + (uint64_t)book.st_mtim.tv_nsec +
			  (uint64_t)book.st_mtim.tv_sec * 1000000007;
	if (emr_replica_person(session->replica, session->identity.signer_id, &me) == EMR_OK)
		number += me.row.head.version << 48;
	if (emr_replica_at(session->replica, &at) == EMR_OK)
		count_ends(list, at.size);
	number += list->ends << 40;
	if (list->is_waiting)
		number += at.size << 32;
	return number;
}

static emr_status one(
	emr_inbox_list *list, emr_share *share, const emr_contact *contact, emr_buf *out)
{
	emr_bytes card;
	emr_inbox inbox;
	emr_status status = emr_card_inbox(emr_buf_view(&contact->bytes), &card);

	if (status != EMR_OK || card.len == 0)
		return EMR_OK;
	status = emr_share_inbox(share, emr_buf_view(&contact->bytes), &inbox);
	if (status == EMR_OK)
		return emr_buf_append(out, &inbox, sizeof inbox);
	list->is_waiting |= status == EMR_NOT_FOUND;
	if (emr_status_is_local(status))
		return status;
	/* A card that does not lead to an Inbox for me. */
	if (status != EMR_DENIED && status != EMR_NOT_FOUND && status != EMR_INVALID)
		emr_log(EMR_LOG_WARN, "the Inbox on a card cannot be used: %s",
			emr_status_text(status));
	return EMR_OK;
}

static emr_status list_all(void *arg, emr_buf *out_inboxes)
{
	emr_inbox_list *list = arg;
	const emr_session *session = list->session;
	const emr_share_options options = {.keyring = session->keyring,
		.ledger = session->ledger,
		.replica = session->replica};
	emr_share *share = NULL;
	EMR_AUTO_BOOK book = {0};
	emr_status status = emr_book_load(session->keyring, session->state_fd, &book);

	if (status == EMR_OK)
		status = emr_share_new(&options, &share);
	list->is_waiting = false;
	for (size_t i = 0; i < book.n && status == EMR_OK; i++)
		status = one(list, share, &book.people[i], out_inboxes);
	emr_share_free(share);
	return status;
}

const emr_inboxes emr_inboxes_of_book = {.generation = generation, .list = list_all};
