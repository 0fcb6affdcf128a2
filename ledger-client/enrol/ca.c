/* This file asks a Fabric CA its five questions (docs of Fabric CA, "swagger"; what it really
 * takes and gives stands in DESIGN.md), and checks the answers before anybody uses them. */
#include "enrol/ca.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "enrol_private.h"
#include "keyring/invite.h"

static void json_free(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON __attribute__((cleanup(json_free))) json_t

void emr_ca_certificate_free(emr_ca_certificate *certificate)
{
	emr_buf_free(&certificate->chain);
	emr_buf_free(&certificate->root);
}

bool emr_ca_id_ok(const char *id)
{
	size_t len = strlen(id);

	for (const char *at = id; *at != '\0'; at++)
		if (*at <= ' ' || *at >= 0x7f || *at == ':')
			return false;
	return len > 0 && len <= CA_ID_MAX;
}

/* ---- Bodies ---- */

static emr_status add_name(const emr_ca *ca, json_t *body)
{
	if (body == NULL)
		return EMR_NO_MEMORY;
	return ca->name == NULL || json_object_set_new(body, "caname", json_string(ca->name)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* A request for a certificate of ID, signed by its key. A directory's facts about a person come
 * into the certificate only when they are asked for. */
static emr_status request_body(
	const emr_ca *ca, const emr_keyring *keyring, const char *id, char **out_text)
{
	EMR_AUTO_BUF der = {0};
	EMR_AUTO_BUF pem = {0};
	AUTO_JSON *body = NULL;

	EMR_TRY(emr_csr_make(keyring, id, &der));
	EMR_TRY(ca_pem(emr_buf_view(&der), "CERTIFICATE REQUEST", &pem));
	body = json_pack("{s:s%, s:[{s:s, s:b}, {s:s, s:b}]}", "certificate_request",
		(const char *)pem.data, (size_t)pem.len, "attr_reqs", "name", "emr.roles",
		"optional", 1, "name", "emr.org", "optional", 1);
	EMR_TRY(add_name(ca, body));
	*out_text = json_dumps(body, JSON_COMPACT);
	return *out_text != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- What comes back ---- */

/* Tells apart what makes a certificate useless, for the one who has to mend it. */
static emr_status judge(const emr_keyring *keyring, const char *id, const emr_ca_certificate *got,
	emr_ca_call *call)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_cert_facts facts;
	emr_public public;
	emr_status status = emr_keyring_public(keyring, &public);

	if (status == EMR_OK && emr_cert_read(emr_buf_view(&got->chain), &facts) != EMR_OK)
		return ca_fail(call, EMR_CA_PROFILE, NULL);
	if (status != EMR_OK)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(status));
	if (facts.is_ca || strcmp(facts.handle, id) != 0 ||
		memcmp(facts.spki, public.p256_spki, sizeof facts.spki) != 0)
		return ca_fail(call, EMR_CA_MISMATCH, NULL);
	if (facts.not_before > now)
		return ca_fail(call, EMR_CA_CLOCK, NULL);
	status = emr_cert_verify(emr_buf_view(&got->chain), emr_buf_view(&got->root), now, &facts);
	if (status == EMR_DENIED)
		return ca_fail(call, EMR_CA_CLOCK, NULL);
	if (status == EMR_BAD_SIGNATURE)
		return ca_fail(call, EMR_CA_MISMATCH, NULL);
	return status == EMR_OK ? EMR_OK : ca_fail(call, EMR_CA_PROFILE, NULL);
}

static emr_status read_certificate(const emr_keyring *keyring, const char *id, const json_t *result,
	emr_ca_certificate *out, emr_ca_call *call)
{
	EMR_AUTO_BUF leaf = {0};
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	size_t count = 0;
	const json_t *chain = json_object_get(json_object_get(result, "ServerInfo"), "CAChain");
	emr_status status = ca_answer_certificates(json_object_get(result, "Cert"), &leaf, &count);

	if (status == EMR_OK && count == 1)
		status = ca_answer_sort(emr_buf_view(&leaf), chain, &got);
	if (status == EMR_NO_MEMORY)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(status));
	if (status != EMR_OK || count != 1)
		return ca_fail(call, EMR_CA_STRANGE, NULL);
	EMR_TRY(judge(keyring, id, &got, call));
	emr_ca_certificate_free(out);
	*out = got;
	got = (emr_ca_certificate){{0}, {0}};
	return EMR_OK;
}

/* ---- Questions ---- */

static emr_status ask(const emr_ca *ca, const ca_request *request, json_t **out_root,
	const json_t **out_result, emr_ca_call *call)
{
	EMR_AUTO_BUF answer = {0};

	EMR_TRY(ca_http(ca, request, &answer, call));
	return ca_answer_read(
		emr_buf_view(&answer), request->token != NULL, out_root, out_result, call);
}

/* A question of somebody with a certificate. */
static emr_status ask_as(const emr_ca *ca, const emr_keyring *keyring, emr_bytes chain,
	const char *path, const char *body, json_t **out_root, const json_t **out_result,
	emr_ca_call *call)
{
	EMR_AUTO_BUF token = {0};
	ca_request request = {.path = path, .body = emr_bytes_of(body, strlen(body))};
	emr_status status = ca_token(keyring, chain, "POST", path, request.body, &token);

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (status != EMR_OK)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(status));
	request.token = (const char *)token.data;
	return ask(ca, &request, out_root, out_result, call);
}

emr_status emr_ca_enrol(const emr_ca *ca, const emr_keyring *keyring, const char *id,
	emr_bytes secret, emr_ca_certificate *out, emr_ca_call *call)
{
	EMR_AUTO_FREE char *body = NULL;
	AUTO_JSON *root = NULL;
	ca_request request = {.path = "/api/v1/enroll", .login = id, .secret = secret};
	const json_t *result;
	emr_status status;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (!emr_ca_id_ok(id) || secret.len == 0 || secret.len > CA_SECRET_MAX ||
		memchr(secret.data, '\0', secret.len) != NULL)
		return ca_fail(call, EMR_CA_LOGIN, NULL);
	status = request_body(ca, keyring, id, &body);
	if (status != EMR_OK)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(status));
	request.body = emr_bytes_of(body, strlen(body));
	EMR_TRY(ask(ca, &request, &root, &result, call));
	return read_certificate(keyring, id, result, out, call);
}

emr_status emr_ca_reenrol(const emr_ca *ca, const emr_keyring *keyring, emr_bytes chain,
	emr_ca_certificate *out, emr_ca_call *call)
{
	EMR_AUTO_FREE char *body = NULL;
	AUTO_JSON *root = NULL;
	emr_cert_facts facts;
	const json_t *result;
	emr_status status = emr_cert_read(chain, &facts);

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (status == EMR_OK)
		status = request_body(ca, keyring, facts.handle, &body);
	if (status != EMR_OK)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(status));
	EMR_TRY(ask_as(ca, keyring, chain, "/api/v1/reenroll", body, &root, &result, call));
	return read_certificate(keyring, facts.handle, result, out, call);
}

/* ---- A registrar's ---- */

static json_t *attribute(const char *name, const char *value)
{
	return json_pack("{s:s, s:s, s:b}", "name", name, "value", value, "ecert", 1);
}

static json_t *attributes_of(const emr_ca_person *person)
{
	json_t *list = json_array();
	char roles[EMR_ROLES_TEXT_MAX], org[33];
	bool is_fine;

	emr_roles_text(person->roles, roles);
	emr_hex(person->org.b, sizeof person->org.b, org);
	is_fine = json_array_append_new(list, attribute("emr.roles", roles)) == 0 &&
		  (emr_id16_is_zero(person->org) ||
			  json_array_append_new(list, attribute("emr.org", org)) == 0);
	if (is_fine)
		return list;
	json_decref(list);
	return NULL;
}

static bool secret_ok(emr_bytes secret)
{
	for (size_t i = 0; i < secret.len; i++)
		if (secret.data[i] <= ' ' || secret.data[i] >= 0x7f)
			return false;
	return secret.len >= 8 && secret.len <= 64;
}

emr_status emr_ca_register(const emr_ca *ca, const emr_keyring *keyring, emr_bytes chain,
	const emr_ca_person *person, emr_ca_call *call)
{
	AUTO_JSON *root = NULL;
	AUTO_JSON *body = NULL;
	char *text;
	const json_t *result;
	emr_status status;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (!emr_ca_id_ok(person->id) || !secret_ok(person->secret))
		return ca_fail(call, EMR_CA_HERE, emr_status_text(EMR_INVALID));
	body = json_pack("{s:s, s:s, s:s%, s:i, s:o*}", "id", person->id, "type", "client",
		"secret", (const char *)person->secret.data, person->secret.len, "max_enrollments",
		1, "attrs", attributes_of(person));
	status = add_name(ca, body);
	text = status == EMR_OK ? json_dumps(body, JSON_COMPACT) : NULL;
	if (text == NULL)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(EMR_NO_MEMORY));
	status = ask_as(ca, keyring, chain, "/api/v1/register", text, &root, &result, call);
	emr_wipe(text, strlen(text));
	free(text);
	return status;
}

emr_status emr_ca_revoke(const emr_ca *ca, const emr_keyring *keyring, emr_bytes chain,
	const char *id, emr_buf *out_crl, emr_ca_call *call)
{
	AUTO_JSON *root = NULL;
	AUTO_JSON *body = json_pack(
		"{s:s, s:s, s:b}", "id", id, "reason", "cessationofoperation", "gencrl", 1);
	EMR_AUTO_FREE char *text = NULL;
	const json_t *result, *crl;
	emr_status status = add_name(ca, body);

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	text = status == EMR_OK && emr_ca_id_ok(id) ? json_dumps(body, JSON_COMPACT) : NULL;
	if (text == NULL)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(EMR_INVALID));
	EMR_TRY(ask_as(ca, keyring, chain, "/api/v1/revoke", text, &root, &result, call));
	/* None when there was nothing of his to revoke. */
	crl = json_object_get(result, "CRL");
	if (!json_is_string(crl) || json_string_length(crl) == 0)
		return EMR_OK;
	return ca_answer_base64(crl, out_crl) == EMR_OK ? EMR_OK
							: ca_fail(call, EMR_CA_STRANGE, NULL);
}
