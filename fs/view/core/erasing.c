/* This file keeps the list of what is being erased: nobody may bring it back. */
#include "erasing.h"

#include <stdlib.h>
#include <string.h>

#include "node.h"

#define NEW_MAX 1000u /* that are looked through one by one */

void edit_erasing(edit *e, const erasing *what)
{
	uint8_t bytes[ERASING_BYTES] = {ERASING_VERSION, what->is_local ? ERASING_LOCAL : 0};

	memcpy(bytes + 2, what->domain.b, sizeof what->domain.b);
	if (e->status == EMR_OK)
		e->status = emr_journal_put(
			e->txn, EMR_ROW_ERASING, what->object, emr_bytes_of(bytes, sizeof bytes));
}

static int by_erasing(const void *a, const void *b)
{
	return memcmp(
		((const erasing *)a)->object.b, ((const erasing *)b)->object.b, sizeof(emr_id16));
}

void erasing_sort(erasing *all, size_t n)
{
	EMR_SORT(all, n, by_erasing);
}

erasing *erasing_find(erasing *all, size_t n, emr_id16 object)
{
	const erasing key = {.object = object};

	return n == 0 ? NULL : bsearch(&key, all, n, sizeof key, by_erasing);
}

/* Sorted when somebody asks and many are new: a folder that is being erased and followed at once
 * has many of both, in turn. */
bool erase_has(emr_view *view, emr_id16 object)
{
	struct erasing_list *l = &view->erasing;

	if (l->n - l->n_sorted > NEW_MAX) {
		erasing_sort(l->list, l->n);
		l->n_sorted = l->n;
	}
	for (size_t i = l->n_sorted; i < l->n; i++)
		if (emr_id16_equal(l->list[i].object, object))
			return true;
	return erasing_find(l->list, l->n_sorted, object) != NULL;
}

bool erase_has_finished(const emr_view *view, emr_id16 object)
{
	return emr_buf_has(&view->erasing.erased, emr_bytes_of(&object, sizeof object));
}

emr_status erase_begun_elsewhere(emr_view *view, emr_id16 domain, emr_id16 object)
{
	erasing what = {.object = object, .domain = domain, .is_local = true};
	edit e;

	if (erase_has(view, object))
		return EMR_OK;
	EMR_TRY(erase_reserve(view, 1));
	e = edit_begin(view);
	edit_erasing(&e, &what);
	EMR_TRY(edit_commit(&e, NULL));
	erase_note(view, &what);
	view->erasing.due_boot_ns = view_boot_ns(view);
	note_due(view, view->erasing.due_boot_ns);
	return EMR_OK;
}

emr_status erase_reserve(emr_view *view, size_t more)
{
	erasing *grown = realloc(view->erasing.list, (view->erasing.n + more) * sizeof *grown);

	if (grown == NULL && view->erasing.n + more > 0)
		return EMR_NO_MEMORY;
	view->erasing.list = grown;
	return EMR_OK;
}

void erase_note(emr_view *view, const erasing *what)
{
	view->erasing.list[view->erasing.n++] = *what;
}
