/* This file finds the authority of one's own organisation by a network's directory. */
#include "network/enrolling.h"

#include <stdio.h>

#include "kit/language.h"
#include "served/authority.h"
#include "served/client.h"
#include "session/network_dir.h"

emr_status emr_login_find(
	const char *dir, char out_node[EMR_AUTHORITY_NODE_BYTES], emr_problem *out_problem)
{
	emr_status status = emr_authority_at(dir, out_node);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause",
			emr_text(emr_status_text(status)), NULL);
	return status;
}

bool emr_login_is_there(const char *dir)
{
	char node[EMR_AUTHORITY_NODE_BYTES];

	return emr_authority_at(dir, node) != EMR_NOT_FOUND;
}

emr_status emr_login_keep(
	const char *dir, const char *where, const char *verb, emr_problem *out_problem)
{
	emr_status status = where != NULL ? emr_authority_keep(dir, where) : EMR_OK;

	return status != EMR_INVALID
		       ? status
		       : emr_wrong_use(verb,
				 _("--login-ca is https://HOST[:PORT],FILE or "
				   "https://HOST[:PORT],FILE,NAME, where FILE has the certificates "
				   "(PEM) that vouch for that host's TLS. It goes with the "
				   "directory "
				   "of a ledger, and with no address."),
				 out_problem);
}

emr_status emr_login_carry(const char *dir, const char *login, emr_buf *out)
{
	EMR_AUTO_BUF place = {0};
	emr_served_at at;

	EMR_TRY(emr_network_dir_host(dir, &place));
	EMR_TRY(emr_served_at_read(emr_buf_view(&place), &at));
	at.is_known = true;
	snprintf(at.login, sizeof at.login, "%s", login);
	return emr_served_at_write(&at, out);
}

bool emr_login_carried(emr_bytes place, char out_login[EMR_LOGIN_MAX + 1])
{
	emr_served_at at;

	if (emr_served_at_read(place, &at) != EMR_OK)
		return false;
	snprintf(out_login, EMR_LOGIN_MAX + 1, "%s", at.login);
	return at.is_known;
}
