/* This file finds the authority of one's own organisation by a network's directory. */
#include "network/login.h"

#include <stdio.h>

#include "http/request.h"
#include "session/network_dir.h"

#define TIMEOUT_MS 30000

static emr_status say(
	const char *dir, const char *cause, emr_status status, emr_problem *out_problem)
{
	if (status != EMR_OK && cause[0] != '\0')
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause", cause, NULL);
	return status;
}

void emr_login_place_free(emr_login_place *place)
{
	emr_channel_free(&place->channel);
}

emr_status emr_login_find(const char *dir, emr_login_place *out, emr_problem *out_problem)
{
	char cause[256] = "";
	emr_status status = emr_channel_read(dir, &out->channel, cause, sizeof cause);

	if (status == EMR_OK && out->channel.ca_address == NULL)
		return EMR_NOT_FOUND;
	out->ca = (emr_ca){.url = out->channel.ca_address,
		.root_file = out->channel.ca_root,
		.name = out->channel.ca_name,
		.timeout_ms = TIMEOUT_MS};
	if (status == EMR_OK && !emr_http_url_ok(out->ca.url)) {
		status = EMR_INVALID;
		snprintf(cause, sizeof cause, "authority: %.200s", out->ca.url);
	}
	return say(dir, cause, status, out_problem);
}

bool emr_login_is_there(const char *dir)
{
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256];

	return emr_channel_read(dir, &channel, cause, sizeof cause) == EMR_OK &&
	       channel.ca_address != NULL;
}

bool emr_login_may_be_there(const char *dir)
{
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256];

	return emr_channel_read(dir, &channel, cause, sizeof cause) == EMR_OK
		       ? channel.ca_address != NULL
		       : emr_network_dir_is_on_fabric(dir);
}

emr_status emr_login_carry(
	const char *dir, const char *login, emr_buf *out, emr_problem *out_problem)
{
	char cause[256] = "";

	return say(dir, cause, emr_channel_carry_for(dir, login, out, cause, sizeof cause),
		out_problem);
}

bool emr_login_carried(emr_bytes place, char out_login[EMR_LOGIN_MAX + 1])
{
	return place.len > 0 && emr_network_place_check(place) != EMR_OK &&
	       emr_channel_carried_login(place, out_login);
}
