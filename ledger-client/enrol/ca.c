/* This file asks a Fabric CA its five questions (docs of Fabric CA, "swagger"; what it really
 * takes and gives stands in DESIGN.md), and checks the answers before anybody uses them. */
#include "enrol/ca.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/secret.h"
#include "enrol_private.h"
#include "http/request.h"
#include "keyring/invite.h"
#include "served/authority.h"

EMR_AUTO_CALL(json_free, json_t *, json_decref);
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

/* Nothing came of asking the host. */
static emr_status fail_here(emr_ca_call *call, emr_status status)
{
	return ca_fail(call,
		status == EMR_NOT_FOUND	      ? EMR_CA_NO_NAME
		: status == EMR_DENIED	      ? EMR_CA_NO_RIGHT
		: emr_status_may_pass(status) ? EMR_CA_HOST
					      : EMR_CA_HERE,
		emr_status_text(status));
}

/* BODY, which is given up, as text, with the authority's name. */
static emr_status write_body(const char *dir, json_t *body, char **out_text, emr_ca_call *call)
{
	char name[EMR_AUTHORITY_NAME_MAX + 1] = "";
	AUTO_JSON *owned = body;
	emr_status status = emr_authority_name(dir, name);

	if (status != EMR_OK)
		return fail_here(call, status);
	if (owned != NULL &&
		(name[0] == '\0' || json_object_set_new(owned, "caname", json_string(name)) == 0))
		*out_text = json_dumps(owned, JSON_COMPACT);
	return *out_text != NULL ? EMR_OK : fail_here(call, EMR_NO_MEMORY);
}

/* A request for a certificate of ID, signed by its key. A directory's facts about a person come
 * into the certificate only when they are asked for. */
static emr_status request_body(const char *dir, const emr_keyring *keyring, const char *id,
	char **out_text, emr_ca_call *call)
{
	EMR_AUTO_BUF der = {0};
	EMR_AUTO_BUF pem = {0};
	emr_status status = emr_csr_make(keyring, id, &der);

	if (status == EMR_OK)
		status = ca_pem(emr_buf_view(&der), "CERTIFICATE REQUEST", &pem);
	if (status != EMR_OK)
		return fail_here(call, status);
	return write_body(dir,
		json_pack("{s:s%, s:[{s:s, s:b}, {s:s, s:b}]}", "certificate_request",
			(const char *)pem.data, (size_t)pem.len, "attr_reqs", "name", "emr.roles",
			"optional", 1, "name", "emr.org", "optional", 1),
		out_text, call);
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

/* Why the authority did not answer its host (emr_http_fault). */
static emr_ca_fault fault_of(uint8_t fault)
{
	static const emr_ca_fault faults[] = {[EMR_HTTP_NO_HOST] = EMR_CA_NO_HOST,
		[EMR_HTTP_NO_ANSWER] = EMR_CA_NO_ANSWER,
		[EMR_HTTP_SLOW] = EMR_CA_SLOW,
		[EMR_HTTP_CERTIFICATE] = EMR_CA_CERTIFICATE,
		[EMR_HTTP_STRANGE] = EMR_CA_STRANGE};

	return fault < sizeof faults / sizeof *faults && faults[fault] != EMR_CA_FINE
		       ? faults[fault]
		       : EMR_CA_HERE;
}

/* ASKS: a member's, with a certificate; NULL: a newcomer's. */
static emr_status ask(const char *dir, const emr_keyring *asks, const emr_authority_question *what,
	json_t **out_root, const json_t **out_result, emr_ca_call *call)
{
	EMR_AUTO_BUF answer = {0};
	emr_status status = emr_authority_ask(dir, asks, what, &answer);

	if (status != EMR_OK)
		return fail_here(call, status);
	if (answer.len < 3)
		return ca_fail(call, EMR_CA_STRANGE, NULL);
	call->http_status = emr_get_u16(answer.data);
	if (call->http_status == 0)
		return ca_fail(call, fault_of(answer.data[2]), NULL);
	return ca_answer_read(emr_bytes_of(answer.data + 2, answer.len - 2), asks != NULL, out_root,
		out_result, call);
}

/* A question of somebody with a certificate. */
static emr_status ask_as(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	const char *what, const char *body, json_t **out_root, const json_t **out_result,
	emr_ca_call *call)
{
	EMR_AUTO_BUF token = {0};
	char path[32];
	emr_authority_question question = {.call = what, .body = emr_bytes_of(body, strlen(body))};
	emr_status status;

	(void)snprintf(path, sizeof path, "/api/v1/%s", what);
	status = ca_token(keyring, chain, "POST", path, question.body, &token);
	if (status != EMR_OK)
		return fail_here(call, status);
	question.proof = (const char *)token.data;
	return ask(dir, keyring, &question, out_root, out_result, call);
}

/* HTTP's basic authorization; room is there before, so that no copy stays. */
static emr_status basic(const char *id, emr_bytes secret, emr_buf *out)
{
	EMR_AUTO_BUF both = {0};
	emr_status status = emr_buf_reserve(&both, CA_ID_MAX + 1 + secret.len);

	if (status == EMR_OK)
		status = emr_buf_reserve(out, 2 * both.cap + 16);
	if (status == EMR_OK)
		status = emr_buf_append(&both, id, strlen(id));
	if (status == EMR_OK)
		status = emr_buf_append(&both, ":", 1);
	if (status == EMR_OK)
		status = emr_buf_append(&both, secret.data, secret.len);
	if (status == EMR_OK)
		status = emr_buf_append(out, "Basic ", 6);
	if (status == EMR_OK)
		status = ca_base64(emr_buf_view(&both), out);
	if (both.cap > 0)
		emr_wipe(both.data, both.cap);
	return status == EMR_OK ? emr_buf_append(out, "", 1) : status;
}

emr_status emr_ca_enrol(const char *dir, const emr_keyring *keyring, const char *id,
	emr_bytes secret, emr_ca_certificate *out, emr_ca_call *call)
{
	EMR_AUTO_FREE char *body = NULL;
	EMR_AUTO_BUF proof = {0};
	AUTO_JSON *root = NULL;
	const json_t *result;
	emr_status status;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (!emr_ca_id_ok(id) || secret.len == 0 || secret.len > CA_SECRET_MAX ||
		memchr(secret.data, '\0', secret.len) != NULL)
		return ca_fail(call, EMR_CA_LOGIN, NULL);
	EMR_TRY(request_body(dir, keyring, id, &body, call));
	status = basic(id, secret, &proof);
	if (status == EMR_OK)
		status = ask(dir, NULL,
			&(emr_authority_question){.call = "enroll",
				.proof = (const char *)proof.data,
				.body = emr_bytes_of(body, strlen(body))},
			&root, &result, call);
	else
		status = fail_here(call, status);
	if (proof.cap > 0)
		emr_wipe(proof.data, proof.cap);
	return status == EMR_OK ? read_certificate(keyring, id, result, out, call) : status;
}

emr_status emr_ca_reenrol(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	emr_ca_certificate *out, emr_ca_call *call)
{
	EMR_AUTO_FREE char *body = NULL;
	AUTO_JSON *root = NULL;
	emr_cert_facts facts;
	const json_t *result;
	emr_status status = emr_cert_read(chain, &facts);

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (status != EMR_OK)
		return fail_here(call, status);
	EMR_TRY(request_body(dir, keyring, facts.handle, &body, call));
	EMR_TRY(ask_as(dir, keyring, chain, "reenroll", body, &root, &result, call));
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

emr_status emr_ca_register(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	const emr_ca_person *person, emr_ca_call *call)
{
	AUTO_JSON *root = NULL;
	char *text = NULL;
	const json_t *result;
	emr_status status;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (!emr_ca_id_ok(person->id) || !secret_ok(person->secret))
		return fail_here(call, EMR_INVALID);
	EMR_TRY(write_body(dir,
		json_pack("{s:s, s:s, s:s%, s:i, s:o*}", "id", person->id, "type", "client",
			"secret", (const char *)person->secret.data, person->secret.len,
			"max_enrollments", 1, "attrs", attributes_of(person)),
		&text, call));
	status = ask_as(dir, keyring, chain, "register", text, &root, &result, call);
	emr_wipe(text, strlen(text));
	free(text);
	return status;
}

emr_status emr_ca_revoke(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	const char *id, emr_buf *out_crl, emr_ca_call *call)
{
	AUTO_JSON *root = NULL;
	EMR_AUTO_FREE char *text = NULL;
	const json_t *result, *crl;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (!emr_ca_id_ok(id))
		return fail_here(call, EMR_INVALID);
	EMR_TRY(write_body(dir,
		json_pack(
			"{s:s, s:s, s:b}", "id", id, "reason", "cessationofoperation", "gencrl", 1),
		&text, call));
	EMR_TRY(ask_as(dir, keyring, chain, "revoke", text, &root, &result, call));
	/* None when there was nothing of his to revoke. */
	crl = json_object_get(result, "CRL");
	if (!json_is_string(crl) || json_string_length(crl) == 0)
		return EMR_OK;
	return ca_answer_base64(crl, out_crl) == EMR_OK ? EMR_OK
							: ca_fail(call, EMR_CA_STRANGE, NULL);
}
