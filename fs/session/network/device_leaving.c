/* This file ends what an organisation's authority does for a computer that its owner removed. An
 * authority takes that from those alone who administer it, so that for everybody else it says what
 * is to be said there. */
#include "network/device.h"

#include <stdio.h>
#include <string.h>

#include "kit/language.h"
#include "kit/text.h"
#include "network/enrolling.h"
#include "network/login.h"
#include "replica/people.h"
#include "session/network_dir.h"

/* As which the authority knows DEVICE: its certificate says so. */
static emr_status find_handle(
	const emr_acting *acting, emr_id32 device, char out[EMR_CERT_HANDLE_MAX + 1])
{
	EMR_AUTO_BUF part = {0};
	emr_known_person known;
	emr_cert_facts facts;
	emr_bytes der, name;
	emr_status status = emr_replica_person(acting->session.replica, device, &known);

	if (status == EMR_OK)
		status = emr_replica_device_certificate(
			acting->session.replica, &known, &part, &der, &name);
	if (status == EMR_OK)
		status = emr_cert_read(der, &facts);
	if (status == EMR_OK)
		memcpy(out, facts.handle, sizeof facts.handle);
	return status;
}

static bool is_administrator(const emr_acting *acting)
{
	emr_known_person me;
	emr_public public;

	return emr_keyring_public(acting->session.keyring, &public) == EMR_OK &&
	       emr_replica_person(acting->session.replica, public.signer_id, &me) == EMR_OK &&
	       (me.row.roles & EMR_ROLE_ORG_ADMIN) != 0;
}

emr_device_left emr_device_leave_authority(const emr_acting *acting, emr_id32 device,
	const char *name, emr_out *out, char out_handle[EMR_CERT_HANDLE_MAX + 1])
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_problem why = {0};
	emr_status status = EMR_DENIED;
	char word[4 * EMR_CERT_HANDLE_MAX + 8];

	out_handle[0] = '\0';
	if (emr_network_dir_of(acting->session.state_fd, &dir) != EMR_OK ||
		!emr_login_is_there(dir) || find_handle(acting, device, out_handle) != EMR_OK)
		return EMR_DEVICE_LEFT_NOTHING;
	if (is_administrator(acting))
		status = emr_enrol_revoke(dir, acting->session.keyring, out_handle, &why);
	if (status == EMR_OK || status == EMR_NOT_FOUND) {
		emr_say(out, "The authority gives no more certificates to %s.\n", out_handle);
		return EMR_DEVICE_LEFT_ENDED;
	}
	if (why.is_set)
		emr_say(out, "%s\n", why.text);
	emr_shell_name(out_handle, word, sizeof word);
	emr_say(out,
		"Whoever has %s can still have its certificate renewed and see hashes in the "
		"channel, until your organisation says: emrfs org revoke %s\n",
		name, word);
	return EMR_DEVICE_LEFT_KNOWN;
}
