/* The open folder answers `emrfs export` here: it publishes what was saved just now and writes
 * records, or a proof, into a file outside. A file that did not become whole is removed again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "carry/carry.h"
#include "fetch/fetch.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "report/report.h"
#include "session/fetching.h"
#include "session/shared_blocks.h"
#include "sharing/received.h"

#include "answers.h"

#define PUBLISH_NS INT64_C(10000000000) /* for what was saved just now */

/* OUT as it is made: gone again unless all went well. */
typedef struct output {
	const char *path;
	int fd;
	bool is_whole;
} output;

static void output_end(const output *out)
{
	if (out->fd < 0)
		return;
	close(out->fd);
	if (!out->is_whole && unlink(out->path) != 0)
		emr_log(EMR_LOG_WARN, "export: what was begun could not be removed");
}

static emr_status output_begin(output *out, emr_problem *out_problem)
{
	out->fd = open(out->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out->fd >= 0)
		return EMR_OK;
	if (errno == EEXIST)
		return EMR_PROBLEM(
			EMR_EXISTS, out_problem, EMR_SAY_EXISTS, "path", out->path, NULL);
	return EMR_PROBLEM(EMR_IO, out_problem, EMR_SAY_FAILED, "what", out->path, "cause",
		emr_text_errno(errno), NULL);
}

static emr_status say_not_exported(emr_session *session, emr_status status,
	const emr_request *request, emr_problem *out_problem)
{
	char place[4400];

	switch ((int)status) {
	case EMR_OK:
		break;
	case EMR_NO_ATTRIBUTE:
		emr_answer_say_unsent(session, request->path, out_problem);
		break;
	case EMR_NOT_FOUND:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
		break;
	case EMR_IS_DIRECTORY:
		emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what",
			_("--proof takes one file; a directory has no proof."), "verb", "export",
			NULL);
		break;
	case EMR_DAMAGED:
	case EMR_BAD_SIGNATURE:
		emr_blocks_place(session->state_fd, session->state_path, place, sizeof place);
		emr_problem_set(
			out_problem, EMR_SAY_BAD_DATA, "path", request->path, "place", place, NULL);
		break;
	case EMR_MISSING_DATA:
		emr_problem_set(out_problem, EMR_SAY_MISSING_DATA, "path", request->path, NULL);
		break;
	default:
		emr_problem_set_status(out_problem, status, request->file);
	}
	return status;
}

/* ---- a proof ---- */

static emr_status write_proof(const emr_session *session, const emr_request *request,
	const output *out, emr_carry_tally *out_tally)
{
	EMR_AUTO_BUF file = {0};
	emr_place place;
	emr_status status = emr_view_place(session->view, request->path, &place);

	if (status == EMR_OK)
		status = emr_evidence_make(session, &place, &file);
	if (status == EMR_OK)
		status = emr_pwrite_all(out->fd, file.data, file.len, 0);
	*out_tally = (emr_carry_tally){.records = 1, .bytes = file.len};
	return status;
}

/* ---- records ---- */

typedef struct progress {
	const emr_sink *sink;
	int64_t last_ns;
	emr_fetch_count brought;
} progress;

static emr_status emit_progress(void *arg, uint64_t done, uint64_t of)
{
	progress *p = arg;

	return emr_answer_progress(p->sink, &p->last_ns, done, of);
}

static emr_status write_records(emr_session *session, const emr_request *request, const output *out,
	progress *p, emr_carry_tally *out_tally)
{
	const emr_carry_sources from = {.store = emr_session_blocks(session),
		.facts = session->facts,
		.tell = emit_progress,
		.tell_arg = p};
	bool is_all = !request->has_path || request->path[0] == '\0', is_published = true;
	emr_problem ignored = {0};
	emr_id16 root = {{0}};

	if (!is_all)
		EMR_TRY(emr_answer_find(session, request->path, &root, &is_published, &ignored));
	if (!is_published)
		return EMR_NO_ATTRIBUTE;
	return emr_carry_write(&from, is_all ? NULL : &root, out->fd, out_tally);
}

/* ---- the answer ---- */

static emr_status write_out(emr_session *session, const emr_request *request, output *out,
	progress *p, emr_carry_tally *out_tally)
{
	emr_problem ignored = {0};
	emr_status status = EMR_OK;

	/* A move between top-level directories is two batches: until the second is there, the
	 * record stands in both places. */
	if (!emr_session_is_read_only(session, &ignored))
		status = emr_view_wait_published(
			session->view, emr_clock_boot_ns(emr_clock_system()) + PUBLISH_NS);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "export: publishing before it: %s", emr_status_text(status));
	emr_fetcher_wait_begin(emr_session_fetcher(session), false);
	status = request->proof ? write_proof(session, request, out, out_tally)
				: write_records(session, request, out, p, out_tally);
	p->brought = emr_fetcher_wait_end(emr_session_fetcher(session));
	if (status == EMR_OK && fsync(out->fd) != 0 && errno != EINVAL)
		status = emr_status_from_errno(errno);
	return status;
}

emr_status emr_answer_export(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	__attribute__((cleanup(output_end))) output out = {.path = request->file, .fd = -1};
	progress p = {.sink = sink, .last_ns = emr_clock_boot_ns(emr_clock_system())};
	emr_carry_tally tally = {0};
	char root[EMR_CID_TEXT_CHARS + 1] = "";
	emr_status status = request->file[0] == '/' ? EMR_OK : EMR_INVALID;

	if (status == EMR_OK && emr_path_is_shared(request->path))
		status = emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS,
			request->proof ? _("export --proof") : "export", out_problem);
	if (status == EMR_OK)
		status = output_begin(&out, out_problem);
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			emr_problem_set_status(out_problem, status, "export");
		return status;
	}
	status = write_out(session, request, &out, &p, &tally);
	if (status != EMR_OK)
		return say_not_exported(session, status, request, out_problem);
	out.is_whole = true;
	if (!request->proof)
		emr_cid_text(&tally.root, root);
	return emr_emit(sink, json_pack("{s:b, s:I, s:I, s:s, s:I}", "done", 1, "records",
				      (json_int_t)tally.records, "bytes", (json_int_t)tally.bytes,
				      "root", root, "brought_bytes", (json_int_t)p.brought.bytes));
}
