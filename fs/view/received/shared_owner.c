/* This file makes the directory of each person who shares: how it is called, who is meant by
 * such a name (nobody who comes changes another's), and its node. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "replica/people.h"
#include "share/deposit.h"

#include "node.h"
#include "owner.h"
#include "shared.h"
#include "shared_place.h"

emr_status shared_call_owners(emr_view *view)
{
	const emr_view_options *o = &view->options;
	uint64_t generation = o->inboxes != NULL ? o->inboxes->generation(o->inboxes_arg) : 0;
	bool is_other = generation != view->shares->names_generation;
	EMR_AUTO_BUF ids = {0}, names = {0};
	emr_status status = EMR_OK;
	size_t n = 0;

	for (shared_owner *one = view->shares->owners; one != NULL && status == EMR_OK;
		one = one->next)
		if (one->set == NULL && (is_other || one->name[0] == 0)) {
			status = emr_buf_append(&ids, &one->signer_id, sizeof one->signer_id);
			n++;
		}
	if (status == EMR_OK && n > 0)
		status = emr_buf_append_zeros(&names, n * sizeof(emr_owner_called));
	if (status == EMR_OK && n > 0)
		status = owner_names(view, (const emr_id32 *)(const void *)ids.data, n,
			(emr_owner_called *)(void *)names.data);
	if (status != EMR_OK)
		return status;
	n = 0;
	pthread_mutex_lock(&view->lock);
	for (shared_owner *one = view->shares->owners; one != NULL; one = one->next)
		if (one->set == NULL && (is_other || one->name[0] == 0))
			one->called = ((const emr_owner_called *)(const void *)names.data)[n++];
	pthread_mutex_unlock(&view->lock);
	view->shares->names_generation = generation;
	return EMR_OK;
}

void shared_owner_says(const shared_owner *owner, char out[EMR_NAME_MAX + 1])
{
	if (owner->set != NULL)
		memcpy(out, owner->name, sizeof owner->name);
	else
		owner_call(&owner->called, &owner->card, out);
}

void shared_name_owners(emr_view *view, emr_buf *tell, uint64_t top_number)
{
	for (shared_owner *o = view->shares->owners; o != NULL; o = o->next) {
		char name[EMR_NAME_MAX + 1];

		if (o->set != NULL) /* by his pseudonym there */
			continue;
		owner_name_directory(&o->called, &o->card, name);
		if (strcmp(name, o->name) == 0)
			continue;
		/* The previous name is no more, and the new one may have been looked for. */
		if (top_number != 0 && ((o->name[0] != 0 && shared_tell_later(tell, top_number,
								    o->name) != EMR_OK) ||
					       shared_tell_later(tell, top_number, name) != EMR_OK))
			emr_log(EMR_LOG_WARN, "the kernel keeps a name for some seconds");
		memcpy(o->name, name, sizeof o->name);
	}
}

emr_status emr_shared_owner(emr_view *view, const char *text, emr_id32 *out_signer_id)
{
	unsigned n = 0;
	EMR_LOCKED(&view->lock);

	for (const shared_owner *o = view->shares != NULL ? view->shares->owners : NULL; o != NULL;
		o = o->next) {
		if (o->set != NULL || strcasecmp(o->name, text) != 0)
			continue;
		*out_signer_id = o->signer_id;
		n++;
	}
	return n == 0 ? EMR_NOT_FOUND : n == 1 ? EMR_OK : EMR_CONFLICT;
}

static uint32_t count_shares(const shared_owner *owner)
{
	uint32_t n = 0;

	for (const shared_share *s = owner->shares; s != NULL; s = s->next_of_owner)
		n += !s->is_file && s->phase == SHARED_OPEN && shared_is_beside(s);
	return n;
}

emr_status shared_owner_node(emr_view *view, shared_owner *owner, node **out_node)
{
	shared_at at = {.level = SHARED_OWNER, .owner = owner, .entry = FLAT_NONE};
	emr_id16 id = shared_owner_id(owner);
	node *n = tree_by_shown_id(view, id);

	if (n == NULL) {
		EMR_TRY(shared_make(view, id, EMR_META_DIR, &at, &n));
		n->mtime_ns = n->ctime_ns = view_now_ns(view);
	}
	n->listing->subdirectories = count_shares(owner);
	*out_node = n;
	return EMR_OK;
}

emr_id32 shared_person_of(const emr_view *view, const emr_card *card)
{
	emr_known_person one;

	return emr_replica_person(view->options.replica, card->signer_id, &one) == EMR_OK
		       ? EMR_ID32_AT(one.row.root)
		       : card->signer_id;
}
