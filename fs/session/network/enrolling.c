/* This file asks an organisation's own authority, and says in a sentence what came of it. It sends
 * a secret to nobody else. */
#include "network/enrolling.h"

#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "served/authority.h"

static emr_status say(
	const char *node, emr_status status, const emr_ca_call *call, emr_problem *out_problem)
{
	const char *text = emr_text(emr_ca_fault_text(call->fault));
	bool has_words = call->said[0] != '\0' && call->fault == EMR_CA_ERROR;
	char cause[600];

	if (status == EMR_OK)
		return EMR_OK;
	snprintf(cause, sizeof cause, "%s%s%s%s", text, has_words ? " (" : "",
		has_words ? call->said : "", has_words ? ")" : "");
	emr_problem_set(out_problem,
		emr_status_may_pass(status) ? EMR_SAY_AUTHORITY_AWAY : EMR_SAY_AUTHORITY, "node",
		node, "cause", cause, NULL);
	return status;
}

emr_status emr_enrol_as(const char *dir, const emr_keyring *keyring, const char *id,
	emr_bytes secret, emr_ca_certificate *out, emr_problem *out_problem)
{
	char node[EMR_AUTHORITY_NODE_BYTES];
	emr_ca_call call = {.fault = EMR_CA_FINE};

	EMR_TRY(emr_login_find(dir, node, out_problem));
	return say(node, emr_ca_enrol(dir, keyring, id, secret, out, &call), &call, out_problem);
}

emr_status emr_enrol_by_login(const char *dir, const emr_keyring *keyring, const emr_login *login,
	emr_ca_certificate *out, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE secret = {0};
	char node[EMR_AUTHORITY_NODE_BYTES];
	char id[EMR_LOGIN_MAX + 2] = "", question[400];
	emr_status status = emr_login_find(dir, node, out_problem);

	if (status != EMR_OK)
		return status;
	if (login->id != NULL)
		snprintf(id, sizeof id, "%s", login->id);
	else
		status = emr_terminal_ask(_("Your log-in at the organisation:"), id, sizeof id);
	if (status != EMR_OK || !emr_ca_id_ok(id)) {
		return emr_wrong_use("init",
			_("--login takes 1 to 64 letters of ASCII, without blanks and colons."),
			out_problem);
	}
	/* An invitation, which anybody can sign, says who gets it: whoever is asked sees that. */
	snprintf(question, sizeof question, _("Secret of %s, for %.256s"), id, node);
	EMR_TRY(emr_passphrase_get_secret(login->secret_file, question, &secret, out_problem));
	return emr_enrol_as(dir, keyring, id, emr_passphrase_view(&secret), out, out_problem);
}

emr_status emr_enrol_without(const emr_login *login, emr_problem *out_problem)
{
	return login->id == NULL
		       ? EMR_OK
		       : emr_wrong_use("org",
				 _("--login is for an organisation with an authority of its own, "
				   "and no settings here name one."),
				 out_problem);
}

emr_status emr_enrol_admin(const char *dir, const emr_keyring *keyring, const emr_login *login,
	emr_ca_certificate *out, emr_problem *out_problem)
{
	static const uint16_t needed = EMR_ROLE_PATIENT | EMR_ROLE_ORG_ADMIN;
	emr_cert_facts facts;

	EMR_TRY(emr_enrol_by_login(dir, keyring, login, out, out_problem));
	EMR_TRY(emr_cert_read(emr_buf_view(&out->chain), &facts));
	if ((facts.roles & needed) == needed)
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause",
		_("the authority's certificate does not say that its owner is patient and admin "
		  "(emr.roles)"),
		NULL);
	return EMR_DENIED;
}

/* The authority, and what the keyring has from it, which signs the question. */
static emr_status find_certified(const char *dir, const emr_keyring *keyring,
	char out_node[EMR_AUTHORITY_NODE_BYTES], emr_buf *out_chain, emr_problem *out_problem)
{
	EMR_TRY(emr_login_find(dir, out_node, out_problem));
	return emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, out_chain);
}

emr_status emr_enrol_again(const char *dir, const emr_keyring *keyring, emr_ca_certificate *out,
	emr_problem *out_problem)
{
	char node[EMR_AUTHORITY_NODE_BYTES];
	EMR_AUTO_BUF chain = {0};
	emr_ca_call call = {.fault = EMR_CA_FINE};

	EMR_TRY(find_certified(dir, keyring, node, &chain, out_problem));
	return say(node, emr_ca_reenrol(dir, keyring, emr_buf_view(&chain), out, &call), &call,
		out_problem);
}

emr_status emr_enrol_register(const char *dir, const emr_keyring *keyring,
	const emr_ca_person *person, emr_problem *out_problem)
{
	char node[EMR_AUTHORITY_NODE_BYTES];
	EMR_AUTO_BUF chain = {0};
	emr_ca_call call = {.fault = EMR_CA_FINE};
	emr_status status = find_certified(dir, keyring, node, &chain, out_problem);

	if (status == EMR_OK)
		status = emr_ca_register(dir, keyring, emr_buf_view(&chain), person, &call);
	if (call.fault == EMR_CA_DIRECTORY)
		return EMR_UNSUPPORTED;
	return say(node, status, &call, out_problem);
}

emr_status emr_enrol_revoke(
	const char *dir, const emr_keyring *keyring, const char *id, emr_problem *out_problem)
{
	char node[EMR_AUTHORITY_NODE_BYTES];
	EMR_AUTO_BUF chain = {0};
	EMR_AUTO_BUF crl = {0};
	emr_ca_call call = {.fault = EMR_CA_FINE};
	emr_status status = find_certified(dir, keyring, node, &chain, out_problem);

	if (status == EMR_OK)
		status = emr_ca_revoke(dir, keyring, emr_buf_view(&chain), id, &crl, &call);
	if (call.fault == EMR_CA_UNKNOWN || call.fault == EMR_CA_DIRECTORY)
		return emr_ca_fault_status(call.fault);
	return say(node, status, &call, out_problem);
}
