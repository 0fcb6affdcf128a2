/* The open folder answers `emrfs restore` here: it lists the versions of a file, and brings back
 * one of them, or a folder that was deleted. It replaces no file that is open for writing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/fetch.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/authors.h"
#include "session/fetching.h"
#include "sharing/received.h"

#include "answers.h"

#define PORTION 200

/* ---- what went wrong, as people are told ---- */

static void say_problem(emr_status status, const emr_request *request, emr_problem *out_problem)
{
	const char *path = request->path;

	switch ((int)status) {
	case EMR_NOT_FOUND:
	case EMR_NOT_DIRECTORY:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path",
			request->has_to && status == EMR_NOT_DIRECTORY ? request->to : path, NULL);
		return;
	case EMR_RANGE:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_VERSION, "path", path, NULL);
		return;
	case EMR_INVALID:
		emr_problem_set(out_problem, EMR_SAY_WHICH_VERSION, "path", path, NULL);
		return;
	case EMR_IS_DIRECTORY:
		emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what",
			_("That folder is there. What was deleted in it lies below .emrfs/deleted; "
			  "restore takes a file of it, or a folder that is gone."),
			"verb", "restore", NULL);
		return;
	case EMR_EXISTS:
		emr_problem_set(out_problem, EMR_SAY_EXISTS, "path",
			request->has_to ? request->to : path, NULL);
		return;
	case EMR_RESERVED_NAME:
		emr_problem_set(out_problem, EMR_SAY_RESERVED_NAME, "path",
			request->has_to ? request->to : path, NULL);
		return;
	case EMR_BAD_NAME:
		answers_say_bad_name(request->has_to ? request->to : path, out_problem);
		return;
	case EMR_BUSY:
		emr_problem_set(out_problem, EMR_SAY_FILE_BUSY, "path", path, NULL);
		return;
	case EMR_READ_ONLY:
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
		return;
	}
	emr_problem_set_status(out_problem, status, path);
}

/* ---- versions ---- */

typedef struct listing {
	const emr_session *session;
	const emr_sink *sink;
	json_t *portion;
	emr_authors authors;
	bool emit_failed;
} listing;

static emr_status emit_portion(listing *l)
{
	json_t *object;
	emr_status status;

	if (json_array_size(l->portion) == 0)
		return EMR_OK;
	object = json_pack("{s:o}", "version_list", l->portion);
	l->portion = json_array();
	if (object == NULL || l->portion == NULL) {
		json_decref(object);
		return EMR_NO_MEMORY;
	}
	status = emr_emit(l->sink, object);
	l->emit_failed = status != EMR_OK;
	return status;
}

/* The owner, or who else may write here. */
static emr_status name_of(
	listing *l, const emr_file_version *v, char *out, size_t size, bool *out_is_own)
{
	const emr_author *author;

	EMR_TRY(emr_authors_find(&l->authors, l->session, v->signer_id, v->seq, &author));
	*out_is_own = author->is_me;
	if (author->is_me)
		snprintf(out, size, "%s",
			l->session->profile.name[0] != '\0' ? l->session->profile.name : "you");
	else
		emr_who_text(&author->who, out, size);
	return EMR_OK;
}

static emr_status add_version(listing *l, const emr_file_version *v)
{
	char name[EMR_WHO_TEXT_BYTES], at[EMR_TEXT_BYTES];
	bool is_own = true;
	json_t *one;

	EMR_TRY(name_of(l, v, name, sizeof name, &is_own));
	emr_time_json((int64_t)v->time_unix_s, at);
	one = json_pack("{s:s, s:o, s:I, s:I, s:b, s:o, s:b, s:b, s:I}", "at", at, "who",
		emr_json_text(name), "version", (json_int_t)v->cver, "bytes", (json_int_t)v->bytes,
		"deleted", v->is_deletion, "signed_by", emr_json_text(name), "current",
		v->is_current, "own", is_own, "at_unix", (json_int_t)v->time_unix_s);
	if (one == NULL || json_array_append_new(l->portion, one) != 0)
		return EMR_NO_MEMORY;
	return json_array_size(l->portion) >= PORTION ? emit_portion(l) : EMR_OK;
}

emr_status emr_answer_versions(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	listing l = {.session = session, .sink = sink, .portion = json_array()};
	EMR_AUTO_BUF versions = {0};
	emr_status status = l.portion != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK && emr_path_is_shared(request->path))
		status =
			emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS, "restore", out_problem);
	else if (status == EMR_OK)
		status = emr_view_versions(session->view, request->path, &versions);
	EMR_EACH (const emr_file_version, v, &versions)
		status = status == EMR_OK ? add_version(&l, v) : status;
	if (status == EMR_OK)
		status = emit_portion(&l);
	json_decref(l.portion);
	emr_authors_free(&l.authors);
	if (status == EMR_INVALID || status == EMR_IS_DIRECTORY) {
		emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what",
			status == EMR_INVALID
				? _("A symbolic link has no versions.")
				: _("A folder has no versions; its files have. What was deleted of "
				    "it "
				    "lies below .emrfs/deleted, and restore without --list brings "
				    "back a folder that is gone, with all that was in it."),
			"verb", "restore", NULL);
		return status;
	}
	if (status != EMR_OK) {
		if (!l.emit_failed && !out_problem->is_set)
			say_problem(status, request, out_problem);
		return status;
	}
	return emr_emit(sink, json_pack("{s:b}", "done", 1));
}

/* ---- bringing back ---- */

typedef struct folding {
	uint64_t files, folders, bytes, failed;
	char path[EMR_ASK_PATH_MAX + 1]; /* the first that did not come back */
	emr_status status;
} folding;

#define OPENING_BLOCKS_MAX 16 /* bundle, description, nodes and a leaf, one after the other */

/* Blocks of that version that only nodes have are brought: as many as opening it needs. */
static emr_status restore_one(
	emr_session *session, const emr_restore *what, emr_restored *out_restored)
{
	emr_fetcher *fetcher = emr_session_fetcher(session);
	emr_fetch_count count = {0};
	emr_status status = EMR_OK, came = EMR_OK;
	emr_cid missed;

	for (int i = 0; i < OPENING_BLOCKS_MAX && came == EMR_OK; i++) {
		emr_fetcher_begin(fetcher);
		status = emr_view_restore(session->view, what, out_restored);
		if ((status != EMR_MISSING_DATA && status != EMR_DAMAGED) ||
			!emr_fetcher_missed(fetcher, &missed))
			break;
		came = emr_fetcher_await(fetcher, &missed, true, &count);
	}
	return status;
}

static emr_status note_restored(
	void *arg, const char *path, emr_status status, const emr_restored *restored)
{
	folding *f = arg;

	if (status == EMR_RANGE) /* it was not there yet at that time */
		return EMR_OK;
	if (status == EMR_OK && restored->is_directory) {
		f->folders++;
		return EMR_OK;
	}
	if (status == EMR_OK) {
		f->files++;
		f->bytes += restored->bytes;
		return EMR_OK;
	}
	if (f->failed++ == 0) {
		f->status = status;
		snprintf(f->path, sizeof f->path, "%s", path);
	}
	/* The answer for one holds for all. */
	return status == EMR_READ_ONLY || emr_status_is_full(status) || status == EMR_NO_MEMORY
		       ? status
		       : EMR_OK;
}

/* The path was a folder then. EMR_NOT_FOUND: it was none. */
static emr_status restore_folder(emr_session *session, const emr_restore *what,
	const emr_sink *sink, emr_problem *out_problem)
{
	EMR_AUTO_FREE folding *f = calloc(1, sizeof *f);

	EMR_TRY(f != NULL ? emr_view_restore_folder(session->view, what, note_restored, f)
			  : EMR_NO_MEMORY);
	if (f->files + f->folders + f->failed == 0)
		return EMR_NOT_FOUND;
	if (f->failed > 0) {
		char n[EMR_TEXT_BYTES], m[EMR_TEXT_BYTES];

		emr_number_text(f->failed, n);
		emr_number_text(f->files + f->failed, m);
		emr_problem_set(out_problem, EMR_SAY_RESTORED_PART, "n", n, "m", m, "path", f->path,
			"cause", emr_text(emr_status_text(f->status)), NULL);
		return f->status;
	}
	emr_session_await_front(session);
	return emr_emit(
		sink, json_pack("{s:b, s:o, s:I, s:I, s:I, s:I, s:b}", "done", 1, "restored",
			      emr_json_text(what->path), "files", (json_int_t)f->files, "folders",
			      (json_int_t)f->folders, "version", (json_int_t)0, "bytes",
			      (json_int_t)f->bytes, "unchanged", 0));
}

emr_status emr_answer_restore(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	const emr_restore what = {.path = request->path,
		.until_unix_s = request->until_unix_s,
		.cver = request->version,
		.to = request->has_to ? request->to : NULL};
	emr_restored restored = {0};
	emr_status status = emr_path_is_shared(request->path)
				    ? emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS, "restore",
					      out_problem)
				    : restore_one(session, &what, &restored);

	if (status == EMR_NOT_FOUND && !out_problem->is_set && what.to == NULL && what.cver == 0) {
		status = restore_folder(session, &what, sink, out_problem);
		if (status == EMR_OK)
			return EMR_OK;
	}
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			say_problem(status, request, out_problem);
		return status;
	}
	emr_session_await_front(session);
	return emr_emit(
		sink, json_pack("{s:b, s:o, s:I, s:I, s:b}", "done", 1, "restored",
			      emr_json_text(what.to != NULL ? what.to : what.path), "version",
			      (json_int_t)restored.cver, "bytes", (json_int_t)restored.bytes,
			      "unchanged", restored.is_unchanged));
}
