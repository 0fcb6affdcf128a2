/* Where copies are wanted before the ledger hears of a file, this file knows which ones wait, keeps
 * the next run from making them once more, and says when it is time to look again. */
#include "awaiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "node.h"
#include "tree.h"

static int compare(const void *a, const void *b)
{
	const emr_awaiting *x = a, *y = b;

	return memcmp(x->node.b, y->node.b, sizeof x->node.b);
}

static const emr_awaiting *find(const emr_view *view, const node *n)
{
	const emr_awaiting one = {.node = n->id};

	return view->awaiting.rows.len == 0
		       ? NULL
		       : bsearch(&one, view->awaiting.rows.data,
				 view->awaiting.rows.len / sizeof(emr_awaiting),
				 sizeof(emr_awaiting), compare);
}

/* Content that the ledger does not know in the domain where N lies. */
static bool brings_content(const node *n, emr_id16 domain)
{
	return n->type == EMR_META_FILE &&
	       (n->content_dirty || !n->is_published || !emr_id16_equal(node_domain(n), domain));
}

bool awaiting_holds(const emr_view *view, const node *n)
{
	const emr_awaiting *all = (const void *)view->awaiting.rows.data;
	emr_id16 domain;

	if (view->awaiting.rows.len == 0 && !view->awaiting.holds_content)
		return false;
	if (find(view, n) != NULL)
		return true;
	domain = tree_domain(n);
	if (!brings_content(n, domain))
		return false;
	for (size_t i = 0; i < view->awaiting.rows.len / sizeof *all; i++)
		if (emr_id16_equal(all[i].domain, domain))
			return true;
	return view->awaiting.holds_content;
}

bool awaiting_root(const emr_view *view, const node *n, emr_cid *out_root)
{
	const emr_awaiting *one = find(view, n);

	if (!awaiting_holds(view, n))
		return false;
	*out_root = one != NULL && one->has_root ? one->root : (emr_cid){{0}};
	return true;
}

bool awaiting_is_due(const emr_view *view)
{
	return view->awaiting.has_copies && view->awaiting.rows.len > 0;
}

void emr_view_copies_came(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	view->awaiting.has_copies = true;
	if (view->awaiting.rows.len > 0)
		note_due(view, view_boot_ns(view));
}

emr_status awaiting_learn(emr_view *view)
{
	EMR_AUTO_BUF all = {0};
	emr_buf before;
	bool is_new;

	EMR_TRY(emr_settle_awaiting(view->options.settle, false, &all));
	emr_buf_sort(&all, sizeof(emr_awaiting), compare);
	pthread_mutex_lock(&view->lock);
	before = view->awaiting.rows;
	is_new = all.len != before.len ||
		 (all.len > 0 && memcmp(all.data, before.data, all.len) != 0);
	view->awaiting.rows = all;
	all = before;
	pthread_mutex_unlock(&view->lock);
	/* The maker of copies is told the roots. */
	if (is_new && view->options.pins_changed != NULL)
		view->options.pins_changed(view->options.copies_arg);
	return EMR_OK;
}

emr_status awaiting_begin(emr_view *view)
{
	const unsigned wanted = emr_settle_copies_first(view->options.settle);
	const bool wants_copies = wanted > 1;
	bool takes_back;

	pthread_mutex_lock(&view->lock);
	view->awaiting.has_copies = false;
	view->awaiting.copies_wanted = wanted;
	view->awaiting.holds_content = takes_back = wants_copies && view->awaiting.erasers > 0;
	pthread_mutex_unlock(&view->lock);
	return takes_back ? emr_settle_take_back(view->options.settle) : EMR_OK;
}

void awaiting_end(emr_view *view, emr_status status)
{
	const unsigned wanted = emr_settle_copies_first(view->options.settle);
	emr_status learnt = awaiting_learn(view);

	if (learnt != EMR_OK)
		emr_log(EMR_LOG_WARN, "what waits for copies: %s", emr_status_text(learnt));
	/* A version that has its copies is sent by another run; this one may have heard that fewer
	 * do. */
	pthread_mutex_lock(&view->lock);
	view->awaiting.has_copies = view->awaiting.has_copies || status != EMR_OK ||
				    wanted < view->awaiting.copies_wanted;
	pthread_mutex_unlock(&view->lock);
}

void awaiting_free(emr_view *view)
{
	emr_buf_free(&view->awaiting.rows);
}
