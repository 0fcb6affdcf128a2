/* The open folder answers `emrfs import` here: it brings records from an exported file into the
 * folder. A record that the local ledger names comes back as what it was. A new record gets its
 * name only after all of it was read and checked, and a damaged one does not stop the others. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"
#include "base/file.h"
#include "base/log.h"
#include "carry/carry.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/out.h"

#define PIECE ((size_t)1 << 20)
#define BAD_MAX 1000 /* said; all are counted */
#define OWN "user.emrfs."

typedef struct import {
	emr_session *session;
	const char *dest; /* in the folder; "" = the top */
	emr_parcel *parcel;
	emr_known *known; /* of it, on the local ledger */
	emr_known_brought brought;
	emr_parcel_ledger ledger;
	emr_emit_fn emit;
	void *arg;
	emr_buf issuers; /* emr_id16 */
	uint8_t *piece;
	uint64_t of, seen, records, bytes, failed, erased;
	uint64_t there; /* records that the folder has already */
	int64_t last_progress_ns;
} import;

/* ---- saying ---- */

static const char *error_of(emr_status status)
{
	switch ((int)status) {
	case EMR_EXISTS:
	case EMR_NOT_DIRECTORY:
		return "exists";
	case EMR_RESERVED_NAME:
		return "reserved-name";
	case EMR_BAD_NAME:
		return "bad-name";
	case EMR_BAD_SIGNATURE:
		return "bad-signature";
	case EMR_MISSING_DATA:
		return "missing-data";
	case EMR_NO_SPACE:
		return "disk-full";
	case EMR_DAMAGED:
	case EMR_LIMIT:
		return "bad-data";
	}
	return "failed";
}

static emr_status say_bad(import *i, const char *path, emr_status why)
{
	char shown[4096];

	i->failed++;
	if (i->failed > BAD_MAX)
		return EMR_OK;
	emr_show(path, shown, sizeof shown);
	return emr_emit(i->emit, i->arg,
		json_pack("{s:{s:s, s:s}}", "fault", "path", shown, "error", error_of(why)));
}

static emr_status say_progress(import *i)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	if (now - i->last_progress_ns < 500000000)
		return EMR_OK;
	i->last_progress_ns = now;
	return emr_emit(i->emit, i->arg,
		json_pack("{s:{s:I, s:I}}", "progress", "so_far", (json_int_t)i->seen, "of",
			(json_int_t)i->of));
}

/* ---- places ---- */

/* The directory that PATH lies in, and its last name. */
static emr_status find_parent(
	import *i, const char *path, emr_attr *out_parent, const char **out_name)
{
	const char *slash = strrchr(path, '/');
	EMR_AUTO_FREE char *above = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
	emr_status status =
		above != NULL ? emr_view_find(i->session->view, above, out_parent) : EMR_NO_MEMORY;

	if (status == EMR_OK && out_parent->type != EMR_META_DIR)
		status = EMR_NOT_DIRECTORY;
	*out_name = slash != NULL ? slash + 1 : path;
	return status;
}

/* A directory that is there already is fine. */
static emr_status make_directory(import *i, const char *path, uint16_t mode)
{
	emr_attr parent, attr;
	const char *name;

	if (emr_view_find(i->session->view, path, &attr) == EMR_OK)
		return attr.type == EMR_META_DIR ? EMR_OK : EMR_NOT_DIRECTORY;
	EMR_TRY(find_parent(i, path, &parent, &name));
	EMR_TRY(emr_view_mkdir(i->session->view, parent.node, name, mode, &attr));
	emr_view_forget(i->session->view, attr.node, 1);
	emr_view_tell_entry(i->session->view, parent.node, name);
	return EMR_OK;
}

/* PATH and what lies above it. */
static emr_status make_directories(import *i, const char *path)
{
	emr_status status = EMR_OK;

	for (const char *at = path; status == EMR_OK && *at != '\0';) {
		const char *slash = strchr(at, '/');
		size_t len = slash != NULL ? (size_t)(slash - path) : strlen(path);
		EMR_AUTO_FREE char *part = strndup(path, len);

		status = part != NULL ? make_directory(i, part, 0700) : EMR_NO_MEMORY;
		at = path + len + (slash != NULL);
	}
	return status;
}

/* A record of the CAR may lie in a directory that is recognised, and called otherwise now. */
static emr_status make_above(import *i, const char *path)
{
	const char *slash = strrchr(path, '/');
	EMR_AUTO_FREE char *above = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);

	return above != NULL ? make_directories(i, above) : EMR_NO_MEMORY;
}

/* ---- one record ---- */

static emr_status copy_bytes(import *i, emr_content_reader *reader, emr_handle *handle)
{
	EMR_TRY(emr_view_copy(handle, reader, i->piece, PIECE));
	return emr_view_flush(handle);
}

/* Of others' words the name and the time, as in the folder. */
static emr_status set_attributes(import *i, uint64_t node, const emr_parcel_record *r)
{
	const emr_meta *meta = &r->meta;
	const emr_attr wanted = {
		.mtime_ns = meta->mtime_ns, .mode = r->is_others_words ? 0600 : meta->mode};
	emr_bytes rest = r->is_others_words ? (emr_bytes){0} : meta->xattrs;
	emr_xattr one;
	emr_attr attr;

	while (emr_xattr_next(&rest, &one)) {
		char name[256];

		memcpy(name, one.key.data, one.key.len);
		name[one.key.len] = '\0';
		if (strncmp(name, OWN, sizeof OWN - 1) != 0)
			EMR_TRY(emr_view_set_attribute(i->session->view, node, name, one.value, 0));
	}
	return emr_view_set_attr(
		i->session->view, node, EMR_SET_MTIME | EMR_SET_MODE, &wanted, &attr);
}

/* Only what was read and checked as a whole gets a name. */
static emr_status take_file(import *i, const emr_parcel_record *r, const char *path)
{
	emr_content_reader *reader = NULL;
	emr_handle *handle;
	emr_attr parent, attr;
	const char *name;
	emr_status status =
		emr_view_find(i->session->view, path, &attr) == EMR_OK ? EMR_EXISTS : EMR_OK;

	if (status == EMR_OK)
		status = emr_parcel_content(i->parcel, r->number, (const emr_id16 *)i->issuers.data,
			i->issuers.len / sizeof(emr_id16), &reader);
	if (status == EMR_OK)
		status = find_parent(i, path, &parent, &name);
	if (status == EMR_OK)
		status = emr_view_create(i->session->view, parent.node, name, 0600,
			O_WRONLY | O_EXCL, &attr, &handle);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	status = copy_bytes(i, reader, handle);
	if (status == EMR_OK)
		status = set_attributes(i, attr.node, r);
	i->bytes += emr_content_reader_content(reader)->n;
	emr_view_release(handle);
	if (status != EMR_OK && emr_view_unlink(i->session->view, parent.node, name) != EMR_OK)
		emr_log(EMR_LOG_WARN, "import: half a file stays");
	emr_view_forget(i->session->view, attr.node, 1);
	emr_content_reader_free(reader);
	emr_view_tell_entry(i->session->view, parent.node, name);
	return status;
}

static emr_status take_link(import *i, const emr_parcel_record *r, const char *path)
{
	EMR_AUTO_FREE char *target = strndup((const char *)r->meta.target.data, r->meta.target.len);
	emr_attr parent, attr;
	const char *name;

	EMR_TRY(target != NULL ? find_parent(i, path, &parent, &name) : EMR_NO_MEMORY);
	EMR_TRY(emr_view_symlink(i->session->view, parent.node, name, target, &attr));
	emr_view_forget(i->session->view, attr.node, 1);
	emr_view_tell_entry(i->session->view, parent.node, name);
	return EMR_OK;
}

static emr_status take_one(import *i, const emr_parcel_record *r, const char *path)
{
	EMR_TRY(make_above(i, path));
	switch (r->meta.type) {
	case EMR_META_DIR:
		return make_directory(i, path, r->is_others_words ? 0700 : r->meta.mode);
	case EMR_META_SYMLINK:
		return take_link(i, r, path);
	case EMR_META_FILE:
		return take_file(i, r, path);
	}
	return EMR_DAMAGED;
}

/* ---- records of the local ledger ---- */

/* Somewhere else everything is a copy, as cp would make it. */
static bool makes_copies(const import *i)
{
	return i->dest[0] != '\0';
}

/* It is the very record, wherever it lies now; files were counted with their contents. */
static emr_status is_as_it_was(import *i, const emr_parcel_record *r, bool *out_is)
{
	EMR_TRY(makes_copies(i) ? EMR_OK : emr_known_has(i->known, r, out_is));
	if (*out_is)
		i->there += r->meta.type == EMR_META_SYMLINK;
	return EMR_OK;
}

static emr_status is_wanted(
	void *arg, emr_id16 domain, emr_id16 object, bool *out_is, uint64_t *out_cver)
{
	const import *i = arg;

	return emr_known_wants(i->known, domain, object, out_is, out_cver);
}

static emr_status note_restored(
	void *arg, const char *path, emr_status status, const emr_restored *restored)
{
	import *i = arg;

	if (status == EMR_NO_MEMORY || status == EMR_READ_ONLY)
		return status;
	i->there--; /* it was counted, and was not */
	if (status != EMR_OK)
		return say_bad(i, path, status);
	i->records++;
	i->bytes += restored->bytes;
	return EMR_OK;
}

/* A record that this ledger names needs no copy: its blocks come if they are missing, and a deleted
 * one comes back as what it was. */
static emr_status bring_own(import *i)
{
	EMR_TRY(emr_known_bring(i->known, i->session->store, &i->brought));
	if (makes_copies(i))
		return EMR_OK;
	i->there += i->brought.known;
	return emr_view_restore_wanted(i->session->view, is_wanted, note_restored, i);
}

static emr_status count(void *arg, const emr_parcel_record *r)
{
	import *i = arg;

	i->of += r->path[0] != '\0' && r->meta.type != EMR_META_DIR;
	return EMR_OK;
}

static emr_status take_record(void *arg, const emr_parcel_record *r)
{
	import *i = arg;
	EMR_AUTO_FREE char *path = NULL;
	bool is = false;
	emr_status status;

	if (r->path[0] == '\0')
		return EMR_OK;
	EMR_TRY(is_as_it_was(i, r, &is));
	if (is)
		return EMR_OK;
	if (asprintf(&path, "%s%s%s", i->dest, i->dest[0] != '\0' ? "/" : "", r->path) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	i->seen += r->meta.type != EMR_META_DIR;
	status = strlen(path) <= EMR_ASK_PATH_MAX ? take_one(i, r, path) : EMR_BAD_NAME;
	if (status == EMR_NO_MEMORY || status == EMR_READ_ONLY)
		return status;
	if (status != EMR_OK)
		return say_bad(i, path, status);
	i->records += r->meta.type != EMR_META_DIR;
	return say_progress(i);
}

/* ---- what was erased here ---- */

/* A CAR keeps what an erase has destroyed since: its keys, sealed for the domain's. */
static emr_status say_erased(void *arg, const emr_parcel_record *r)
{
	import *i = arg;
	char shown[4096];
	emr_replica_head head;
	emr_status status;

	if (r->path[0] == '\0' || r->meta.type == EMR_META_DIR)
		return EMR_OK;
	status = emr_facts_head(i->session->facts, r->domain, r->object, &head);
	if (status != EMR_OK || head.state != EMR_OBJECT_ERASED)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	i->erased++;
	if (i->erased > BAD_MAX)
		return EMR_OK;
	emr_show(r->path, shown, sizeof shown);
	return emr_emit(i->emit, i->arg, json_pack("{s:s}", "erased_path", shown));
}

/* ---- the whole ---- */

static emr_status note_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes row)
{
	(void)row;
	return is_mine ? emr_buf_append(arg, domain.b, sizeof domain.b) : EMR_OK;
}

static emr_status say_not_imported(
	emr_status status, const emr_request *request, emr_problem *out_problem)
{
	emr_message message = EMR_SAY_BAD_CAR;

	switch ((int)status) {
	case EMR_NOT_FOUND:
		message = EMR_SAY_CAR_STRANGE;
		break;
	case EMR_DENIED:
		message = EMR_SAY_CAR_FOREIGN;
		break;
	case EMR_UNSUPPORTED:
		message = EMR_SAY_CAR_OLD;
		break;
	case EMR_DAMAGED:
	case EMR_LIMIT:
	case EMR_INVALID:
		break;
	default:
		return EMR_PROBLEM_STATUS(out_problem, status, request->file);
	}
	emr_problem_set(out_problem, message, "file", request->file, NULL);
	return status;
}

static emr_status note_any(void *arg, const emr_parcel_record *r)
{
	(void)r;
	*(bool *)arg = true;
	return EMR_OK;
}

/* Contents alone have neither names nor keys, unless the local ledger has them. */
static emr_status look_up(import *i, const emr_request *request, emr_problem *out_problem)
{
	bool any = emr_parcel_foreign(i->parcel) > 0;
	emr_status status = emr_known_new(i->parcel, i->session->facts, &i->known);

	if (status == EMR_OK)
		status = emr_parcel_each(i->parcel, note_any, &any);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, "import");
	if (status != EMR_OK || any || emr_known_count(i->known) > 0)
		return status;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_CAR_BARE, "file", request->file, NULL);
}

static emr_status open_parcel(
	import *i, const emr_request *request, int *out_fd, emr_problem *out_problem)
{
	emr_status status;

	*out_fd = request->file[0] == '/' ? open(request->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
					  : -1;
	if (*out_fd < 0)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_FILE, "path",
			request->file, "cause", emr_text_errno(errno), NULL);
	i->ledger = (emr_parcel_ledger){.replica = i->session->replica,
		.facts = i->session->facts,
		.descriptor = emr_ledger_descriptor(i->session->ledger)};
	status = emr_parcel_open(*out_fd, i->session->keyring, &i->ledger, &i->parcel);
	return status == EMR_OK ? look_up(i, request, out_problem)
				: say_not_imported(status, request, out_problem);
}

static emr_status say_torn(import *i, const char *file)
{
	for (uint64_t n = emr_parcel_torn(i->parcel); n > 0; n--)
		EMR_TRY(say_bad(i, file, EMR_DAMAGED));
	return EMR_OK;
}

static emr_status read_all(import *i, const emr_request *request, emr_problem *out_problem)
{
	emr_status status = emr_replica_domains(i->session->replica, note_domain, &i->issuers);

	if (status == EMR_OK)
		status = say_torn(i, request->file);
	if (status == EMR_OK)
		status = emr_parcel_each(i->parcel, say_erased, i);
	if (status == EMR_OK && request->look && i->erased > 0)
		return EMR_OK;
	if (status == EMR_OK)
		status = bring_own(i);
	if (status == EMR_OK)
		status = make_directories(i, i->dest);
	if (status == EMR_OK)
		status = emr_parcel_each(i->parcel, count, i);
	if (status == EMR_OK)
		status = emr_parcel_each(i->parcel, take_record, i);
	emr_session_await_front(i->session);
	if (status == EMR_NOT_DIRECTORY || status == EMR_RESERVED_NAME)
		emr_problem_set(out_problem, EMR_SAY_EXISTS, "path", request->path, NULL);
	else if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, "import");
	return status;
}

emr_status emr_answer_import(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;
import i = {.session = session, .dest = request->path, .emit = emit, .arg = arg, .piece = malloc(PIECE) };
	emr_problem why = {0};
	uint64_t left_out;
	emr_status status = i.piece != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK && emr_session_is_read_only(session, &why)) {
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
		status = EMR_READ_ONLY;
	}
	if (status == EMR_OK)
		status = open_parcel(&i, request, &fd, out_problem);
	if (status == EMR_OK)
		status = read_all(&i, request, out_problem);
	left_out = i.parcel != NULL ? emr_parcel_foreign(i.parcel) : 0;
	emr_known_free(i.known);
	emr_parcel_close(i.parcel);
	emr_buf_free(&i.issuers);
	free(i.piece);
	if (status != EMR_OK)
		return status;
	return emr_emit(emit, arg,
		json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "done", 1, "records",
			(json_int_t)i.records, "bytes", (json_int_t)i.bytes, "bad_count",
			(json_int_t)i.failed, "left_out", (json_int_t)left_out, "erased_count",
			(json_int_t)i.erased, "there", (json_int_t)i.there, "mended_records",
			(json_int_t)i.brought.mended, "lacking", (json_int_t)i.brought.lacking));
}
