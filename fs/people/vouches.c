/* An organisation can sign a person's card. This file tells which organisations have done so,
 * after it has checked their keys on the ledger. */
#include "people_private.h"

#include <string.h>

#include "contract/codes.h"
#include "kit/out.h"
#include "replica/people.h"
#include "session/registered.h"

#define ORGANISATIONS_MAX 16

typedef struct vouching {
	emr_replica *replica;
	emr_bytes descriptor;
	emr_id16 net_id;
	emr_bytes card;
	uint64_t now;
	uint8_t told[ORGANISATIONS_MAX][16];
	size_t n_told;
	emr_buf *out; /* emr_vouched */
} vouching;

/* The date in a vouch is the signer's own word, and nothing on the ledger is of it: whoever has a
 * key that is not in force any more would write an earlier one.  So it counts while the key does.
 */
static emr_status is_good(
	const vouching *v, const uint8_t *bytes, const emr_known_person *person, bool *out_is)
{
	emr_status status = emr_replica_person_is_active(v->replica, person, v->now, out_is);

	*out_is = status == EMR_OK && *out_is && (person->row.roles & EMR_ROLE_ORG_ADMIN) != 0 &&
		  emr_vouch_verify(bytes, person->row.pk, v->net_id, v->card) == EMR_OK;
	return status;
}

static bool is_told(const vouching *v, const uint8_t org[16])
{
	for (size_t i = 0; i < v->n_told; i++)
		if (memcmp(v->told[i], org, sizeof v->told[i]) == 0)
			return true;
	return v->n_told == ORGANISATIONS_MAX;
}

static emr_status look_at(vouching *v, const uint8_t *bytes)
{
	emr_vouched one = {.organisation = ""};
	emr_known_person person;
	emr_vouch vouch;
	bool counts = false;
	emr_status status = emr_vouch_read(bytes, &vouch);

	if (status != EMR_OK)
		return EMR_OK; /* none of ours */
	status = emr_replica_person(v->replica, vouch.signer_id, &person);
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK)
		status = is_good(v, bytes, &person, &counts);
	if (status == EMR_OK && (!counts || is_told(v, person.row.org)))
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_organisation_name(
			v->replica, v->descriptor, person.row.org, one.organisation);
	if (status != EMR_OK)
		return status;
	memcpy(v->told[v->n_told++], person.row.org, sizeof *v->told);
	one.time_unix_s = vouch.time;
	return emr_buf_append(v->out, &one, sizeof one);
}

emr_status emr_vouched_list(emr_replica *replica, emr_bytes descriptor, emr_id16 net_id,
	emr_bytes card_and_vouches, uint64_t now_unix_s, emr_buf *out)
{
	vouching v = {.replica = replica,
		.descriptor = descriptor,
		.net_id = net_id,
		.now = now_unix_s,
		.out = out};
	emr_bytes vouches;

	EMR_TRY(emr_card_split(card_and_vouches, &v.card, &vouches));
	for (size_t at = 0; at + EMR_VOUCH_BYTES <= vouches.len; at += EMR_VOUCH_BYTES)
		EMR_TRY(look_at(&v, vouches.data + at));
	return EMR_OK;
}

/* Names are told once: two organisations may be called the same. */
static emr_status add_name(json_t *names, const char *name)
{
	json_t *other;
	size_t i;

	json_array_foreach(
		names, i, other) if (strcmp(json_string_value(other), name) == 0) return EMR_OK;
	return json_array_append_new(names, emr_json_text(name)) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_vouched_by(emr_replica *replica, emr_bytes descriptor, emr_id16 net_id,
	emr_bytes card_and_vouches, uint64_t now_unix_s, json_t **out_names)
{
	json_auto_t *names = json_array();
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_vouched_list(replica, descriptor, net_id, card_and_vouches, now_unix_s, &all));
	EMR_EACH (const emr_vouched, one, &all)
		EMR_TRY(add_name(names, one->organisation));
	*out_names = json_incref(names);
	return names != NULL ? EMR_OK : EMR_NO_MEMORY;
}
