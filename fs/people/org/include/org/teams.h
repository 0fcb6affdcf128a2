/* Teams of an organisation, for who leads them: who is in, the verb, and what is due.  What is
 * granted to a team every member may ask for, under his own name.  It refuses members of keys that
 * are not in force. */
#pragma once

#include "org/bureau.h"
#include "share/teams.h"

#define EMR_TEAM_STAFF_NAME "staff" /* of the team that stands for the organisation */

/* Open teams that this administrator leads, of each name the one that is present. */
emr_status emr_teams_each(const emr_bureau *bureau, emr_team_fn fn, void *arg);
/* EMR_NOT_FOUND. */
emr_status emr_team_find(
	const emr_bureau *bureau, emr_team_kind kind, const char *name, emr_team *out);
/* Members in force: {"who" "handle" "code" "until"}, owned by the caller; NULL without memory or
 * when the copy cannot be read. */
json_t *emr_team_members(const emr_bureau *bureau, emr_id16 team);

/* org team NAME [add HANDLE | remove HANDLE]. */
int emr_org_team(const emr_args *args, emr_out *out);
