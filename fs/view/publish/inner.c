/* A directory inside another, or a single file, can be shared by itself. This file makes it a
 * unit of its own (a domain), tells how far that has got, and which such units there are. */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "settle/whose.h"
#include "share/give.h"
#include "view/walk.h"

#include "edit.h"
#include "health.h"
#include "node.h"
#include "rest.h"

#define TIE_AGAIN_NS INT64_C(10000000000)

/* ---- becoming one ---- */

static emr_status check_candidate(const emr_view *view, const node *n)
{
	if (view->options.read_only)
		return EMR_READ_ONLY;
	if (n->type == EMR_META_SYMLINK)
		return EMR_INVALID;
	return tree_is_fixture(n) ? EMR_UNSUPPORTED : EMR_OK;
}

/* From here on N is the root of a domain, whatever becomes of this process; publishing moves what
 * lies in it. */
static emr_status begin(emr_view *view, node *n)
{
	node_row row = row_of_node(n);
	edit e;

	EMR_TRY(rest_wake_below(n));
	row.flags |= ROW_IS_DOMAIN | ROW_META_DIRTY;
	row.change++;
	if (n->is_published && tree_need_pending(n) != EMR_OK)
		return EMR_NO_MEMORY;
	if (n->is_published)
		row.next_id = tree_next_id(view, n, (emr_id16){{0}});
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	EMR_TRY(edit_commit_node(&e, n));
	n->is_domain = n->meta_dirty = n->has_row = true;
	tree_set_next_id(n, row.next_id);
	mark_changed(view, n);
	if (n->type == EMR_META_DIR)
		requeue_below(view, n);
	return EMR_OK;
}

emr_status emr_view_make_domain(emr_view *view, const char *path, emr_id16 *out_domain)
{
	emr_status status = EMR_OK;
	node *n;
	EMR_LOCKED(&view->lock);

	n = tree_find(view, path);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (!n->is_domain)
		status = check_candidate(view, n);
	if (status == EMR_OK && n->is_local) /* it is wanted as a record */
		tree_stay(view, n);
	if (status == EMR_OK && !n->is_domain)
		status = begin(view, n);
	if (status == EMR_OK)
		*out_domain = tree_future_id(n);
	return status;
}

emr_id16 emr_view_domain_now(emr_view *view, emr_id16 domain)
{
	emr_id16 now = domain;
	EMR_LOCKED(&view->lock);
	const emr_id16 *both = (const void *)view->keeper->became.data;

	for (size_t i = 0; i < view->keeper->became.len / sizeof *both; i += 2)
		if (emr_id16_equal(both[i], now))
			now = both[i + 1];
	return now;
}

/* ---- what left one ---- */

/* Whether something that is published in DOMAIN is to be there no more.  COUNTS_REPLACED: also if a
 * file under the same name takes its place, as programs save all day. */
static bool has_leaving(const emr_view *view, emr_id16 domain, bool counts_replaced)
{
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (emr_id16_equal(v->place.domain, domain) && !v->has_failed && !v->is_held &&
			(counts_replaced || heirs_find(view, v) == NULL))
			return true;
	for (const node *n = view->queue_head; n != NULL; n = n->next_queued)
		if (n->is_published && n->state == NODE_LIVE && n->failure == EMR_OK &&
			emr_id16_equal(node_domain(n), domain) &&
			(n->is_local || !emr_id16_equal(tree_domain(n), domain)))
			return true;
	return false;
}

#define LET_GO_TURNS 3 /* what moved is unlinked by the second run; the ledger may be overtaken */

emr_status emr_view_let_go(emr_view *view, emr_id16 domain)
{
	emr_status status = EMR_BUSY;

	for (int turn = 0;; turn++) {
		bool has;

		pthread_mutex_lock(&view->lock);
		has = has_leaving(view, domain, turn == 0);
		pthread_mutex_unlock(&view->lock);
		if (!has)
			return EMR_OK;
		if (turn == LET_GO_TURNS)
			return status != EMR_OK ? status : EMR_BUSY;
		status = emr_view_publish_now(view);
	}
}

/* ---- how far it is ---- */

static const node *root_of(const emr_view *view, emr_id16 domain)
{
	const node *n = tree_by_id(view, domain);

	if (n != NULL)
		return n->is_domain && n->state == NODE_LIVE ? n : NULL;
	/* Not published yet under this id: few, and asked for rarely. */
	while ((n = tree_next_any(view, n)) != NULL)
		if (n->is_domain && n->state == NODE_LIVE &&
			emr_id16_equal(tree_future_id(n), domain))
			return n;
	return NULL;
}

typedef struct counting {
	emr_id16 domain;
	emr_domain_state *out;
	emr_buf left_behind; /* of r_pid: of records whose old place is still there */
	emr_buf failed;	     /* of emr_place */
} counting;

static int by_r_pid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id32));
}

static emr_status note_old_places(const emr_view *view, counting *c)
{
	emr_status status = EMR_OK;

	for (const vacated *v = view->vacated; v != NULL && status == EMR_OK; v = v->next)
		/* A directory stays where it was as long as something that cannot move is in it. */
		if (v->name[0] == 0 && !v->is_held && !emr_id16_equal(v->place.domain, c->domain))
			status = emr_buf_append(
				&c->left_behind, v->place.r_pid, sizeof v->place.r_pid);
	emr_buf_sort(&c->left_behind, sizeof(emr_id32), by_r_pid);
	return status;
}

static emr_status count_one(counting *c, const node *n)
{
	emr_place place;

	if (n->is_local || !emr_id16_equal(tree_domain(n), c->domain))
		return EMR_OK;
	c->out->records++;
	c->out->old_places +=
		n->is_published && c->left_behind.len > 0 &&
		bsearch(node_place(n).r_pid, c->left_behind.data,
			c->left_behind.len / sizeof(emr_id32), sizeof(emr_id32), by_r_pid) != NULL;
	if (!n->is_published || emr_id16_equal(node_domain(n), c->domain))
		return EMR_OK;
	c->out->left++;
	c->out->failed += n->failure != EMR_OK;
	if (n->failure == EMR_OK || n->type != EMR_META_FILE)
		return EMR_OK;
	place = node_place(n);
	return emr_buf_append(&c->failed, &place, sizeof place);
}

/* Without view->lock. A node of the owner that cannot be moved is waited for; a node of others is
 * not, or a writer could keep all of it from being shared. */
static emr_status keep_others_out(emr_view *view, const counting *c)
{
	EMR_EACH (const emr_place, place, &c->failed) {
		bool is_hers = true;
		emr_status status = emr_facts_is_owners(view->options.facts, place, &is_hers);

		if (status == EMR_OK && !is_hers) {
			c->out->left--;
			c->out->failed--;
			c->out->kept_out++;
		}
		EMR_TRY(emr_status_is_local(status) ? status : EMR_OK);
	}
	return EMR_OK;
}

emr_status emr_view_domain_state(emr_view *view, emr_id16 domain, emr_domain_state *out_state)
{
	emr_domain_state state = {0};
	counting c = {.domain = domain, .out = &state};
	emr_status status = EMR_NOT_FOUND;
	const node *root;

	domain = c.domain = emr_view_domain_now(view, domain);
	pthread_mutex_lock(&view->lock);
	root = root_of(view, domain);
	if (root != NULL) {
		state.is_made = tree_is_root_object(root);
		status = rest_wake_below(root);
		if (status == EMR_OK)
			status = note_old_places(view, &c);
		for (const node *n = NULL;
			status == EMR_OK && (n = tree_next_awake(root, n)) != NULL;)
			status = count_one(&c, n);
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		status = keep_others_out(view, &c);
	emr_buf_free(&c.left_behind);
	emr_buf_free(&c.failed);
	if (status != EMR_OK)
		return status;
	state.is_whole = state.is_made && state.left == 0 && state.old_places == 0;
	*out_state = state;
	return EMR_OK;
}

/* ---- which there are ---- */

static emr_status add_domain(emr_buf *out, const node *n)
{
	emr_inner_domain d = {.domain = tree_future_id(n),
		.outer = n->parent != NULL ? tree_domain(n->parent) : (emr_id16){{0}}};

	return emr_buf_append(out, &d, sizeof d);
}

emr_status emr_view_domains_below(emr_view *view, emr_id16 domain, emr_buf *out)
{
	const node *root;
	EMR_LOCKED(&view->lock);

	root = emr_id16_is_zero(domain) ? view->root : root_of(view, domain);
	if (root == NULL)
		return EMR_NOT_FOUND;
	for (const node *n = NULL; (n = tree_next_awake(root, n)) != NULL;)
		if (n->is_domain)
			EMR_TRY(add_domain(out, n));
	return EMR_OK;
}

emr_status emr_view_domain_of(emr_view *view, const char *path, emr_path_domain *out)
{
	emr_path_domain d = {.is_root = false};
	const node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_find(view, path);
	if (n != NULL) {
		d.domain = tree_domain(n);
		d.own = n->is_domain || !n->is_published ? tree_future_id(n)
							 : tree_next_id(view, n, (emr_id16){{0}});
		d.is_root = n->is_domain;
		d.is_local = tree_is_fixture(n);
		d.type = (emr_meta_type)n->type;
	}
	pthread_mutex_unlock(&view->lock);
	if (n == NULL)
		return EMR_NOT_FOUND;
	*out = d;
	return EMR_OK;
}

emr_status emr_view_domain_path(emr_view *view, emr_id16 domain, char **out_path)
{
	const node *root;
	char *path = NULL;

	pthread_mutex_lock(&view->lock);
	root = root_of(view, domain);
	if (root != NULL)
		path = tree_path(root);
	pthread_mutex_unlock(&view->lock);
	if (root == NULL)
		return EMR_NOT_FOUND;
	EMR_TRY_MEMORY(path);
	*out_path = path;
	return EMR_OK;
}

/* ---- shares of what lies inside shared folders ---- */

void emr_view_tie(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	view->wants_tie = true;
	view->keeper->tie_due_boot_ns = 0;
	note_due(view, 0);
}

emr_status emr_view_inner_tree(emr_view *view, emr_nested **out_tree, size_t *out_n)
{
	static const emr_id16 all;
	EMR_AUTO_BUF list = {0};
	emr_nested *tree;
	size_t n;

	EMR_TRY(emr_view_domains_below(view, all, &list));
	n = list.len / sizeof(emr_inner_domain);
	tree = calloc(n > 0 ? n : 1, sizeof *tree);
	EMR_TRY_MEMORY(tree);
	for (size_t i = 0; i < n; i++) {
		emr_inner_domain d;

		memcpy(&d, list.data + i * sizeof d, sizeof d);
		tree[i] = (emr_nested){.domain = d.domain, .outer = d.outer};
	}
	*out_tree = tree;
	*out_n = n;
	return EMR_OK;
}

static emr_status tie(emr_view *view)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t n;

	EMR_TRY(emr_view_inner_tree(view, &tree, &n));
	return emr_settle_tie(view->options.settle, tree, n);
}

emr_status inner_tie(emr_view *view)
{
	emr_status status;
	bool is_due;

	pthread_mutex_lock(&view->lock);
	is_due = view->wants_tie && view->keeper->tie_due_boot_ns <= view_boot_ns(view);
	if (is_due)
		view->wants_tie = false; /* what happens from here on is for the next time */
	pthread_mutex_unlock(&view->lock);
	if (!is_due || view_is_read_only(view))
		return EMR_OK;
	status = tie(view);
	if (status == EMR_OK)
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	view->wants_tie = true;
	view->keeper->tie_due_boot_ns = view_boot_ns(view) + TIE_AGAIN_NS;
	pthread_mutex_unlock(&view->lock);
	/* Nobody's record waits for it: whoever has something to send hears of a ledger that is
	 * away. */
	return view_ledger_is_wrong(status) ? status : EMR_OK;
}
