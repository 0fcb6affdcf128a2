/* This file makes the code that leads somebody to an invitation at the network's host, for an
 * administrator's verb, and for an administrator's open folder, which asks for no passphrase. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/out.h"
#include "ledger/ledger.h"
#include "ledger/welcome.h"
#include "network/enrolling.h"
#include "org/invitations.h"
#include "replica/names.h"
#include "served/client.h"
#include "session/network_dir.h"

#define HTTPS "https://"

/* Where the host is, and whom it proves to be. */
static emr_status lead_to(const emr_served_at *at, emr_code *out)
{
	const char *place = at->socket[0] != '\0' ? at->socket : at->url + strlen(HTTPS);
	const size_t len = strlen(place);

	randombytes_buf(out->secret, sizeof out->secret);
	out->way = at->socket[0] != '\0' ? EMR_CODE_SOCKET
		   : at->pin[0] != '\0'	 ? EMR_CODE_PINNED
					 : EMR_CODE_AUTHORISED;
	out->print = at->key;
	if (out->way == EMR_CODE_PINNED && !emr_served_pin_read(at->pin, &out->print))
		return EMR_DAMAGED;
	/* A socket is named by whoever comes by it. */
	if (len > EMR_CODE_ADDRESS_MAX)
		return out->way == EMR_CODE_SOCKET ? EMR_OK : EMR_RANGE;
	memcpy(out->address, place, len + 1);
	return EMR_OK;
}

static emr_status make(const emr_bureau *bureau, const char *whom, uint64_t expires,
	emr_bytes place, const emr_code *code, emr_invitation *out)
{
	emr_welcome_away away = {.place = place};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF sealed = {0};
	emr_status status = emr_code_id(code, &away.id);

	/* Nobody needs to know where the network lies at its host, nor in whose account. */
	if (status == EMR_OK)
		status = emr_welcome_invite(bureau->session.keyring, bureau->org,
			emr_ledger_descriptor(bureau->session.ledger), "file:/", &away, code->roles,
			expires, &bytes, out);
	if (status == EMR_OK)
		status = emr_code_seal(code, emr_buf_view(&bytes), &sealed);
	if (status == EMR_OK)
		status = emr_invitations_keep(bureau, out, whom, emr_buf_view(&sealed));
	if (bytes.len > 0)
		emr_wipe(bytes.data, bytes.len);
	return status;
}

emr_status emr_invitations_make(const emr_bureau *bureau, const char *whom, uint16_t roles,
	uint64_t expires, char out_code[EMR_CODE_CHARS_MAX + 1], emr_invitation *out,
	emr_problem *out_problem)
{
	emr_code code = {.roles = roles};
	EMR_AUTO_BUF place = {0};
	emr_served_at at = {.url = ""};
	emr_status status = emr_network_dir_host(bureau->dir, &place);

	if (status == EMR_OK)
		status = emr_served_at_read(emr_buf_view(&place), &at);
	if (status == EMR_OK)
		status = lead_to(&at, &code);
	if (status == EMR_RANGE)
		emr_problem_set(out_problem, EMR_SAY_HOST_ADDRESS, "node", at.url, "cause",
			_("it is too long for a code, which has room for 45 letters"), NULL);
	if (status == EMR_OK)
		status = make(bureau, whom, expires, emr_buf_view(&place), &code, out);
	if (status == EMR_LIMIT)
		emr_problem_set(out_problem, EMR_SAY_HOST_MAIL_FULL, "what",
			"host/mail/*.invitation", NULL);
	if (status == EMR_OK)
		status = emr_code_write(&code, out_code);
	emr_wipe(&code, sizeof code);
	return status;
}

/* ---- the open folder answers ---- */

/* The verb does the rest, which an open folder cannot: then no code is in the answer. */
static emr_status make_asked(emr_bureau *bureau, const emr_request *request,
	char out_code[EMR_CODE_CHARS_MAX + 1], char out_id[33], emr_problem *out_problem)
{
	emr_invitation made = {0};
	uint16_t roles = 0;
	emr_status status = emr_roles_parse(request->name, &roles);

	if (status != EMR_OK || !emr_card_name_ok(request->who) ||
		strlen(request->who) > EMR_CERT_HANDLE_MAX || request->who[0] == '\0')
		return EMR_INVALID;
	if (emr_login_is_there(bureau->dir))
		return EMR_OK;
	status = emr_invitations_make(
		bureau, request->who, roles, request->until_unix_s, out_code, &made, out_problem);
	emr_hex(made.id.b, sizeof made.id.b, out_id);
	emr_wipe(&made, sizeof made);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* A host that is away is no end for who waits. */
static emr_status list_asked(
	emr_bureau *bureau, bool *out_is_away, const emr_sink *sink, emr_problem *out_problem)
{
	json_auto_t *list = NULL;
	emr_status status = emr_invitations_run(bureau, &list, out_problem);

	*out_is_away = emr_status_may_pass(status);
	return status == EMR_OK || *out_is_away ? emr_emit_list("invitations", list, sink) : status;
}

emr_status emr_answer_invite(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	char code[EMR_CODE_CHARS_MAX + 1] = "", id[33] = "";
	bool is_away = false;
	emr_bureau bureau = EMR_BUREAU_CLOSED;
	emr_status status = emr_bureau_of_open(session, &bureau, out_problem);

	if (status == EMR_OK && request->who[0] == '\0')
		status = list_asked(&bureau, &is_away, sink, out_problem);
	else if (status == EMR_OK)
		status = make_asked(&bureau, request, code, id, out_problem);
	if (status == EMR_OK)
		status = emr_emit(sink, json_pack("{s:b, s:s, s:s, s:b, s:o}", "done", 1, "join",
						code, "id", id, "host_away", (int)is_away,
						"organisation", emr_json_text(bureau.name)));
	else if (!out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The organisation"));
	emr_bureau_let_go(&bureau);
	emr_wipe(code, sizeof code);
	return status;
}
