/* This file answers the attributes `shared-with` and `grant.WHO`, through which scripts read and
 * change who may see a file. A value that would let somebody see more needs the confirmation
 * code, so that copying attributes from a USB stick cannot share anything. */
#include "given.h"

#include <stdlib.h>
#include <string.h>

#include "view/giving.h"

#include "attributes.h"
#include "edit.h"
#include "tree.h"

#define SHARED_WITH "user.emrfs.shared-with"
#define GRANT "user.emrfs.grant."
#define VALUE_MAX 1000

static bool giving_has_grant(const char *name)
{
	return strncmp(name, GRANT, strlen(GRANT)) == 0;
}

static bool giving_has(const char *name)
{
	return giving_has_grant(name) || strcmp(name, SHARED_WITH) == 0;
}

/* The subject of the question. */
typedef struct subject {
	emr_id16 domain;
	bool is_root; /* of that domain */
	char *path;   /* owned */
} subject;

static void subject_free(subject *s)
{
	free(s->path);
}
#define AUTO_SUBJECT __attribute__((cleanup(subject_free))) subject

static emr_status find(emr_view *view, uint64_t number, bool changes, subject *out)
{
	emr_status status = EMR_OK;
	const node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (changes && view->options.read_only)
		status = EMR_READ_ONLY;
	else if (n->state != NODE_LIVE)
		status = changes ? EMR_DENIED : EMR_NO_ATTRIBUTE;
	if (status == EMR_OK) {
		emr_id16 id = tree_future_id(n);

		out->domain = tree_domain(n);
		out->is_root = n != view->root && n->is_domain && emr_id16_equal(out->domain, id);
		out->path = tree_path(n);
		status = out->path != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	return status;
}

static emr_status giving_get(emr_view *view, uint64_t number, const char *name, emr_buf *out)
{
	const emr_giving *giving = view->options.giving;
	AUTO_SUBJECT s = {.path = NULL};

	EMR_TRY(find(view, number, false, &s));
	if (!giving_has_grant(name))
		return giving != NULL ? giving->shared_with(view->options.giving_arg, s.domain, out)
				      : EMR_OK;
	if (giving == NULL || !s.is_root)
		return EMR_NO_ATTRIBUTE;
	return giving->get(view->options.giving_arg, s.domain, name + strlen(GRANT), out);
}

static emr_status take_code(
	emr_view *view, uint64_t number, emr_bytes value, emr_buf *out_wanted, bool *out_is_right)
{
	const node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	return n == NULL ? EMR_NOT_FOUND : confirm_take(view, n, value, out_wanted, out_is_right);
}

static emr_status giving_set(emr_view *view, uint64_t number, const char *name, emr_bytes value)
{
	const emr_giving *giving = view->options.giving;
	AUTO_SUBJECT s = {.path = NULL};
	EMR_AUTO_BUF wanted = {0};
	bool is_confirmed = false;

	if (value.len > 0 && (memmem(value.data, value.len, "grant=", 6) != NULL))
		return EMR_OK;
	if (value.len > VALUE_MAX)
		return EMR_INVALID;
	EMR_TRY(find(view, number, true, &s));
	EMR_TRY(take_code(view, number, value, &wanted, &is_confirmed));
	return giving != NULL ? giving->set(view->options.giving_arg, s.path, name + strlen(GRANT),
					emr_buf_view(&wanted), is_confirmed)
			      : EMR_UNSUPPORTED;
}

static emr_status giving_remove(emr_view *view, uint64_t number, const char *name)
{
	const emr_giving *giving = view->options.giving;
	AUTO_SUBJECT s = {.path = NULL};

	EMR_TRY(find(view, number, true, &s));
	if (giving == NULL || !s.is_root)
		return EMR_NO_ATTRIBUTE;
	return giving->remove(view->options.giving_arg, s.domain, s.path, name + strlen(GRANT));
}

const attribute_source giving_attributes = {.has = giving_has,
	.may_set = giving_has_grant,
	.get = giving_get,
	.set = giving_set,
	.remove = giving_remove};
