/* A hospital's own certificate authority, a Hyperledger Fabric CA, asked by its REST interface,
 * over the host of the network in DIR (served/authority.h): for a certificate of the key in a
 * keyring, for a newer one of the same key, and, by an administrator, to register a person or to
 * end that. The private key never leaves its keyring; only a request that it signed is sent.
 *
 * It refuses a certificate of another key, another name or another authority than asked for.  A
 * call blocks until its deadline at most.  All functions are thread-safe. */
#pragma once

#include "keyring/cert.h"
#include "keyring/keyring.h"

typedef enum emr_ca_fault {
	EMR_CA_FINE,
	EMR_CA_HERE,	    /* this computer, or the host, could not */
	EMR_CA_NO_HOST,	    /* its name is not known */
	EMR_CA_NO_ANSWER,   /* nobody listens */
	EMR_CA_SLOW,	    /* not within the time */
	EMR_CA_CERTIFICATE, /* of TLS: the named roots do not vouch for it */
	EMR_CA_HOST,	    /* who asks it for us does not answer */
	EMR_CA_STRANGE,	    /* no Fabric CA's answer */
	EMR_CA_ERROR,	    /* it failed itself; said has its words */
	EMR_CA_LOGIN,	    /* id or secret is wrong, or was used: it does not say which (20) */
	EMR_CA_LOCKED,	    /* too many wrong secrets (73) */
	EMR_CA_TOKEN,	    /* it does not take our certificate (20): ended, or revoked */
	EMR_CA_REVOKED,	    /* who asks is revoked (70) */
	EMR_CA_NO_RIGHT,    /* who asks may not (71 and others) */
	EMR_CA_NO_NAME,	    /* no such authority there (19) */
	EMR_CA_TAKEN,	    /* that id is known already (74) */
	EMR_CA_UNKNOWN,	    /* that id is not known (10) */
	EMR_CA_DIRECTORY, /* its people come from a directory (LDAP) and are not told to it (72) */
	EMR_CA_CLOCK,	  /* its certificate begins later than now: a clock is wrong */
	EMR_CA_MISMATCH,  /* a certificate of another key, name or authority */
	EMR_CA_PROFILE,	  /* a certificate that emrfs cannot use: not P-256 with SHA-256 */
	EMR_CA_FAULTS
} emr_ca_fault;

#define EMR_CA_SAID_BYTES 200

/* The outcome of a call; SAID is the authority's own sentence, printable ASCII, or "". */
typedef struct emr_ca_call {
	emr_ca_fault fault;
	long http_status;
	int code; /* of Fabric CA; 0: it gave none */
	char said[EMR_CA_SAID_BYTES];
} emr_ca_call;

/* One English sentence about FAULT, without a full stop. */
const char *emr_ca_fault_text(emr_ca_fault fault);
emr_status emr_ca_fault_status(emr_ca_fault fault);

/* 1..64 bytes of printable ASCII without blanks and without a colon, which would end it in HTTP's
 * authorisation. */
bool emr_ca_id_ok(const char *id);

/* The certificates that an authority gives: a person's with those between it and the root,
 * as keyring/cert.h has them, and the root. */
typedef struct emr_ca_certificate {
	emr_buf chain, root;
} emr_ca_certificate;
void emr_ca_certificate_free(emr_ca_certificate *certificate);
#define EMR_AUTO_CA_CERTIFICATE __attribute__((cleanup(emr_ca_certificate_free))) emr_ca_certificate

/* Every call: EMR_OK, or the status of CALL->fault. */

/* By log-in and secret, once or as often as the authority lets it.  The name in the certificate is
 * ID.  An empty secret is refused here: some directories take it for no log-in at all. */
emr_status emr_ca_enrol(const char *dir, const emr_keyring *keyring, const char *id,
	emr_bytes secret, emr_ca_certificate *out, emr_ca_call *call);
/* The same key and name again, by the certificate CHAIN that is still in force. */
emr_status emr_ca_reenrol(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	emr_ca_certificate *out, emr_ca_call *call);

typedef struct emr_ca_person {
	const char *id;
	emr_bytes secret; /* 8..64 bytes of printable ASCII; good for one enrolment */
	uint16_t roles;	  /* become the attributes emr.roles */
	emr_id16 org;	  /* and emr.org, unless it is zero */
} emr_ca_person;

/* By a registrar, whose certificate CHAIN is. */
emr_status emr_ca_register(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	const emr_ca_person *person, emr_ca_call *call);
/* By a revoker: everything that ID has, and ID itself.  The authority's list of revoked
 * certificates is appended to OUT_CRL as PEM, for the operator who keeps the channel's MSP. */
emr_status emr_ca_revoke(const char *dir, const emr_keyring *keyring, emr_bytes chain,
	const char *id, emr_buf *out_crl, emr_ca_call *call);
