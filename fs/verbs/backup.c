/* This file is `emrfs backup`: it copies everything, encrypted as it is, to another disk, or
 * checks such a copy. It refuses a place inside what is copied, and a directory with a backup of
 * these records that this computer does not go on from. */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/disk.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "mount/client.h"
#include "record/format.h"
#include "report/report.h"
#include "session/annex.h"
#include "session/network_dir.h"
#include "session/second_copy.h"
#include "session/session.h"
#include "verbs/cmd.h"

#define BRING_MS                                                                                   \
	3600000 /* between two signs of life; a slow line takes long for a large record            \
		 */
#define ANSWER_MS 60000

typedef struct backing_up {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	int state_fd; /* -1: no keyring here */
	char *dir;    /* owned */
	json_t *bad;
	uint64_t n_bad;
	bool is_served;	 /* the ledger is with a host */
	emr_buf channel; /* what leads to the ledger, where it is in no directory */
	emr_buf missing; /* of emr_cid: versions that are not in the backup, or not whole */
	emr_buf rotten;	 /* paths, each with its NUL, of files that are bad in the backup */
	bool is_checking;
	const char *doing;
} backing_up;

static void backing_up_end(backing_up *b)
{
	if (b->state_fd >= 0)
		close(b->state_fd);
	emr_places_free(&b->places);
	json_decref(b->bad);
	emr_buf_free(&b->channel);
	emr_buf_free(&b->missing);
	emr_buf_free(&b->rotten);
	free(b->dir);
}

static void show_progress(void *arg, uint64_t done, uint64_t total)
{
	const backing_up *b = arg;

	if (total > 0) /* what is small comes before it is known how much there is */
		emr_progress_of(b->out, b->doing, EMR_PROGRESS_BYTES, done, total);
}

static void note_found(void *arg, const char *path, const char *what)
{
	backing_up *b = arg;

	b->n_bad++;
	if (b->is_checking) /* one that is not kept is found again the next time */
		(void)!emr_buf_append(&b->rotten, path, strlen(path) + 1);
	emr_progress_end(b->out);
	emr_say(b->out, "%s: %s\n", path, what);
	if (json_array_size(b->bad) < 100 &&
		json_array_append_new(
			b->bad, json_pack("{s:s, s:s}", "path", path, "error", what)) != 0)
		emr_out_put(b->out, "bad", NULL);
}

/* One that is not kept for its name is counted all the same, in the report. */
static void note_missing(void *arg, const emr_cid *root)
{
	backing_up *b = arg;

	(void)!emr_buf_append(&b->missing, root, sizeof *root);
}

static bool root_of(emr_bytes part, emr_cid *out_root)
{
	emr_put_part put;

	if (emr_put_part_decode(part, &put) != EMR_OK)
		return false;
	*out_root = put.root;
	return true;
}

static emr_backup_options options_of(backing_up *b)
{
	return (emr_backup_options){.state_path = b->places.state,
		.state_fd = b->state_fd,
		.dir = b->dir,
		.channel = emr_buf_view(&b->channel),
		.is_served = b->is_served,
		.clock = emr_clock_system(),
		.progress = show_progress,
		.found = note_found,
		.root_of = root_of,
		.missing = note_missing,
		.rotten = &b->rotten,
		.arg = b};
}

/* ---- where to ---- */

/* Neither in what is copied, nor among the records. */
static emr_status check_place(const backing_up *b, emr_problem *out_problem)
{
	char folder[4096] = "";
	int pid = 0;
	bool is_open = b->state_fd >= 0 &&
		       emr_session_holder(b->state_fd, folder, sizeof folder, &pid) == EMR_OK;

	if (!emr_places_contain(&b->places, b->dir) &&
		!(is_open && folder[0] != 0 && emr_path_below(folder, b->dir) != NULL))
		return EMR_OK;
	return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_BACKUP_INSIDE, "dir", b->dir, NULL);
}

static emr_status open_state(backing_up *b, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status = emr_places_open_state(&b->places, false, &b->state_fd, out_problem);

	if (status == EMR_OK &&
		faccessat(b->state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		close(b->state_fd);
		b->state_fd = -1;
		emr_problem_set(out_problem, EMR_SAY_NO_KEYRING, "state", b->places.state, NULL);
		status = EMR_NOT_FOUND;
	}
	/* Fragments that were destroyed must not live on in a copy. */
	if (status == EMR_OK &&
		faccessat(b->state_fd, EMR_STATE_AGENT, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_IS_AGENT, NULL);
	if (status == EMR_OK)
		status = emr_switch_finish(b->state_fd, out_problem);
	if (status == EMR_OK && emr_network_dir_of(b->state_fd, &dir) == EMR_OK) {
		status = emr_network_dir_carry(dir, &b->channel, out_problem);
		b->is_served =
			emr_network_dir_is_served(dir) || /* or nobody knows where */
			(b->channel.len == 0 && emr_path_below(b->places.state, dir) != NULL);
	}
	/* A disk can be checked on any computer. */
	if (status == EMR_NOT_FOUND && b->args->given[EMR_OPT_VERIFY]) {
		*out_problem = (emr_problem){.is_set = false};
		return EMR_OK;
	}
	return status;
}

/* ---- what went wrong ---- */

/* Both dates, so that whoever reads it knows which of two computers is which. */
static void say_fork(const backing_up *b, const emr_backup_report *report, emr_problem *out_problem)
{
	char there[EMR_TEXT_BYTES], here[EMR_TEXT_BYTES];

	emr_time_text((int64_t)report->there_unix_s, there);
	emr_time_text((int64_t)report->here_unix_s, here);
	emr_problem_set(out_problem, EMR_SAY_BACKUP_FORK, "dir", b->dir, "time", there, "since",
		here, NULL);
}

static void say(const backing_up *b, emr_status status, const emr_backup_report *report,
	emr_problem *out_problem)
{
	char needed[EMR_TEXT_BYTES], there[EMR_TEXT_BYTES], place[4400];

	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY) {
		emr_problem_set(out_problem, EMR_SAY_BACKUP_GONE, "dir", b->dir, NULL);
	} else if (status == EMR_CONFLICT) {
		emr_problem_set(out_problem, EMR_SAY_BACKUP_OTHER, "dir", b->dir, NULL);
	} else if (status == EMR_FORK) {
		say_fork(b, report, out_problem);
	} else if (status == EMR_BUSY) {
		emr_problem_set(out_problem, EMR_SAY_BACKUP_BUSY, "dir", b->dir, NULL);
	} else if (status == EMR_DAMAGED) {
		emr_problem_set(out_problem, EMR_SAY_BACKUP_LIST, "dir", b->dir, NULL);
	} else if (status == EMR_NO_SPACE && report->needed_bytes > report->free_bytes) {
		emr_size_text(report->needed_bytes, needed);
		emr_size_text(report->free_bytes, there);
		emr_problem_set(out_problem, EMR_SAY_BACKUP_SPACE, "dir", b->dir, "n", needed, "m",
			there, NULL);
	} else if (status == EMR_OFFLINE) {
		(void)emr_network_dir_ledger_place(b->places.state, place, sizeof place);
		emr_problem_set(
			out_problem, EMR_SAY_BACKUP_NO_LEDGER, "dir", b->dir, "place", place, NULL);
	} else if (status == EMR_TIMEOUT) {
		emr_problem_set(out_problem, EMR_SAY_BACKUP_RESTLESS, NULL);
	} else {
		emr_problem_set_status(out_problem, status, b->dir);
	}
}

/* ---- which files are not whole in it ---- */

#define CID_ATTRIBUTE "user.emrfs.cid"
#define WALK_OPEN_DIRECTORIES 32

static __thread backing_up *naming; /* nftw has no argument of ours */

static void name_root(backing_up *b, size_t at, const char *path)
{
	memmove(b->missing.data + at, b->missing.data + at + sizeof(emr_cid),
		b->missing.len - at - sizeof(emr_cid));
	b->missing.len -= sizeof(emr_cid);
	note_found(b, path, _("blocks of it are missing or damaged on this computer"));
}

/* Files that the folder makes up, and those that lie at others, are passed over. */
static int name_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char text[EMR_CID_TEXT_CHARS + 1];
	emr_cid cid;
	ssize_t n;

	(void)st;
	if (type == FTW_D && at->level == 1 &&
		(strcmp(path + at->base, ".emrfs") == 0 ||
			strcmp(path + at->base, "shared-with-me") == 0 ||
			strcmp(path + at->base, "datasets") == 0))
		return FTW_SKIP_SUBTREE;
	if (type != FTW_F)
		return FTW_CONTINUE;
	n = lgetxattr(path, CID_ATTRIBUTE, text, sizeof text - 1);
	if (n != EMR_CID_TEXT_CHARS)
		return FTW_CONTINUE;
	text[n] = '\0';
	if (emr_cid_parse_text(text, &cid) != EMR_OK)
		return FTW_CONTINUE;
	for (size_t i = 0; i < naming->missing.len; i += sizeof cid)
		if (memcmp(naming->missing.data + i, &cid, sizeof cid) == 0) {
			name_root(naming, i, path);
			break;
		}
	return naming->missing.len > 0 ? FTW_CONTINUE : FTW_STOP;
}

/* Names are sealed: an open folder knows them, of the versions that it shows.  The others have the
 * name of their root. */
static void name_missing(backing_up *b)
{
	char folder[4096] = "", text[EMR_CID_TEXT_CHARS + 1];
	int pid = 0;
	bool is_open = emr_session_holder(b->state_fd, folder, sizeof folder, &pid) == EMR_OK &&
		       folder[0] != '\0';

	naming = b;
	if (is_open && b->missing.len > 0)
		(void)!nftw(folder, name_file, WALK_OPEN_DIRECTORIES,
			FTW_PHYS | FTW_MOUNT | FTW_ACTIONRETVAL);
	for (size_t i = 0; i < b->missing.len; i += sizeof(emr_cid)) {
		emr_cid_text((const emr_cid *)(const void *)(b->missing.data + i), text);
		note_found(b, text,
			is_open ? _("blocks of this earlier or deleted version are missing or "
				    "damaged on this computer")
				: _("blocks of this version are missing or damaged on this "
				    "computer; with your folder open its file is named"));
	}
}

/* ---- the two halves ---- */

static void say_made(backing_up *b, const emr_backup_report *report)
{
	char records[EMR_COUNT_BYTES], bytes[EMR_TEXT_BYTES], fresh[EMR_TEXT_BYTES],
		at[EMR_TEXT_BYTES], ledger[EMR_TEXT_BYTES], shown[4200];
	const char *what = report->is_same_disk ? _("A copy") : _("A second copy");

	emr_count_text(report->records, "record", "records", records);
	emr_size_text(report->bytes - (report->is_of_network ? report->ledger_bytes : 0), bytes);
	emr_size_text(report->ledger_bytes, ledger);
	emr_size_text(report->new_bytes, fresh);
	emr_time_json((int64_t)report->made_unix_s, at);
	emr_show(b->dir, shown, sizeof shown);
	if (report->is_of_network)
		emr_say(b->out,
			"%s is in %s: %s of yours; the ledger of your network, with %s "
			"of all its members, takes %s more.  Of it all "
			"%s is new.\n",
			what, shown, bytes, records, ledger, fresh);
	else
		emr_say(b->out, "%s is in %s: %s, %s, %s of it new.\n", what, shown, records, bytes,
			fresh);
	emr_out_number(b->out, "records", report->records);
	emr_out_number(b->out, "bytes", report->bytes);
	emr_out_number(b->out, "new_bytes", report->new_bytes);
	emr_out_number(b->out, "ledger_bytes", report->ledger_bytes);
	emr_out_text(b->out, "complete_at", at);
	emr_out_number(b->out, "versions", report->versions);
	emr_out_number(b->out, "missing", report->missing);
	emr_out_flag(b->out, "same_disk", report->is_same_disk);
	emr_out_flag(b->out, "own_copy", report->is_own_copy);
	if (report->is_own_copy)
		emr_remark_that(b->out, EMR_SAY_BACKUP_OWN_COPY, "dir", b->dir, "state",
			b->places.state, NULL);
	emr_out_flag(b->out, "mended", report->is_mended);
	if (report->is_mended)
		emr_remark_that(b->out, EMR_SAY_BACKUP_MENDED, NULL);
	if (report->is_same_disk)
		emr_remark_that(b->out, EMR_SAY_SAME_DISK, "dir", b->dir, NULL);
}

/* The open folder knows nodes; of a closed one what is on its disk is copied. */
static void bring(backing_up *b)
{
	const emr_request request = {.ask = EMR_ASK_BRING};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_problem problem = {0};
	json_auto_t *answer = NULL;
	char text[EMR_TEXT_BYTES];
	uint64_t bytes;

	if (emr_client_open(&b->places, &client, &problem) != EMR_OK)
		return;
	if (emr_client_gather(&client, &request, BRING_MS, b->out, N_("Brought"), &answer,
		    &problem) != EMR_OK) {
		emr_remark(b->out, &problem);
		return;
	}
	bytes = emr_json_number_at(answer, "brought_bytes");
	emr_out_number(b->out, "brought_bytes", bytes);
	if (bytes == 0)
		return;
	emr_size_text(bytes, text);
	emr_say(b->out, "%s were missing on this disk and came from your IPFS node.\n", text);
}

/* Bytes that the disk here refused are in the memory of the open folder, and so in no copy of this
 * disk. */
static bool is_all_on_disk(backing_up *b, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_WAIT};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_problem unheard = {0};
	json_auto_t *answer = NULL;
	json_int_t lacking = 0;
	char n[EMR_COUNT_BYTES];

	if (emr_client_open(&b->places, &client, &unheard) == EMR_OK &&
		emr_client_ask(&client, &request, ANSWER_MS, &answer, &unheard) == EMR_OK &&
		json_is_string(json_object_get(answer, "disk_error")))
		lacking = json_integer_value(json_object_get(answer, "not_safe_files"));
	if (lacking > 0) {
		emr_count_text((uint64_t)lacking, "change is", "changes are", n);
		emr_problem_set(out_problem, EMR_SAY_BACKUP_NOT_SAFE, "n", n, "dir", b->dir,
			"cause", emr_report_why_not_safe(answer), NULL);
	}
	return lacking <= 0;
}

static emr_status copy(backing_up *b, emr_backup_report *report, emr_problem *out_problem)
{
	emr_backup_options options = options_of(b);
	emr_status status;

	bring(b);
	b->doing = N_("Copied");
	status = emr_backup_make(&options, report);
	emr_progress_end(b->out);
	if (status != EMR_OK)
		say(b, status, report, out_problem);
	else
		say_made(b, report);
	return status;
}

static emr_status verify(backing_up *b, emr_problem *out_problem)
{
	emr_backup_options options = options_of(b);
	const char *scratch = b->state_fd >= 0 && !emr_disk_takes_nothing(b->state_fd)
				      ? b->places.state
				      : getenv("TMPDIR");
	uint64_t checked = 0, before = b->n_bad;
	char n[EMR_TEXT_BYTES];
	emr_status status;

	b->doing = N_("Read");
	b->is_checking = true;
	status = emr_backup_check(b->dir, scratch != NULL && scratch[0] == '/' ? scratch : "/tmp",
		&options, &checked);
	b->is_checking = false;
	emr_progress_end(b->out);
	emr_out_number(b->out, "checked", checked);
	if (status == EMR_OK) {
		emr_say(b->out, "Everything in it was read again: nothing is wrong.\n");
	} else if (status == EMR_DAMAGED && b->n_bad > before) {
		emr_number_text(b->n_bad - before, n);
		emr_problem_set(out_problem,
			b->state_fd >= 0 && before == 0 ? EMR_SAY_BACKUP_BAD : EMR_SAY_RESTORE_BAD,
			"dir", b->dir, "n", n, NULL);
	} else if (status == EMR_NOT_FOUND) {
		emr_problem_set(out_problem, EMR_SAY_BACKUP_NONE, "dir", b->dir, NULL);
	} else {
		say(b, status, &(emr_backup_report){.records = 0}, out_problem);
	}
	return status;
}

/* Blocks that the check found bad are written again from this computer, and read again. */
static emr_status write_again(backing_up *b, emr_backup_report *report, emr_problem *out_problem)
{
	emr_backup_options options = options_of(b);
	emr_backup_report again = {.records = 0};
	char n[EMR_TEXT_BYTES];
	size_t files = 0;
	emr_status status;

	for (size_t at = 0; at < b->rotten.len; at++)
		files += b->rotten.data[at] == '\0';
	*out_problem = (emr_problem){.is_set = false};
	options.missing = NULL; /* they were told */
	b->doing = N_("Copied");
	status = emr_backup_make(&options, &again);
	emr_progress_end(b->out);
	if (status != EMR_OK) {
		say(b, status, &again, out_problem);
		return status;
	}
	report->made_unix_s = again.made_unix_s;
	report->entries = again.entries;
	EMR_TRY(verify(b, out_problem));
	emr_number_text(files, n);
	emr_remark_that(b->out, EMR_SAY_BACKUP_AGAIN, "n", n, "dir", b->dir, NULL);
	emr_out_number(b->out, "written_again", files);
	return EMR_OK;
}

/* Status and mount speak of the copy only when it is known to be good; on a disk that takes nothing
 * they do not learn of it. */
static emr_status remember(const backing_up *b, const emr_backup_report *report, bool is_good,
	emr_problem *out_problem)
{
	emr_second_copy note = {
		.is_known = true, .made_unix_s = report->made_unix_s, .entries = report->entries};
	emr_status status = EMR_OK;

	strncat(note.dir, b->dir, sizeof note.dir - 1);
	if (emr_disk_takes_nothing(b->state_fd))
		return EMR_OK;
	if (is_good)
		status = emr_second_copy_write(b->state_fd, &note);
	else
		status = emr_second_copy_forget(b->state_fd, note.dir);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("The note of this backup"));
	return status;
}

static emr_status run(backing_up *b, emr_problem *out_problem)
{
	emr_backup_report report = {.records = 0};
	emr_problem unseen = {0};
	char n[EMR_COUNT_BYTES];
	emr_status status = EMR_OK;

	if (b->state_fd < 0)
		return verify(b, out_problem);
	EMR_TRY(copy(b, &report, out_problem));
	name_missing(b);
	if (b->args->given[EMR_OPT_VERIFY])
		status = verify(b, out_problem);
	if (b->args->given[EMR_OPT_VERIFY] && status == EMR_OK)
		emr_out_number(b->out, "written_again", 0);
	if (status == EMR_DAMAGED && b->rotten.len > 0)
		status = write_again(b, &report, out_problem);
	if (remember(b, &report, status == EMR_OK, status == EMR_OK ? out_problem : &unseen) !=
			EMR_OK &&
		status == EMR_OK)
		return EMR_IO;
	if (status == EMR_OK && report.missing > 0) {
		emr_count_text(report.missing, "version", "versions", n);
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_BACKUP_MISSING, "n", n, "dir",
			b->dir, NULL);
	}
	if (status == EMR_OK && report.kept_segments > 0)
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_BACKUP_KEPT, "dir", b->dir,
			"state", b->places.state, NULL);
	if (status == EMR_OK && report.rotten > 0) {
		emr_number_text(report.rotten, n);
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_BACKUP_ROTTEN, "n", n, "dir",
			b->dir, "state", b->places.state, NULL);
	}
	if (status == EMR_OK && report.damaged > 0) {
		emr_number_text(report.damaged, n);
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_BACKUP_DAMAGE, "n", n, NULL);
	}
	if (status == EMR_OK && !is_all_on_disk(b, out_problem))
		return EMR_DAMAGED;
	return status;
}

static emr_status prepare(backing_up *b, emr_problem *out_problem)
{
	EMR_TRY(emr_places_find(b->args->values[EMR_OPT_AS], &b->places, out_problem));
	if (b->args->n_operands == 0)
		return emr_wrong_use(
			"backup", _("Where to? Name a directory on another disk."), out_problem);
	EMR_TRY(emr_base_init());
	b->dir = emr_path_real(b->args->operands[0]);
	b->bad = json_array();
	if (b->dir == NULL || b->bad == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(open_state(b, out_problem));
	return check_place(b, out_problem);
}

emr_status emr_cmd_backup(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(backing_up_end)))
	backing_up b = {.args = args, .out = out, .state_fd = -1};
	emr_status status = prepare(&b, out_problem);

	if (status == EMR_OK)
		status = run(&b, out_problem);
	if (b.n_bad > 0)
		emr_out_put(out, "bad", json_incref(b.bad));
	return status;
}
