/* When the agents of a share are gone, nobody could release its keys. This look of the office's
 * thread gives the share through other agents, or tells the owner with the command that does it.
 * Another one looks which are there and have been silent for an hour. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "contract/codes.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/who.h"
#include "share/give.h"
#include "sharing/office_looks.h"
#include "sharing/sharing.h"

#include "sharing_private.h"

#define NAMES_BYTES 600
#define HEAR_NS INT64_C(600000000000)

/* Keys, organisations, or who is in a team has changed. */
static bool is_of_agents(const emr_replica_change *change)
{
	return change->family == EMR_FAMILY_KEY || change->family == EMR_FAMILY_ORG ||
	       change->family == EMR_FAMILY_APPROVAL || change->family == EMR_FAMILY_MEMBER;
}

/* Their organisations, each key's one. */
static emr_status names_of(
	emr_crowd *crowd, const emr_id32 *agents, unsigned n, char out[NAMES_BYTES])
{
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(out);
		emr_who who;

		EMR_TRY(emr_who_of(crowd, agents[i], &who));
		snprintf(out + at, NAMES_BYTES - at, "%s%s", i > 0 ? ", " : "",
			who.organisation[0] != '\0' ? who.organisation : who.called);
	}
	return EMR_OK;
}

/* The visit remembers of which grants (emr_id16) the owner was told since the folder was opened. */
static emr_status tell_handover(emr_visit *visit, emr_crowd *crowd, const emr_handover *h)
{
	const emr_given *given = &h->given;
	EMR_AUTO_FREE char *path = NULL;
	char gone[NAMES_BYTES], others[NAMES_BYTES] = "", text[900];
	emr_who who;

	if (!h->is_made && emr_told_has(visit->memory, given->grant.grant))
		return EMR_OK;
	path = emr_sharing_path(visit->session, given->grant.domain, given->label);
	EMR_TRY(path != NULL ? emr_who_of(crowd, EMR_ID32_AT(given->grant.row.grantee), &who)
			     : EMR_NO_MEMORY);
	EMR_TRY(names_of(crowd, h->gone, h->gone_n, gone));
	if (h->is_made)
		EMR_TRY(names_of(crowd, h->made.agents, h->made.n, others));
	emr_who_text(&who, text, sizeof text);
	emr_notices_add_that(visit->notices, path,
		h->is_made ? EMR_SAY_AGENTS_REPLACED : EMR_SAY_AGENTS_GONE, "names", gone, "path",
		path, "who", text, "others", others, "called", who.called, NULL);
	return emr_buf_append(visit->memory, &given->grant.grant, sizeof given->grant.grant);
}

static emr_status replace_agents(emr_visit *visit)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	EMR_AUTO_BUF handovers = {0};
	EMR_AUTO_CROWD crowd = {0};
	size_t n = 0;
	emr_status status;

	EMR_TRY(emr_crowd_open(visit->session, &crowd));
	EMR_TRY(emr_view_inner_tree(visit->session->view, &tree, &n));
	status = emr_share_replace_agents(visit->share, tree, n, &handovers);
	EMR_EACH (const emr_handover, h, &handovers)
		EMR_TRY(tell_handover(visit, &crowd, h));
	return status;
}

emr_status emr_look_agents(emr_visit *visit)
{
	bool is_due = false;
	emr_status status = emr_visit_is_due(visit, is_of_agents, &is_due);

	if (status != EMR_OK || !is_due)
		return status;
	return emr_visit_told(visit) != NULL ? replace_agents(visit) : EMR_NO_MEMORY;
}

/* ---- agents that are silent ---- */

emr_status emr_look_heard(emr_visit *visit)
{
	const int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	int64_t *due_ns = visit->memory;
	emr_status status = EMR_OK;

	if (due_ns == NULL)
		visit->memory = due_ns = calloc(1, sizeof *due_ns);
	if (due_ns == NULL)
		return EMR_NO_MEMORY;
	if (now_ns >= *due_ns) { /* each is a question to a host, and the ledger may grow often */
		status = emr_sharing_hear(visit->session->sharing);
		*due_ns = now_ns + HEAR_NS;
	}
	visit->due_boot_ns = *due_ns;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

json_t *emr_agents_silent_json(emr_session *session)
{
	EMR_AUTO_CROWD crowd = {0};
	json_t *list = json_array();
	char since[EMR_TEXT_BYTES];
	emr_heard heard;

	emr_sharing_heard(session->sharing, &heard);
	if (emr_crowd_open(session, &crowd) != EMR_OK)
		heard.n = 0;
	for (size_t i = 0; i < heard.n; i++) {
		const emr_heard_agent *one = &heard.list[i];
		emr_who who;

		if (!one->is_silent || emr_who_of(&crowd, one->id, &who) != EMR_OK)
			continue;
		emr_time_json((int64_t)one->unix_s, since);
		(void)json_array_append_new(
			list, json_pack("{s:o, s:s, s:I}", "name",
				      emr_json_text(who.organisation[0] != '\0' ? who.organisation
										: who.called),
				      "since", since, "since_unix", (json_int_t)one->unix_s));
	}
	return list;
}
