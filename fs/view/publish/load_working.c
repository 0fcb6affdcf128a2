/* When a folder is opened, this file brings back the working copies that a crash left: whole, or
 * what was saved of one as a file beside the last whole version, never in its place. A spill that
 * nobody names is removed. */
#include "load_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"

#include "file.h"
#include "ops_file.h"

/* No working copy came back: the file is what it was before it. */
static void fall_back(emr_view *view, node *n)
{
	emr_content_reader *base = NULL;

	n->content_dirty = node_file(n)->has_content; /* frozen, not sent yet */
	if (file_base(view, n, &base) == EMR_OK)
		n->size = base != NULL ? emr_content_reader_content(base)->n : 0;
}

/* The bytes that a flush had covered are not all there: that is said, also to verify. */
static void say_went_back(emr_view *view, node *n)
{
	char *path;

	node_file(n)->went_back = true;
	path = n->state == NODE_LIVE ? tree_path(n) : NULL;
	if (view->options.notice != NULL)
		view->options.notice(
			view->options.notice_arg, "went-back", path != NULL ? path : "");
	free(path);
}

/* The rows of both, in one step: N has no working copy any more, PART has it. */
static emr_status write_part(emr_view *view, node *n, node *part)
{
	node_row of_part = row_of_node(part), of_n = row_of_node(n);
	edit e = edit_begin(view);

	edit_put(&e, part->id, &of_part);
	edit_put(&e, n->id, &of_n);
	EMR_TRY(edit_commit_node(&e, part));
	part->has_row = n->has_row = true;
	return EMR_OK;
}

/* Puts the saved part of N's working copy into a file beside it. */
static emr_status make_part(loading *l, const loaded *entry, node **out_part)
{
	char wanted[EMR_NAME_MAX + 1], name[EMR_NAME_MAX + 1];
	const node *n = entry->n;
	node *part;
	emr_status status;

	EMR_TRY(tree_new_node(l->view, EMR_META_FILE, emr_id16_random(), 0, &part));
	part->mode = n->mode;
	part->state = NODE_LIVE;
	emr_name_insert(n->name, " (saved in part)", wanted);
	if (tree_child(l->view, n->parent, wanted) != NULL)
		tree_free_name(l->view, n->parent, part->id, wanted, name);
	else
		memcpy(name, wanted, sizeof name);
	status = tree_need_file(part);
	if (status == EMR_OK)
		status = tree_attach(l->view, n->parent, name, part);
	if (status != EMR_OK)
		tree_free_node(l->view, part);
	else
		*out_part = part;
	return status;
}

static void take_staging(node *n, emr_staging *staging, emr_id16 id)
{
	node_file(n)->staging = staging;
	node_file(n)->staging_id = id;
	node_file(n)->staging_in_row = node_file(n)->is_spill_named = true;
	n->size = emr_staging_size(staging);
	/* The spill knows the time of the last write, the row that of the last utimens: the later
	 * one counts. */
	if (emr_staging_mtime_ns(staging) > n->ctime_ns)
		n->mtime_ns = n->ctime_ns = emr_staging_mtime_ns(staging);
	n->content_dirty = true;
}

/* The spill ends before what a flush had covered: under its name the file is the version before,
 * whole, and what there is of the working copy is a file beside it.  Where nothing may be written,
 * the spill stays for a start that may. */
static emr_status set_part_apart(loading *l, const loaded *entry, emr_staging *staging)
{
	emr_view *view = l->view;
	node *part = NULL;
	emr_status status = view->options.read_only ? EMR_READ_ONLY : make_part(l, entry, &part);

	fall_back(view, entry->n);
	say_went_back(view, entry->n);
	if (status == EMR_OK) {
		take_staging(part, staging, entry->staging);
		status = write_part(view, entry->n, part);
		if (status == EMR_OK) {
			mark_changed(view, part);
			return EMR_OK;
		}
		emr_log(EMR_LOG_WARN, "a part that was saved is not set apart: %s",
			emr_status_text(status));
		return EMR_OK;
	}
	emr_staging_free(staging);
	node_file(entry->n)->keep_spill = true;
	return status == EMR_NO_MEMORY ? status : EMR_OK;
}

emr_status load_working_copy(loading *l, const loaded *entry)
{
	emr_view *view = l->view;
	node *n = entry->n;
	emr_content_reader *base = NULL;
	emr_staging *staging = NULL;
	emr_status status;
	char id[33];

	if (tree_need_file(n) != EMR_OK)
		return EMR_NO_MEMORY;
	status = file_base(view, n, &base);
	if (status != EMR_NO_MEMORY) /* a working copy may do without its base */
		status = emr_staging_recover(view->options.records, entry->staging, base, &staging);
	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_OK) {
		emr_hex(n->id.b, sizeof n->id.b, id);
		emr_log(EMR_LOG_WARN, "working copy of record %s was not recovered: %s", id,
			emr_status_text(status));
		node_file(n)->keep_spill = status != EMR_NOT_FOUND;
		fall_back(view, n);
		if (node_file(n)->keep_spill) { /* the row goes on naming it: the next start may
					      have better luck */
			node_file(n)->staging_id = entry->staging;
			node_file(n)->staging_in_row = node_file(n)->is_spill_named = true;
			n->failure = status;
			file_notice(view, n, status);
		}
		if (entry->promised > 0)
			say_went_back(view, n);
		return EMR_OK;
	}
	if (emr_staging_mark(staging) < entry->promised)
		return set_part_apart(l, entry, staging);
	take_staging(n, staging, entry->staging);
	node_file(n)->promised = entry->promised;
	return EMR_OK;
}

/* ---- spills that nobody names ---- */

static bool is_named(const emr_view *view, emr_id16 staging)
{
	for (const node *n = NULL; (n = tree_next_any(view, n)) != NULL;)
		if (node_file(n) != NULL &&
			(node_file(n)->keep_spill ||
				emr_id16_equal(node_file(n)->staging_id, staging)))
			return true;
	return false;
}

void load_clean_spills(emr_view *view)
{
	int fd = openat(view->options.state_dirfd, "spill", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	emr_id16 id;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		emr_status status;

		if (emr_unhex(entry->d_name, id.b, sizeof id.b) != EMR_OK || is_named(view, id))
			continue;
		status = emr_staging_remove(view->options.records, id);
		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "a spill was not removed: %s",
				emr_status_text(status));
	}
	closedir(dir);
}
