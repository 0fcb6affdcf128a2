/* The open folder answers `emrfs copies` here: in how many places each file is, which of them fail
 * and why.  Only files of one's own count, in their newest version. */
#include <string.h>

#include "kit/out.h"
#include "publisher/publisher.h"
#include "report/report.h"
#include "sharing/received.h"
#include "view/walk.h"

#include "answers.h"

#define SHORT_MAX 200 /* of one answer */
#define SHORT_ROOM ((size_t)16384)
#define LOOK_NS INT64_C(2000000000)

typedef struct counting {
	emr_session *session;
	size_t node_count, room;
	unsigned wanted;
	uint64_t files, waiting, here, short_files, held[EMR_PUBLISHER_NODES_MAX];
	json_t *short_paths;
} counting;

static emr_status note_short(counting *c, const char *path)
{
	size_t len = 2 * strlen(path); /* quotes and backslashes double */

	c->short_files++;
	if (json_array_size(c->short_paths) == SHORT_MAX || len > c->room)
		return EMR_OK;
	c->room -= len;
	return json_array_append_new(c->short_paths, emr_json_text(path)) == 0 ? EMR_OK
									       : EMR_NO_MEMORY;
}

static emr_status count_file(counting *c, const char *path, const emr_attr *attr)
{
	unsigned held = 1, wanted = 1;
	emr_record_facts facts;
	emr_place at;

	if (attr->type != EMR_META_FILE || emr_path_is_shared(path))
		return EMR_OK;
	if (emr_view_place(c->session->view, path, &at) != EMR_OK) {
		/* The bytes that are there now are not on the ledger, and no copies of them are
		 * counted. */
		c->waiting += emr_view_record(c->session->view, attr->node, &facts) == EMR_OK &&
			      !facts.is_local;
		return EMR_OK;
	}
	c->files++;
	c->here += emr_publisher_is_here(c->session->publisher, &at.root);
	for (size_t i = 0; i < c->node_count; i++)
		c->held[i] += emr_publisher_holds(c->session->publisher, i, &at.root);
	emr_publisher_count(c->session->publisher, &at.root, &held, &wanted);
	c->wanted = wanted;
	return held < wanted ? note_short(c, path) : EMR_OK;
}

static emr_status count_below(counting *c, const char *path, emr_problem *out_problem)
{
	EMR_WALK(walk, c->session->view, path);

	while (emr_walk_next(&walk))
		EMR_TRY(count_file(c, walk.path, &walk.attr));
	if (walk.status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
	else if (walk.status != EMR_OK)
		emr_problem_set_status(out_problem, walk.status, path);
	return walk.status;
}

static json_t *counted_places(const counting *c)
{
	json_t *places = json_array(), *here;

	here = json_pack("{s:s, s:s, s:i, s:I, s:I, s:i, s:i, s:i, s:i, s:n, s:n, s:n}", "name",
		"this computer", "state", "works", "counts", 1, "copies", (json_int_t)c->here, "of",
		(json_int_t)c->files, "stuck", 0, "leaving", 0, "sending", 0, "sending_of", 0,
		"error", "message", "hint");
	if (places == NULL || json_array_append_new(places, here) != 0) {
		json_decref(places);
		return NULL;
	}
	for (size_t i = 0; i < c->node_count; i++) {
		emr_publisher_node node;

		emr_publisher_look(c->session->publisher, i, &node);
		if (json_array_append_new(places, emr_node_json(&node, c->held[i], c->files)) !=
			0) {
			json_decref(places);
			return NULL;
		}
	}
	return places;
}

emr_status emr_answer_copies(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	counting c = {.session = session, .room = SHORT_ROOM, .short_paths = json_array()};
	emr_publisher_totals totals;
	emr_status status = c.short_paths != NULL ? EMR_OK : EMR_NO_MEMORY;

	c.node_count = emr_publisher_node_count(session->publisher);
	c.wanted = emr_publisher_wanted(session->publisher);
	if (request->repair) {
		emr_publisher_repair(session->publisher);
		emr_publisher_await_asked(session->publisher);
	}
	if (status == EMR_OK)
		status = count_below(&c, request->path, out_problem);
	if (status != EMR_OK) {
		json_decref(c.short_paths);
		return status;
	}
	emr_publisher_look_here(session->publisher, LOOK_NS);
	emr_publisher_sum(session->publisher, &totals);
	return emr_emit(
		sink, json_pack("{s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:I}", "done", 1, "wanted",
			      (json_int_t)c.wanted, "versions", (json_int_t)totals.versions,
			      "files", (json_int_t)c.files, "waiting", (json_int_t)c.waiting,
			      "places", counted_places(&c), "short", c.short_paths, "short_files",
			      (json_int_t)c.short_files));
}
