/* This file is the way of a person into a network: invitation, reply, certificate, registration.
 * Each step checks what the one before has brought, also against an administrator's mistake. */
#include "ledger/welcome.h"

#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs.h"
#include "ledger/act_send.h"
#include "ledger/register.h"

#define DAY_S ((uint64_t)86400)

emr_status emr_welcome_invite(const emr_keyring *admin, emr_id16 org, emr_bytes descriptor,
	const char *url, const emr_welcome_away *away, uint16_t roles, uint64_t expires_unix_s,
	emr_buf *out_bytes, emr_invitation *out)
{
	emr_invitation facts = {
		.roles = roles, .expires = expires_unix_s, .descriptor = descriptor, .org = org};
	emr_descriptor network;
	EMR_AUTO_BUF bytes = {0};
	emr_status status;

	if (emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &network) !=
		EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (network.name.len > EMR_INVITE_NAME_MAX || strlen(url) > EMR_INVITE_URL_MAX)
		return EMR_LIMIT;
	memcpy(facts.network, network.name.data, network.name.len);
	memcpy(facts.url, url, strlen(url));
	if (away != NULL) {
		facts.place = away->place;
		facts.id = away->id;
	}
	status = emr_invitation_make(admin, &facts, &bytes);
	/* Its id and secret are made with the bytes. */
	if (status == EMR_OK)
		status = emr_invitation_read(emr_buf_view(&bytes), &facts);
	if (status == EMR_OK)
		status = emr_buf_append(out_bytes, bytes.data, bytes.len);
	emr_wipe(bytes.data, bytes.len);
	facts.descriptor = descriptor;
	facts.place = away != NULL ? away->place : (emr_bytes){0};
	if (status == EMR_OK)
		*out = facts;
	emr_wipe(facts.secret, sizeof facts.secret);
	return status;
}

static emr_register about(
	const emr_keyring *keyring, const emr_invitation *invitation, const char *name)
{
	return (emr_register){.keyring = keyring,
		.net_id = invitation->net_id,
		.org = invitation->org,
		.roles = invitation->roles,
		.name = name};
}

emr_status emr_welcome_reply(const emr_keyring *invited, const emr_invitation *invitation,
	const char *handle, emr_buf *out_reply)
{
	emr_register who = about(invited, invitation, "");
	EMR_AUTO_BUF csr = {0};
	uint8_t pub[EMR_KEY_REG_PUB_BYTES];

	EMR_TRY(emr_register_describe(&who, pub));
	EMR_TRY(emr_csr_make(invited, handle, &csr));
	return emr_invite_reply_make(invited, invitation, pub, emr_buf_view(&csr), out_reply);
}

emr_status emr_welcome_certify(const emr_keyring *admin, emr_bytes ca_der,
	const emr_invitation *invitation, emr_bytes reply, const char *handle, uint64_t now_unix_s,
	uint64_t valid_s, emr_buf *out_cert, emr_id32 *out_signer_id)
{
	emr_cert_subject subject = {.roles = invitation->roles,
		.org = invitation->org,
		.not_before = now_unix_s - DAY_S,
		.not_after = now_unix_s + valid_s};
	char asked[EMR_CERT_HANDLE_MAX + 1];
	uint8_t spki[EMR_P256_SPKI_BYTES];
	emr_invite_reply answer;

	EMR_TRY(emr_invite_reply_read(reply, invitation->secret, &answer));
	EMR_TRY(emr_csr_read(answer.csr, asked, spki));
	subject.handle = handle != NULL ? handle : asked;
	EMR_TRY(emr_cert_issue(admin, ca_der, &subject, emr_bytes_of(spki, sizeof spki), out_cert));
	emr_signer_id(answer.signer_pk, out_signer_id->b);
	return EMR_OK;
}

/* Checks for mistakes that the administrator could have made, and for what somebody else could have
 * put there. */
static emr_status check(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, uint64_t now_unix_s)
{
	const emr_span descriptor = {invitation->descriptor.data, invitation->descriptor.len};
	emr_descriptor network;
	emr_descriptor_org org;
	emr_cert_facts facts;
	emr_public public;

	if (emr_descriptor_parse(descriptor, &network) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	/* Of one that is later than the network: whose CA it is, every ledger looks up when the key
	 * is registered. */
	if (!emr_descriptor_find(&network, invitation->org.b, &org))
		EMR_TRY(emr_cert_read(cert, &facts));
	else /* by whichever key the administrator has now: her CA is the same */
		EMR_TRY(emr_cert_verify(
			cert, emr_bytes_of(org.ca_der.data, org.ca_der.len), now_unix_s, &facts));
	EMR_TRY(emr_keyring_public(invited, &public));
	if (facts.is_ca || now_unix_s < facts.not_before || now_unix_s >= facts.not_after)
		return EMR_DENIED;
	/* As the ledger has it: an authority may let him be more than he was invited for, and need
	 * not say whose it is. */
	return memcmp(facts.spki, public.p256_spki, EMR_P256_SPKI_BYTES) == 0 &&
			       (invitation->roles & ~facts.roles) == 0 &&
			       emr_cert_is_of(&facts, invitation->org.b)
		       ? EMR_OK
		       : EMR_BAD_SIGNATURE;
}

emr_status emr_welcome_check(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, const emr_clock *clock)
{
	return check(invited, invitation, cert,
		emr_clock_unix_s(clock != NULL ? clock : emr_clock_system()));
}

static emr_status send(const emr_keyring *invited, const emr_act *act, emr_bytes part,
	emr_ledger *ledger, const emr_clock *clock)
{
	uint8_t code = 0;

	EMR_TRY(emr_act_send(invited, ledger, act, part, clock, &code));
	if (code == EMR_RESULT_APPLIED || code == EMR_RESULT_ALREADY)
		return EMR_OK;
	emr_log(EMR_LOG_WARN, "the ledger does not take this key: %s", emr_result_text(code));
	return EMR_REFUSED;
}

emr_status emr_welcome_register(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, const char *name, emr_ledger *ledger, const emr_clock *clock)
{
	emr_register who = about(invited, invitation, name);
	uint64_t now = emr_clock_unix_s(clock != NULL ? clock : emr_clock_system());
	EMR_AUTO_BUF part = {0};
	emr_act act;

	EMR_TRY(check(invited, invitation, cert, now));
	if (!emr_bytes_equal(emr_ledger_descriptor(ledger), invitation->descriptor))
		return EMR_FORK;
	EMR_TRY(emr_register_certified(&who, cert, &act, &part));
	return send(invited, &act, emr_buf_view(&part), ledger, clock);
}

emr_status emr_welcome_renewal(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, const char *name, const emr_clock *clock, emr_act *out_act,
	emr_buf *out_part)
{
	emr_register who = about(invited, invitation, name);

	EMR_TRY(check(invited, invitation, cert,
		emr_clock_unix_s(clock != NULL ? clock : emr_clock_system())));
	return emr_register_renew(&who, cert, out_act, out_part);
}
