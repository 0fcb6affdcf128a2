/* This list names every fault of an IPFS node, so that a person can be told which one happened.
 * The words of a node are carried as text only. */
#pragma once

#include "base/status.h"

/* X(constant, name, status).  The name is the id of a message (kit/message.h) when it is set behind
 * "node-". */
#define EMR_IPFS_FAULTS(X)                                                                         \
	X(EMR_IPFS_ADDRESS, "address", EMR_INVALID)	      /* of no form that is known */       \
	X(EMR_IPFS_CLEAR_TEXT, "clear-text", EMR_FORBIDDEN)   /* http:// to another host */        \
	X(EMR_IPFS_NO_HOST, "no-host", EMR_OFFLINE)	      /* the name is not known */          \
	X(EMR_IPFS_NO_ANSWER, "no-answer", EMR_OFFLINE)	      /* nobody listens there */           \
	X(EMR_IPFS_NO_ACCESS, "no-access", EMR_DENIED)	      /* its socket is not for us */       \
	X(EMR_IPFS_CERTIFICATE, "certificate", EMR_DENIED)    /* not of that host, or strange */   \
	X(EMR_IPFS_SLOW, "slow", EMR_TIMEOUT)		      /* the call's time is over */        \
	X(EMR_IPFS_CANCELLED, "cancelled", EMR_INTERRUPTED)   /* by the caller */                  \
	X(EMR_IPFS_TOKEN, "token", EMR_DENIED)		      /* wrong, or none and one needed */  \
	X(EMR_IPFS_NOT_ALLOWED, "not-allowed", EMR_DENIED)    /* right token, not for this */      \
	X(EMR_IPFS_CONFLICT, "conflict", EMR_CONFLICT)	      /* 409 */                            \
	X(EMR_IPFS_BUSY, "busy", EMR_BUSY)		      /* 429: later */                     \
	X(EMR_IPFS_UNAVAILABLE, "unavailable", EMR_OFFLINE)   /* 502 to 504: a proxy says so */    \
	X(EMR_IPFS_FULL, "full", EMR_NO_SPACE)		      /* its disk */                       \
	X(EMR_IPFS_ERROR, "error", EMR_IO)		      /* any other error of the node */    \
	X(EMR_IPFS_STRANGE, "strange", EMR_UNSUPPORTED)	      /* no IPFS node: HTML for JSON */    \
	X(EMR_IPFS_OLD, "old", EMR_UNSUPPORTED)		      /* below EMR_IPFS_KUBO_LEAST */      \
	X(EMR_IPFS_TOO_LARGE, "too-large", EMR_LIMIT)	      /* a block over 2 MiB, a long CAR */ \
	X(EMR_IPFS_BAD_BLOCK, "bad-block", EMR_DAMAGED)	      /* other bytes than the CID names */ \
	X(EMR_IPFS_BROKEN_OFF, "broken-off", EMR_IO)	      /* an answer that is not whole */    \
	X(EMR_IPFS_MISSING, "missing", EMR_NOT_FOUND)	      /* it does not have that block */    \
	X(EMR_IPFS_NOT_KEPT, "not-kept", EMR_MISSING_DATA)    /* taken, but a root not pinned */   \
	X(EMR_IPFS_UNFINISHED, "unfinished", EMR_TIMEOUT)     /* a cluster that goes on pinning */ \
	X(EMR_IPFS_UNSYNCED, "unsynced", EMR_UNSUPPORTED)     /* keeps what its disk may lose */   \
	X(EMR_IPFS_BAD_CAR, "bad-car", EMR_DAMAGED)	      /* it found what came damaged */     \
	X(EMR_IPFS_OTHER_ANSWER, "other-answer", EMR_DAMAGED) /* to something that nobody asked */ \
	X(EMR_IPFS_HERE, "here", EMR_IO)		      /* our own side: memory, disk */

typedef enum emr_ipfs_fault {
	EMR_IPFS_FINE = 0,
#define X(constant, name, status) constant,
	EMR_IPFS_FAULTS(X)
#undef X
		EMR_IPFS_FAULT_COUNT
} emr_ipfs_fault;

/* "no-host"; "" for EMR_IPFS_FINE; never NULL. */
const char *emr_ipfs_fault_name(emr_ipfs_fault fault);
/* As what it counts above; EMR_IPFS_HERE comes with the status of what failed instead. */
emr_status emr_ipfs_fault_status(emr_ipfs_fault fault);
