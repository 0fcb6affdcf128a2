/* This file gathers what the log tells: people, openings and dealings, each found or added here,
 * and freed. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#include "deeds_private.h"

void emr_dealing_free(emr_dealing *dealing)
{
	free(dealing->path);
	free(dealing->into);
}

void emr_openings_free(emr_openings *openings)
{
	for (size_t i = 0; i < openings->n; i++)
		free(openings->list[i].path);
	for (size_t i = 0; i < openings->n_dealings; i++)
		emr_dealing_free(&openings->dealings[i]);
	free(openings->list);
	free(openings->dealings);
	free(openings->people);
	*openings = (emr_openings){0};
}

emr_status gathering_person(gathering *g, emr_id32 signer, uint64_t seq, size_t *out_who)
{
	emr_openings *o = g->out;
	emr_who *grown;

	for (size_t i = 0; i < o->n_people; i++) {
		if ((emr_id32_equal(o->people[i].id, signer) ||
			    emr_id32_equal(o->people[i].root, signer)) &&
			emr_who_holds_at(&o->people[i], seq)) {
			*out_who = i;
			return EMR_OK;
		}
	}
	grown = realloc(o->people, (o->n_people + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	o->people = grown;
	EMR_TRY(emr_who_at(&g->crowd, signer, seq, &o->people[o->n_people]));
	*out_who = o->n_people++;
	return EMR_OK;
}

/* May move the people: indexes stay. */
static emr_status note_team(gathering *g, const emr_audit_entry *entry, emr_opening *one)
{
	emr_id32 team;

	if (emr_id16_is_zero(entry->via))
		return EMR_OK;
	emr_grantee_dataset(entry->via.b, team.b);
	return gathering_person(g, team, entry->seq, &one->team);
}

emr_status gathering_add(gathering *g, const emr_audit_entry *entry, emr_opening **out)
{
	emr_openings *o = g->out;

	if (emr_array_room(&o->list, o->n, &o->cap, sizeof *o->list) != EMR_OK)
		return EMR_NO_MEMORY;
	*out = &o->list[o->n];
	**out = (emr_opening){.kind = entry->kind,
		.at = entry->ledger_time,
		.seq = entry->seq,
		.batch_id = entry->batch_id,
		.domain = g->domain,
		.object = entry->slot.object_id,
		.item_version = entry->slot.version,
		.signer = entry->who,
		.team = EMR_NO_TEAM,
		.is_readable = entry->is_readable,
		.is_names = entry->slot.kind == EMR_CAPSULE_LISTING,
		.purpose = entry->purpose,
		.is_software = entry->reader == EMR_READER_SOFTWARE,
		.report = entry->opened,
		.is_by_owner = entry->is_by_owner,
		.given_count = entry->given_count};
	memcpy((*out)->given, entry->given, sizeof(*out)->given);
	return note_team(g, entry, *out);
}

emr_status gathering_add_dealing(emr_openings *o, const emr_dealing *one)
{
	if (emr_array_room(&o->dealings, o->n_dealings, &o->cap_dealings, sizeof *o->dealings) !=
		EMR_OK)
		return EMR_NO_MEMORY;
	o->dealings[o->n_dealings++] = *one;
	return EMR_OK;
}

emr_status gathering_agents(gathering *g)
{
	emr_status status = EMR_OK;
	size_t ignored;

	for (size_t i = 0; i < g->out->n; i++) {
		for (unsigned k = 0; k < g->out->list[i].given_count && status == EMR_OK; k++)
			status = gathering_person(
				g, g->out->list[i].given[k], g->out->list[i].seq, &ignored);
	}
	return status;
}

bool openings_name(char **path, const char *name)
{
	if (*path != NULL && strcmp(*path, name) == 0)
		return true;
	free(*path);
	*path = strdup(name);
	return *path != NULL;
}

int openings_by_entry(const void *a, const void *b)
{
	const emr_opening *one = a, *other = b;

	if (one->seq != other->seq)
		return one->seq < other->seq ? -1 : 1;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return memcmp(one->object.b, other->object.b, sizeof one->object.b);
}
