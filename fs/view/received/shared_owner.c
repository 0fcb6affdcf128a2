/* This file makes the directory of each person who shares: how it is called, who is meant by
 * such a name (no name can be taken for another's), and its node. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

#include "node.h"
#include "owner.h"
#include "shared.h"
#include "shared_place.h"

static size_t equal_digits(emr_id32 a, emr_id32 b)
{
	char x[EMR_OWNER_DIGITS_MAX + 1], y[EMR_OWNER_DIGITS_MAX + 1];
	size_t n = 0;

	emr_base32(a.b, sizeof a.b, x);
	emr_base32(b.b, sizeof b.b, y);
	while (n < EMR_OWNER_DIGITS_MAX && x[n] == y[n])
		n++;
	return n;
}

void shared_name_owners(emr_view *view, emr_buf *tell, uint64_t top_number)
{
	for (shared_owner *o = view->shares->owners; o != NULL; o = o->next) {
		char name[EMR_NAME_MAX + 1];
		size_t digits = EMR_OWNER_DIGITS;

		if (o->set != NULL) /* by his pseudonym there */
			continue;
		for (const shared_owner *other = view->shares->owners; other != NULL;
			other = other->next)
			if (other != o && other->set == NULL &&
				equal_digits(o->signer_id, other->signer_id) >= digits)
				digits = equal_digits(o->signer_id, other->signer_id) + 1;
		emr_shared_owner_name(&o->card,
			digits < EMR_OWNER_DIGITS_MAX ? digits : EMR_OWNER_DIGITS_MAX, name);
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

/* How long the code in brackets at the end of TEXT is; 0: there is none. */
static size_t code_len(const char *text)
{
	const char *open = strrchr(text, '('), *close = open != NULL ? strchr(open, ')') : NULL;
	size_t len = close != NULL && close[1] == 0 ? (size_t)(close - open - 1) : 0;

	return len >= EMR_OWNER_DIGITS && len <= EMR_OWNER_DIGITS_MAX ? len : 0;
}

/* Whether TEXT is the name of the directory, with however many digits. */
static bool is_named(const emr_card *card, const char *text)
{
	char name[EMR_NAME_MAX + 1];
	size_t len = code_len(text);

	if (len == 0)
		return false;
	emr_shared_owner_name(card, len, name);
	return strcasecmp(name, text) == 0;
}

emr_status emr_shared_owner(emr_view *view, const char *text, emr_id32 *out_signer_id)
{
	unsigned n = 0;

	pthread_mutex_lock(&view->lock);
	for (const shared_owner *o = view->shares != NULL ? view->shares->owners : NULL; o != NULL;
		o = o->next) {
		if (o->set != NULL || !is_named(&o->card, text))
			continue;
		*out_signer_id = o->signer_id;
		n++;
	}
	pthread_mutex_unlock(&view->lock);
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
	emr_status status = EMR_OK;
	node *n = tree_by_shown_id(view, id);

	if (n == NULL) {
		status = shared_make(view, id, EMR_META_DIR, &at, &n);
		if (status != EMR_OK)
			return status;
		n->mtime_ns = n->ctime_ns = view_now_ns(view);
	}
	n->listing->subdirectories = count_shares(owner);
	*out_node = n;
	return EMR_OK;
}
