/* This file makes the directory in a state that leads to a network elsewhere. */
#include "network/own_dir.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "kit/language.h"
#include "served/client.h"
#include "session/network_dir.h"
#include "session/session.h"
#include "session/stage.h"

static emr_status say(
	const char *place, const char *cause, emr_status status, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", place, "cause", cause, NULL);
	return status;
}

bool emr_own_dir_is_address(const char *network)
{
	return network != NULL && strncmp(network, "https://", 8) == 0;
}

emr_status emr_own_dir_allow(
	emr_bytes way, const char *named, emr_out *out, emr_problem *out_problem)
{
	char place[sizeof "unix:" + sizeof((emr_served_at *)NULL)->url] = "";
	emr_problem remark = {0};
	emr_served_at at = {.url = ""};

	if (way.len == 0)
		return EMR_OK;
	if (emr_served_at_read(way, &at) == EMR_OK)
		snprintf(place, sizeof place, "%s%s", at.socket[0] != '\0' ? "unix:" : "",
			at.socket[0] != '\0' ? at.socket : at.url);
	emr_out_text(out, "host", place);
	if (at.socket[0] != '\0' && (named == NULL || strcmp(named, place) != 0))
		return EMR_PROBLEM(
			EMR_DENIED, out_problem, EMR_SAY_LEADS_TO_SOCKET, "path", place, NULL);
	if (at.socket[0] != '\0' && emr_file_check_socket(at.socket) == EMR_EXPOSED)
		return say(place,
			_("another account can put its own socket there: take a directory of yours "
			  "that no other account writes"),
			EMR_EXPOSED, out_problem);
	emr_problem_set(&remark, EMR_SAY_LEADS_TO, "node", place, NULL);
	emr_remark(out, &remark);
	return EMR_OK;
}

emr_status emr_own_dir_make(int state_fd, const char *state, emr_bytes way, emr_bytes descriptor,
	char **out_dir, emr_problem *out_problem)
{
	emr_status status = emr_stage_remove_tree(state_fd, EMR_STATE_NETWORK);

	if ((status != EMR_OK && status != EMR_NOT_FOUND) ||
		asprintf(out_dir, "%s/" EMR_STATE_NETWORK, state) < 0) {
		*out_dir = NULL;
		status = status != EMR_OK && status != EMR_NOT_FOUND ? status : EMR_NO_MEMORY;
		return say(state, emr_text(emr_status_text(status)), status, out_problem);
	}
	status = emr_network_dir_settle(*out_dir, way, descriptor);
	if (status != EMR_OK)
		return say(*out_dir, emr_text(emr_status_text(status)), status, out_problem);
	return way.len > 0 ? emr_network_dir_check(*out_dir, out_problem) : EMR_OK;
}

static const char *meeting_text(emr_status status)
{
	if (status == EMR_FORK)
		return _("it shows another key than its address says");
	return emr_text(emr_status_text(status));
}

emr_status emr_own_dir_readdress(const char *named, emr_buf *way, emr_problem *out_problem)
{
	emr_served_at was, at = {.url = ""};
	const bool is_known = emr_served_at_read(emr_buf_view(way), &was) == EMR_OK;

	if (is_known && named != NULL && strncmp(named, "unix:/", 6) == 0 &&
		strlen(named) < sizeof at.socket) {
		at.key = was.key;
		snprintf(at.socket, sizeof at.socket, "%s", named + 5);
	} else if (emr_own_dir_is_address(named)) {
		if (emr_served_address_read(named, &at) != EMR_OK)
			return say(named,
				_("it is no address of a host, as "
				  "https://192.168.0.7:7443#ed25519//KEY; emrfs host says it"),
				EMR_INVALID, out_problem);
	} else {
		return EMR_OK;
	}
	at.has_login = is_known && was.has_login;
	if (is_known && !emr_id32_equal(at.key, was.key))
		return say(named,
			_("the copy knows the host by another key than this address has. If it has "
			  "got another: restore without --network, then emrfs network address "
			  "FILE"),
			EMR_FORK, out_problem);
	emr_buf_clear(way);
	return emr_served_at_write(&at, way);
}

emr_status emr_own_dir_meet(int state_fd, const char *state, const char *address, bool has_login,
	char **out_dir, emr_problem *out_problem)
{
	EMR_AUTO_BUF way = {0};
	EMR_AUTO_BUF descriptor = {0};
	emr_served_at at;
	char cause[256];
	emr_status status;

	EMR_TRY(emr_own_dir_readdress(address, &way, out_problem));
	status = emr_served_at_read(emr_buf_view(&way), &at);
	at.has_login = has_login;
	emr_buf_clear(&way);
	if (status == EMR_OK)
		status = emr_served_at_write(&at, &way);
	if (status == EMR_OK)
		status = emr_served_meet(&at, NULL, &descriptor);
	if (emr_status_is_unanswered(status) &&
		emr_file_is_barred(at.socket, cause, sizeof cause)) {
		emr_problem_set(
			out_problem, EMR_SAY_NODE_NO_ACCESS, "node", address, "said", cause, NULL);
		return EMR_DENIED;
	}
	if (emr_status_is_unanswered(status)) {
		emr_problem_set(out_problem, EMR_SAY_HOST_AWAY, "node", at.url, NULL);
		return status;
	}
	if (status != EMR_OK)
		return say(at.url, meeting_text(status), status, out_problem);
	return emr_own_dir_make(state_fd, state, emr_buf_view(&way), emr_buf_view(&descriptor),
		out_dir, out_problem);
}
