/* On Fabric the bringer of a batch signs the transaction with a certificate, and the contract wants
 * to know whose it is. This file gets one for a further computer of a person: the organisation
 * signs it, for a computer and nobody else, and the computer's key names it. */
#include "network/device.h"

#include <stdio.h>
#include <string.h>

#include "gateway/channel.h"
#include "kit/language.h"
#include "ledger/hash.h"
#include "ledger/welcome.h"
#include "session/network_dir.h"

emr_status emr_device_invitation(const char *from, const char *state, const char *dir,
	const emr_known_person *me, emr_joining *out, emr_problem *out_problem)
{
	out->is_for_device = true;
	EMR_TRY(emr_joining_read(from, NULL, state, out, out_problem));
	out->dir =
		dir; /* which leads to the same network, as is looked at before anything is sent */
	if (memcmp(out->invitation.org.b, me->row.org, sizeof me->row.org) == 0)
		return emr_joining_check(out, out_problem);
	emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
		_("it is of another organisation than yours"), NULL);
	return EMR_DENIED;
}

emr_status emr_device_certify(const emr_joining *joining, emr_keyring *device, const char *handle,
	int64_t within_ns, emr_problem *out_problem)
{
	EMR_AUTO_BUF certificate = {0};
	emr_status status =
		emr_joining_ask(joining, device, handle, within_ns, &certificate, out_problem);

	if (status == EMR_OK)
		status = emr_welcome_check(
			device, &joining->invitation, emr_buf_view(&certificate), NULL);
	return status == EMR_OK ? emr_keyring_tlv_set(device, EMR_KEYRING_CERTIFICATE,
					  emr_buf_view(&certificate))
				: status;
}

emr_status emr_device_name_certificate(const emr_joining *joining, const emr_keyring *device,
	const char *name, const char *own, emr_replica *replica)
{
	char path[4400];
	EMR_AUTO_LEDGER ledger = NULL;
	EMR_AUTO_BUF certificate = {0};
	const emr_id32 network = emr_sha256_of(&joining->invitation.descriptor, 1);
	emr_ledger_options options = {
		.path = path, .own = own, .submitter = device, .known_hash = &network};
	emr_status status = emr_keyring_tlv_get(device, EMR_KEYRING_CERTIFICATE, &certificate);

	snprintf(path, sizeof path, "%.4200s/" EMR_NETWORK_DIR_LEDGER, joining->dir);
	if (status == EMR_OK)
		status = emr_channel_open(&options, &ledger);
	return status == EMR_OK ? emr_joining_register(joining, device, emr_buf_view(&certificate),
					  name, ledger, replica)
				: status;
}
