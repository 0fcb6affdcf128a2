/* These functions admit an organisation to an existing network: its words about itself to the
 * members (an application), the number by which they know that it is the one they mean, and the
 * registration of its administrator once enough of them have approved. They refuse applications for
 * another network and CAs that are none; it sends nothing but the registration, and approves
 * nothing. */
#pragma once

#include "base/clock.h"
#include "keyring/cert.h"
#include "ledger/ledger.h"

#define EMR_APPLICATION_MAX 8192u /* bytes */
#define EMR_APPLICATION_NAME_MAX 64
#define EMR_APPLICATION_NUMBER_CHARS 48 /* eight groups of five digits with blanks, and NUL */

typedef struct emr_application {
	emr_id16 net_id;
	emr_id16 org;
	uint8_t admin_pk[32]; /* of its first administrator, whose CA it is */
	uint64_t expires;     /* Unix seconds; nobody waits for an answer any more */
	char name[EMR_APPLICATION_NAME_MAX + 1]; /* UTF-8 without controls */
	char msp[EMR_CERT_MSP_MAX +
		 1];	  /* whose members its CA certifies; "": it is on no channel */
	emr_bytes ca_der; /* borrowed from the bytes */
} emr_application;

/* A new organisation called NAME with ADMIN's CA, for network NET_ID, whose id covers all of its
 * description.  MSP: whose members the CA certifies in the network's channel of Fabric; NULL: it
 * stands on none.  Appends its bytes to OUT_BYTES (empty before), from which *OUT borrows.
 * EMR_INVALID: the name, or the MSP's. */
emr_status emr_application_make(const emr_keyring *admin, emr_id16 net_id, const char *name,
	const char *msp, uint64_t now_unix_s, uint64_t expires_unix_s, emr_buf *out_bytes,
	emr_application *out);
/* The same of one with an authority of its own, whose root CA_DER names no MSP: MSP and root make
 * its id (emr_cert_org_of).  EMR_INVALID: also for a root of another kind. */
emr_status emr_application_by(const emr_keyring *admin, emr_id16 net_id, const char *name,
	const char *msp, emr_bytes ca_der, uint64_t expires_unix_s, emr_buf *out_bytes,
	emr_application *out);
/* Its CA is ADMIN's, and no other authority's. */
bool emr_application_is_own(const emr_application *application);
/* One that ended, once more: the same CA, which others may know by now, and, of one's own CA,
 * another id. */
emr_status emr_application_again(const emr_application *earlier, uint64_t expires_unix_s,
	emr_buf *out_bytes, emr_application *out);
/* EMR_DAMAGED, EMR_NEWER_FORMAT.  Whose network and whether it ended are the caller's to judge. */
emr_status emr_application_read(emr_bytes bytes, emr_application *out);
/* Of all bytes: what both sides see, and compare by telephone or face to face. */
void emr_application_number(emr_bytes bytes, char out[EMR_APPLICATION_NUMBER_CHARS]);
/* ADMIN's own certificate by its own CA, in force for ten years, with the roles of who runs a
 * network (patient, org admin). */
emr_status emr_application_certify(const emr_keyring *admin, const emr_application *application,
	const char *handle, uint64_t now_unix_s, emr_buf *out_cert);
/* Registers ADMIN's key with LEDGER (opened with ADMIN as submitter), when the organisation is a
 * member; EMR_OK also when it is registered.  EMR_REFUSED: it is none. */
emr_status emr_application_register(const emr_keyring *admin, const emr_application *application,
	emr_bytes cert, const char *name, emr_ledger *ledger, const emr_clock *clock);
