/* Members of the network without a card: this file says who they are by the certificate of
 * which organisation, and which keys the ledger has of them, so that a number can be compared. A
 * patient is among those who are listed where she shares something with this person. */
#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "kit/out.h"
#include "kit/text.h"
#include "replica/people.h"
#include "session/registered.h"

#include "people_private.h"

json_t *emr_member_json(emr_crowd *crowd, const emr_who *who)
{
	char code[EMR_KEY_CODE_MAX + 1], id[65], until[EMR_TEXT_BYTES];
	emr_registered known;

	if (emr_registered_find(crowd->replica, crowd->descriptor, who->id, crowd->now_unix_s,
		    &known) != EMR_OK)
		return NULL;
	emr_key_code(who->id, EMR_KEY_CODE_SHOWN, code);
	emr_hex(who->id.b, sizeof who->id.b, id);
	emr_time_json((int64_t)known.not_after_unix_s, until);
	return json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:b, s:b, s:s, s:o, s:s, s:b, s:b, s:s}",
		"who", emr_json_text(who->called), "called", emr_json_text(who->called), "name",
		emr_json_text(who->says), "born", who->born, "code", code, "id", id, "compared",
		who->is_compared, "same_network", 1, "role", known.roles, "organisation",
		emr_json_text(known.organisation), "team", "", "registered", known.is_active,
		"key_ended", known.not_after_unix_s <= crowd->now_unix_s, "valid_until", until);
}

emr_status emr_members_add(emr_crowd *crowd, emr_id32 me, size_t most, json_t *people)
{
	emr_known_person person;
	emr_who who;

	EMR_ASK(asked, crowd->replica, PEOPLE_NOW);
	while (json_array_size(people) < most && emr_next(&asked, &person)) {
		EMR_TRY(emr_who_of(crowd, person.signer_id, &who));
		if (who.is_known || !who.is_active || emr_id32_equal(person.signer_id, me) ||
			(person.row.roles == EMR_ROLE_PATIENT && !who.is_sharer) ||
			person.row.roles == EMR_ROLE_AGENT)
			continue;
		if (json_array_append_new(people, emr_member_json(crowd, &who)) != 0)
			return EMR_NO_MEMORY;
	}
	return asked.status;
}

emr_status emr_member_card(emr_replica *replica, const emr_who *who, emr_card *out)
{
	emr_known_person person;

	EMR_TRY(emr_replica_person(replica, who->id, &person));
	*out = (emr_card){.kind = EMR_CARD_PERSON, .signer_id = who->id};
	memcpy(out->id_pk, person.row.pk, sizeof out->id_pk);
	memcpy(out->x25519, person.row.x25519, sizeof out->x25519);
	memcpy(out->B, person.row.B, sizeof out->B);
	return EMR_OK;
}

void emr_who_names(emr_crowd *crowd, emr_bytes ids, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i + sizeof(emr_id32) <= ids.len; i += sizeof(emr_id32)) {
		char text[EMR_WHO_TEXT_BYTES];
		emr_who who = {.name = ""};
		emr_id32 id;

		memcpy(id.b, ids.data + i, sizeof id.b);
		if (emr_who_of(crowd, id, &who) != EMR_OK)
			snprintf(who.name, sizeof who.name, "somebody");
		emr_who_text(&who, text, sizeof text);
		if (at + strlen(text) + 8 > size) {
			snprintf(out + at, size - at, "; ...");
			return;
		}
		snprintf(out + at, size - at, "%s%s", i > 0 ? "; " : "", text);
		at = strlen(out);
	}
}
