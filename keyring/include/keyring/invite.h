/* A key gets its certificate by these: an organisation's invitation, the invitee's reply, and
 * the certificate request inside it. It refuses invitations that their organisation's
 * administrator did not sign or that describe another network, replies that do not know the
 * invitation's secret, and requests that do not prove their key.
 *
 * Layouts: FORMAT.md. All functions are thread-safe. */
#pragma once

#include "keyring/cert.h"

#define EMR_INVITE_NAME_MAX 255
#define EMR_INVITE_URL_MAX 1023
#define EMR_INVITE_DESCRIPTOR_MAX 60000 /* bytes of the network's description */
#define EMR_INVITE_PLACE_MAX 40000	/* bytes of the way to the network */
#define EMR_INVITE_MAX 65536		/* bytes of a whole invitation */
#define EMR_INVITE_CSR_MAX 1024		/* bytes of DER */
#define EMR_KEY_REG_PUB_BYTES 288	/* the public part of the ledger's KEY_REG */

typedef struct emr_invitation {
	uint16_t roles;
	emr_id16 net_id;
	emr_id16 org;
	uint64_t expires; /* Unix seconds */
	emr_id16 id;
	uint8_t secret[32]; /* a person who has it may answer, once: wipe it when done (emr_wipe) */
	uint8_t admin_pk[32];
	char network[EMR_INVITE_NAME_MAX + 1]; /* its name; UTF-8 without controls */
	char url[EMR_INVITE_URL_MAX + 1];      /* where the ledger is */
	emr_bytes descriptor;		       /* borrowed */
	/* Of a network that a host serves (version 2), else empty.  Borrowed. */
	emr_bytes place; /* the way there; what is in it is for others to judge */
} emr_invitation;

/* By the keyring's identity, the organisation's administrator.  Reads roles, org, expires, network,
 * url, descriptor, place and id; makes the id, if that is zeros, and the secret; net_id and
 * admin_pk follow.  Appends the bytes, which are as secret as the secret in them.  EMR_INVALID,
 * EMR_LIMIT. */
emr_status emr_invitation_make(const emr_keyring *admin, const emr_invitation *facts, emr_buf *out);
/* EMR_DAMAGED, EMR_BAD_SIGNATURE, EMR_NEWER_FORMAT.  Dates are the caller's to judge; whether
 * ADMIN_PK belongs to an administrator, the descriptor's or the ledger's. */
emr_status emr_invitation_read(emr_bytes bytes, emr_invitation *out);
/* The secret by which the organisation's own authority, which was told it, knows a
 * holder of the invitation: it follows from the invitation's. */
#define EMR_LOGIN_SECRET_CHARS 61
emr_status emr_invitation_login_secret(
	const emr_invitation *invitation, char out[EMR_LOGIN_SECRET_CHARS]);

typedef struct emr_invite_reply {
	emr_id16 invitation;
	uint8_t signer_pk[32];
	const uint8_t *pub; /* 288 bytes, ref and bind_sig zero; borrowed */
	emr_bytes csr;	    /* empty for a device; borrowed */
} emr_invite_reply;

/* The invitee's: PUB is the public part of the KEY_REG with ref and bind_sig zero, CSR from
 * emr_csr_make (empty for a device).  Appends the bytes. */
emr_status emr_invite_reply_make(const emr_keyring *kr, const emr_invitation *invitation,
	const uint8_t pub[EMR_KEY_REG_PUB_BYTES], emr_bytes csr, emr_buf *out);
/* Only which invitation it answers, so that its secret can be looked up.  EMR_DAMAGED. */
emr_status emr_invite_reply_id(emr_bytes bytes, emr_id16 *out_id);
/* EMR_DAMAGED when it is malformed or was not made with SECRET. */
emr_status emr_invite_reply_read(emr_bytes bytes, const uint8_t secret[32], emr_invite_reply *out);

/* ---- Certificate requests (PKCS #10, RFC 2986): P-256, SHA-256, one common name, no attributes
 * ---- */

/* For the keyring's certificate key.  Appends DER.  EMR_INVALID for a bad handle. */
emr_status emr_csr_make(const emr_keyring *kr, const char *handle, emr_buf *out_der);
/* Exactly one request whose signature proves its key.  EMR_DAMAGED, EMR_BAD_SIGNATURE. */
emr_status emr_csr_read(emr_bytes der, char out_handle[EMR_CERT_HANDLE_MAX + 1],
	uint8_t out_spki[EMR_P256_SPKI_BYTES]);

/* ---- Codes ---- */

/* A code leads somebody to an invitation that waits at a host: at most 160 letters and digits that
 * can be mailed, photographed or read aloud. It has the host's address and key, the role, and a
 * secret for one person, from which the invitation's id and the key that it is sealed with follow.
 * It refuses what was mistyped, and an invitation that is not the one of its secret. */

#define EMR_CODE_CHARS_MAX 160
#define EMR_CODE_ADDRESS_MAX 45 /* bytes of HOST[:PORT], or of a path */
#define EMR_CODE_SECRET_BYTES 16

typedef enum emr_code_way {
	EMR_CODE_PINNED,     /* over TLS to a host whose certificate has the key PRINT */
	EMR_CODE_AUTHORISED, /* over TLS by an authority; PRINT is the host's signing key */
	EMR_CODE_SOCKET,     /* a Unix socket; the same.  An address that is too long is empty */
} emr_code_way;

typedef struct emr_code {
	emr_code_way way;
	uint16_t roles;
	emr_id32 print;
	char address[EMR_CODE_ADDRESS_MAX + 1];
	uint8_t secret[EMR_CODE_SECRET_BYTES]; /* wipe it when done (emr_wipe) */
} emr_code;

/* EMR_INVALID: no role, or an address that is too long or not of one line. */
emr_status emr_code_write(const emr_code *code, char out[EMR_CODE_CHARS_MAX + 1]);
/* White space anywhere is nothing, and letters are of either case.  EMR_DAMAGED: it is none, or was
 * mistyped; EMR_NEWER_FORMAT. */
emr_status emr_code_read(emr_bytes text, emr_code *out);

/* The id under which the invitation waits. */
emr_status emr_code_id(const emr_code *code, emr_id16 *out);
/* Appends the invitation as it waits there, which nobody reads or makes without the code. */
emr_status emr_code_seal(const emr_code *code, emr_bytes invitation, emr_buf *out);
/* EMR_DAMAGED: it is not the one of this code. */
emr_status emr_code_open(const emr_code *code, emr_bytes sealed, emr_buf *out);

/* ---- Cards for emergencies ---- */

#define EMR_EMERGENCY_CODE_CHARS 32

/* The code that a patient's card shows: base32 of 20 hexadecimal, the word by which the grants are
 * called, and the first 3 bytes of a hash. */
void emr_emergency_code_write(emr_id16 word, char out[EMR_EMERGENCY_CODE_CHARS + 1]);
/* Blanks are nothing, and letters are of either case.  EMR_DAMAGED: it is none, or was mistyped. */
emr_status emr_emergency_code_read(const char *text, emr_id16 *out_word);
