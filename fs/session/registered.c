#include "session/registered.h"

#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "replica/people.h"

static bool found_in_descriptor(
	emr_bytes bytes, const uint8_t org[16], char out[EMR_ORGANISATION_NAME_MAX + 1])
{
	emr_descriptor descriptor;
	emr_descriptor_org one;

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) != EMR_CONTRACT_OK)
		return false;
	for (size_t i = 0; i < descriptor.norg; i++) {
		if (emr_descriptor_org_at(&descriptor, i, &one) != EMR_CONTRACT_OK ||
			memcmp(one.org, org, 16) != 0 || one.name.len > EMR_ORGANISATION_NAME_MAX)
			continue;
		memcpy(out, one.name.data, one.name.len);
		out[one.name.len] = '\0';
		return true;
	}
	return false;
}

/* ---- one that was admitted ---- */

typedef struct admission {
	const uint8_t *org;
	uint8_t ca_hash[32]; /* of its row: which proposal it was */
	emr_id16 proposal;
	bool is_found;
} admission;

static emr_status note_org(void *arg, emr_id16 org, const emr_row_org *row)
{
	admission *a = arg;

	if (memcmp(org.b, a->org, 16) == 0)
		memcpy(a->ca_hash, row->ca_hash, sizeof a->ca_hash);
	return EMR_OK;
}

static emr_status note_proposal(void *arg, emr_id16 proposal, const emr_row_proposal *row)
{
	admission *a = arg;

	if (memcmp(row->org, a->org, 16) != 0 ||
		memcmp(row->aux, a->ca_hash, sizeof a->ca_hash) != 0)
		return EMR_OK;
	a->proposal = proposal;
	a->is_found = true;
	return EMR_OK;
}

/* The part behind a proposal to admit begins with a salt and the name. */
static void name_in_part(emr_bytes part, char out[EMR_ORGANISATION_NAME_MAX + 1])
{
	emr_reader r = emr_reader_of(part);
	emr_bytes name;

	(void)emr_read_bytes(&r, 32);
	name = emr_read_bytes(&r, emr_read_u8(&r));
	if (r.bad || memchr(name.data, '\0', name.len) != NULL)
		return;
	memcpy(out, name.data, name.len);
	out[name.len] = '\0';
}

emr_status emr_organisation_name(emr_replica *replica, emr_bytes descriptor, const uint8_t org[16],
	char out[EMR_ORGANISATION_NAME_MAX + 1])
{
	EMR_AUTO_BUF part = {0};
	admission a = {.org = org};
	emr_part_key key = {.family = EMR_FAMILY_ORG, .version = 1};
	emr_status status;

	out[0] = '\0';
	if (found_in_descriptor(descriptor, org, out))
		return EMR_OK;
	status = emr_replica_orgs(replica, note_org, &a);
	if (status == EMR_OK)
		status = emr_replica_proposals(replica, note_proposal, &a);
	if (status != EMR_OK || !a.is_found)
		return status;
	key.object = a.proposal;
	status = emr_replica_part(replica, &key, &part);
	if (status == EMR_OK)
		name_in_part(emr_buf_view(&part), out);
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
}

emr_status emr_registered_find(emr_replica *replica, emr_bytes descriptor, emr_id32 signer_id,
	uint64_t now_unix_s, emr_registered *out)
{
	emr_registered found = {0};
	emr_known_person person;
	emr_status status = emr_replica_person(replica, signer_id, &person);

	if (status == EMR_OK)
		status = emr_replica_person_is_active(
			replica, &person, now_unix_s, &found.is_active);
	if (status != EMR_OK)
		return status;
	emr_roles_text(person.row.roles, found.roles);
	status = emr_organisation_name(replica, descriptor, person.row.org, found.organisation);
	if (status != EMR_OK)
		return status;
	found.not_after_unix_s = person.row.not_after_unix_s;
	*out = found;
	return EMR_OK;
}

typedef struct counting {
	emr_replica *replica;
	uint64_t now_unix_s, n;
} counting;

static emr_status count_active(void *arg, const emr_known_person *person)
{
	counting *c = arg;
	bool is_active = false;
	emr_status status =
		emr_replica_person_is_active(c->replica, person, c->now_unix_s, &is_active);

	c->n += is_active;
	return status;
}

emr_status emr_registered_count(emr_replica *replica, uint64_t now_unix_s, uint64_t *out_n)
{
	counting c = {.replica = replica, .now_unix_s = now_unix_s};
	emr_status status = emr_replica_people(replica, count_active, &c);

	if (status == EMR_OK)
		*out_n = c.n;
	return status;
}
