/* The open folder answers `emrfs keep` here: it notes what is to be kept on this computer,
 * counts what is here, and gives space back when that is asked for. */
#include <string.h>

#include "kit/language.h"
#include "kit/out.h"
#include "publisher/publisher.h"
#include "session/fetching.h"
#include "session/shared_blocks.h"
#include "sharing/received.h"

#include "answers.h"

#define KEPT_MAX 200 /* of one answer */

typedef struct listing {
	json_t *kept;
	bool not_wanted; /* the first, which was asked for */
} listing;

static emr_status add_kept(void *arg, const emr_kept *kept)
{
	listing *l = arg;
	json_t *one;

	if (json_array_size(l->kept) == 0)
		l->not_wanted = !kept->is_wanted;
	if (json_array_size(l->kept) == KEPT_MAX)
		return EMR_OK;
	one = json_pack("{s:o, s:I, s:b, s:b}", "path",
		emr_json_text(kept->path[0] != '\0' ? kept->path : "."), "bytes",
		(json_int_t)kept->bytes, "complete", kept->is_complete, "keep", kept->is_wanted);
	return one != NULL && json_array_append_new(l->kept, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status set_keep(emr_session *session, const emr_request *request)
{
	const char *value = request->drop ? "no" : "yes";
	emr_attr attr;

	EMR_TRY(emr_view_find(session->view, request->path, &attr));
	return emr_view_set_attribute(
		session->view, attr.node, "user.emrfs.keep", emr_bytes_of(value, strlen(value)), 0);
}

/* Null: the state itself.  Of who made a network it is that one's directory, and what lies there is
 * away when that is. */
static json_t *place_of_blocks(const emr_session *session)
{
	const size_t len = strlen(session->state_path);
	char place[4400];

	emr_blocks_place(session->state_fd, session->state_path, place, sizeof place);
	return strncmp(place, session->state_path, len) == 0 && place[len] == '/'
		       ? json_null()
		       : emr_json_text(place);
}

static void say_problem(emr_status status, const emr_request *request, emr_problem *out_problem)
{
	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
	else if (status == EMR_READ_ONLY)
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
	else
		emr_problem_set_status(
			out_problem, status, request->has_path ? request->path : "keep");
}

emr_status emr_answer_keep(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	listing l = {.kept = json_array()};
	bool is_shared = request->has_path && emr_path_is_shared(request->path);
	uint64_t freed = 0, brought = 0;
	emr_status status = l.kept != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK && is_shared && request->drop)
		status = emr_shared_refuse(
			request->path, EMR_SAY_NOT_YOURS_TO_DROP, "keep", out_problem);
	else if (status == EMR_OK && request->has_path && !is_shared)
		status = set_keep(session, request);
	if (status == EMR_OK && request->purge)
		status = emr_view_purge(session->view, &freed);
	/* Blocks that were brought stay while nobody can tell which of them are the last copies. */
	if (status == EMR_OK && request->purge && emr_publisher_save(session->publisher) == EMR_OK)
		emr_fetching_purge(session, &brought);
	if (status == EMR_OK)
		status = emr_view_each_kept(session->view, request->path, add_kept, &l);
	if (status != EMR_OK) {
		json_decref(l.kept);
		if (!out_problem->is_set)
			say_problem(status, request, out_problem);
		return status;
	}
	return emr_emit(sink,
		json_pack("{s:b, s:o, s:o, s:I, s:b}", "done", 1, "kept", l.kept, "place",
			place_of_blocks(session), "cache_bytes", (json_int_t)(freed + brought),
			"last_copy", request->drop && l.not_wanted));
}
