/* An organisation applies to become a member of a network with a signed file. This file makes
 * and reads the application, the number to compare it by, and the first certificate after it was
 * admitted. */
#include "ledger/admission.h"

#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "ledger/act_send.h"
#include "ledger/hash.h"
#include "ledger/register.h"

#define DAY_S ((uint64_t)86400)
#define CA_S (30 * 365 * DAY_S)
#define OWNER_S (10 * 365 * DAY_S)
#define ROLES (EMR_ROLE_PATIENT | EMR_ROLE_ORG_ADMIN)

static const uint8_t magic[8] = {'E', 'M', 'A', 'P', 1};

static emr_status write_bytes(const emr_application *a, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	size_t name_len = strlen(a->name);

	emr_write_bytes(&w, magic, sizeof magic);
	emr_write_bytes(&w, a->net_id.b, 16);
	emr_write_bytes(&w, a->org.b, 16);
	emr_write_bytes(&w, a->admin_pk, 32);
	emr_write_u64(&w, a->expires);
	emr_write_u8(&w, (uint8_t)name_len);
	emr_write_bytes(&w, a->name, name_len);
	emr_write_u8(&w, (uint8_t)strlen(a->msp));
	emr_write_bytes(&w, a->msp, strlen(a->msp));
	emr_write_u16(&w, (uint16_t)a->ca_der.len);
	emr_write_bytes(&w, a->ca_der.data, a->ca_der.len);
	return w.status;
}

static emr_status make(const emr_keyring *admin, emr_application *facts, const char *name,
	const char *msp, emr_buf *out_bytes, emr_application *out)
{
	emr_public public;
	emr_status status = emr_keyring_public(admin, &public);

	if (strlen(name) == 0 || strlen(name) > EMR_APPLICATION_NAME_MAX ||
		(msp != NULL && !emr_cert_msp_ok(msp)))
		return EMR_INVALID;
	if (status != EMR_OK)
		return status;
	memcpy(facts->name, name, strlen(name));
	if (msp != NULL)
		memcpy(facts->msp, msp, strlen(msp));
	memcpy(facts->admin_pk, public.pk, 32);
	EMR_TRY(write_bytes(facts, out_bytes));
	return emr_application_read(emr_buf_view(out_bytes), out);
}

emr_status emr_application_by(const emr_keyring *admin, emr_id16 net_id, const char *name,
	const char *msp, emr_bytes ca_der, uint64_t expires_unix_s, emr_buf *out_bytes,
	emr_application *out)
{
	emr_application facts = {.net_id = net_id,
		.org = emr_cert_org_of(ca_der, emr_bytes_of(msp, strlen(msp))),
		.expires = expires_unix_s,
		.ca_der = ca_der};
	emr_status status = make(admin, &facts, name, msp, out_bytes, out);

	return status == EMR_DAMAGED ? EMR_INVALID : status;
}

emr_status emr_application_make(const emr_keyring *admin, emr_id16 net_id, const char *name,
	const char *msp, uint64_t now_unix_s, uint64_t expires_unix_s, emr_buf *out_bytes,
	emr_application *out)
{
	const emr_cert_subject subject = {.handle = name,
		.msp = msp,
		.not_before = now_unix_s - DAY_S,
		.not_after = now_unix_s + CA_S};
	emr_application facts = {
		.net_id = net_id, .org = emr_id16_random(), .expires = expires_unix_s};
	EMR_AUTO_BUF ca = {0};
	emr_status status = emr_cert_make_ca(admin, &subject, &ca);

	facts.ca_der = emr_buf_view(&ca);
	return status == EMR_OK ? make(admin, &facts, name, msp, out_bytes, out) : status;
}

emr_status emr_application_again(const emr_application *earlier, uint64_t expires_unix_s,
	emr_buf *out_bytes, emr_application *out)
{
	emr_application facts = *earlier;

	if (emr_application_is_own(earlier))
		facts.org = emr_id16_random();
	facts.expires = expires_unix_s;
	EMR_TRY(write_bytes(&facts, out_bytes));
	return emr_application_read(emr_buf_view(out_bytes), out);
}

bool emr_application_is_own(const emr_application *application)
{
	return !emr_id16_equal(application->org,
		emr_cert_org_of(application->ca_der,
			emr_bytes_of(application->msp, strlen(application->msp))));
}

/* A CA of our profile, which names this organisation and its MSP, or which the id names; the name
 * is text for people. */
static bool is_sound(const emr_application *a, size_t name_len)
{
	emr_cert_facts ca;

	if (emr_id16_is_zero(a->org) || !emr_cert_handle_ok(a->name, name_len) ||
		emr_cert_read(a->ca_der, &ca) != EMR_OK || !ca.is_ca)
		return false;
	if (emr_application_is_own(a))
		return strcmp(ca.handle, a->name) == 0 && strcmp(ca.msp, a->msp) == 0;
	return ca.msp[0] == '\0' && emr_cert_msp_ok(a->msp);
}

emr_status emr_application_read(emr_bytes bytes, emr_application *out)
{
	emr_application a = {0};
	emr_reader r = emr_reader_of(bytes);
	emr_bytes head = emr_read_bytes(&r, sizeof magic), text, msp;
	size_t name_len, msp_len;

	if (bytes.len > EMR_APPLICATION_MAX || head.data == NULL ||
		memcmp(head.data, magic, 4) != 0)
		return EMR_DAMAGED;
	if (head.data[4] != magic[4])
		return emr_newer_format(head.data[4], magic[4]);
	if (memcmp(head.data, magic, sizeof magic) != 0)
		return EMR_DAMAGED;
	emr_read_copy(&r, a.net_id.b, 16);
	emr_read_copy(&r, a.org.b, 16);
	emr_read_copy(&r, a.admin_pk, 32);
	a.expires = emr_read_u64(&r);
	name_len = emr_read_u8(&r);
	text = emr_read_bytes(&r, name_len);
	msp_len = emr_read_u8(&r);
	msp = emr_read_bytes(&r, msp_len);
	a.ca_der = emr_read_bytes(&r, emr_read_u16(&r));
	if (!emr_reader_done(&r) || name_len > EMR_APPLICATION_NAME_MAX ||
		msp_len > EMR_CERT_MSP_MAX)
		return EMR_DAMAGED;
	memcpy(a.name, text.data, name_len);
	if (msp_len > 0)
		memcpy(a.msp, msp.data, msp_len);
	if (strlen(a.msp) != msp_len || !is_sound(&a, name_len))
		return EMR_DAMAGED;
	*out = a;
	return EMR_OK;
}

void emr_application_number(emr_bytes bytes, char out[EMR_APPLICATION_NUMBER_CHARS])
{
	emr_id32 hash = emr_sha256_of(&bytes, 1);

	/* Four bytes for five digits: 2^32 is 42,949 times 100,000, so no digit is noticeably
	 * likelier. */
	for (int i = 0; i < 8; i++) {
		uint32_t n = emr_get_u32(hash.b + 4 * i) % 100000;

		for (int d = 4; d >= 0; d--, n /= 10)
			out[6 * i + d] = (char)('0' + n % 10);
		out[6 * i + 5] = i < 7 ? ' ' : '\0';
	}
}

emr_status emr_application_certify(const emr_keyring *admin, const emr_application *application,
	const char *handle, uint64_t now_unix_s, emr_buf *out_cert)
{
	const emr_cert_subject subject = {.handle = handle,
		.roles = ROLES,
		.org = application->org,
		.not_before = now_unix_s - DAY_S,
		.not_after = now_unix_s + OWNER_S};
	emr_public public;

	EMR_TRY(emr_keyring_public(admin, &public));
	return emr_cert_issue(admin, application->ca_der, &subject,
		emr_bytes_of(public.p256_spki, EMR_P256_SPKI_BYTES), out_cert);
}

emr_status emr_application_register(const emr_keyring *admin, const emr_application *application,
	emr_bytes cert, const char *name, emr_ledger *ledger, const emr_clock *clock)
{
	const emr_register who = {.keyring = admin,
		.net_id = application->net_id,
		.org = application->org,
		.roles = ROLES,
		.name = name};
	EMR_AUTO_BUF part = {0};
	emr_act act;
	uint8_t code = 0;

	EMR_TRY(emr_register_certified(&who, cert, &act, &part));
	EMR_TRY(emr_act_send(admin, ledger, &act, emr_buf_view(&part), clock, &code));
	/* Its row is there, which only this key can make: who registered was ended behind that. */
	return code == EMR_RESULT_APPLIED || code == EMR_RESULT_ALREADY ||
			       code == EMR_RESULT_CONFLICT
		       ? EMR_OK
		       : EMR_REFUSED;
}
