/* This file shows the directory `shared-by-me`: for each person a directory with links to what is
 * shared with that person. Removing a link takes the share back; every other change is refused. */
#include "given.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/giving.h"

#include "edit.h"
#include "node.h"
#include "tree.h"

#define EMPTIED_NS INT64_C(5000000000)

static const node_kind given_kind;

/* ---- the table ---- */

static void free_entries(given_entry *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].who);
		free(list[i].share);
		free(list[i].path);
	}
	free(list);
}

emr_status given_begin(emr_view *view)
{
	view->given = calloc(1, sizeof *view->given);
	return view->given != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void given_free(emr_view *view)
{
	if (view->given == NULL)
		return;
	free_entries(view->given->shares.list, view->given->shares.n);
	letters_free(view);
	free(view->given);
}

/* Ids of nodes that no record can have: they are made from words. */
static emr_id16 id_of(const char *who, const emr_id16 *domain)
{
	static const char label[] = "emrfs shared-by-me";
	crypto_generichash_state state;
	emr_id16 id;

	crypto_generichash_init(&state, NULL, 0, sizeof id.b);
	crypto_generichash_update(&state, (const unsigned char *)label, sizeof label);
	crypto_generichash_update(&state, (const unsigned char *)who, strlen(who) + 1);
	if (domain != NULL)
		crypto_generichash_update(&state, domain->b, sizeof domain->b);
	crypto_generichash_final(&state, id.b, sizeof id.b);
	return id;
}

static emr_id16 top_id(void)
{
	return id_of("", NULL);
}

static bool fill(given_entry *e, const char *who, const char *path, emr_id16 domain)
{
	const char *slash = strrchr(path, '/');

	*e = (given_entry){.who = strdup(who),
		.share = strdup(slash != NULL ? slash + 1 : path),
		.path = strdup(path),
		.domain = domain,
		.who_id = id_of(who, NULL),
		.link_id = id_of(who, &domain)};
	return e->who != NULL && e->share != NULL && e->path != NULL;
}

static emr_status add(void *arg, const char *who, const char *path, emr_id16 domain)
{
	struct given *g = arg;
	given_entry *grown;

	for (size_t i = 0; i < g->n; i++) /* several grants of one share are one link */
		if (emr_id16_equal(g->list[i].domain, domain) && strcmp(g->list[i].who, who) == 0)
			return EMR_OK;
	grown = realloc(g->list, (g->n + 1) * sizeof *grown);
	EMR_TRY_MEMORY(grown);
	g->list = grown;
	return fill(&g->list[g->n++], who, path, domain) ? EMR_OK : EMR_NO_MEMORY;
}

static int by_name(const void *a, const void *b)
{
	const given_entry *x = a, *y = b;
	int order = strcmp(x->who, y->who);

	if (order == 0)
		order = strcmp(x->share, y->share);
	return order != 0 ? order : memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);
}

/* Two shares of one name: the second gets the first letters of its domain. */
static emr_status tell_apart(struct given *g)
{
	for (size_t i = g->n; i-- > 1;) {
		given_entry *e = &g->list[i];
		char code[27], name[EMR_NAME_MAX + 1], *copy;

		if (strcmp(e->who, g->list[i - 1].who) != 0 ||
			strcmp(e->share, g->list[i - 1].share) != 0)
			continue;
		emr_base32(e->domain.b, sizeof e->domain.b, code);
		emr_name_with_code(e->share, code, 4, name);
		copy = strdup(name);
		EMR_TRY_MEMORY(copy);
		free(e->share);
		e->share = copy;
	}
	return EMR_OK;
}

static emr_status learn(emr_view *view)
{
	const emr_giving *giving = view->options.giving;
	struct given fresh = {.generation = giving->generation(view->options.giving_arg),
			     .is_known = true},
		     old;
	bool is_same;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	is_same =
		view->given->shares.is_known && view->given->shares.generation == fresh.generation;
	pthread_mutex_unlock(&view->lock);
	if (is_same)
		return EMR_OK;
	status = giving->list(view->options.giving_arg, add, &fresh);
	if (status == EMR_OK && fresh.n > 1)
		qsort(fresh.list, fresh.n, sizeof *fresh.list, by_name);
	if (status == EMR_OK)
		status = tell_apart(&fresh);
	if (status != EMR_OK) {
		free_entries(fresh.list, fresh.n);
		return status;
	}
	pthread_mutex_lock(&view->lock);
	old = view->given->shares;
	view->given->shares = fresh;
	pthread_mutex_unlock(&view->lock);
	free_entries(old.list, old.n);
	return EMR_OK;
}

emr_status given_learn(emr_view *view)
{
	emr_status status;

	if (view->options.giving == NULL)
		return EMR_OK;
	pthread_mutex_unlock(&view->lock);
	status = learn(view);
	pthread_mutex_lock(&view->lock);
	return status;
}

static emr_status given_ready(emr_view *view, uint64_t number, const char *name)
{
	(void)number;
	(void)name;
	return given_learn(view);
}

/* ---- nodes ---- */

static emr_status node_for(emr_view *view, emr_id16 id, emr_meta_type type, node **out_node)
{
	node *n = tree_by_shown_id(view, id);

	if (n == NULL) {
		EMR_TRY(tree_new_node(view, type, id, 0, &n));
		n->state = NODE_VIRTUAL;
		n->kind = &given_kind;
		n->mode = type == EMR_META_DIR ? 0700 : 0777;
		n->mtime_ns = n->ctime_ns = view_now_ns(view);
	}
	*out_node = n;
	return EMR_OK;
}

static emr_status link_for(emr_view *view, const given_entry *e, node **out_node)
{
	char *target = NULL;
	node *n;
	emr_status status;

	if (asprintf(&target, "../../%s", e->path) < 0)
		return EMR_NO_MEMORY;
	status = node_for(view, e->link_id, EMR_META_SYMLINK, &n);
	if (status != EMR_OK) {
		free(target);
		return status;
	}
	n->size = strlen(target);
	tree_take_target(n, target); /* what it points to may have got another name */
	*out_node = n;
	return EMR_OK;
}

/* A directory whose last link was just removed: whoever removes it next (rm -r) must still find it,
 * though the kernel may have forgotten its node meanwhile. */
static emr_status just_emptied(emr_view *view, emr_id16 id, node **out_node)
{
	bool is_it = view->given->emptied_boot_ns != 0 &&
		     view_boot_ns(view) - view->given->emptied_boot_ns < EMPTIED_NS &&
		     (emr_id16_equal(id, top_id()) || emr_id16_equal(id, view->given->emptied));

	return is_it ? node_for(view, id, EMR_META_DIR, out_node) : EMR_NOT_FOUND;
}

emr_status given_top(emr_view *view, node **out_node)
{
	return view->given->shares.n > 0 ? node_for(view, top_id(), EMR_META_DIR, out_node)
					 : just_emptied(view, top_id(), out_node);
}

static emr_status given_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	const struct given *g = &view->given->shares;

	for (size_t i = 0; i < g->n; i++) {
		const given_entry *e = &g->list[i];

		if (emr_id16_equal(directory->id, top_id()) && strcmp(e->who, name) == 0)
			return node_for(view, e->who_id, EMR_META_DIR, out_node);
		if (emr_id16_equal(directory->id, e->who_id) && strcmp(e->share, name) == 0)
			return link_for(view, e, out_node);
	}
	return emr_id16_equal(directory->id, top_id())
		       ? just_emptied(view, id_of(name, NULL), out_node)
		       : EMR_NOT_FOUND;
}

static void give(lister *l, const char *name, emr_id16 id, emr_meta_type type, uint64_t next)
{
	const emr_attr attr = {.ino = tree_ino_of(id),
		.type = type,
		.mode = type == EMR_META_DIR ? 0700 : 0777,
		.nlink = 1,
		.is_virtual = true};

	(void)kind_say(l, name, &attr, next);
}

void given_list_top(const emr_view *view, lister *l)
{
	if (!l->is_over && view->given->shares.n > 0 && l->cookie < GIVEN_COOKIE)
		give(l, GIVEN_DIRECTORY, top_id(), EMR_META_DIR, GIVEN_COOKIE);
}

/* The cookie of an entry is its place, from 3. */
static emr_status given_list(emr_view *view, node *directory, lister *l)
{
	const struct given *g = &view->given->shares;

	for (size_t i = 0; i < g->n && !l->is_over; i++) {
		const given_entry *e = &g->list[i];
		bool is_top = emr_id16_equal(directory->id, top_id());

		if (i + 3 <= l->cookie ||
			(is_top && i > 0 && strcmp(e->who, g->list[i - 1].who) == 0) ||
			(!is_top && !emr_id16_equal(directory->id, e->who_id)))
			continue;
		give(l, is_top ? e->who : e->share, is_top ? e->who_id : e->link_id,
			is_top ? EMR_META_DIR : EMR_META_SYMLINK, i + 3);
	}
	return EMR_OK;
}

/* ---- removing ---- */

/* Under view->lock. */
static const given_entry *find_link(const emr_view *view, const node *directory, const char *name)
{
	for (size_t i = 0; i < view->given->shares.n; i++)
		if (emr_id16_equal(directory->id, view->given->shares.list[i].who_id) &&
			strcmp(view->given->shares.list[i].share, name) == 0)
			return &view->given->shares.list[i];
	return NULL;
}

static void note_emptied(emr_view *view, const char *who)
{
	EMR_LOCKED(&view->lock);

	view->given->emptied = id_of(who, NULL);
	view->given->emptied_boot_ns = view_boot_ns(view);
}

static emr_status given_unlink(emr_view *view, uint64_t parent, const char *name, bool *out_is_mine)
{
	EMR_AUTO_FREE char *who = NULL;
	EMR_AUTO_FREE char *path = NULL;
	const given_entry *e = NULL;
	emr_id16 domain = {{0}};
	bool is_top = false;
	const node *n;
	emr_status status;

	*out_is_mine = true;
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, parent);
	is_top = n != NULL && emr_id16_equal(n->id, top_id());
	e = n != NULL ? find_link(view, n, name) : NULL;
	if (e != NULL) {
		who = strdup(e->who);
		path = strdup(e->path);
		domain = e->domain;
	}
	pthread_mutex_unlock(&view->lock);
	if (is_top)
		return EMR_IS_DIRECTORY;
	if (e == NULL)
		return EMR_NOT_FOUND;
	if (who == NULL || path == NULL)
		return EMR_NO_MEMORY;
	status = view->options.giving->remove(view->options.giving_arg, domain, path, who);
	if (status == EMR_OK)
		note_emptied(view, who);
	return status == EMR_NO_ATTRIBUTE ? EMR_NOT_FOUND : status;
}

/* A directory goes with its last link, by itself: who removes it afterwards is right. */
emr_status given_rmdir(emr_view *view, uint64_t parent, const char *name, bool *out_is_mine)
{
	bool is_top, is_there = false;
	const node *n;

	*out_is_mine = view->options.giving != NULL &&
		       (parent != EMR_ROOT_NODE || strcmp(name, GIVEN_DIRECTORY) == 0);
	if (!*out_is_mine)
		return EMR_OK;
	EMR_TRY(learn(view));
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, parent);
	is_top = parent == EMR_ROOT_NODE || (n != NULL && emr_id16_equal(n->id, top_id()));
	for (size_t i = 0; i < view->given->shares.n; i++)
		is_there |= parent == EMR_ROOT_NODE ||
			    strcmp(view->given->shares.list[i].who, name) == 0;
	pthread_mutex_unlock(&view->lock);
	if (!is_top)
		return EMR_NOT_DIRECTORY;
	return is_there ? EMR_NOT_EMPTY : EMR_OK;
}

static const node_kind given_kind = {.refuses = EMR_DENIED,
	.refuses_names = EMR_FORBIDDEN,
	.is_shown = true,
	.ready = given_ready,
	.child = given_child,
	.list = given_list,
	.release = kind_release_shown,
	.unlink = given_unlink,
	.rmdir = given_rmdir};
