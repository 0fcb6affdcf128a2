#include "org/bureau.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "kit/passphrase.h"
#include "ledger/act_send.h"
#include "ledger/hash.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "share/teams.h"

void emr_bureau_close(emr_bureau *bureau)
{
	emr_session_close(&bureau->session);
	emr_buf_free(&bureau->ca);
	free(bureau->dir);
	emr_places_free(&bureau->places);
	*bureau = EMR_BUREAU_CLOSED;
}

/* ---- organisations ---- */

emr_status emr_bureau_proposal_part(const emr_bureau *bureau, emr_id16 proposal, emr_buf *out_part)
{
	const emr_part_key key = {.family = EMR_FAMILY_ORG, .version = 1, .object = proposal};
	emr_status status = emr_replica_part(bureau->session.replica, &key, out_part);

	return status == EMR_MISSING_DATA ? EMR_NOT_FOUND : status;
}

emr_status emr_bureau_name(const emr_bureau *bureau, emr_id16 org, char out[256])
{
	return emr_organisation_name(
		bureau->session.replica, emr_ledger_descriptor(bureau->session.ledger), org.b, out);
}

static emr_status ca_in_descriptor(
	emr_bytes bytes, emr_id16 org, const uint8_t ca_hash[32], emr_buf *out_ca)
{
	emr_descriptor descriptor;
	emr_descriptor_org one;

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (size_t i = 0; i < descriptor.norg; i++) {
		emr_bytes ca;
		emr_id32 hash;

		if (emr_descriptor_org_at(&descriptor, i, &one) != EMR_CONTRACT_OK ||
			memcmp(one.org, org.b, 16) != 0)
			continue;
		ca = emr_bytes_of(one.ca_der.data, one.ca_der.len);
		hash = emr_sha256_of(&ca, 1);
		if (memcmp(hash.b, ca_hash, 32) == 0)
			return emr_buf_append(out_ca, ca.data, ca.len);
	}
	return EMR_NOT_FOUND;
}

typedef struct seeking {
	const emr_bureau *bureau;
	emr_id16 org;
	emr_row_org row;
	bool is_there;
	emr_buf *ca;
} seeking;

static emr_status note_org(void *arg, emr_id16 org, const emr_row_org *row)
{
	seeking *s = arg;

	if (emr_id16_equal(org, s->org)) {
		s->row = *row;
		s->is_there = true;
	}
	return EMR_OK;
}

/* A part is believed when it has the CA that the members approved. */
static emr_status look_into(void *arg, emr_id16 proposal, const emr_row_proposal *row)
{
	seeking *s = arg;
	EMR_AUTO_BUF part = {0};
	emr_bytes ca;
	emr_status status;

	if (s->ca->len > 0 || row->kind != EMR_PROPOSAL_ADMIT ||
		memcmp(row->org, s->org.b, 16) != 0 || memcmp(row->aux, s->row.ca_hash, 32) != 0)
		return EMR_OK;
	status = emr_bureau_proposal_part(s->bureau, proposal, &part);
	if (status == EMR_OK)
		status = emr_proposal_admit_ca(emr_buf_view(&part), &ca);
	if (status == EMR_OK)
		status = emr_buf_append(s->ca, ca.data, ca.len);
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
}

static emr_status find_ca(emr_bureau *bureau)
{
	seeking s = {.bureau = bureau, .org = bureau->org, .ca = &bureau->ca};
	emr_status status = emr_replica_orgs(bureau->session.replica, note_org, &s);

	if (status != EMR_OK || !s.is_there)
		return status == EMR_OK ? EMR_NOT_FOUND : status;
	status = ca_in_descriptor(emr_ledger_descriptor(bureau->session.ledger), bureau->org,
		s.row.ca_hash, &bureau->ca);
	if (status == EMR_NOT_FOUND)
		status = emr_replica_proposals(bureau->session.replica, look_into, &s);
	return status == EMR_OK && bureau->ca.len == 0 ? EMR_NOT_FOUND : status;
}

/* ---- opening ---- */

static emr_status find_network(emr_bureau *bureau, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	emr_status status =
		emr_places_open_state(&bureau->places, false, &session->state_fd, out_problem);

	if (status == EMR_NOT_FOUND ||
		(status == EMR_OK &&
			faccessat(session->state_fd, EMR_STATE_KEYFILE, F_OK, 0) != 0)) {
		emr_problem_set(
			out_problem, EMR_SAY_NO_KEYRING, "state", bureau->places.state, NULL);
		return EMR_NOT_FOUND;
	}
	if (status == EMR_OK)
		status = emr_network_dir_of(session->state_fd, &bureau->dir);
	if (status != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_NOT_ADMIN, NULL);
		return status;
	}
	session->state_path = strdup(bureau->places.state);
	if (session->state_path == NULL)
		return EMR_NO_MEMORY;
	return emr_network_dir_check(bureau->dir, out_problem);
}

static emr_status find_organisation(emr_bureau *bureau, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	emr_known_person me;
	bool is_active = false;
	emr_status status = emr_keyring_public(session->keyring, &session->identity);

	if (status == EMR_OK)
		status = emr_replica_person(session->replica, session->identity.signer_id, &me);
	if (status == EMR_OK && (me.row.roles & EMR_ROLE_ORG_ADMIN) != 0)
		status = emr_replica_person_is_active(
			session->replica, &me, emr_clock_unix_s(emr_clock_system()), &is_active);
	if (status == EMR_NOT_FOUND || (status == EMR_OK && !is_active)) {
		emr_problem_set(out_problem, EMR_SAY_NOT_ADMIN, NULL);
		return EMR_DENIED;
	}
	if (status != EMR_OK)
		return status;
	memcpy(bureau->org.b, me.row.org, 16);
	status = find_ca(bureau);
	return status == EMR_OK ? emr_bureau_name(bureau, bureau->org, bureau->name) : status;
}

static emr_status keep_parts(void *arg, const emr_known_grant *grant)
{
	return emr_replica_keep(arg, grant->domain);
}

/* An open folder shares the own copy: what is taken in here must leave it the parts of what others
 * share with this person.  What is granted by these very entries the folder adopts when it sees the
 * grant. */
static emr_status follow(emr_session *session)
{
	emr_public me;
	emr_known_person person;
	emr_id32 root;
	emr_status status = emr_keyring_public(session->keyring, &me);

	if (status == EMR_OK)
		status = emr_replica_person(session->replica, me.signer_id, &person);
	if (status == EMR_OK) {
		memcpy(root.b, person.row.root, 32);
		status =
			emr_replica_grants_to(session->replica, root, keep_parts, session->replica);
		if (status == EMR_OK)
			status = emr_teams_grants(
				session->replica, root, keep_parts, session->replica);
	}
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	return emr_replica_catch_up(session->replica, NULL, NULL, NULL);
}

static emr_status open_all(const emr_args *args, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &bureau->places, out_problem);

	if (status == EMR_OK)
		status = find_network(bureau, out_problem);
	if (status == EMR_OK)
		status = emr_base_init();
	if (status == EMR_OK)
		status = emr_process_harden();
	if (status == EMR_OK)
		status = emr_keys_open(session->state_fd, session->state_path,
			args->values[EMR_OPT_PASSPHRASE_FILE], &session->keyring, out_problem);
	if (status == EMR_OK)
		status = emr_session_open_copy(session, false, out_problem);
	if (status == EMR_OK)
		status = follow(session);
	return status == EMR_OK ? find_organisation(bureau, out_problem) : status;
}

static emr_status say(emr_status status, emr_problem *out_problem)
{
	if (status == EMR_OK || out_problem->is_set)
		return status;
	if (status == EMR_OFFLINE)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_NO_ANSWER, NULL);
	else
		emr_problem_set_status(out_problem, status, "The organisation");
	return status;
}

emr_status emr_bureau_open(const emr_args *args, emr_bureau *out_bureau, emr_problem *out_problem)
{
	return say(open_all(args, out_bureau, out_problem), out_problem);
}

/* ---- acting ---- */

emr_status emr_bureau_send(
	emr_bureau *bureau, emr_act *act, emr_bytes part, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	uint8_t code = 0;
	emr_status status = emr_replica_follow(session->replica, session->identity.signer_id, act);

	if (status == EMR_OK)
		status = emr_act_send(session->keyring, session->ledger, act, part, NULL, &code);
	if (status == EMR_OK && code > EMR_RESULT_ALREADY) {
		emr_problem_set(
			out_problem, EMR_SAY_LEDGER_REFUSED, "cause", emr_result_text(code), NULL);
		return EMR_REFUSED;
	}
	if (status == EMR_OK)
		status = emr_replica_catch_up(session->replica, NULL, NULL, NULL);
	return say(status, out_problem);
}

emr_status emr_bureau_agree(const emr_args *args, emr_out *out, const char *question,
	const char *what, emr_problem *out_problem)
{
	char answer[16] = "";

	if (args->given[EMR_OPT_YES])
		return EMR_OK;
	if (emr_terminal_there() && !out->is_json &&
		emr_terminal_ask(question, answer, sizeof answer) == EMR_OK &&
		(answer[0] == 'y' || answer[0] == 'Y'))
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NO_YES, "what", what, NULL);
	return EMR_DENIED;
}

/* ---- a verb ---- */

int emr_bureau_end(emr_out *out, emr_status status, emr_problem *problem)
{
	if (status == EMR_OK)
		return EMR_EXIT_DONE;
	if (!problem->is_set)
		emr_problem_set_status(problem, status, "The organisation");
	return emr_out_fail(out, problem);
}

int emr_bureau_run(const emr_args *args, emr_out *out, emr_bureau_work work)
{
	EMR_AUTO_BUREAU bureau = EMR_BUREAU_CLOSED;
	emr_problem problem = {0};
	emr_status status = emr_bureau_open(args, &bureau, &problem);

	if (status == EMR_OK)
		status = work(args, out, &bureau, &problem);
	return emr_bureau_end(out, status, &problem);
}
