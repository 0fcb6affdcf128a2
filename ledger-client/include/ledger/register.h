/* These functions register a key of a person, an agent or a device: its words about itself, and the
 * certificate that vouches for it. They refuse certificates that are not of the key it registers;
 * whether their CA is an organisation's is the ledger's to say. */
#pragma once

#include "base/bytes.h"
#include "ledger/act.h"

typedef struct emr_register {
	const emr_keyring *keyring; /* whose key it is */
	emr_id16 net_id;
	emr_id16 org;
	uint16_t roles;
	const char *name; /* the bearer's own words, up to 255 bytes, beside the name that
			     the certificate has; a patient's is "" */
} emr_register;

/* The statement of WHO's key about itself, as a reply to an invitation has it: the public part of
 * KEY_REG under a certificate, with ref, not_after and bind_sig zero. */
emr_status emr_register_describe(const emr_register *who, uint8_t out_pub[288]);
/* KEY_REG under a certificate of KEYRING's certificate key (keyring/cert.h), in force as long as
 * that is.  OUT_PART is appended the private part.  EMR_INVALID: the certificate is of another key.
 */
emr_status emr_register_certified(
	const emr_register *who, emr_bytes cert_der, emr_act *out_act, emr_buf *out_part);
/* KEY_REG of a device, endorsed by the identity of ENDORSER until NOT_AFTER; roles are device. */
emr_status emr_register_device(const emr_register *who, const emr_keyring *endorser,
	uint64_t not_after_unix_s, emr_act *out_act, emr_buf *out_part);
/* KEY_CERT: a new certificate of a registered key. */
emr_status emr_register_renew(
	const emr_register *who, emr_bytes cert_der, emr_act *out_act, emr_buf *out_part);
