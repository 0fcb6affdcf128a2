/* A team's leader looks at the team with these functions, and changes it on the ledger: makes it,
 * lets people in and out, gives it another key when somebody has left, and keeps the team of all
 * staff. Everything may be interrupted and called again. They refuse to close a team to which
 * something is still granted: the readers of an owner who has not looked yet would be lost. */
#pragma once

#include "contract/codes.h"
#include "org/bureau.h"
#include "org/staff.h"
#include "share/teams.h"

/* The staff of an organisation: not its patients, agents, auditors and administrators. */
#define EMR_ROLES_OF_STAFF                                                                         \
	(EMR_ROLE_CLINICIAN | EMR_ROLE_PHARMACIST | EMR_ROLE_INSURER | EMR_ROLE_AUTHORITY |        \
		EMR_ROLE_RESEARCHER | EMR_ROLE_REGISTRAR)

/* One more of that name; BEFORE: the team whose place it takes (NULL: none).  Nobody is in. */
emr_status emr_team_make(emr_bureau *bureau, emr_team_kind kind, const char *name,
	const emr_team *before, emr_team *out, emr_problem *out_problem);
/* A dataset that is called for on TERMS, which FILE says, and the AGREEMENT that they name.  Nobody
 * is in. */
emr_status emr_dataset_make(emr_bureau *bureau, const char *name, emr_bytes file,
	emr_bytes agreement, const emr_terms *terms, emr_team *out, emr_problem *out_problem);
/* Into, or out of, all open teams of TEAM's name, and so of everything that is granted to one of
 * them. UNTIL: of a dataset, the end, which another admission moves; 0: as long as his
 * certificate lasts. */
emr_status emr_team_let_in(emr_bureau *bureau, const emr_team *team, const emr_known_person *who,
	uint64_t until_unix_s, emr_problem *out_problem);
emr_status emr_team_let_out(
	emr_bureau *bureau, const emr_team *team, emr_id32 root, emr_problem *out_problem);
/* When somebody has left TEAM since it was made, or a member's time in it has run out, at least
 * QUIET_S ago: another with another key, for those who remain. A team that nothing is granted to
 * any more is closed. *OUT_PRESENT may be NULL. */
emr_status emr_team_renew(emr_bureau *bureau, const emr_team *team, uint64_t quiet_s,
	emr_team *out_present, emr_problem *out_problem);
/* All teams are what the certificates say: whose key was revoked leaves, who got a newer
 * certificate stays, and in the team of all staff is everybody who works here.  MAY_BEGIN: that one
 * is made when there is none, and somebody to be in it. */
emr_status emr_teams_tend(
	emr_bureau *bureau, bool may_begin, uint64_t quiet_s, emr_problem *out_problem);
/* The same for an open folder, whose session is borrowed, when its keyring is an administrator's.
 */
emr_status emr_teams_tend_session(const emr_session *session);

/* ---- teams.c ---- */
/* Teams of an organisation, for who leads them: who is in, the verb, and what is due. Every member
 * may ask, under the member's own name, for what is granted to the team. It refuses members of keys
 * that are not in force. */

#define EMR_TEAM_STAFF_NAME "staff" /* of the team that stands for the organisation */

/* The open one of that name that this administrator leads, and that is present.  EMR_NOT_FOUND. */
emr_status emr_team_find(
	const emr_bureau *bureau, emr_team_kind kind, const char *name, emr_team *out);
/* Members in force: {"who" "handle" "code" "until"}, owned by the caller; NULL without memory or
 * when the copy cannot be read. */
json_t *emr_team_members(const emr_bureau *bureau, emr_id16 team);

/* org team NAME [add HANDLE | remove HANDLE]. */
int emr_org_team(const emr_args *args, emr_out *out);
