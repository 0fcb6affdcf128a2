/* This names what can go wrong with a gateway of Hyperledger Fabric, each with a name of its own
 * and a line that says what to do. The words of a gateway are carried as text only.
 *
 * A failed call is not a failed transaction: whether a transaction may still come to be stands in
 * the call (gateway/gateway.h), never in the fault. */
#pragma once

#include "base/status.h"

/* X(constant, name, status, what to do). */
/* clang-format off */
#define EMR_GATEWAY_FAULTS(X)                                                                      \
	/* found before anybody is asked */                                                        \
	X(EMR_GATEWAY_CERTIFICATE_FILE, "certificate-file", EMR_INVALID,                           \
		"Look whether the certificate, its key and the MSP id belong together.")           \
	X(EMR_GATEWAY_TOO_LARGE, "too-large", EMR_LIMIT,                                           \
		"Send fewer operations at once.")                                                  \
	/* the line */                                                                             \
	X(EMR_GATEWAY_NO_HOST, "no-host", EMR_OFFLINE,                                             \
		"Look at the gateway's name and at this computer's name server.")                  \
	X(EMR_GATEWAY_NO_ANSWER, "no-answer", EMR_OFFLINE,                                         \
		"Nobody listens there: look whether the peer runs.")                               \
	X(EMR_GATEWAY_RESTING, "resting", EMR_OFFLINE,                                             \
		"No gateway has answered several times; it is tried again in a while.")            \
	X(EMR_GATEWAY_TLS, "tls", EMR_DENIED,                                                      \
		"The peer's certificate is not of that host, or not by the TLS CA that was given: it is the tlsca of its organisation, not its ca.") \
	X(EMR_GATEWAY_SLOW, "slow", EMR_TIMEOUT,                                                   \
		"It took longer than it may; try again.")                                          \
	X(EMR_GATEWAY_CANCELLED, "cancelled", EMR_INTERRUPTED,                                     \
		"Somebody here has ended it.")                                                     \
	X(EMR_GATEWAY_BROKEN_OFF, "broken-off", EMR_OFFLINE,                                       \
		"The connection broke; try again. If it always does, the peer may want a TLS certificate of this computer.") \
	X(EMR_GATEWAY_NO_STATUS, "no-status", EMR_OFFLINE,                                         \
		"The answer has no grpc-status: a proxy in between, or libcurl, has lost it. Try again.") \
	X(EMR_GATEWAY_STRANGE, "strange", EMR_UNSUPPORTED,                                         \
		"What answers there is no gateway of Fabric; look at the address.")                \
	/* the peer, by what it says */                                                            \
	X(EMR_GATEWAY_BUSY, "busy", EMR_BUSY,                                                      \
		"The peer has too many calls; wait, or raise its limit of gatewayService.")        \
	X(EMR_GATEWAY_UNAVAILABLE, "unavailable", EMR_OFFLINE,                                     \
		"The peer cannot reach enough others, or does not know the channel; try again, and look at the channel's name.") \
	X(EMR_GATEWAY_NO_PEERS, "no-peers", EMR_OFFLINE,                                           \
		"The peer does not know enough others: after a start this passes in seconds; if not, look at anchor peers and at who has approved the chaincode.") \
	X(EMR_GATEWAY_CLOCK, "clock", EMR_DENIED,                                                  \
		"This computer's clock is more than a quarter of an hour off the peer's: set it.") \
	X(EMR_GATEWAY_EXPIRED, "expired", EMR_DENIED,                                              \
		"The certificate has run out: get a new one.")                                     \
	X(EMR_GATEWAY_IDENTITY, "identity", EMR_DENIED,                                            \
		"The peer does not take this identity: look at the MSP id, at the CA of the certificate, at its unit (client), and whether it was revoked.") \
	X(EMR_GATEWAY_PERMISSION, "permission", EMR_DENIED,                                        \
		"This identity may not do that on this channel; look at the channel's name, too.") \
	X(EMR_GATEWAY_PRECONDITION, "precondition", EMR_UNSUPPORTED,                               \
		"Something has to be set up first: the channel, or the chaincode on it.")          \
	X(EMR_GATEWAY_ARGUMENT, "argument", EMR_INVALID,                                           \
		"The peer calls the request wrong: look at the versions of both sides.")           \
	X(EMR_GATEWAY_UNIMPLEMENTED, "unimplemented", EMR_UNSUPPORTED,                             \
		"This peer has no gateway: set peer.gateway.enabled, or take Fabric 2.4 or later.") \
	/* chaincode and endorsement */                                                            \
	X(EMR_GATEWAY_REFUSED, "refused", EMR_REFUSED,                                             \
		"The contract has refused it; the same again gets the same answer.")               \
	X(EMR_GATEWAY_CHAINCODE, "chaincode", EMR_IO,                                              \
		"The contract could not do it; what it says stands beside this.")                  \
	X(EMR_GATEWAY_ENDORSEMENT, "endorsement", EMR_OFFLINE,                                     \
		"Not enough organisations have endorsed it; try again with a new proposal, and look at what each of them says.") \
	X(EMR_GATEWAY_MISMATCH, "mismatch", EMR_CONFLICT,                                          \
		"Organisations came to other results, as when one is behind: try again with a new proposal. If it stays, their contracts differ.") \
	X(EMR_GATEWAY_NOT_SPREAD, "not-spread", EMR_OFFLINE,                                       \
		"Private parts did not reach another organisation: try again with a new proposal.") \
	X(EMR_GATEWAY_DUPLICATE, "duplicate", EMR_EXISTS,                                          \
		"This transaction is committed already: ask for its status.")                      \
	X(EMR_GATEWAY_LIE, "lie", EMR_DAMAGED,                                                     \
		"The gateway gave something else to sign than what was asked. Nothing was signed; tell who runs it.") \
	X(EMR_GATEWAY_DOUBT, "doubt", EMR_UNSUPPORTED,                                             \
		"The gateway calls a transaction valid that cannot be verified here, and peers of too few organisations say so themselves: look whether they run, and at whose certificate has brought it.") \
	X(EMR_GATEWAY_OTHER_HISTORY, "other-history", EMR_FORK,                                    \
		"The peer has fewer blocks than were read before, or others: ask another organisation's peer, and tell who runs this one.") \
	X(EMR_GATEWAY_OTHER_CHANNEL, "other-channel", EMR_FORK,                                    \
		"The channel there begins with another block than \"genesis\" in the network's settings says: ask whoever runs the channel, by another way, which of the two is right.") \
	/* ordering and commit */                                                                  \
	X(EMR_GATEWAY_ORDERER, "orderer", EMR_OFFLINE,                                             \
		"An orderer does not take it: the same envelope goes to another one. Look at the channel's orderer addresses.") \
	X(EMR_GATEWAY_OVERTAKEN, "overtaken", EMR_CONFLICT,                                        \
		"Another transaction was quicker (MVCC or phantom read conflict): look, then make a new proposal.") \
	X(EMR_GATEWAY_POLICY, "policy", EMR_REFUSED,                                               \
		"It was endorsed by too few for the channel's policy, or by unknown certificates.") \
	X(EMR_GATEWAY_INVALID, "invalid", EMR_REFUSED,                                             \
		"The peers have found the transaction invalid: the code says why.")                \
	X(EMR_GATEWAY_ERROR, "error", EMR_IO,                                                      \
		"The peer says what it is; its log says more.")                                    \
	X(EMR_GATEWAY_NO_MODULE, "no-module", EMR_NO_MODULE, "Install emrfs again.")               \
	X(EMR_GATEWAY_HERE, "here", EMR_IO,                                                        \
		"It failed on this computer: memory, or a file.")
/* clang-format on */

typedef enum emr_gateway_fault {
	EMR_GATEWAY_FINE = 0,
#define X(constant, name, status, advice) constant,
	EMR_GATEWAY_FAULTS(X)
#undef X
		EMR_GATEWAY_FAULT_COUNT
} emr_gateway_fault;

/* "no-host"; "" for EMR_GATEWAY_FINE; never NULL. */
const char *emr_gateway_fault_name(emr_gateway_fault fault);
/* As it counts above; EMR_GATEWAY_HERE comes with the status of what failed instead. */
emr_status emr_gateway_fault_status(emr_gateway_fault fault);
/* Advice, one English sentence or two; "" for EMR_GATEWAY_FINE. */
const char *emr_gateway_fault_advice(emr_gateway_fault fault);
