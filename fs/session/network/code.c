/* This file fetches the invitation to which a code leads, from the host that the code names. */
#include "network/joining.h"

#include <stdio.h>
#include <string.h>

#include "kit/language.h"
#include "served/client.h"

bool emr_joining_is_code(const char *text)
{
	emr_code code;
	bool is = emr_code_read(emr_bytes_of(text, strlen(text)), &code) == EMR_OK;

	emr_wipe(&code, sizeof code);
	return is;
}

static emr_status refuse(const char *cause, emr_status status, emr_problem *out_problem)
{
	return EMR_PROBLEM(status, out_problem, EMR_SAY_BAD_INVITATION, "cause", cause, NULL);
}

/* A socket is met when it was named: what listens there could be anybody's. */
static emr_status find_host(
	const emr_code *code, const char *named, emr_served_at *out, emr_problem *out_problem)
{
	char place[sizeof "unix:" + EMR_CODE_ADDRESS_MAX];
	const bool is_socket = named != NULL && strncmp(named, "unix:/", 6) == 0;

	*out = (emr_served_at){.key = code->print};
	if (code->way == EMR_CODE_PINNED)
		emr_served_pin_text(code->print, out->pin);
	snprintf(place, sizeof place, "unix:%s", code->address);
	if (code->way != EMR_CODE_SOCKET)
		snprintf(out->url, sizeof out->url, "https://%s", code->address);
	else if (!is_socket || strlen(named + 5) >= sizeof out->socket ||
		 (code->address[0] != '\0' && strcmp(named, place) != 0))
		return EMR_PROBLEM(
			EMR_DENIED, out_problem, EMR_SAY_LEADS_TO_SOCKET, "path", place, NULL);
	else
		snprintf(out->socket, sizeof out->socket, "%s", named + 5);
	return EMR_OK;
}

/* The invitation is what its code says: the same host, and the same role. */
static bool is_of_code(const emr_invitation *invitation, const emr_code *code, emr_id16 id)
{
	emr_served_at at;
	emr_id32 pin = {{0}};

	if (emr_served_at_read(invitation->place, &at) != EMR_OK ||
		!emr_id16_equal(invitation->id, id) || invitation->roles != code->roles)
		return false;
	return code->way == EMR_CODE_PINNED
		       ? emr_served_pin_read(at.pin, &pin) && emr_id32_equal(pin, code->print)
		       : emr_id32_equal(at.key, code->print);
}

/* The host gives what waits there to anybody who knows its id, and only the code opens it. */
emr_status emr_code_fetch(
	const emr_code *code, const char *named, emr_buf *out, emr_problem *out_problem)
{
	EMR_AUTO_BUF sealed = {0};
	emr_invitation invitation = {0};
	emr_served_at at;
	emr_id16 id;
	emr_status status = emr_code_id(code, &id);

	if (status == EMR_OK)
		EMR_TRY(find_host(code, named, &at, out_problem));
	if (status == EMR_OK)
		status = emr_served_meet(&at, &id, &sealed);
	if (status == EMR_FORK)
		return refuse(_("the host there has another key"), status, out_problem);
	if (emr_status_is_unanswered(status))
		return EMR_PROBLEM(status, out_problem, EMR_SAY_HOST_AWAY, "node",
			at.url[0] != '\0' ? at.url : at.socket, NULL);
	if (status == EMR_NOT_FOUND)
		return refuse(_("it ended, or was withdrawn; ask for a new one"), EMR_DENIED,
			out_problem);
	if (status == EMR_OK)
		status = emr_code_open(code, emr_buf_view(&sealed), out);
	if (status == EMR_OK)
		status = emr_invitation_read(emr_buf_view(out), &invitation);
	if (status == EMR_OK && !is_of_code(&invitation, code, id))
		status = EMR_DAMAGED;
	emr_wipe(&invitation, sizeof invitation);
	return status != EMR_OK ? refuse(_("it was changed, or is none"), status, out_problem)
				: EMR_OK;
}
