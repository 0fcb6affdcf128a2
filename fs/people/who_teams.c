/* This file finds teams by name and tells to which teams a person belongs. */
#include "people_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ORG_FOLDED_MAX 160

emr_status emr_who_of_team(emr_crowd *crowd, const emr_team *team, emr_who *out_who)
{
	bool is_staff = team->kind == EMR_TEAM_STAFF;
	emr_who who = {.kind = is_staff ? EMR_WHO_ORGANISATION : EMR_WHO_TEAM,
		.id = team->grantee,
		.root = team->grantee,
		.org = team->org,
		.is_registered = true,
		.until_seq = UINT64_MAX};
	char folded[ORG_FOLDED_MAX];

	EMR_TRY(emr_organisation_name(
		crowd->replica, crowd->descriptor, team->org.b, who.organisation));
	EMR_TRY(emr_team_is_active(crowd->replica, team, crowd->now_unix_s, &who.is_active));
	emr_name_fold(who.organisation, folded, sizeof folded);
	who.is_dataset = team->kind == EMR_TEAM_DATASET;
	snprintf(who.called, sizeof who.called, "%s%s@%s", who.is_dataset ? EMR_DATASET_PREFIX : "",
		is_staff ? "" : team->name, folded);
	snprintf(who.name, sizeof who.name, "%s", is_staff ? who.organisation : team->name);
	if (is_staff)
		who.organisation[0] = '\0'; /* it would be said twice */
	*out_who = who;
	return EMR_OK;
}

/* No team can be taken for a dataset, whatever its leader calls it. */
static bool is_called(const emr_team *team, const char *name)
{
	size_t prefix = strlen(EMR_DATASET_PREFIX);
	bool wants_dataset = strncasecmp(name, EMR_DATASET_PREFIX, prefix) == 0;

	switch (team->kind) {
	case EMR_TEAM_STAFF:
		return name[0] == '\0';
	case EMR_TEAM_CHOSEN:
		return !wants_dataset && strcasecmp(team->name, name) == 0;
	case EMR_TEAM_DATASET:
		return wants_dataset && strcasecmp(team->name, name + prefix) == 0;
	}
	return false;
}

emr_status emr_who_find_team(emr_crowd *crowd, emr_id16 org, const char *name, emr_who *out_who)
{
	EMR_ASK(asked, crowd->replica, TEAMS_OPEN);
	emr_team team, present, found;
	unsigned n = 0;

	while (emr_team_next(&asked, &team)) {
		if (!is_called(&team, name) || !emr_id16_equal(team.org, org))
			continue;
		EMR_TRY(emr_team_present(crowd->replica, &team, &present));
		if (n > 0 && emr_id16_equal(present.id, found.id))
			continue;
		found = present;
		n++;
	}
	EMR_TRY(asked.status);
	if (n != 1)
		return n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	return emr_who_of_team(crowd, &found, out_who);
}

emr_status emr_who_teams_of(emr_crowd *crowd, emr_id32 root, char *out, size_t size)
{
	EMR_ASK(asked, crowd->replica, TEAMS_OPEN);
	emr_team team;

	out[0] = '\0';
	while (emr_team_next_present(&asked, EMR_TEAM_CHOSEN, &team)) {
		emr_membership m;
		emr_status status = emr_team_membership(crowd->replica, team.id, root, &m);

		if (status != EMR_OK && status != EMR_NOT_FOUND)
			return status;
		if (status == EMR_OK && emr_membership_is_on(&m, crowd->now_unix_s))
			emr_names_add(team.name, ", ", out, size);
	}
	return asked.status;
}
