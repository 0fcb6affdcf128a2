/* This file reads what a Fabric CA answers, and says in one word what its refusal is.  Every byte
 * is from outside: each has a limit, and what is not as Fabric CA writes it is refused. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "enrol_private.h"

#define CERTIFICATES_MAX (EMR_CERT_BETWEEN_MAX + 2)
#define BASE64_MAX ((size_t)128 << 10)

/* ---- What a refusal is ---- */

/* The sentence for each, and its meaning for the caller. */
static const struct {
	const char *text;
	emr_status status;
} faults[EMR_CA_FAULTS] = {
	[EMR_CA_FINE] = {"nothing", EMR_OK},
	[EMR_CA_HERE] = {"this computer could not ask it", EMR_IO},
	[EMR_CA_NO_HOST] = {"its name is not known", EMR_OFFLINE},
	[EMR_CA_NO_ANSWER] = {"it does not answer", EMR_OFFLINE},
	[EMR_CA_SLOW] = {"it did not answer in time", EMR_TIMEOUT},
	[EMR_CA_CERTIFICATE] = {"the roots that are named for it do not vouch for its certificate "
				"of TLS; nothing was sent",
		EMR_BAD_SIGNATURE},
	[EMR_CA_HOST] = {"your organisation's host, which asks it, does not answer", EMR_OFFLINE},
	[EMR_CA_STRANGE] = {"what answers there is no Fabric CA", EMR_DAMAGED},
	[EMR_CA_ERROR] = {"it could not", EMR_IO},
	[EMR_CA_LOGIN] = {"log-in or secret is wrong, or the secret was used already", EMR_DENIED},
	[EMR_CA_LOCKED] = {"there were too many wrong secrets for this log-in; whoever runs it "
			   "opens it again",
		EMR_DENIED},
	[EMR_CA_TOKEN] = {"it does not take the certificate that was shown: it ended, was revoked, "
			  "or is another authority's",
		EMR_DENIED},
	[EMR_CA_REVOKED] = {"this log-in was revoked", EMR_DENIED},
	[EMR_CA_NO_RIGHT] = {"the log-in that asked has not the right to", EMR_DENIED},
	[EMR_CA_NO_NAME] = {"there is no such authority (emrfs host --login-ca)", EMR_NOT_FOUND},
	[EMR_CA_TAKEN] = {"it knows somebody by that name already", EMR_EXISTS},
	[EMR_CA_UNKNOWN] = {"it knows nobody by that name", EMR_NOT_FOUND},
	[EMR_CA_DIRECTORY] = {"its people are those of a directory (LDAP): it is told of nobody",
		EMR_UNSUPPORTED},
	[EMR_CA_CLOCK] = {"its certificate begins later than now: the clock here, or its, is "
			  "wrong",
		EMR_DENIED},
	[EMR_CA_MISMATCH] = {"the certificate is for another key or name, or by another authority",
		EMR_BAD_SIGNATURE},
	[EMR_CA_PROFILE] = {"the certificate is none that emrfs can use; P-256 with SHA-256 is",
		EMR_DAMAGED},
};

const char *emr_ca_fault_text(emr_ca_fault fault)
{
	return (unsigned)fault < EMR_CA_FAULTS ? faults[fault].text : faults[EMR_CA_ERROR].text;
}

emr_status emr_ca_fault_status(emr_ca_fault fault)
{
	return (unsigned)fault < EMR_CA_FAULTS ? faults[fault].status : EMR_IO;
}

emr_status ca_fail(emr_ca_call *call, emr_ca_fault fault, const char *said)
{
	size_t n = 0;

	call->fault = fault;
	for (const char *at = said != NULL ? said : ""; *at != '\0' && n < EMR_CA_SAID_BYTES - 1;
		at++)
		call->said[n++] = *at >= ' ' && *at <= '~' ? *at : ' ';
	call->said[n] = '\0';
	return emr_ca_fault_status(fault);
}

/* Codes of Fabric CA (lib/caerrors).  20 and 71 are all that it tells strangers. */
static emr_ca_fault fault_of_code(json_int_t code, long http_status, bool has_token)
{
	switch (code) {
	case 19:
		return EMR_CA_NO_NAME;
	case 2:
	case 20:
		return has_token ? EMR_CA_TOKEN : EMR_CA_LOGIN;
	case 73:
		return EMR_CA_LOCKED;
	case 70:
		return EMR_CA_REVOKED;
	case 7:
	case 17:
	case 35:
	case 42:
	case 43:
	case 44:
	case 54:
	case 55:
	case 59:
	case 71:
	case 76:
	case 78:
		return EMR_CA_NO_RIGHT;
	case 74:
		return EMR_CA_TAKEN;
	case 8:
	case 10:
		return EMR_CA_UNKNOWN;
	case 72:
		return EMR_CA_DIRECTORY;
	case 77:
		return EMR_CA_MISMATCH;
	}
	return http_status == 401   ? has_token ? EMR_CA_TOKEN : EMR_CA_LOGIN
	       : http_status == 403 ? EMR_CA_NO_RIGHT
				    : EMR_CA_ERROR;
}

static emr_status refusal(const json_t *errors, bool has_token, emr_ca_call *call)
{
	const json_t *error = json_array_get(errors, 0);
	const json_t *code = json_object_get(error, "code");
	const char *said = json_string_value(json_object_get(error, "message"));

	if (!json_is_integer(code) || said == NULL || json_integer_value(code) < 0 ||
		json_integer_value(code) > 9999)
		return ca_fail(call, EMR_CA_STRANGE, NULL);
	call->code = (int)json_integer_value(code);
	return ca_fail(call, fault_of_code(call->code, call->http_status, has_token), said);
}

/* {"result":...,"errors":[{"code":n,"message":"..."}],"messages":[],"success":true} */
emr_status ca_answer_read(emr_bytes answer, bool has_token, json_t **out_root,
	const json_t **out_result, emr_ca_call *call)
{
	json_t *root =
		json_loadb((const char *)answer.data, answer.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *errors = json_object_get(root, "errors");
	const json_t *success = json_object_get(root, "success");
	emr_status status = EMR_OK;

	if (!json_is_array(errors) || !json_is_boolean(success))
		status = ca_fail(call, EMR_CA_STRANGE, NULL);
	else if (!json_is_true(success) || json_array_size(errors) > 0)
		status = refusal(errors, has_token, call);
	else if (call->http_status < 200 || call->http_status > 299)
		status = ca_fail(call, EMR_CA_STRANGE, NULL);
	if (status != EMR_OK) {
		json_decref(root);
		return status;
	}
	*out_root = root;
	*out_result = json_object_get(root, "result");
	return EMR_OK;
}

/* ---- Certificates ---- */

emr_status ca_answer_base64(const json_t *base64, emr_buf *out)
{
	const char *text = json_string_value(base64);
	size_t len = json_string_length(base64), got = 0;
	const char *end = NULL;

	if (text == NULL || len == 0 || len > BASE64_MAX)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_reserve(out, len));
	if (sodium_base642bin(out->data + out->len, len, text, len, NULL, &got, &end,
		    sodium_base64_VARIANT_ORIGINAL) != 0 ||
		end != text + len)
		return EMR_DAMAGED;
	out->len += got;
	return EMR_OK;
}

EMR_AUTO_CALL(bio_free, BIO *, BIO_free);

static emr_status append_der(X509 *certificate, emr_buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509(certificate, &der);
	emr_status status = len > 0 && len <= EMR_CERT_MAX ? emr_buf_append(out, der, (size_t)len)
							   : EMR_DAMAGED;

	OPENSSL_free(der);
	return status;
}

emr_status ca_answer_certificates(const json_t *base64, emr_buf *out_ders, size_t *out_count)
{
	EMR_AUTO_BUF pem = {0};
	__attribute__((cleanup(bio_free))) BIO *bio = NULL;
	X509 *certificate;
	emr_status status = ca_answer_base64(base64, &pem);

	*out_count = 0;
	if (status != EMR_OK)
		return status;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (bio == NULL)
		return EMR_NO_MEMORY;
	while (status == EMR_OK && (certificate = PEM_read_bio_X509(
					    bio, NULL, NULL, (void *)(uintptr_t) "")) != NULL) {
		status = ++*out_count <= CERTIFICATES_MAX ? append_der(certificate, out_ders)
							  : EMR_DAMAGED;
		X509_free(certificate);
	}
	ERR_clear_error(); /* the end of the text is one, too */
	return status == EMR_OK && *out_count == 0 ? EMR_DAMAGED : status;
}

static bool is_root(emr_bytes der)
{
	const uint8_t *at = der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	bool is_same = certificate != NULL && X509_NAME_cmp(X509_get_subject_name(certificate),
						      X509_get_issuer_name(certificate)) == 0;

	X509_free(certificate);
	return is_same;
}

static size_t der_length(emr_bytes ders)
{
	const uint8_t *at = ders.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)ders.len);
	size_t len = certificate != NULL ? (size_t)(at - ders.data) : 0;

	X509_free(certificate);
	ERR_clear_error();
	return len;
}

/* The root is handed over by nobody: everybody has it. */
emr_status ca_answer_sort(emr_bytes leaf, const json_t *ca_chain, emr_ca_certificate *out)
{
	EMR_AUTO_BUF ders = {0};
	size_t count, len;
	emr_bytes rest;
	emr_status status = ca_answer_certificates(ca_chain, &ders, &count);

	if (status == EMR_OK)
		status = emr_buf_append(&out->chain, leaf.data, leaf.len);
	rest = emr_buf_view(&ders);
	while (status == EMR_OK && rest.len > 0) {
		len = der_length(rest);
		if (len == 0)
			return EMR_DAMAGED;
		if (!is_root(emr_bytes_of(rest.data, len)))
			status = emr_buf_append(&out->chain, rest.data, len);
		else if (out->root.len > 0)
			status = EMR_DAMAGED;
		else
			status = emr_buf_append(&out->root, rest.data, len);
		rest = emr_bytes_of(rest.data + len, rest.len - len);
	}
	return status == EMR_OK && out->root.len == 0 ? EMR_DAMAGED : status;
}
