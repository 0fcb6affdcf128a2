/* Teams and organisations as somebody whom one can share with: from a team to words, and from
 * name@organisation to a team. It refuses teams whose place another has taken. */
#pragma once

#include "people/who.h"
#include "share/teams.h"

/* TEAM in words: "radiology@saolucas"; the team of all staff as its organisation, "@saolucas". */
emr_status emr_who_of_team(emr_crowd *crowd, const emr_team *team, emr_who *out_who);
/* The present team of ORG called NAME, without regard to case; NAME "": the organisation itself.
 * EMR_NOT_FOUND. */
emr_status emr_who_find_team(emr_crowd *crowd, emr_id16 org, const char *name, emr_who *out_who);
/* The names of ROOT's teams, ", " between them; "" for none. */
emr_status emr_who_teams_of(emr_crowd *crowd, emr_id32 root, char *out, size_t size);
