/* The certificate authority of an organisation, a Hyperledger Fabric CA, as the organisation's
 * members ask it: the host of their network relays four calls of its API, bytes in and bytes out.
 * Where the ledger of DIR is kept, nobody stands in front, and it is asked without a host.
 *
 * It refuses an authority that the roots kept for it do not vouch for, http, and more bytes than
 * stated. Nothing else of the authority can be reached, and what proves who asks is kept nowhere.
 * FORMAT.md, "Served", has the bytes. */
#pragma once

#include "base/bytes.h"
#include "keyring/keyring.h"

#define EMR_AUTHORITY_NAME_MAX 64
#define EMR_AUTHORITY_NODE_BYTES 256
#define EMR_AUTHORITY_BODY_MAX ((size_t)16 << 10)
#define EMR_AUTHORITY_ANSWER_MAX ((size_t)256 << 10)

/* WHERE is "URL,ROOTFILE[,NAME]": https://HOST[:PORT], the PEM of who vouches for its TLS, and its
 * name among several there.  DIR/host keeps it from now on, with the roots; "": it keeps none.
 * EMR_INVALID: WHERE is none, or DIR leads to a host. */
emr_status emr_authority_keep(const char *dir, const char *where);

/* Whom those who use DIR ask, without asking anybody: the host, or the authority itself.
 * EMR_NOT_FOUND: their organisation has none there. */
emr_status emr_authority_at(const char *dir, char out_node[EMR_AUTHORITY_NODE_BYTES]);
/* Its name among several; "": the first one.  Asks the host. */
emr_status emr_authority_name(const char *dir, char out_name[EMR_AUTHORITY_NAME_MAX + 1]);

typedef struct emr_authority_question {
	const char *call;  /* "enroll", "reenroll", "register" or "revoke" */
	const char *proof; /* who asks, as the authority's header "authorization" has it */
	emr_bytes body;
	int stop_fd; /* readable: it is given up; 0 = none; borrowed */
} emr_authority_question;

/* Appends to OUT the authority's HTTP status (u16) and its answer; or zero and, as one byte, the
 * emr_http_fault that kept it from answering.  KEYRING is a member's; NULL: a newcomer's, for
 * "enroll".  EMR_NOT_FOUND: the host has no authority; EMR_BUSY: too many ask; EMR_DENIED: it does
 * not take the member's key; EMR_OFFLINE, EMR_TIMEOUT: the host does not answer. */
emr_status emr_authority_ask(const char *dir, const emr_keyring *keyring,
	const emr_authority_question *question, emr_buf *out);
/* The same by the settings in DIR/host alone, as the host does. */
emr_status emr_authority_relay(
	const char *dir, const emr_authority_question *question, emr_buf *out);
