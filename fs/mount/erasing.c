/* The open folder answers `emrfs erase` here: it erases the records and lists what an erasure
 * does not reach, such as older backups and copies that somebody made. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "publisher/publisher.h"
#include "research/research.h"
#include "session/absence.h"
#include "session/fetching.h"
#include "session/second_copy.h"
#include "sharing/received.h"

#include "answers.h"

#define STAYING_MAX 100
#define NODES_NS INT64_C(60000000000) /* for those that answer to let go */

static void say_problem(emr_session *session, emr_status status, const emr_request *request,
	emr_problem *out_problem)
{
	const char *path = request->deleted ? ".emrfs/deleted" : request->path;

	switch ((int)status) {
	case EMR_NOT_FOUND:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
		return;
	case EMR_CONFLICT:
		emr_problem_set(out_problem, EMR_SAY_ERASE_CHANGED, "path", path, NULL);
		return;
	case EMR_BUSY:
		emr_problem_set(out_problem, EMR_SAY_FILE_BUSY, "path", path, NULL);
		return;
	case EMR_DENIED:
		emr_problem_set(out_problem, EMR_SAY_ERASE_DENIED, "path",
			path[0] != '\0' ? path : _("The top"), NULL);
		return;
	case EMR_TIMEOUT:
	case EMR_OFFLINE: /* or they answered, and would not have it */
		if (!emr_absence_say_refusal(session, session->ledger, out_problem))
			emr_problem_set(out_problem, EMR_SAY_LEDGER_NO_ANSWER, NULL);
		return;
	case EMR_READ_ONLY:
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
		return;
	}
	emr_problem_set_status(out_problem, status, path);
}

static int add_reader(json_t *list, const char *who, const char *why)
{
	return json_array_append_new(
		list, json_pack("{s:o, s:s}", "who", emr_json_text(who), "why", why));
}

/* Space that the disk refused to give back is tried again by itself; the reason for the wait is
 * said. */
static int add_unfinished(json_t *list, const emr_session *session, const emr_erased *erased)
{
	bool is_away = emr_status_is_unanswered(erased->why);
	const char *refusal = is_away ? emr_absence_refusal(session->ledger) : NULL;
	char why[256], needed[EMR_TEXT_BYTES];

	if (erased->is_finished)
		return 0;
	emr_size_text(erased->bytes_needed + (UINT64_C(1) << 20), needed);
	if (erased->why == EMR_NO_SPACE)
		snprintf(why, sizeof why, _("%s must be free on this disk; it goes on by itself"),
			needed);
	else if (erased->why == EMR_BUSY)
		snprintf(why, sizeof why,
			_("another file is being written, or the ledger is busy; it goes on by "
			  "itself"));
	else
		snprintf(why, sizeof why, _("%s; it is tried again"),
			refusal != NULL ? refusal : emr_text(emr_status_text(erased->why)));
	return add_reader(list, _("this computer"), why);
}

static int add_backup(json_t *list, const emr_session *session)
{
	EMR_AUTO_FREE emr_second_copy *all = calloc(EMR_SECOND_COPIES_MAX, sizeof *all);
	size_t n = all != NULL
			   ? emr_second_copies_read(session->state_fd, all, EMR_SECOND_COPIES_MAX)
			   : 0;
	int failed = 0;

	for (size_t i = 0; i < n && failed == 0; i++)
		if (!all[i].is_gone)
			failed = add_reader(list, all[i].dir,
				_("this backup has what it had; the next `emrfs backup` to it "
				  "drops what was erased"));
	return failed;
}

/* Bytes that a repair set aside for a person are nobody's record any more. */
static int add_quarantine(json_t *list, const emr_session *session)
{
	int fd = openat(session->state_fd, EMR_STATE_BLOCKS "/quarantine",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_id16 writer = emr_store_writer(session->store);
	char mine[40] = "seg-";
	bool is_empty = true;

	emr_hex(writer.b, sizeof writer.b, mine + 4);

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL)
		is_empty = is_empty && strncmp(entry->d_name, mine, strlen(mine)) != 0;
	closedir(dir);
	return is_empty ? 0
			: add_reader(list, _("this computer"),
				  _("damaged data that was set aside in blocks/quarantine may have "
				    "parts of it; delete it when nothing there is needed"));
}

typedef struct staying {
	json_t *list;
	int failed;
	size_t left; /* that may be named */
} staying;

static void name_staying(void *arg, const char *path)
{
	staying *s = arg;

	if (s->left > 0)
		s->failed += add_reader(s->list, path,
			_("by its name a program made it of what was erased; delete it when "
			  "nothing there is needed"));
	s->left -= s->left > 0;
}

typedef struct naming {
	json_t *list;
	int failed;
	bool is_waiting; /* for a node of the settings */
} naming;

static void name_node(void *arg, const char *name, bool is_former, uint64_t versions)
{
	naming *n = arg;
	char count[EMR_COUNT_BYTES], why[EMR_COUNT_BYTES + 256];

	emr_count_text(versions, "version", "versions", count);
	snprintf(why, sizeof why,
		is_former
			? _("it has, or may have, %s, and is told nothing: the settings name it no "
			    "more. With its line there again it lets go")
			: _("it has, or may have, %s; it is told until it lets go"),
		count);
	n->failed += add_reader(n->list, name, why);
	n->is_waiting = n->is_waiting || !is_former;
}

/* Nothing is copied from when copies go until their originals have gone. */
static emr_status erase_all(
	emr_session *session, const emr_erase *what, uint64_t *out_copies, emr_erased *out_erased)
{
	bool has_copies = what->path != NULL && session->research != NULL;
	emr_erase look = *what;
	emr_status status = EMR_OK;

	look.only_look = true;
	if (has_copies) {
		emr_research_hold(session->research);
		/* A record whose erasing is refused has lost no copy. */
		status = emr_view_erase(session->view, &look, out_erased);
		if (status == EMR_OK)
			status = emr_research_erase(
				session->research, what->path, what->only_look, out_copies);
	}
	if (status == EMR_OK && !(has_copies && what->only_look))
		status = emr_view_erase(session->view, what, out_erased);
	if (has_copies)
		emr_research_go_on(session->research);
	return status;
}

emr_status emr_answer_erase(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	staying stays = {.list = json_array(), .left = STAYING_MAX};
	emr_erase what = {.path = request->deleted || request->unreadable ? NULL : request->path,
		.unreadable = request->unreadable,
		.until_unix_s = request->until_unix_s,
		.only_look = request->look,
		.stays = name_staying,
		.arg = &stays};
	emr_erased erased = {0};
	char objects[2 * sizeof erased.objects.b + 1];
	uint64_t brought;
	naming nodes = {.list = json_array()};
	json_t *not_reached = nodes.list, *object;
	int failed = 0;
	bool is_others =
		!request->deleted && !request->unreadable && emr_path_is_shared(request->path);
	uint64_t copies = 0;
	emr_status status = is_others ? emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS, "erase",
						out_problem)
				      : EMR_OK;

	if (status == EMR_OK && request->id[0] != '\0')
		status = emr_unhex(request->id, what.objects.b, sizeof what.objects.b);
	if (status == EMR_OK)
		status = erase_all(session, &what, &copies, &erased);

	if (status != EMR_OK) {
		if (!out_problem->is_set)
			say_problem(session, status, request, out_problem);
		json_decref(not_reached);
		json_decref(stays.list);
		return status;
	}
	if (!request->look) {
		emr_session_await_front(session);
		emr_chronicle_forget(session->chronicle); /* it still knows the names */
		if (emr_publisher_save(session->publisher) == EMR_OK)
			emr_fetching_purge(
				session, &brought); /* sealed, and perhaps of what was erased */
	}
	if (not_reached != NULL)
		failed = add_unfinished(not_reached, session, &erased);
	if (not_reached != NULL && !request->look && session->publisher != NULL)
		emr_publisher_each_left(session->publisher, NODES_NS, name_node, &nodes);
	failed += nodes.failed + stays.failed;
	if (not_reached != NULL && erased.live + erased.deleted + erased.directories > 0)
		failed += add_backup(not_reached, session) + add_quarantine(not_reached, session);
	failed += not_reached != NULL && json_array_extend(not_reached, stays.list) != 0;
	json_decref(stays.list);
	emr_hex(erased.objects.b, sizeof erased.objects.b, objects);
	object = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "done", 1, "objects",
		objects, "live", (json_int_t)erased.live, "copies", (json_int_t)copies,
		"deleted_files", (json_int_t)erased.deleted, "directories",
		(json_int_t)erased.directories, "scratch", (json_int_t)erased.scratch, "finished",
		erased.is_finished && !nodes.is_waiting, "not_reached", not_reached);
	if (failed != 0) {
		json_decref(object);
		return EMR_NO_MEMORY;
	}
	return emr_emit(sink, object);
}
