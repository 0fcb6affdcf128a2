#include <stdlib.h>

#include "answers.h"
#include "cmd/out.h"
#include "fuse/fuse.h"

static void say_problem(emr_status status, const emr_request *request, emr_problem *out_problem)
{
	switch ((int)status) {
	case EMR_NOT_FOUND:
	case EMR_NOT_DIRECTORY:
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path",
			status == EMR_NOT_DIRECTORY ? request->to : request->path, NULL);
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
		emr_problem_set(out_problem, EMR_SAY_BAD_NAME, "path", request->to, NULL);
		return;
	case EMR_READ_ONLY:
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", "Your folder", NULL);
		return;
	}
	emr_problem_set_status(out_problem, status, request->path);
}

/* Names of people come with people; until then whoever holds a grant is a number. */
static json_t *ids_json(const emr_buf *ids)
{
	json_t *list = json_array();

	for (size_t at = 0; list != NULL && at < ids->len; at += sizeof(emr_id32)) {
		char hex[65];

		emr_hex(ids->data + at, sizeof(emr_id32), hex);
		if (json_array_append_new(list, json_string(hex)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

emr_status emr_answer_move(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem)
{
	const emr_move what = {
		.from = request->path, .to = request->to, .only_look = request->look};
	emr_moved moved = {0};
	emr_status status = emr_view_move(session->view, &what, &moved);
	json_t *object;

	if (status != EMR_OK) {
		say_problem(status, request, out_problem);
		return status;
	}
	if (!request->look)
		emr_fuse_await_changes();
	object = json_pack("{s:b, s:o, s:o, s:o}", "done", 1, "path", emr_json_text(moved.path),
		"gains", ids_json(&moved.gains), "loses", ids_json(&moved.loses));
	emr_moved_free(&moved);
	return object != NULL ? emit(arg, object) : EMR_NO_MEMORY;
}
