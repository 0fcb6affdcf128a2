/* The open folder answers `emrfs move` here: it tells by name who would see something new, or no
 * more, and moves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "kit/out.h"
#include "people/who.h"
#include "sharing/received.h"

#include "answers.h"

/* The thing to be moved is there, and lacks nothing but a place to go to. */
static bool lacks_folder(
	emr_session *session, const emr_request *request, char *folder, size_t size)
{
	char *slash;
	emr_attr attr;

	snprintf(folder, size, "%s", request->to);
	slash = strrchr(folder, '/');
	if (slash == NULL || emr_view_find(session->view, request->path, &attr) != EMR_OK)
		return false;
	*slash = '\0';
	return true;
}

static void say_problem(emr_session *session, emr_status status, const emr_request *request,
	emr_problem *out_problem)
{
	char folder[EMR_ASK_PATH_MAX + 1];

	switch ((int)status) {
	case EMR_NOT_FOUND:
		if (lacks_folder(session, request, folder, sizeof folder)) {
			emr_problem_set(out_problem, EMR_SAY_NO_SUCH_FOLDER, "path", request->path,
				"folder", folder, NULL);
			return;
		}
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
		return;
	case EMR_NOT_DIRECTORY:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->to, NULL);
		return;
	case EMR_CONFLICT:
		emr_problem_set(out_problem, EMR_SAY_SHOWN_CHANGED, NULL);
		return;
	case EMR_EXISTS:
		emr_problem_set(out_problem, EMR_SAY_EXISTS, "path", request->to, NULL);
		return;
	case EMR_CROSS:
		emr_problem_set(out_problem, EMR_SAY_MOVE_INSIDE, "path", request->path, NULL);
		return;
	case EMR_RESERVED_NAME:
		emr_problem_set(out_problem, EMR_SAY_RESERVED_NAME, "path", request->to, NULL);
		return;
	case EMR_BAD_NAME:
		answers_say_bad_name(request->to, out_problem);
		return;
	case EMR_READ_ONLY:
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
		return;
	}
	emr_problem_set_status(out_problem, status, request->path);
}

/* The name of each of IDS here. */
static json_t *called_json(emr_crowd *crowd, const emr_buf *ids)
{
	json_t *list = json_array();

	for (size_t at = 0; list != NULL && at < ids->len; at += sizeof(emr_id32)) {
		emr_who who;
		emr_id32 id;

		memcpy(id.b, ids->data + at, sizeof id.b);
		if (emr_who_of(crowd, id, &who) != EMR_OK ||
			json_array_append_new(list, emr_json_text(who.called)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *answer_of(emr_session *session, const emr_moved *moved)
{
	EMR_AUTO_CROWD crowd = {0};
	char names[EMR_WHO_TEXT_BYTES], shown[2 * sizeof moved->sum.b + 1];

	if (emr_crowd_open(session, &crowd) != EMR_OK)
		return NULL;
	emr_who_names(&crowd, emr_buf_view(&moved->gains), names, sizeof names);
	emr_hex(moved->sum.b, sizeof moved->sum.b, shown);
	return json_pack("{s:b, s:s, s:o, s:o, s:o, s:o}", "done", 1, "shown", shown, "path",
		emr_json_text(moved->path), "gains", called_json(&crowd, &moved->gains), "loses",
		called_json(&crowd, &moved->loses), "names", emr_json_text(names));
}

emr_status emr_answer_move(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_move what = {.from = request->path, .to = request->to, .only_look = request->look};
	emr_moved moved = {0};
	emr_status status =
		emr_path_is_shared(request->path)
			? emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS, "move", out_problem)
			: EMR_OK;
	json_t *object;

	if (status == EMR_OK && request->shown[0] != '\0')
		status = emr_unhex(request->shown, what.seen.b, sizeof what.seen.b);
	if (status == EMR_OK)
		status = emr_view_move(session->view, &what, &moved);

	if (status != EMR_OK) {
		if (!out_problem->is_set)
			say_problem(session, status, request, out_problem);
		return status;
	}
	if (!request->look)
		emr_session_await_front(session);
	object = answer_of(session, &moved);
	emr_moved_free(&moved);
	return emr_emit(sink, object);
}
