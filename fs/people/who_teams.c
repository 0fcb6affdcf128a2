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
	emr_status status = emr_organisation_name(
		crowd->replica, crowd->descriptor, team->org.b, who.organisation);

	if (status == EMR_OK)
		status =
			emr_team_is_active(crowd->replica, team, crowd->now_unix_s, &who.is_active);
	if (status != EMR_OK)
		return status;
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

typedef struct search {
	emr_crowd *crowd;
	emr_id16 org;
	const char *name;
	emr_team found;
	unsigned n;
} search;

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

static emr_status consider(void *arg, const emr_team *team)
{
	search *s = arg;
	bool is_meant = is_called(team, s->name);
	emr_team present;

	if (!is_meant || !emr_id16_equal(team->org, s->org))
		return EMR_OK;
	EMR_TRY(emr_team_present(s->crowd->replica, team, &present));
	if (s->n > 0 && emr_id16_equal(present.id, s->found.id))
		return EMR_OK;
	s->found = present;
	s->n++;
	return EMR_OK;
}

emr_status emr_who_find_team(emr_crowd *crowd, emr_id16 org, const char *name, emr_who *out_who)
{
	search s = {.crowd = crowd, .org = org, .name = name};

	EMR_TRY(emr_teams_open(crowd->replica, consider, &s));
	if (s.n != 1)
		return s.n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	return emr_who_of_team(crowd, &s.found, out_who);
}

typedef struct teams_of {
	emr_crowd *crowd;
	emr_id32 root;
	char *out;
	size_t size;
} teams_of;

static emr_status note_team(void *arg, const emr_team *team)
{
	teams_of *t = arg;
	size_t at = strlen(t->out);
	emr_membership m;
	emr_team present;
	emr_status status;

	EMR_TRY(emr_team_present(t->crowd->replica, team, &present));
	if (team->kind != EMR_TEAM_CHOSEN || !emr_id16_equal(present.id, team->id))
		return EMR_OK;
	status = emr_team_membership(t->crowd->replica, team->id, t->root, &m);
	if (status == EMR_NOT_FOUND ||
		(status == EMR_OK && !emr_membership_is_on(&m, t->crowd->now_unix_s)))
		return EMR_OK;
	if (status == EMR_OK && at + strlen(team->name) + 3 < t->size)
		snprintf(t->out + at, t->size - at, "%s%s", at > 0 ? ", " : "", team->name);
	return status;
}

emr_status emr_who_teams_of(emr_crowd *crowd, emr_id32 root, char *out, size_t size)
{
	teams_of t = {.crowd = crowd, .root = root, .out = out, .size = size};

	out[0] = '\0';
	return emr_teams_open(crowd->replica, note_team, &t);
}
