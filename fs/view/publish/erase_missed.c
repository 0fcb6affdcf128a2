/* While this computer was away, others may have erased things that it does not show any more:
 * this file finds them, because their bytes are still in segments here. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/codec.h"
#include "base/log.h"
#include "contract/codes.h"

#include "node.h"
#include "publish.h"

#define ROW_VERSION 1
#define ROW_BYTES 9
#define AFTER_OPENING_NS INT64_C(2000000000)
#define RETRY_NS INT64_C(60000000000)
#define FAR                                                                                        \
	4096 /* entries without an erasure, after which it is worth a row that they need not be    \
		looked at again */

typedef struct missed {
	emr_view *view;
	erasing *all; /* erased on the ledger; sorted when it is complete */
	size_t n, cap;
	emr_buf held; /* of erasing: those of which this computer still has a pin */
} missed;

static const emr_id16 only_row;

static emr_status note_erased(missed *m, uint64_t from)
{
	emr_replica_change c;

	EMR_ASK(asked, m->view->options.replica, SINCE, .at = from);
	while (emr_next(&asked, &c)) {
		if (c.op != EMR_OP_ERASE || c.result != EMR_RESULT_APPLIED ||
			c.family != EMR_FAMILY_OBJECT)
			continue;
		if (emr_array_room(&m->all, m->n, &m->cap, sizeof *m->all) != EMR_OK)
			return EMR_NO_MEMORY;
		m->all[m->n++] = (erasing){.object = c.object, .domain = c.domain};
	}
	return asked.status;
}

static emr_status note_held(void *arg, const emr_pin *pin)
{
	missed *m = arg;
	const erasing *what = erasing_find(m->all, m->n, pin->owner);

	return what == NULL ? EMR_OK : emr_buf_append(&m->held, what, sizeof *what);
}

/* The last version of it went, or some only? */
static emr_status is_over(const missed *m, const erasing *what, bool *out_over)
{
	emr_replica_head head;
	emr_status status =
		emr_replica_head_get(m->view->options.replica, what->domain, what->object, &head);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	*out_over = status == EMR_OK && head.state == EMR_OBJECT_ERASED;
	return EMR_OK;
}

static emr_status begin_one(const missed *m, const erasing *what)
{
	bool over = false;
	emr_status status = is_over(m, what, &over);

	if (status != EMR_OK || !over)
		return status;
	pthread_mutex_lock(&m->view->lock);
	/* A file that is still shown here is for follow_run: there may be new bytes in it, which
	 * live on. */
	if (tree_by_id(m->view, what->object) == NULL)
		status = erase_begun_elsewhere(m->view, what->domain, what->object);
	pthread_mutex_unlock(&m->view->lock);
	return status;
}

static emr_status begin_all(missed *m)
{
	if (m->n == 0)
		return EMR_OK;
	erasing_sort(m->all, m->n);
	EMR_TRY(emr_store_each_pin(m->view->options.store, note_held, m));
	EMR_EACH (const erasing, what, &m->held)
		EMR_TRY(begin_one(m, what));
	return EMR_OK;
}

static emr_status looked_to(emr_view *view, uint64_t *out_size)
{
	EMR_AUTO_BUF value = {0};
	emr_status status =
		emr_journal_get(view->options.journal, EMR_ROW_ERASED_TO, only_row, &value);

	*out_size = 0;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (value.len < ROW_BYTES || value.data[0] != ROW_VERSION)
		return value.len > 0 && value.data[0] > ROW_VERSION
			       ? emr_newer_format(value.data[0], ROW_VERSION)
			       : EMR_DAMAGED;
	*out_size = emr_get_u64(value.data + 1);
	return EMR_OK;
}

static emr_status note_looked_to(emr_view *view, uint64_t size)
{
	uint8_t bytes[ROW_BYTES] = {ROW_VERSION};
	emr_status status;
	edit e;

	emr_put_u64(bytes + 1, size);
	pthread_mutex_lock(&view->lock);
	e = edit_begin(view);
	if (e.status == EMR_OK)
		e.status = emr_journal_put(
			e.txn, EMR_ROW_ERASED_TO, only_row, emr_bytes_of(bytes, sizeof bytes));
	status = edit_commit(&e, NULL);
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* Rows E of what was found come before the row that says so. */
static emr_status look(missed *m, uint64_t to)
{
	uint64_t from;

	EMR_TRY(looked_to(m->view, &from));
	if (from >= to)
		return EMR_OK;
	EMR_TRY(note_erased(m, from));
	EMR_TRY(begin_all(m));
	if (m->n > 0 || to - from >= FAR)
		EMR_TRY(note_looked_to(m->view, to));
	return EMR_OK;
}

int64_t erase_look_due(const emr_view *view)
{
	return view->keeper->has_looked_back || view->options.read_only
		       ? INT64_MAX
		       : view->keeper->look_back_boot_ns;
}

void erase_look_soon(emr_view *view)
{
	view->keeper->look_back_boot_ns = view_boot_ns(view) + AFTER_OPENING_NS;
	note_due(view, view->keeper->look_back_boot_ns);
}

void erase_look_back(emr_view *view)
{
	missed m = {.view = view};
	emr_status status = look(&m, view->keeper->opened_at);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "what others erased was not looked for to the end: %s",
			emr_status_text(status));
	pthread_mutex_lock(&view->lock);
	view->keeper->has_looked_back = status == EMR_OK;
	view->keeper->look_back_boot_ns = view_boot_ns(view) + RETRY_NS;
	pthread_mutex_unlock(&view->lock);
	free(m.all);
	emr_buf_free(&m.held);
}
