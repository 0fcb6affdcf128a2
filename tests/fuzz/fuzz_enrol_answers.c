/* This fuzz target reads what a Fabric CA may answer, with any status of HTTP: a refusal is named,
 * its words are printable, and the certificates of what is no refusal have one root at most. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "enrol_private.h"

static void check_said(const emr_ca_call *call)
{
	if (strnlen(call->said, EMR_CA_SAID_BYTES) == EMR_CA_SAID_BYTES)
		abort();
	for (const char *at = call->said; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			abort();
}

static void read_result(const json_t *result)
{
	EMR_AUTO_BUF leaf = {0};
	EMR_AUTO_BUF crl = {0};
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	const json_t *chain = json_object_get(json_object_get(result, "ServerInfo"), "CAChain");
	size_t count = 0;

	if (ca_answer_certificates(json_object_get(result, "Cert"), &leaf, &count) == EMR_OK &&
		(count == 0 || leaf.len == 0))
		abort();
	if (ca_answer_sort(emr_buf_view(&leaf),
		    chain != NULL ? chain : json_object_get(result, "CAChain"), &got) == EMR_OK &&
		got.root.len == 0)
		abort();
	(void)ca_answer_base64(json_object_get(result, "CRL"), &crl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {0, 200, 201, 302, 401, 403, 404, 409, 500};
	emr_ca_call call = {.fault = EMR_CA_FINE};
	const json_t *result = NULL;
	json_t *root = NULL;
	emr_status status;

	if (size < 1)
		return 0;
	call.http_status = statuses[data[0] % (sizeof statuses / sizeof *statuses)];
	status = ca_answer_read(
		emr_bytes_of(data + 1, size - 1), (data[0] & 0x80) != 0, &root, &result, &call);
	check_said(&call);
	if ((status == EMR_OK) != (call.fault == EMR_CA_FINE) ||
		(status == EMR_OK) != (root != NULL))
		abort();
	if (status == EMR_OK && (call.http_status < 200 || call.http_status > 299))
		abort();
	read_result(result);
	json_decref(root);
	return 0;
}
