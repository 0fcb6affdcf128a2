/* This file has what lies in the folder itself and in `.emrfs` beside records: the directories that
 * the parts of the view show there (what is shared, the past, what was deleted, requests, proofs),
 * and the files that are made when somebody reads them. */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "given.h"
#include "node.h"
#include "past.h"
#include "shared.h"
#include "special.h"

/* ---- the folder itself ---- */

static emr_status top_ready(emr_view *view, uint64_t number, const char *name)
{
	(void)number;
	return name == NULL || strcmp(name, GIVEN_DIRECTORY) == 0 ? given_learn(view) : EMR_OK;
}

static emr_status top_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	if (strcmp(name, SHARED_DIRECTORY) == 0)
		return view->shares != NULL ? shared_top(view, out_node) : EMR_NOT_FOUND;
	if (strcmp(name, SETS_DIRECTORY) == 0)
		return view->shares != NULL ? shared_sets_top(view, out_node) : EMR_NOT_FOUND;
	if (strcmp(name, GIVEN_DIRECTORY) == 0)
		return given_top(view, out_node);
	if (strcmp(name, ".emrfs") != 0)
		return kind_child_in_tree(view, directory, name, out_node);
	*out_node = view->special.root;
	return EMR_OK;
}

/* Behind everything of one's own. */
static emr_status top_list(emr_view *view, node *directory, lister *l)
{
	node *n;

	kind_list_tree(directory, l);
	given_list_top(view, l);
	if (view->shares == NULL)
		return EMR_OK;
	if (!l->is_over && l->cookie < SHARED_COOKIE && shared_top(view, &n) == EMR_OK)
		(void)shared_give(view, l, n, SHARED_DIRECTORY, SHARED_COOKIE);
	if (!l->is_over && l->cookie < SETS_COOKIE && shared_sets_top(view, &n) == EMR_OK)
		(void)shared_give(view, l, n, SETS_DIRECTORY, SETS_COOKIE);
	return EMR_OK;
}

const node_kind folder_kind = {
	.ready = top_ready, .child = top_child, .list = top_list, .rmdir = given_rmdir};

/* ---- one dataset as the folder ---- */

/* The name of the special file I there; NULL: it lies in .emrfs. */
static const char *top_name(const emr_view *view, size_t i)
{
	const char *name = view->options.special_names[i];

	return strncmp(name, EMR_SPECIAL_TOP, strlen(EMR_SPECIAL_TOP)) == 0
		       ? name + strlen(EMR_SPECIAL_TOP)
		       : NULL;
}

static emr_status dataset_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	const shared_at at = {.level = SHARED_SET, .set = shared_set_of(view, view->shares->only)};

	(void)directory;
	if (strcmp(name, ".emrfs") == 0) {
		*out_node = view->special.root;
		return EMR_OK;
	}
	for (size_t i = 0; i < view->options.special_count; i++)
		if (top_name(view, i) != NULL && strcmp(top_name(view, i), name) == 0) {
			*out_node = view->special.files[i];
			return EMR_OK;
		}
	return at.set != NULL ? shared_sets_child(view, &at, name, out_node) : EMR_NOT_FOUND;
}

/* Behind the participants. */
static emr_status dataset_list(emr_view *view, node *directory, lister *l)
{
	const shared_at at = {.level = SHARED_SET, .set = shared_set_of(view, view->shares->only)};

	(void)directory;
	if (at.set != NULL)
		EMR_TRY(shared_sets_list(view, &at, l));
	for (size_t i = 0; i < view->options.special_count && !l->is_over; i++)
		if (top_name(view, i) != NULL && SHARED_COOKIE + i > l->cookie)
			(void)kind_give(
				l, view->special.files[i], top_name(view, i), SHARED_COOKIE + i);
	return EMR_OK;
}

static const node_kind dataset_folder_kind = {
	.refuses = EMR_READ_ONLY, .child = dataset_child, .list = dataset_list};

void emr_view_show_dataset(emr_view *view, emr_id16 line)
{
	if (view->shares == NULL)
		return;
	view->shares->only = line;
	kind_change(view->root, &dataset_folder_kind);
}

emr_status emr_view_show_frozen(emr_view *view, emr_id16 line, uint64_t log_size, emr_bytes domains)
{
	if (view->shares == NULL)
		return EMR_OK;
	emr_view_show_dataset(view, line);
	view->shares->frozen_at = log_size;
	return emr_buf_append(&view->shares->frozen, domains.data, domains.len);
}

/* ---- .emrfs ---- */

/* Places in the listing, behind the files. */
#define AT_COOKIE (EMR_SPECIAL_MAX + 3)
#define DELETED_COOKIE (EMR_SPECIAL_MAX + 4)
#define LETTERS_COOKIE (EMR_SPECIAL_MAX + 5)
#define PROOFS_COOKIE (EMR_SPECIAL_MAX + 6)
#define CONSENT_COOKIE (EMR_SPECIAL_MAX + 7)

#define CONSENT_NAME "consent"

/* A folder that takes nothing takes no Consents. */
static bool takes_consents(const emr_view *view)
{
	return !view->options.read_only && kind_of(view->root) == &folder_kind;
}

static emr_status special_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	(void)directory;
	if (strcmp(name, "deleted") == 0)
		return past_top(view, "", out_node);
	if (strcmp(name, "proof") == 0 && view->options.make_proof != NULL)
		return proofs_top(view, out_node);
	*out_node = NULL;
	if (strcmp(name, "at") == 0)
		*out_node = view->special.at;
	if (strcmp(name, LETTERS_FOLDER) == 0)
		*out_node = view->special.letters;
	if (strcmp(name, CONSENT_NAME) == 0 && takes_consents(view))
		*out_node = view->special.consent;
	for (size_t i = 0; i < view->options.special_count; i++)
		if (strcmp(name, view->options.special_names[i]) == 0)
			*out_node = view->special.files[i];
	return *out_node != NULL ? EMR_OK : EMR_NOT_FOUND;
}

/* At NEXT lies N, or, with NULL, a directory that gets its node when it is looked up. */
static void give(lister *l, node *n, const char *name, uint64_t next)
{
	const emr_attr attr = {.ino = next,
		.type = EMR_META_DIR,
		.mode = 0500,
		.nlink = 2,
		.size_bytes = 4096,
		.is_virtual = true};

	if (l->is_over || l->cookie >= next)
		return;
	if (n != NULL)
		(void)kind_give(l, n, name, next);
	else
		(void)kind_say(l, name, &attr, next);
}

static emr_status special_list(emr_view *view, node *directory, lister *l)
{
	(void)directory;
	for (size_t i = 0; i < view->options.special_count; i++)
		if (top_name(view, i) == NULL)
			give(l, view->special.files[i], view->options.special_names[i], i + 3);
	give(l, view->special.at, "at", AT_COOKIE);
	give(l, NULL, "deleted", DELETED_COOKIE);
	give(l, view->special.letters, LETTERS_FOLDER, LETTERS_COOKIE);
	if (view->options.make_proof != NULL)
		give(l, NULL, "proof", PROOFS_COOKIE);
	if (takes_consents(view))
		give(l, view->special.consent, CONSENT_NAME, CONSENT_COOKIE);
	return EMR_OK;
}

static const node_kind special_folder_kind = {
	.refuses = EMR_DENIED, .child = special_child, .list = special_list};

static emr_status new_file(emr_view *view, size_t i)
{
	node *n;

	EMR_TRY(tree_new_node(view, EMR_META_FILE, emr_id16_random(), 0, &n));
	n->state = NODE_VIRTUAL;
	n->kind = &special_file_kind;
	n->special = (uint8_t)(i + 1);
	n->mode = 0400;
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	view->special.files[i] = n;
	return EMR_OK;
}

static emr_status new_directory(
	emr_view *view, const node_kind *kind, uint32_t subdirectories, node **out_node)
{
	emr_status status = tree_new_node(view, EMR_META_DIR, emr_id16_random(), 0, out_node);
	node *n = *out_node;

	if (status != EMR_OK)
		return status;
	n->state = NODE_VIRTUAL;
	n->kind = kind;
	n->mode = 0500;
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->listing->subdirectories = subdirectories;
	return EMR_OK;
}

/* A file that is copied to .emrfs/consent is a record in a directory like any other. */
static emr_status consent_follow(emr_view *view, uint64_t number)
{
	emr_attr attr;
	emr_status status = emr_view_find(view, EMR_CONSENTS_FOLDER, &attr);

	(void)number;
	if (status != EMR_NOT_FOUND)
		return status;
	status = emr_view_mkdir(view, EMR_ROOT_NODE, EMR_CONSENTS_FOLDER, 0700, &attr);
	/* Somebody was quicker; or it cannot be made, and who only lists is told where it would be.
	 */
	if (status == EMR_EXISTS || status == EMR_READ_ONLY || emr_status_is_full(status))
		return EMR_OK;
	if (status != EMR_OK)
		return status;
	emr_view_forget(view, attr.node, 1);
	emr_view_tell(view, EMR_ROOT_NODE, EMR_CONSENTS_FOLDER);
	return EMR_OK;
}

static const node_kind consent_kind = {
	.refuses = EMR_DENIED, .is_shown = true, .follow = consent_follow};

static emr_status new_consent_link(emr_view *view)
{
	static const char target[] = "../" EMR_CONSENTS_FOLDER;
	char *copy = strdup(target);
	node *n;
	emr_status status =
		copy != NULL ? tree_new_node(view, EMR_META_SYMLINK, emr_id16_random(), 0, &n)
			     : EMR_NO_MEMORY;

	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	n->state = NODE_VIRTUAL;
	n->kind = &consent_kind;
	n->mode = 0777;
	n->target = copy;
	n->size = sizeof target - 1;
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	view->special.consent = n;
	return EMR_OK;
}

emr_status folder_new_special(emr_view *view)
{
	EMR_TRY(new_directory(view, &special_folder_kind, view->options.make_proof != NULL ? 4 : 3,
		&view->special.root));
	EMR_TRY(new_directory(view, &past_days_kind, 0, &view->special.at));
	EMR_TRY(new_directory(view, &letters_folder_kind, 0, &view->special.letters));
	EMR_TRY(new_consent_link(view));
	for (size_t i = 0; i < view->options.special_count; i++)
		EMR_TRY(new_file(view, i));
	return EMR_OK;
}
