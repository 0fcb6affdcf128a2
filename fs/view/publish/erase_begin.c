/* The objects of what a person asked to be erased were found: this file writes the rows behind
 * which there is no way back, unless something has changed since, and takes the names away. */
#include <string.h>

#include "base/log.h"

#include "edit.h"
#include "erase_ask.h"
#include "node.h"

/* The kernel is told that it is no more. */
typedef struct gone_name {
	uint64_t parent;
	char name[EMR_NAME_MAX + 1];
} gone_name;

static emr_status commit_rows(asking *a, const erasing *all, size_t n)
{
	edit e = edit_begin(a->view);
	vacated *v;

	for (size_t i = 0; i < n; i++) {
		edit_erasing(&e, &all[i]);
		v = vacated_find(a->view, all[i].object);
		if (v != NULL) {
			vacated barred = *v; /* a new file under its name is a new record */

			barred.may_be_adopted = false;
			edit_vacate(&e, &barred);
		}
	}
	EMR_TRY(edit_commit(&e, NULL));
	for (size_t i = 0; i < n; i++) {
		erase_note(a->view, &all[i]);
		v = vacated_find(a->view, all[i].object);
		if (v != NULL)
			v->may_be_adopted = false;
	}
	return EMR_OK;
}

/* The list is still right: nothing was moved, written or brought back meanwhile. */
static bool is_unchanged(const asking *a)
{
	const erasing *all = (const erasing *)(const void *)a->objects.data;
	const uint64_t *numbers = (const uint64_t *)(const void *)a->nodes.data;
	size_t known = 0;

	EMR_EACH (const scratch_file, one, &a->scratch)
		if (scratch_node(a->view, one) == NULL)
			return false;
	for (size_t i = 0; i < a->nodes.len / sizeof *numbers; i++) {
		const node *n = tree_by_number(a->view, numbers[i]);

		if (n == NULL || n->state != NODE_LIVE || node_writers(n) != 0 || n->in_run)
			return false;
		known += node_listing(n) != NULL ? n->listing->live_kids : 0;
	}
	/* Every kid is one of them: only the first has its parent elsewhere. */
	if (a->nodes.len > 0 && known + 1 != a->nodes.len / sizeof *numbers)
		return false;
	known = 0;
	for (size_t i = 0; i < a->objects.len / sizeof *all; i++)
		known += tree_by_id(a->view, all[i].object) != NULL;
	return known == a->nodes.len / sizeof *numbers + a->scratch.len / sizeof(scratch_file);
}

/* Under view->lock. */
static emr_status note_name(asking *a, uint64_t number)
{
	const node *n = tree_by_number(a->view, number);
	gone_name gone = {.parent = n->parent->number};

	memcpy(gone.name, n->name, strlen(n->name) + 1);
	return emr_buf_append(&a->names, &gone, sizeof gone);
}

/* Under view->lock. */
static emr_status begin(asking *a)
{
	emr_view *view = a->view;
	const erasing *all = (const erasing *)(const void *)a->objects.data;
	const uint64_t *numbers = (const uint64_t *)(const void *)a->nodes.data;
	size_t n = a->objects.len / sizeof *all, part = 40000;
	emr_status status;

	if (view->options.read_only)
		return EMR_READ_ONLY;
	if (!is_unchanged(a))
		return EMR_BUSY;
	status = erase_reserve(view, n);
	if (status == EMR_OK && a->nodes.len > 0)
		status = note_name(a, numbers[0]);
	EMR_EACH (const scratch_file, one, &a->scratch)
		status = status == EMR_OK ? note_name(a, one->node) : status;
	for (size_t at = 0; at < n && status == EMR_OK; at += part)
		status = commit_rows(a, all + at, n - at < part ? n - at : part);
	if (status != EMR_OK)
		return status;
	/* There is no way back from rows E: a name that the journal does not let go of now goes
	 * later (erase_run). */
	for (size_t i = a->nodes.len / sizeof *numbers; i-- > 0 && status == EMR_OK;)
		status = erase_node(view, tree_by_number(view, numbers[i]));
	EMR_EACH (const scratch_file, one, &a->scratch)
		if (status == EMR_OK)
			status = erase_node(view, tree_by_number(view, one->node));
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "names of what is erased stay for a while: %s",
			emr_status_text(status));
	view->erasing.due_boot_ns = view_boot_ns(view);
	return EMR_OK;
}

emr_status erase_begin(asking *a)
{
	emr_view *view = a->view;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = begin(a);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	EMR_TRY(emr_view_sync(view));
	EMR_EACH (const gone_name, gone, &a->names)
		emr_view_tell_entry(view, gone->parent, gone->name);
	status = emr_view_publish_now(view);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "publishing while erasing: %s", emr_status_text(status));
	return EMR_OK;
}
