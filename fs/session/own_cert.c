/* This file tells whether the person's own certificate has run out or the key was revoked, because
 * then the ledger takes nothing from that key any more. */

#include <stdio.h>
#include <stdlib.h>

#include "contract/codes.h"
#include "keyring/cert.h"
#include "kit/language.h"
#include "kit/text.h"
#include "replica/people.h"
#include "session/network_dir.h"
#include "session/registered.h"

/* "Your organisation" where its name cannot be told. */
static void name_organisation(
	const emr_session *session, const uint8_t org[16], char out[EMR_ORGANISATION_NAME_MAX + 1])
{
	out[0] = '\0';
	if (emr_organisation_name(
		    session->replica, emr_ledger_descriptor(session->ledger), org, out) != EMR_OK ||
		out[0] == '\0')
		snprintf(out, EMR_ORGANISATION_NAME_MAX + 1, "%s", _("Your organisation"));
}

uint64_t emr_own_cert_end(const emr_session *session)
{
	EMR_AUTO_BUF der = {0};
	emr_cert_facts facts;

	return emr_keyring_tlv_get(session->keyring, EMR_KEYRING_CERTIFICATE, &der) == EMR_OK &&
			       emr_cert_read(emr_buf_view(&der), &facts) == EMR_OK
		       ? facts.not_after
		       : UINT64_MAX;
}

bool emr_own_cert_has_ended(
	const emr_session *session, uint64_t now_unix_s, emr_problem *out_problem)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], when[EMR_TEXT_BYTES];
	EMR_AUTO_FREE char *network = NULL;
	const uint64_t end = emr_own_cert_end(session);
	emr_known_person person;
	emr_public me;
	bool is_member;

	if (end >= now_unix_s)
		return false;
	is_member = session->replica != NULL &&
		    emr_network_dir_of(session->state_fd, &network) == EMR_OK &&
		    emr_keyring_public(session->keyring, &me) == EMR_OK &&
		    emr_replica_person(session->replica, me.signer_id, &person) == EMR_OK;
	if (is_member)
		name_organisation(session, person.row.org, organisation);
	emr_time_text((int64_t)end, when);
	emr_problem_set(out_problem,
		is_member ? EMR_SAY_CERTIFICATE_ENDED_MEMBER : EMR_SAY_CERTIFICATE_ENDED, "time",
		when, "organisation", is_member ? organisation : "?", NULL);
	return true;
}

bool emr_own_key_is_revoked(const emr_session *session, emr_problem *out_problem)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], when[EMR_TEXT_BYTES];
	emr_known_person person;
	emr_public me;

	if (emr_keyring_kind_of(session->keyring) ==
			EMR_KEYRING_DEVICE || /* its owner removed it, and said so */
		emr_keyring_public(session->keyring, &me) != EMR_OK ||
		emr_replica_person(session->replica, me.signer_id, &person) != EMR_OK ||
		person.row.head.state != EMR_KEY_REVOKED)
		return false;
	name_organisation(session, person.row.org, organisation);
	emr_time_text((int64_t)person.row.invalid_since_unix_s, when);
	emr_problem_set(
		out_problem, EMR_SAY_KEY_REVOKED, "organisation", organisation, "time", when, NULL);
	return true;
}
