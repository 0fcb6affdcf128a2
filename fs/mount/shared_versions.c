/* This file lists earlier versions of a file that somebody else shares, and copies one of them
 * into one's own folder. The owner sees in the log that it was opened. It refuses a version whose
 * signature does not fit. */
#include "answers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fetch/fetch.h"
#include "kit/language.h"
#include "session/fetching.h"
#include "share/read.h"
#include "sharing/received.h"
#include "sharing/sharing.h"
#include "view/received.h"
#include "view/walk.h"

#define SLICE_MS 250
#define PIECE ((size_t)1 << 20)

/* One file of another's, open apart from the folder: its keys are dropped when the answer is given.
 */
typedef struct looking {
	emr_session *session;
	const char *path;
	emr_waiting_fn waiting;
	void *waiting_arg;
	emr_problem *problem;
	emr_shared_file file;
	emr_share *share;
	emr_shared *shared;
	emr_share_trouble trouble;
	int64_t began_ns; /* of the question under way */
} looking;

static void looking_end(looking *l)
{
	emr_shared_free(l->shared);
	emr_share_free(l->share);
}

static int64_t now_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

/* ---- what went wrong ---- */

static const char *id_of(emr_status status, const emr_share_trouble *trouble)
{
	if (status == EMR_OFFLINE)
		return "offline";
	if (status == EMR_TIMEOUT || trouble->why == EMR_WHY_NO_RELEASE ||
		trouble->why == EMR_WHY_LIAR)
		return "no-release";
	if (status == EMR_ACCESS_ENDED || trouble->why == EMR_WHY_EXPIRED)
		return "grant-expired";
	if (status == EMR_ACCESS_REVOKED || trouble->why == EMR_WHY_REVOKED)
		return "grant-revoked";
	return trouble->why != EMR_WHY_NONE ? "no-grant" : NULL;
}

/* "shared-with-me/OWNER/SHARE/...": from SHARE on. */
static const char *inside_of(const char *path)
{
	for (int names = 0; names < 2 && strchr(path, '/') != NULL; names++)
		path = strchr(path, '/') + 1;
	return path;
}

static emr_status say_trouble(const looking *l, emr_status status)
{
	const emr_received *received = l->shared != NULL ? emr_shared_grant(l->shared) : NULL;
	bool have_lied = l->trouble.liar_count > 0 && l->trouble.missing_count == 0;
	const emr_shared_notice notice = {.id = id_of(status, &l->trouble),
		.path = l->path,
		.inside = inside_of(l->path),
		.owner = l->file.owner,
		.seconds = (unsigned)((now_ns() - l->began_ns + 500000000) / 1000000000),
		.t = received != NULL ? received->grant.row.t : 0,
		.n = received != NULL ? received->agents_count : 0,
		.time_unix_s = received != NULL ? received->grant.row.not_after_unix_s
						: emr_clock_unix_s(emr_clock_system()),
		.missing = have_lied ? l->trouble.liars : l->trouble.missing,
		.missing_count = have_lied ? l->trouble.liar_count : l->trouble.missing_count,
		.have_lied = have_lied,
		.is_owner_missing = l->trouble.is_owner_missing};

	if (l->problem->is_set)
		return status;
	if (notice.id == NULL || !emr_shared_notice_say(l->session, &notice, l->problem))
		emr_problem_set_status(l->problem, status, l->path);
	return status;
}

static emr_status say_found(const looking *l, emr_status status)
{
	const char *what = status == EMR_IS_DIRECTORY
				   ? _("That is a directory; restore takes one file.")
				   : _("A symbolic link has no versions.");

	if (status == EMR_IS_DIRECTORY || status == EMR_INVALID)
		emr_problem_set(
			l->problem, EMR_SAY_WRONG_USE, "what", what, "verb", "restore", NULL);
	else if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY)
		emr_problem_set(l->problem, EMR_SAY_NO_SUCH_PATH, "path", l->path, NULL);
	else if (status == EMR_BUSY)
		emr_problem_set(l->problem, EMR_SAY_FILE_BUSY, "path", l->path, NULL);
	else
		return say_trouble(l, status);
	return status;
}

/* ---- keys ---- */

/* ASK, sent at l->began_ns, is freed. */
static emr_status wait_for(looking *l, emr_ask *ask)
{
	int64_t since = now_ns(), patience = emr_shared_patience_ns(since - l->began_ns, 0);
	emr_status status = ask != NULL ? EMR_TIMEOUT : EMR_OK;

	while (status == EMR_TIMEOUT && now_ns() - since < EMR_SHARED_WAIT_NS &&
		(now_ns() - since < patience || !emr_ask_owner_is_quiet(ask))) {
		status = emr_ask_wait(ask, SLICE_MS, &l->trouble);
		if (status == EMR_TIMEOUT && l->waiting(l->waiting_arg) != EMR_OK)
			status = EMR_INTERRUPTED;
	}
	emr_ask_free(ask);
	return status;
}

static emr_status load_names(looking *l)
{
	EMR_AUTO_BUF kept = {0};
	emr_ask *ask = NULL;
	emr_status status = emr_view_shared_keys(l->session->view, &kept);

	l->began_ns = now_ns();
	if (status == EMR_OK && emr_shared_load_keys(l->shared, &kept) != EMR_OK)
		emr_log(EMR_LOG_WARN, "versions: a kept key does not open");
	if (status == EMR_OK)
		status = emr_shared_ask_names(l->shared, &ask, &l->trouble);
	return status == EMR_OK ? wait_for(l, ask) : status;
}

/* After it L must be ended. */
static emr_status begin_look(looking *l)
{
	EMR_AUTO_FOUND found = {.view = l->session->view};
	emr_status status = emr_find_anywhere(l->session->view, l->path, &found);

	if (status == EMR_OK)
		status = emr_view_shared_file(l->session->view, found.attr.node, &l->file);
	if (status != EMR_OK)
		return say_found(l, status);
	if (!l->file.has_history)
		return EMR_PROBLEM(EMR_DENIED, l->problem, EMR_SAY_NO_HISTORY, "path", l->path,
			"owner", l->file.owner, NULL);
	status = emr_sharing_handle(l->session, &l->share);
	if (status == EMR_OK)
		status = emr_shared_open(l->share, l->file.domain, l->file.grant, l->file.purpose,
			EMR_READER_PERSON, &l->shared, &l->trouble);
	if (status == EMR_OK)
		status = load_names(l);
	return status == EMR_OK ? EMR_OK : say_trouble(l, status);
}

/* ---- the list ---- */

typedef struct telling {
	const looking *l;
	emr_others_version_fn fn;
	void *arg;
} telling;

static emr_status is_owners(const looking *l, emr_id32 signer, bool *out_is)
{
	const emr_card *card = &emr_shared_grant(l->shared)->card;

	return emr_signed_is_owner(l->session->replica, card->dom_pk, card->id_pk, signer, out_is);
}

static emr_status tell_version(void *arg, const emr_shared_version *version)
{
	const telling *t = arg;
	const emr_file_version one = {.cver = version->cver,
		.bytes = version->bytes,
		.time_unix_s = version->time_unix_s,
		.is_current = version->is_current,
		.signer_id = version->signer,
		.seq = version->seq};
	bool is_hers = false;

	EMR_TRY(is_owners(t->l, version->signer, &is_hers));
	return t->fn(t->arg, &one, is_hers ? t->l->file.owner : NULL);
}

emr_status emr_shared_versions_each(emr_session *session, const char *path, emr_waiting_fn waiting,
	void *waiting_arg, emr_others_version_fn fn, void *arg, emr_problem *out_problem)
{
	looking l = {.session = session,
		.path = path,
		.waiting = waiting,
		.waiting_arg = waiting_arg,
		.problem = out_problem};
	telling t = {&l, fn, arg};
	emr_status status = begin_look(&l);

	if (status == EMR_OK) {
		status = emr_shared_each_version(l.shared, l.file.object, tell_version, &t);
		if (status != EMR_OK)
			status = say_trouble(&l, status);
	}
	looking_end(&l);
	return status;
}

/* ---- a copy ---- */

typedef struct choice {
	const emr_restore *what;
	emr_shared_version found;
	bool is_found;
} choice;

static emr_status choose_version(void *arg, const emr_shared_version *version)
{
	choice *c = arg;
	const emr_restore *what = c->what;
	bool fits = what->cver != 0	      ? version->cver == what->cver
		    : what->until_unix_s != 0 ? version->time_unix_s <= what->until_unix_s
					      : version->is_current;

	if (fits) {
		c->found = *version;
		c->is_found = true;
	}
	return EMR_OK;
}

/* The bytes are copied once they are known to be what was signed, all of them. */
static emr_status open_version(looking *l, uint64_t pversion, emr_content_reader **out_reader)
{
	struct emr_fetcher *fetcher = emr_session_fetcher(l->session);
	emr_ask *ask = NULL;
	emr_shared_word word;
	emr_content_reader *reader = NULL;
	emr_status status;

	l->began_ns = now_ns();
	status = emr_shared_ask_version(l->shared, l->file.object, pversion, &ask, &l->trouble);
	if (status == EMR_OK)
		status = wait_for(l, ask);
	/* Its blocks may be elsewhere. */
	emr_fetcher_wait_begin(fetcher, false);
	if (status == EMR_OK)
		status = emr_shared_open_version(
			l->shared, l->file.object, pversion, &reader, &word);
	if (status == EMR_OK && word.is.standing == EMR_SIGNED_MISMATCH)
		status = EMR_BAD_SIGNATURE;
	if (status == EMR_BAD_SIGNATURE)
		emr_problem_set(l->problem, EMR_SAY_SIGNED_FALSELY, "path", l->path, "signer",
			word.is.by, "organisation", word.is.organisation, NULL);
	if (status == EMR_OK)
		status = emr_content_reader_verify(reader);
	(void)emr_fetcher_wait_end(fetcher);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return say_trouble(l, status);
	}
	*out_reader = reader;
	return EMR_OK;
}

static emr_status copy_bytes(emr_content_reader *reader, emr_handle *handle)
{
	EMR_AUTO_FREE uint8_t *piece = malloc(PIECE);

	if (piece == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_view_copy(handle, reader, piece, PIECE));
	return emr_view_flush(handle);
}

/* TO, a name of one's own that nothing has yet. */
static emr_status make_copy(emr_view *view, const char *to, emr_content_reader *reader)
{
	const char *slash = strrchr(to, '/'), *name = slash != NULL ? slash + 1 : to;
	EMR_AUTO_FREE char *above = strndup(to, slash != NULL ? (size_t)(slash - to) : 0);
	emr_handle *handle = NULL;
	emr_attr parent, attr;
	emr_status status;

	EMR_TRY(above != NULL ? emr_view_find(view, above, &parent) : EMR_NO_MEMORY);
	if (parent.type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	EMR_TRY(emr_view_create(view, parent.node, name, 0600, O_WRONLY | O_EXCL, &attr, &handle));
	status = copy_bytes(reader, handle);
	emr_view_release(handle);
	if (status != EMR_OK && emr_view_unlink(view, parent.node, name) != EMR_OK)
		emr_log(EMR_LOG_WARN, "restore: half a copy stays");
	emr_view_forget(view, attr.node, 1);
	emr_view_tell_entry(view, parent.node, name);
	return status;
}

static void say_copy(const emr_restore *what, emr_status status, emr_problem *out_problem)
{
	switch ((int)status) {
	case EMR_NOT_FOUND:
	case EMR_NOT_DIRECTORY:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", what->to, NULL);
		return;
	case EMR_EXISTS:
		emr_problem_set(out_problem, EMR_SAY_EXISTS, "path", what->to, NULL);
		return;
	case EMR_RESERVED_NAME:
		emr_problem_set(out_problem, EMR_SAY_RESERVED_NAME, "path", what->to, NULL);
		return;
	case EMR_BAD_NAME:
		answers_say_bad_name(what->to, out_problem);
		return;
	case EMR_READ_ONLY:
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
		return;
	}
	emr_problem_set_status(out_problem, status, what->to);
}

/* Its owner reads in the log what was opened, an earlier version like the present one. */
static void report(const looking *l, const emr_shared_version *version)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	const emr_report_row row = {.object_id = l->file.object,
		.version = version->pversion,
		.first = now,
		.last = now,
		.opens = 1,
		.reader = EMR_READER_PERSON,
		.purpose = l->file.purpose,
		.whole = true,
		.bytes = version->bytes};
	emr_status status = emr_shared_report(l->shared, &row, 1);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "versions: an opening was not reported: %s",
			emr_status_text(status));
}

static emr_status copy_version(looking *l, const emr_restore *what, emr_restored *out_restored)
{
	emr_content_reader *reader = NULL;
	choice c = {.what = what};
	emr_status status = emr_shared_each_version(l->shared, l->file.object, choose_version, &c);

	if (status != EMR_OK)
		return say_trouble(l, status);
	if (!c.is_found)
		return EMR_PROBLEM(
			EMR_RANGE, l->problem, EMR_SAY_NO_SUCH_VERSION, "path", l->path, NULL);
	EMR_TRY(open_version(l, c.found.pversion, &reader));
	report(l, &c.found);
	status = make_copy(l->session->view, what->to, reader);
	*out_restored = (emr_restored){
		.cver = c.found.cver, .bytes = emr_content_reader_content(reader)->n};
	emr_content_reader_free(reader);
	if (status != EMR_OK)
		say_copy(what, status, l->problem);
	return status;
}

emr_status emr_shared_versions_copy(emr_session *session, const emr_restore *what,
	emr_waiting_fn waiting, void *waiting_arg, emr_restored *out_restored,
	emr_problem *out_problem)
{
	looking l = {.session = session,
		.path = what->path,
		.waiting = waiting,
		.waiting_arg = waiting_arg,
		.problem = out_problem};
	char owner[300];
	emr_status status;

	if (what->to == NULL) {
		emr_shared_owner_of(what->path, owner, sizeof owner);
		return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_COPY_WHERE, "path", what->path,
			"owner", owner, NULL);
	}
	status = begin_look(&l);
	if (status == EMR_OK)
		status = copy_version(&l, what, out_restored);
	looking_end(&l);
	return status;
}
