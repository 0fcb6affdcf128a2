#include "ledger/welcome.h"

#include <string.h>

#include "contract/item.h"
#include "contract/pubs.h"
#include "ledger/batch.h"
#include "ledger/register.h"

#define DAY_S ((uint64_t)86400)
#define VALID_FOR_S (7 * DAY_S) /* of the batch */

/* The organisation in DESCRIPTOR that FITS; EMR_NOT_FOUND. */
static emr_status find_org(emr_bytes descriptor, const uint8_t *org, const uint8_t *admin_pk, emr_descriptor *out_descriptor,
	emr_descriptor_org *out_org)
{
	emr_span bytes = {descriptor.data, descriptor.len};

	if (emr_descriptor_parse(bytes, out_descriptor) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (size_t i = 0; i < out_descriptor->norg; i++) {
		if (emr_descriptor_org_at(out_descriptor, i, out_org) != EMR_CONTRACT_OK)
			return EMR_DAMAGED;
		if ((org == NULL || memcmp(out_org->org, org, 16) == 0) && memcmp(out_org->admin_pk, admin_pk, 32) == 0)
			return EMR_OK;
	}
	return EMR_NOT_FOUND;
}

emr_status emr_welcome_invite(const emr_keyring *admin, emr_bytes descriptor, const char *url, uint16_t roles,
	uint64_t expires_unix_s, emr_buf *out_bytes, emr_invitation *out)
{
	emr_invitation facts = {.roles = roles, .expires = expires_unix_s, .descriptor = descriptor};
	emr_descriptor network;
	emr_descriptor_org org;
	emr_public public;
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_keyring_public(admin, &public);

	if (status == EMR_OK)
		status = find_org(descriptor, NULL, public.pk, &network, &org);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	if (network.name.len > EMR_INVITE_NAME_MAX || strlen(url) > EMR_INVITE_URL_MAX)
		return EMR_LIMIT;
	memcpy(facts.org.b, org.org, 16);
	memcpy(facts.network, network.name.data, network.name.len);
	memcpy(facts.url, url, strlen(url));
	status = emr_invitation_make(admin, &facts, &bytes);
	/* Its id and secret are made with the bytes. */
	if (status == EMR_OK)
		status = emr_invitation_read(emr_buf_view(&bytes), &facts);
	if (status == EMR_OK)
		status = emr_buf_append(out_bytes, bytes.data, bytes.len);
	emr_wipe(bytes.data, bytes.len);
	facts.descriptor = descriptor;
	if (status == EMR_OK)
		*out = facts;
	emr_wipe(facts.secret, sizeof facts.secret);
	return status;
}

static emr_register about(const emr_keyring *keyring, const emr_invitation *invitation, const char *name)
{
	return (emr_register){.keyring = keyring,
		.net_id = invitation->net_id,
		.org = invitation->org,
		.roles = invitation->roles,
		.name = name};
}

emr_status emr_welcome_reply(
	const emr_keyring *invited, const emr_invitation *invitation, const char *handle, emr_buf *out_reply)
{
	emr_register who = about(invited, invitation, "");
	EMR_AUTO_BUF csr = {0};
	uint8_t pub[EMR_KEY_REG_PUB_BYTES];
	emr_status status = emr_register_describe(&who, pub);

	if (status == EMR_OK)
		status = emr_csr_make(invited, handle, &csr);
	return status == EMR_OK ? emr_invite_reply_make(invited, invitation, pub, emr_buf_view(&csr), out_reply) : status;
}

emr_status emr_welcome_certify(const emr_keyring *admin, const emr_invitation *invitation, emr_bytes reply, const char *handle,
	uint64_t now_unix_s, uint64_t valid_s, emr_buf *out_cert, emr_id32 *out_signer_id)
{
	emr_cert_subject subject = {.roles = invitation->roles,
		.org = invitation->org,
		.not_before = now_unix_s - DAY_S,
		.not_after = now_unix_s + valid_s};
	char asked[EMR_CERT_HANDLE_MAX + 1];
	uint8_t spki[EMR_P256_SPKI_BYTES];
	emr_invite_reply answer;
	emr_descriptor network;
	emr_descriptor_org org;
	emr_status status = emr_invite_reply_read(reply, invitation->secret, &answer);

	if (status == EMR_OK)
		status = emr_csr_read(answer.csr, asked, spki);
	if (status == EMR_OK)
		status = find_org(invitation->descriptor, invitation->org.b, invitation->admin_pk, &network, &org);
	if (status != EMR_OK)
		return status;
	subject.handle = handle != NULL ? handle : asked;
	status = emr_cert_issue(admin, emr_bytes_of(org.ca_der.data, org.ca_der.len), &subject,
		emr_bytes_of(spki, sizeof spki), out_cert);
	if (status == EMR_OK)
		emr_signer_id(answer.signer_pk, out_signer_id->b);
	return status;
}

/* What the administrator could have got wrong, or somebody else could have put there. */
static emr_status check(
	const emr_keyring *invited, const emr_invitation *invitation, emr_bytes cert, uint64_t now_unix_s)
{
	emr_descriptor network;
	emr_descriptor_org org;
	emr_cert_facts facts;
	emr_public public;
	emr_status status = find_org(invitation->descriptor, invitation->org.b, invitation->admin_pk, &network, &org);

	if (status == EMR_NOT_FOUND)
		return EMR_BAD_SIGNATURE;
	if (status == EMR_OK)
		status = emr_keyring_public(invited, &public);
	if (status == EMR_OK)
		status = emr_cert_verify(cert, emr_bytes_of(org.ca_der.data, org.ca_der.len), now_unix_s, &facts);
	if (status != EMR_OK)
		return status;
	return memcmp(facts.spki, public.p256_spki, EMR_P256_SPKI_BYTES) == 0 && facts.roles == invitation->roles &&
			       memcmp(facts.org.b, invitation->org.b, 16) == 0
		       ? EMR_OK
		       : EMR_BAD_SIGNATURE;
}

static emr_status submit(const emr_keyring *invited, const emr_invitation *invitation, const emr_act *act, emr_bytes part,
	emr_ledger *ledger, uint64_t now_unix_s)
{
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF batch = {0};
	emr_batch_options options = {.keyring = invited, .signer = emr_signer_identity(), .net_id = invitation->net_id};
	emr_operation operation = emr_act_operation(act, now_unix_s, part);
	emr_ledger_answer answer;
	emr_id32 item;
	emr_status status = emr_batch_new(&options, &builder);

	if (status == EMR_OK)
		status = emr_batch_add(builder, &operation, &item);
	if (status == EMR_OK)
		status = emr_batch_finish(builder, now_unix_s, VALID_FOR_S, &batch, NULL);
	if (status == EMR_OK)
		status = emr_ledger_submit(ledger, emr_buf_view(&batch), &answer);
	if (status != EMR_OK)
		return status;
	return answer.refusal == 0 && (answer.results[0] == EMR_RESULT_APPLIED || answer.results[0] == EMR_RESULT_ALREADY)
		       ? EMR_OK
		       : EMR_REFUSED;
}

emr_status emr_welcome_register(const emr_keyring *invited, const emr_invitation *invitation, emr_bytes cert, const char *name,
	emr_ledger *ledger, const emr_clock *clock)
{
	emr_register who = about(invited, invitation, name);
	uint64_t now = emr_clock_unix_s(clock != NULL ? clock : emr_clock_system());
	EMR_AUTO_BUF part = {0};
	emr_act act;
	emr_status status = check(invited, invitation, cert, now);

	if (status == EMR_OK && !emr_bytes_equal(emr_ledger_descriptor(ledger), invitation->descriptor))
		status = EMR_FORK;
	if (status == EMR_OK)
		status = emr_register_certified(&who, cert, &act, &part);
	return status == EMR_OK ? submit(invited, invitation, &act, emr_buf_view(&part), ledger, now) : status;
}
