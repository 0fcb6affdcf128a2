/* This file opens what the verbs of an administrator need (keyring, ledger, the organisation's
 * own keys), sends what they sign, and asks before it does. */
#include "org/bureau.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "ledger/act_send.h"
#include "ledger/batch.h"
#include "ledger/hash.h"
#include "replica/follower.h"
#include "session/absence.h"
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

emr_status emr_bureau_ca(emr_bureau *bureau)
{
	EMR_AUTO_ORGANISATION org = {.name = ""};

	EMR_TRY(emr_replica_organisation(bureau->session.replica,
		emr_ledger_descriptor(bureau->session.ledger), bureau->org.b, &org));
	if (org.ca.len == 0)
		return EMR_NOT_FOUND;
	emr_buf_clear(&bureau->ca);
	return emr_buf_append(&bureau->ca, org.ca.data, org.ca.len);
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
	emr_status status = emr_replica_person(session->replica, session->identity.signer_id, &me);

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
	EMR_TRY(emr_bureau_ca(bureau));
	return emr_bureau_name(bureau, bureau->org, bureau->name);
}

static emr_status open_all(const emr_args *args, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	emr_status followed;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &bureau->places, out_problem));
	EMR_TRY(find_network(bureau, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_keys_open(session->state_fd, session->state_path,
		args->values[EMR_OPT_PASSPHRASE_FILE], &session->keyring, out_problem));
	EMR_TRY(emr_session_open_copy(session, false, &followed, out_problem));
	EMR_TRY(followed);
	return emr_keyring_public(session->keyring, &session->identity);
}

static emr_status say_status(const emr_bureau *bureau, emr_status status, emr_problem *out_problem)
{
	const emr_session *session = &bureau->session;

	if (status == EMR_OK || out_problem->is_set)
		return status;
	if ((emr_status_is_away(status) || status == EMR_DENIED) &&
		emr_absence_say_refusal(session, session->ledger, out_problem))
		return status;
	if (status == EMR_OFFLINE)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_NO_ANSWER, NULL);
	else
		emr_problem_set_status(out_problem, status, _("The organisation"));
	return status;
}

emr_status emr_bureau_open(const emr_args *args, emr_bureau *out_bureau, emr_problem *out_problem)
{
	emr_status status = open_all(args, out_bureau, out_problem);

	if (status == EMR_OK)
		status = find_organisation(out_bureau, out_problem);
	return say_status(out_bureau, status, out_problem);
}

emr_status emr_bureau_open_any(
	const emr_args *args, emr_bureau *out_bureau, emr_problem *out_problem)
{
	emr_status status = open_all(args, out_bureau, out_problem);

	return say_status(out_bureau, status, out_problem);
}

emr_status emr_bureau_of(const emr_session *session, emr_bureau *out_bureau)
{
	emr_known_person me;
	emr_status status = emr_replica_person(session->replica, session->identity.signer_id, &me);

	*out_bureau = EMR_BUREAU_CLOSED;
	if (status == EMR_OK && (me.row.roles & EMR_ROLE_ORG_ADMIN) == 0)
		status = EMR_NOT_FOUND;
	if (status != EMR_OK)
		return status;
	out_bureau->session.keyring = session->keyring;
	out_bureau->session.ledger = session->ledger;
	out_bureau->session.replica = session->replica;
	out_bureau->session.identity = session->identity;
	out_bureau->session.state_fd = session->state_fd;
	memcpy(out_bureau->org.b, me.row.org, sizeof out_bureau->org.b);
	return emr_network_dir_of(session->state_fd, &out_bureau->dir);
}

emr_status emr_bureau_of_open(
	const emr_session *session, emr_bureau *out_bureau, emr_problem *out_problem)
{
	emr_status followed = EMR_OK, status = emr_bureau_of(session, out_bureau);

	if (status == EMR_NOT_FOUND)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_ADMIN, NULL);
	if (status == EMR_OK)
		status = emr_session_begin(session, &followed, out_problem);
	if (status == EMR_OK)
		status = followed;
	if (status == EMR_OK)
		status = find_organisation(out_bureau, out_problem);
	return say_status(out_bureau, status, out_problem);
}

void emr_bureau_let_go(emr_bureau *bureau)
{
	emr_buf_free(&bureau->ca);
	free(bureau->dir);
	*bureau = EMR_BUREAU_CLOSED;
}

/* ---- acting ---- */

/* How sending ended: CODE is the ledger's answer, and all of its SIZE entries are here. */
static emr_status bureau_sent(emr_bureau *bureau, emr_status status, uint8_t code, uint64_t size,
	emr_problem *out_problem)
{
	if (status == EMR_OK)
		status = emr_follow_to(bureau->session.replica, size);
	if (status == EMR_OK && code > EMR_RESULT_ALREADY) {
		emr_problem_set(
			out_problem, EMR_SAY_LEDGER_REFUSED, "cause", emr_result_text(code), NULL);
		return EMR_REFUSED;
	}
	return say_status(bureau, status, out_problem);
}

/* The batch names the newest entry of this copy: it stands behind that history, in no other. */
static emr_status send_acts(const emr_bureau *bureau, const emr_act *acts, const emr_bytes *parts,
	size_t n, uint8_t *out_code, uint64_t *out_size)
{
	const emr_session *session = &bureau->session;
	emr_batch_options seen = {.seen_seq = 0};
	emr_replica_position at;

	EMR_TRY(emr_replica_at(session->replica, &at));
	seen.seen_seq = at.size - 1;
	seen.seen_leaf = at.last_leaf;
	return emr_act_send_all(
		session->keyring, session->ledger, acts, parts, n, &seen, NULL, out_code, out_size);
}

emr_status emr_bureau_send(
	emr_bureau *bureau, emr_act *act, emr_bytes part, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	emr_status status = emr_replica_follow(session->replica, session->identity.signer_id, act);

	return status == EMR_OK ? emr_bureau_send_together(bureau, act, &part, 1, out_problem)
				: say_status(bureau, status, out_problem);
}

emr_status emr_bureau_send_once(
	emr_bureau *bureau, emr_act *act, emr_bytes part, uint8_t state, emr_problem *out_problem)
{
	const emr_session *session = &bureau->session;
	EMR_AUTO_BUF row = {0};
	emr_problem why = {0};
	emr_row_head head;
	emr_key_text key;
	emr_status status = emr_bureau_send(bureau, act, part, &why);

	if (status == EMR_REFUSED &&
		emr_act_row_key(act, session->identity.signer_id, &key) == EMR_OK &&
		emr_replica_state_get(session->replica, key.text, &row) == EMR_OK &&
		emr_row_head_parse((emr_span){row.data, row.len}, &head) == EMR_CONTRACT_OK &&
		head.state == state && head.version >= act->version)
		return EMR_OK;
	if (status != EMR_OK)
		*out_problem = why;
	return status;
}

emr_status emr_bureau_send_all(
	emr_bureau *bureau, emr_act *acts, size_t n, emr_problem *out_problem)
{
	emr_session *session = &bureau->session;
	emr_status status = EMR_OK;
	uint64_t size = 0;
	uint8_t code = 0;
	size_t some;

	for (size_t at = 0; status == EMR_OK && code == 0 && at < n; at += some) {
		some = n - at < EMR_BATCH_SEND_ITEMS ? n - at : EMR_BATCH_SEND_ITEMS;
		for (size_t i = at; status == EMR_OK && i < at + some; i++)
			status = emr_replica_follow(
				session->replica, session->identity.signer_id, &acts[i]);
		if (status == EMR_OK)
			status = send_acts(bureau, acts + at, NULL, some, &code, &size);
	}
	return bureau_sent(bureau, status, code, size, out_problem);
}

emr_status emr_bureau_send_together(emr_bureau *bureau, const emr_act *acts, const emr_bytes *parts,
	size_t n, emr_problem *out_problem)
{
	uint64_t size = 0;
	uint8_t code = 0;
	emr_status status = send_acts(bureau, acts, parts, n, &code, &size);

	return bureau_sent(bureau, status, code, size, out_problem);
}

void emr_bureau_show(const char *name, char out[EMR_BESIDE_BYTES])
{
	char shown[512];
	size_t n = 0;

	emr_show(name, shown, sizeof shown);
	for (const char *at = shown; *at != '\0'; at++) {
		bool begins = ((unsigned char)*at & 0xc0) != 0x80;

		if (*at == ' ' && n > 0 && out[n - 1] == ' ')
			continue;
		if (n >= 60 && begins && strlen(at) > 64 - n) {
			memcpy(out + n, "...", 4);
			return;
		}
		out[n++] = *at;
	}
	out[n] = '\0';
}

emr_status emr_bureau_agree(const emr_args *args, emr_out *out, const char *question,
	const char *what, emr_problem *out_problem)
{

	if (args->given[EMR_OPT_YES])
		return EMR_OK;
	if (emr_terminal_there() && !out->is_json && emr_terminal_says_yes(question))
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NO_YES, "what", what, NULL);
	return EMR_DENIED;
}

/* ---- a verb ---- */

int emr_bureau_end(emr_out *out, emr_status status, emr_problem *problem)
{
	return emr_out_done(out, status, problem, _("The organisation"));
}

int emr_bureau_run(const emr_args *args, emr_out *out, emr_bureau_work *work)
{
	EMR_AUTO_BUREAU bureau = EMR_BUREAU_CLOSED;
	emr_problem problem = {0};
	emr_status status = emr_bureau_open(args, &bureau, &problem);

	if (status == EMR_OK)
		status = work(args, out, &bureau, &problem);
	return emr_bureau_end(out, status, &problem);
}
