/* This file says which programs may read what others share without a person: none, unless the
 * reader says so of a directory. That word is kept as long as the folder is open. */
#include "shared_software.h"

#include <stdlib.h>
#include <string.h>

#include "view/software.h"

#include "edit.h"

struct shared_policy {
	struct shared_policy *next;
	emr_id16 id; /* of the directory's node */
	size_t len;
	char value[];
};

static const struct shared_policy *policy_of(const emr_view *view, emr_id16 id)
{
	const struct shared_policy *p = view->shares->policies;

	while (p != NULL && !emr_id16_equal(p->id, id))
		p = p->next;
	return p;
}

/* A directory that was taken goes by the id that it has where it is shown. */
static emr_id16 policy_id(const node *n)
{
	const node *top = kind_top(n);

	return shared_has(n) || top == NULL
		       ? n->id
		       : shared_record_id(top->shared->domain, row_directory(n), 0);
}

/* The id of what lies around AT; false above the top, and where the share is not known yet. */
static bool go_up(emr_id16 *id, shared_at *at)
{
	const shared_share *s = at->share;

	if (at->level == SHARED_RECORD && s == NULL)
		return false;
	if (at->level == SHARED_RECORD && s->tree != NULL && at->entry != FLAT_NONE &&
		at->entry != FLAT_TOP) {
		at->entry = s->tree->names.places[at->entry].parent;
		at->object = s->tree->entries[at->entry].object;
		*id = shared_record_id(s->space, at->object, 0);
		return true;
	}
	if (at->level == SHARED_RECORD &&
		!emr_id16_equal(at->object, s->top)) { /* it is no more: the share decides */
		at->object = s->top;
		at->entry = FLAT_NONE;
		*id = shared_record_id(s->space, s->top, 0);
		return true;
	}
	if (at->level == SHARED_RECORD || at->level == SHARED_NOTE) {
		at->level = SHARED_OWNER;
		*id = shared_owner_id(at->owner);
		return true;
	}
	if (at->level == SHARED_SETS || at->level == SHARED_SET)
		return false;
	if (at->level == SHARED_OWNER) {
		at->level = SHARED_TOP;
		*id = shared_top_id();
		return true;
	}
	return false;
}

emr_bytes shared_software_above(const emr_view *view, const node *n)
{
	shared_at at = {.level = SHARED_RECORD, .entry = FLAT_NONE};
	emr_bytes said;
	emr_id16 id;

	while (!shared_has(n) && n->parent != NULL) {
		n = n->parent;
		if (shared_software_said(view, n, &said))
			return said;
	}
	if (shared_has(n)) {
		at = *n->shared;
	} else if (shared_gives(n) != NULL) { /* it lost its name: the share decides */
		at.share = shared_gives(n);
		at.owner = at.share->owner;
	}
	while (go_up(&id, &at)) {
		const struct shared_policy *p = policy_of(view, id);

		if (p != NULL)
			return emr_bytes_of(p->value, p->len);
	}
	return emr_bytes_of("refuse", 6);
}

bool shared_software_said(const emr_view *view, const node *n, emr_bytes *out)
{
	const struct shared_policy *p = policy_of(view, policy_id(n));

	if (p != NULL)
		*out = emr_bytes_of(p->value, p->len);
	return p != NULL;
}

emr_bytes shared_software_at(const emr_view *view, const node *n)
{
	emr_bytes said;

	return shared_software_said(view, n, &said) ? said : shared_software_above(view, n);
}

emr_status shared_set_software(emr_view *view, const node *n, emr_bytes value)
{
	struct shared_policy **at = &view->shares->policies, *p;
	const emr_id16 id = policy_id(n);

	if (n->type != EMR_META_DIR)
		return EMR_OK;
	while (*at != NULL && !emr_id16_equal((*at)->id, id))
		at = &(*at)->next;
	if (value.len > 0) {
		p = malloc(sizeof *p + value.len);
		if (p == NULL)
			return EMR_NO_MEMORY;
		p->id = id;
		p->len = value.len;
		memcpy(p->value, value.data, value.len);
	} else {
		p = NULL;
	}
	if (*at != NULL) {
		struct shared_policy *old = *at;

		*at = old->next;
		free(old);
	}
	if (p != NULL) {
		p->next = *at;
		*at = p;
	}
	return EMR_OK;
}

void shared_forget_software(emr_view *view)
{
	while (view->shares->policies != NULL) {
		struct shared_policy *p = view->shares->policies;

		view->shares->policies = p->next;
		free(p);
	}
}
