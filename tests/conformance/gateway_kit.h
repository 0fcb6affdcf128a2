/* A client of the gateway that gateway.sh has begun (chaincode/gateway_peer), which is told on the
 * command line where it is. */
#pragma once

#include "emr_test.h"

#include "gateway/gateway.h"
#include "msp_identity.h"

#define PATIENCE_MS 600000

static char dir[256];
static int ports[4];
enum { PLAIN, SECURE, MUTUAL, RAW };
static emr_gateway_identity *p256, *ed25519;

static inline char *file_of(const char *name)
{
	static char paths[8][320];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static inline emr_gateway *open_of(const emr_gateway_endpoint *endpoints, size_t count,
	const char *channel, const emr_gateway_identity *identity)
{
	static char pem[2][4096];
	const char *authorities[] = {"OrgA", pem[0], "OrgB", pem[1], NULL};
	emr_gateway_options options = {.endpoints = endpoints,
		.endpoint_count = count,
		.channel = channel,
		.chaincode = "emrfs",
		.identity = identity,
		.version = "0",
		.endorsers_least = 2,
		.authorities = authorities};
	emr_gateway *gateway = NULL;

	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(file_of(i == 0 ? "ca-a.pem" : "ca-b.pem"), "re");

		assert_non_null(file);
		pem[i][fread(pem[i], 1, sizeof pem[i] - 1, file)] = '\0';
		(void)fclose(file);
	}
	assert_ok(emr_gateway_open(&options, &gateway));
	return gateway;
}

static inline const char *address_of(int kind)
{
	static char text[4][64];

	(void)snprintf(text[kind], sizeof text[0], "http%s://127.0.0.1:%d",
		kind == SECURE || kind == MUTUAL ? "s" : "", ports[kind]);
	return text[kind];
}

static inline emr_gateway *open_at(int kind, const char *channel)
{
	emr_gateway_endpoint endpoint = {.address = address_of(kind)};

	return open_of(&endpoint, 1, channel, p256);
}

static inline emr_gateway_invocation asking(
	emr_bytes args[3], const char *function, const char *text)
{
	args[0] = emr_bytes_of(function, strlen(function));
	args[1] = emr_bytes_of(text, strlen(text));
	return (emr_gateway_invocation){.args = args, .arg_count = 2};
}

static inline emr_status evaluate(emr_gateway *gateway, emr_gateway_call *call,
	const char *function, const char *text, emr_buf *out)
{
	emr_bytes args[3];
	emr_gateway_invocation invocation = asking(args, function, text);

	return emr_gateway_evaluate(gateway, call, &invocation, out);
}

static inline void assert_said(
	emr_gateway *gateway, const char *function, const char *text, const char *want)
{
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	if (evaluate(gateway, &call, function, text, &out) != EMR_OK)
		fail_msg("%s: %s", emr_gateway_fault_name(call.fault), call.said);
	assert_ok(emr_buf_append(&out, "", 1));
	assert_string_equal((const char *)out.data, want);
}

static inline void assert_fault(emr_gateway_fault want, const emr_gateway_call *call)
{
	if (call->fault != want)
		fail_msg("\"%s\" (%s) instead of \"%s\"", emr_gateway_fault_name(call->fault),
			call->said, emr_gateway_fault_name(want));
}

static inline emr_status endorse(
	emr_gateway *gateway, emr_gateway_call *call, const char *text, emr_buf *out)
{
	emr_bytes args[3];
	emr_gateway_invocation invocation = asking(args, "echo", text);

	return emr_gateway_endorse(gateway, call, &invocation, out, NULL);
}

/* False: it was not said where the gateway is. */
static inline bool kit_begin(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: %s DIR PLAIN SECURE MUTUAL RAW\n", argv[0]);
		return false;
	}
	(void)snprintf(dir, sizeof dir, "%s", argv[1]);
	for (int i = 0; i < 4; i++)
		ports[i] = atoi(argv[2 + i]);
	return emr_base_init() == EMR_OK &&
	       msp_identity(file_of("p256"), "OrgA", &p256) == EMR_OK &&
	       msp_identity(file_of("ed25519"), "OrgA", &ed25519) == EMR_OK;
}
