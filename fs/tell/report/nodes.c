/* This file says how the nodes of the settings are that hold copies: as `status` and `copies` have
 * it. */
#include "report/report.h"

#include "kit/out.h"
#include "session/fetching.h"

json_t *emr_node_json(const emr_publisher_node *node, uint64_t copies, uint64_t of)
{
	emr_problem why = {0};
	bool fails = node->fault != EMR_IPFS_FINE;

	if (fails)
		emr_node_say(node->failed, node->fault, node->said, &why);
	return json_pack("{s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "name",
		emr_json_text(node->address), "state",
		fails		     ? "fails"
		: node->has_answered ? "works"
				     : "unknown",
		"counts", (int)node->counts, "copies", (json_int_t)copies, "of", (json_int_t)of,
		"stuck", (json_int_t)node->stuck, "leaving", (json_int_t)node->leaving, "sending",
		(json_int_t)node->sending, "sending_of", (json_int_t)node->sending_of, "error",
		fails ? json_string(emr_message_get(why.message)->id) : json_null(), "message",
		fails ? emr_json_text(why.text) : json_null(), "hint",
		fails ? emr_json_text(why.hint) : json_null());
}

json_t *emr_nodes_json(emr_session *session)
{
	size_t n = session->publisher != NULL ? emr_publisher_node_count(session->publisher) : 0;
	json_t *nodes = json_array();

	for (size_t i = 0; nodes != NULL && i < n; i++) {
		emr_publisher_node node;

		emr_publisher_look(session->publisher, i, &node);
		if (json_array_append_new(nodes, emr_node_json(&node, node.held, node.records)) !=
			0) {
			json_decref(nodes);
			return NULL;
		}
	}
	return nodes;
}
