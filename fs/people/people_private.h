/* This header declares what the files of this folder share: teams and organisations as grantees,
 * and the organisations that vouch for a card. */
#pragma once

#include <jansson.h>

#include "keyring/card.h"
#include "people/who.h"
#include "replica/replica.h"
#include "share/teams.h"

/* ---- who_teams.c ---- */
/* Teams and organisations as somebody whom one can share with: from a team to words, and from
 * name@organisation to a team. It refuses teams whose place another has taken. */

/* TEAM in words: "radiology@saolucas"; the team of all staff as its organisation, "@saolucas". */
emr_status emr_who_of_team(emr_crowd *crowd, const emr_team *team, emr_who *out_who);
/* The present team of ORG called NAME, without regard to case; NAME "": the organisation itself.
 * EMR_NOT_FOUND. */
emr_status emr_who_find_team(emr_crowd *crowd, emr_id16 org, const char *name, emr_who *out_who);
/* The names of ROOT's teams, ", " between them; "" for none. */
emr_status emr_who_teams_of(emr_crowd *crowd, emr_id32 root, char *out, size_t size);

/* ---- members.c ---- */
/* WHO, a member, as `people` says people; owned by the caller; NULL without memory. */
json_t *emr_member_json(emr_crowd *crowd, const emr_who *who);
/* Into PEOPLE, up to MOST, those whom a certificate names and nobody's card, but for ME. */
emr_status emr_members_add(emr_crowd *crowd, emr_id32 me, size_t most, json_t *people);
/* OUT, a member without a card, whom KNOWN may not name, says what the letters of his shares say.
 */
emr_status emr_member_says(emr_crowd *crowd, const emr_known_name *known, emr_who *out);
/* The keys of WHO, as a card would say them. */
emr_status emr_member_card(emr_replica *replica, const emr_who *who, emr_card *out);

/* ---- alike.c ---- */
/* Says that nobody is called TYPED, and who is NEAR ("": nobody); or which name of BOOK looks the
 * same, and in which character it differs: "U+00A0 where there is U+0020". */
void emr_person_unknown(
	const emr_book *book, const char *typed, const char *near, emr_problem *out_problem);
