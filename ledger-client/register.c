/* This file makes the registration of a key on the ledger: with a certificate for a person, with
 * another key's signature for a further computer, or as a renewal. It refuses a certificate of
 * another key. */
#include "ledger/register.h"

#include <string.h>

#include "base/codec.h"
#include "keyring/cert.h"

static const size_t label = EMR_BIND_MESSAGE_BYTES - 80; /* emr_keyring_sign puts it there itself */

/* Fills all of PUB that its key says of itself. */
static emr_status describe_key(const emr_register *who, emr_pub_key_reg *pub, emr_public *public)
{
	EMR_TRY(emr_keyring_public(who->keyring, public));
	EMR_TRY(emr_keyring_pop(who->keyring, who->net_id, pub->pop));
	EMR_TRY(emr_keyring_log_public(who->keyring, who->net_id, pub->log_pk));
	memcpy(pub->org, who->org.b, 16);
	memcpy(pub->x25519, public->x25519, 32);
	memcpy(pub->B, public->B, 32);
	return EMR_OK;
}

static emr_status vouch(const emr_keyring *by, emr_signer as, emr_id16 net_id, emr_id32 signer,
	emr_span pub, uint8_t out_sig[64])
{
	uint8_t message[EMR_BIND_MESSAGE_BYTES];

	if (emr_bind_message(net_id.b, signer.b, pub, message) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	return emr_keyring_sign(by, as, EMR_SIGN_BIND, emr_bytes_of(message + label, 80), out_sig);
}

/* salt, certificate, name */
static emr_status make_part(emr_bytes cert_der, const char *name, emr_buf *out_part)
{
	emr_id32 salt = emr_id32_random();
	emr_writer w = emr_writer_of(out_part);
	size_t name_len = strlen(name);

	if (name_len > UINT8_MAX || cert_der.len > UINT16_MAX)
		return EMR_INVALID;
	emr_write_bytes(&w, salt.b, sizeof salt.b);
	emr_write_u16(&w, (uint16_t)cert_der.len);
	emr_write_bytes(&w, cert_der.data, cert_der.len);
	emr_write_u8(&w, (uint8_t)name_len);
	emr_write_bytes(&w, name, name_len);
	return w.status;
}

static emr_act act_for(uint8_t op, const emr_public *public)
{
	emr_act act = {.op = op, .version = 1, .object = EMR_ID16_AT(public->signer_id.b)};

	return act;
}

/* The certificate's facts, when it is one of the keyring's certificate key. */
static emr_status read_own(const emr_public *public, emr_bytes der, emr_cert_facts *facts)
{
	EMR_TRY(emr_cert_read(der, facts));
	return memcmp(facts->spki, public->p256_spki, EMR_P256_SPKI_BYTES) == 0 ? EMR_OK
										: EMR_INVALID;
}

emr_status emr_register_describe(const emr_register *who, uint8_t out_pub[288])
{
	emr_pub_key_reg pub = {.roles = who->roles, .how = EMR_HOW_CERTIFICATE};
	emr_public public;

	EMR_TRY(describe_key(who, &pub, &public));
	emr_pub_key_reg_encode(&pub, out_pub);
	return EMR_OK;
}

/* The act and the part that register a key, once PUB says how, with the signature of BY's key. */
static emr_status register_key(const emr_register *who, const emr_public *public,
	emr_pub_key_reg *pub, const emr_keyring *by, emr_signer signer, emr_bytes cert_der,
	emr_act *out_act, emr_buf *out_part)
{
	emr_act act = act_for(EMR_OP_KEY_REG, public);

	emr_pub_key_reg_encode(pub, act.pub);
	EMR_TRY(vouch(by, signer, who->net_id, public->signer_id, (emr_span){act.pub, 288},
		pub->bind_sig));
	EMR_TRY(make_part(cert_der, who->name, out_part));
	emr_pub_key_reg_encode(pub, act.pub);
	*out_act = act;
	return EMR_OK;
}

emr_status emr_register_certified(
	const emr_register *who, emr_bytes cert_der, emr_act *out_act, emr_buf *out_part)
{
	emr_pub_key_reg pub = {.roles = who->roles, .how = EMR_HOW_CERTIFICATE};
	emr_cert_facts facts;
	emr_public public;

	EMR_TRY(describe_key(who, &pub, &public));
	EMR_TRY(read_own(&public, cert_der, &facts));
	memcpy(pub.ref, facts.ref.b, 32);
	pub.not_after_unix_s = facts.not_after;
	return register_key(who, &public, &pub, who->keyring, emr_signer_certificate(), cert_der,
		out_act, out_part);
}

emr_status emr_register_device(const emr_register *who, const emr_keyring *endorser,
	uint64_t not_after_unix_s, emr_act *out_act, emr_buf *out_part)
{
	emr_pub_key_reg pub = {.roles = EMR_ROLE_DEVICE | who->roles,
		.how = EMR_HOW_DEVICE,
		.not_after_unix_s = not_after_unix_s};
	emr_public public, person;

	EMR_TRY(describe_key(who, &pub, &public));
	EMR_TRY(emr_keyring_public(endorser, &person));
	memcpy(pub.ref, person.signer_id.b, 32);
	return register_key(who, &public, &pub, endorser, emr_signer_identity(), (emr_bytes){0},
		out_act, out_part);
}

emr_status emr_register_renew(
	const emr_register *who, emr_bytes cert_der, emr_act *out_act, emr_buf *out_part)
{
	emr_pub_key_cert pub = {0};
	emr_cert_facts facts;
	emr_public public;
	emr_act act;

	EMR_TRY(emr_keyring_public(who->keyring, &public));
	EMR_TRY(read_own(&public, cert_der, &facts));
	memcpy(pub.ref, facts.ref.b, 32);
	pub.not_after_unix_s = facts.not_after;
	act = act_for(EMR_OP_KEY_CERT, &public);
	emr_pub_key_cert_encode(&pub, act.pub);
	EMR_TRY(vouch(who->keyring, emr_signer_certificate(), who->net_id, public.signer_id,
		(emr_span){act.pub, 104}, pub.bind_sig));
	EMR_TRY(make_part(cert_der, who->name, out_part));
	emr_pub_key_cert_encode(&pub, act.pub);
	*out_act = act;
	return EMR_OK;
}
