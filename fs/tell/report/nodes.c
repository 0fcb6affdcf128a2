/* This file says how the nodes of the settings are that hold copies, and why changes wait for the
 * ledger: as `status` and `copies` have it. */
#include "report/report.h"

#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "session/absence.h"
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

/* ---- what waits for the ledger ---- */

json_t *emr_unsent_json(const emr_session *session)
{
	const char *cause = emr_absence_refusal(session->ledger);
	emr_ledger_absence now;
	char since[EMR_TEXT_BYTES];

	emr_ledger_look(session->ledger, &now);
	if (now.unsent.since_unix_s == 0 || cause == NULL)
		return json_null();
	emr_time_json((int64_t)now.unsent.since_unix_s, since);
	return json_pack("{s:s, s:s, s:s, s:o}", "since", since, "stage", now.unsent.stage, "cause",
		cause, "said", emr_json_text(now.unsent.said));
}

static const char *stage_words(const char *stage)
{
	return strcmp(stage, "endorse") == 0  ? _("not endorsed")
	       : strcmp(stage, "submit") == 0 ? _("not ordered")
	       : strcmp(stage, "commit") == 0 ? _("in no block yet")
					      : stage;
}

void emr_unsent_print(FILE *to, const json_t *report)
{
	const json_t *unsent = json_object_get(json_object_get(report, "ledger"), "not_taken");
	char since[EMR_TEXT_BYTES], said[EMR_TEXT_BYTES + 200];

	if (!json_is_object(unsent) || emr_json_number_at(report, "pending") == 0)
		return;
	emr_moment_text(emr_json_text_at(unsent, "since"), since);
	emr_show(emr_json_text_at(unsent, "said"), said, sizeof said);
	fprintf(to, _("  Waiting since %s, %s: %s (\"%s\").\n"), since,
		stage_words(emr_json_text_at(unsent, "stage")), emr_json_text_at(unsent, "cause"),
		said);
}
