/* This file says how the places of the settings are that hold copies: as `status` and `copies` have
 * it. */
#include "report/report.h"

#include "kit/out.h"
#include "session/fetching.h"

json_t *emr_node_json(const emr_publisher_node *place, uint64_t copies, uint64_t of)
{
	emr_problem why = {0};
	bool fails = place->fault != EMR_IPFS_FINE;

	if (fails)
		emr_node_say(place->failed, place->fault, place->said, &why);
	return json_pack("{s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "name",
		emr_json_text(place->address), "state",
		fails		      ? "fails"
		: place->has_answered ? "works"
				      : "unknown",
		"counts", (int)place->counts, "copies", (json_int_t)copies, "of", (json_int_t)of,
		"stuck", (json_int_t)place->stuck, "leaving", (json_int_t)place->leaving, "sending",
		(json_int_t)place->sending, "sending_of", (json_int_t)place->sending_of, "error",
		fails ? json_string(emr_message_get(why.message)->id) : json_null(), "message",
		fails ? emr_json_text(why.text) : json_null(), "hint",
		fails ? emr_json_text(why.hint) : json_null());
}

json_t *emr_nodes_json(emr_session *session)
{
	size_t n = session->publisher != NULL ? emr_publisher_node_count(session->publisher) : 0;
	json_t *places = json_array();

	for (size_t i = 0; places != NULL && i < n; i++) {
		emr_publisher_node place;

		emr_publisher_look(session->publisher, i, &place);
		if (json_array_append_new(
			    places, emr_node_json(&place, place.held, place.records)) != 0) {
			json_decref(places);
			return NULL;
		}
	}
	return places;
}
