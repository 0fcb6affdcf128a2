/* This file names the stages of a call and the faults of gateways, and finds those in what gRPC and
 * validation say. */
#include "gateway/fault.h"

#include <string.h>

#include "base/log.h"
#include "gateway_private.h"

static const struct {
	const char *name;
	emr_status status;
	const char *advice;
} faults[EMR_GATEWAY_FAULT_COUNT] = {[EMR_GATEWAY_FINE] = {"", EMR_OK, ""},
#define X(constant, fault_name, fault_status, fault_advice)                                        \
	[constant] = {.name = fault_name, .status = fault_status, .advice = fault_advice},
	EMR_GATEWAY_FAULTS(X)
#undef X
};

const char *emr_gateway_stage_name(emr_gateway_stage stage)
{
	static const char *const names[] = {[EMR_GATEWAY_EVALUATE] = "evaluate",
		[EMR_GATEWAY_ENDORSE] = "endorse",
		[EMR_GATEWAY_SIGN] = "sign",
		[EMR_GATEWAY_SUBMIT] = "submit",
		[EMR_GATEWAY_COMMIT] = "commit",
		[EMR_GATEWAY_EVENTS] = "events",
		[EMR_GATEWAY_DELIVER] = "deliver"};

	return stage >= EMR_GATEWAY_EVALUATE && stage <= EMR_GATEWAY_DELIVER ? names[stage] : "";
}

const char *emr_gateway_fault_name(emr_gateway_fault fault)
{
	return fault < EMR_GATEWAY_FAULT_COUNT ? faults[fault].name : "";
}

emr_status emr_gateway_fault_status(emr_gateway_fault fault)
{
	return fault < EMR_GATEWAY_FAULT_COUNT ? faults[fault].status : EMR_INVALID;
}

const char *emr_gateway_fault_advice(emr_gateway_fault fault)
{
	return fault < EMR_GATEWAY_FAULT_COUNT ? faults[fault].advice : "";
}

/* A line has room for less than a gateway may say, so that comes last. */
void gateway_log_fault(const char *who, const emr_gateway_call *call)
{
	emr_log(EMR_LOG_WARN, "%s: %s, %s (%s), transaction %s: %s", who,
		emr_gateway_stage_name(call->stage), emr_gateway_fault_name(call->fault),
		emr_gateway_fault_advice(call->fault), call->tx_id[0] != '\0' ? call->tx_id : "-",
		call->said);
}

/* Fabric has few codes and many meanings, which only its words tell apart.  A row counts when the
 * code is its own, or it has none, and the text or a detail contains the words.  The first that
 * fits counts.  Words: Fabric v3.1.5, internal/pkg/gateway, gossip/privdata,
 * core/handlers/auth/filter, internal/peer/node/grpc_limiters.go. */
static const struct {
	int code; /* -1: any */
	const char *words;
	emr_gateway_fault fault;
} by_words[] = {
	{-1, "chaincode response 4", EMR_GATEWAY_REFUSED},
	{-1, "exceeding concurrency limit", EMR_GATEWAY_BUSY},
	{-1, "duplicate transaction found", EMR_GATEWAY_DUPLICATE},
	{-1, "due to incorrect timestamp", EMR_GATEWAY_CLOCK},
	{-1, "client identity expired", EMR_GATEWAY_EXPIRED},
	{-1, "creator org unknown", EMR_GATEWAY_IDENTITY},
	{-1, "access denied", EMR_GATEWAY_IDENTITY},
	{-1, "failed to distribute private collection", EMR_GATEWAY_NOT_SPREAD},
	{-1, "private data dissemination plan", EMR_GATEWAY_NOT_SPREAD},
	{GRPC_ABORTED, "ProposalResponsePayloads do not match", EMR_GATEWAY_MISMATCH},
	{-1, "exceeds maximum allowed", EMR_GATEWAY_TOO_LARGE}, /* by BFT it is a detail */
	{GRPC_ABORTED, "unsuccessful response from orderer", EMR_GATEWAY_ORDERER},
	{GRPC_ABORTED, "ResourceExhausted", EMR_GATEWAY_TOO_LARGE},
	{-1, "chaincode response ", EMR_GATEWAY_CHAINCODE},
	{GRPC_ABORTED, "", EMR_GATEWAY_ENDORSEMENT},
	{GRPC_FAILED_PRECONDITION, "no combination of peers", EMR_GATEWAY_NO_PEERS},
	{GRPC_FAILED_PRECONDITION, "no peers available", EMR_GATEWAY_NO_PEERS},
	{GRPC_FAILED_PRECONDITION, "unavailability of peers", EMR_GATEWAY_NO_PEERS},
	{-1, "failed to find any endorsing peers", EMR_GATEWAY_NO_PEERS},
	{GRPC_FAILED_PRECONDITION, "", EMR_GATEWAY_PRECONDITION},
	{GRPC_CANCELLED, "", EMR_GATEWAY_BROKEN_OFF},
	{GRPC_INVALID_ARGUMENT, "", EMR_GATEWAY_ARGUMENT},
	{GRPC_DEADLINE_EXCEEDED, "", EMR_GATEWAY_SLOW},
	{GRPC_NOT_FOUND, "", EMR_GATEWAY_PRECONDITION},
	{GRPC_PERMISSION_DENIED, "", EMR_GATEWAY_PERMISSION},
	{GRPC_RESOURCE_EXHAUSTED, "", EMR_GATEWAY_TOO_LARGE},
	{GRPC_UNIMPLEMENTED, "", EMR_GATEWAY_UNIMPLEMENTED},
	{GRPC_UNAVAILABLE, "", EMR_GATEWAY_UNAVAILABLE},
	{GRPC_UNAUTHENTICATED, "", EMR_GATEWAY_IDENTITY},
};

emr_gateway_fault grpc_fault(const grpc_said *said)
{
	for (size_t i = 0; i < sizeof by_words / sizeof *by_words; i++) {
		if (by_words[i].code >= 0 && by_words[i].code != said->code)
			continue;
		if (strstr(said->message, by_words[i].words) != NULL ||
			strstr(said->detail, by_words[i].words) != NULL)
			return by_words[i].fault;
	}
	return said->code == GRPC_OK ? EMR_GATEWAY_FINE : EMR_GATEWAY_ERROR;
}
