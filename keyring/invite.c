/* This file makes and reads an organisation's invitation and the reply to it. The reply proves that
 * its sender has the secret of the invitation; an invitation that was changed is refused. */
#include "keyring/invite.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/hashsig.h"
#include "crypto/kdf.h"
#include "keyring_private.h"
#include "letters_private.h"
#include "part_private.h"

#define REPLY_HEAD_BYTES (8 + 16 + 32 + EMR_KEY_REG_PUB_BYTES + 2)
#define MAC_BYTES 32
#define ROLES_ALL 8191u

/* net_id = SHA-256("emrfs/v1/net\0" || descriptor)[0..15]. */
static emr_id16 net_id_of(emr_bytes descriptor)
{
	static const char label[] = "emrfs/v1/net"; /* hashed with its NUL */
	emr_sha256_ctx hash;
	uint8_t digest[32];
	emr_id16 net_id;

	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label);
	emr_sha256_update(&hash, descriptor.data, descriptor.len);
	emr_sha256_final(&hash, digest);
	memcpy(net_id.b, digest, sizeof net_id.b);
	return net_id;
}

/* ---- Invitations ---- */

static bool facts_ok(const emr_invitation *facts)
{
	size_t name = strnlen(facts->network, sizeof facts->network);
	size_t url = strnlen(facts->url, sizeof facts->url);

	return facts->roles != 0 && (facts->roles & ~ROLES_ALL) == 0 &&
	       name <= EMR_INVITE_NAME_MAX && url <= EMR_INVITE_URL_MAX &&
	       emr_text_ok(facts->network, name) && emr_text_ok(facts->url, url) &&
	       facts->descriptor.len > 0;
}

static uint8_t version_of(const emr_invitation *facts)
{
	return facts->place.len > 0 ? 2 : 1;
}

static void write_place(emr_writer *w, const emr_invitation *facts)
{
	emr_write_u16(w, 0);
	emr_write_u32(w, (uint32_t)facts->place.len);
	emr_write_bytes(w, facts->place.data, facts->place.len);
}

emr_status emr_invitation_encode(
	const emr_keyring *admin, const emr_invitation *facts, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	size_t start = out->len;
	uint8_t sig[64];

	emr_write_bytes(&w, "EMIV", 4);
	emr_write_u8(&w, version_of(facts));
	emr_write_u8(&w, 0);
	emr_write_u16(&w, facts->roles);
	emr_write_bytes(&w, facts->net_id.b, 16);
	emr_write_bytes(&w, facts->org.b, 16);
	emr_write_u64(&w, facts->expires);
	emr_write_bytes(&w, facts->id.b, 16);
	emr_write_bytes(&w, facts->secret, 32);
	emr_write_bytes(&w, facts->admin_pk, 32);
	emr_write_u8(&w, (uint8_t)strlen(facts->network));
	emr_write_bytes(&w, facts->network, strlen(facts->network));
	emr_write_u16(&w, (uint16_t)strlen(facts->url));
	emr_write_bytes(&w, facts->url, strlen(facts->url));
	emr_write_u32(&w, (uint32_t)facts->descriptor.len);
	emr_write_bytes(&w, facts->descriptor.data, facts->descriptor.len);
	if (facts->place.len > 0)
		write_place(&w, facts);
	if (w.status != EMR_OK)
		return w.status;
	if (out->len - start > EMR_INVITE_MAX - sizeof sig)
		return EMR_LIMIT;
	EMR_TRY(emr_keyring_sign(admin, emr_signer_identity(), EMR_SIGN_INVITE,
		emr_bytes_of(out->data + start, out->len - start), sig));
	return emr_buf_append(out, sig, sizeof sig);
}

/* ---- The secret for an authority ---- */

emr_status emr_invitation_login_secret(
	const emr_invitation *invitation, char out[EMR_LOGIN_SECRET_CHARS])
{
	uint8_t bytes[(EMR_LOGIN_SECRET_CHARS - 1) / 2];
	emr_status status = emr_hkdf_sha512("emrfs/v1/login",
		emr_bytes_of(invitation->secret, sizeof invitation->secret), (emr_bytes){0}, bytes,
		sizeof bytes);

	if (status == EMR_OK)
		emr_hex(bytes, sizeof bytes, out);
	emr_wipe(bytes, sizeof bytes);
	return status;
}

emr_status emr_invitation_make(const emr_keyring *admin, const emr_invitation *facts, emr_buf *out)
{
	EMR_AUTO_BUF made = {0};
	emr_invitation full = *facts;
	emr_public public;
	emr_status status;

	if (!facts_ok(facts))
		return EMR_INVALID;
	if (facts->descriptor.len > EMR_INVITE_DESCRIPTOR_MAX ||
		facts->place.len > EMR_INVITE_PLACE_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_keyring_public(admin, &public));
	memcpy(full.admin_pk, public.pk, 32);
	full.net_id = net_id_of(facts->descriptor);
	if (emr_id16_is_zero(full.id))
		full.id = emr_id16_random();
	randombytes_buf(full.secret, sizeof full.secret);
	status = emr_invitation_encode(admin, &full, &made);
	if (status == EMR_OK)
		status = emr_buf_append(out, made.data, made.len);
	emr_wipe(&full, sizeof full);
	if (made.len > 0)
		emr_wipe(made.data, made.len);
	return status;
}

/* LEN bytes of text; the reader turns bad when they do not fit. */
static void read_text(emr_reader *r, char *out, size_t len, size_t max)
{
	if (len > max) {
		r->bad = true;
		return;
	}
	emr_read_copy(r, out, len);
}

static void read_place(emr_reader *r, emr_invitation *out)
{
	/* A certificate, in those that led to a channel of Fabric. */
	const emr_bytes unread = emr_read_bytes(r, emr_read_u16(r));

	out->place = emr_read_bytes(r, emr_read_u32(r));
	if (unread.len > EMR_CERT_MAX || out->place.len == 0 ||
		out->place.len > EMR_INVITE_PLACE_MAX)
		r->bad = true;
}

emr_status emr_invitation_read(emr_bytes bytes, emr_invitation *out)
{
	emr_reader r = emr_reader_of(bytes);
	emr_invitation read = {0};
	const uint8_t *sig;
	uint8_t version;
	emr_status status;

	if (bytes.len > 4 && memcmp(bytes.data, "EMIV", 4) == 0 && bytes.data[4] > 2)
		return emr_newer_format(bytes.data[4], 2);
	emr_read_magic(&r, "EMIV");
	version = emr_read_u8(&r);
	emr_read_zeros(&r, 1);
	read.roles = emr_read_u16(&r);
	emr_read_copy(&r, read.net_id.b, 16);
	emr_read_copy(&r, read.org.b, 16);
	read.expires = emr_read_u64(&r);
	emr_read_copy(&r, read.id.b, 16);
	emr_read_copy(&r, read.secret, 32);
	emr_read_copy(&r, read.admin_pk, 32);
	read_text(&r, read.network, emr_read_u8(&r), EMR_INVITE_NAME_MAX);
	read_text(&r, read.url, emr_read_u16(&r), EMR_INVITE_URL_MAX);
	read.descriptor = emr_read_bytes(&r, emr_read_u32(&r));
	if (version == 2)
		read_place(&r, &read);
	sig = emr_read_bytes(&r, 64).data;
	if (!emr_reader_done(&r) || version == 0 || bytes.len > EMR_INVITE_MAX ||
		read.descriptor.len > EMR_INVITE_DESCRIPTOR_MAX || !facts_ok(&read) ||
		!emr_id16_equal(read.net_id, net_id_of(read.descriptor)))
		status = EMR_DAMAGED;
	else
		status = emr_sign_verify(read.admin_pk, EMR_SIGN_INVITE,
			emr_bytes_of(bytes.data, bytes.len - 64), sig);
	if (status == EMR_OK)
		*out = read;
	emr_wipe(&read, sizeof read);
	return status;
}

/* ---- Replies ---- */

emr_status emr_invite_reply_make(const emr_keyring *kr, const emr_invitation *invitation,
	const uint8_t pub[EMR_KEY_REG_PUB_BYTES], emr_bytes csr, emr_buf *out)
{
	EMR_AUTO_BUF made = {0};
	emr_writer w = emr_writer_of(&made);
	emr_public public;
	uint8_t mac[MAC_BYTES];

	if (csr.len > EMR_INVITE_CSR_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_keyring_public(kr, &public));
	emr_write_bytes(&w, "EMEN\1\0\0\0", 8);
	emr_write_bytes(&w, invitation->id.b, 16);
	emr_write_bytes(&w, public.pk, 32);
	emr_write_bytes(&w, pub, EMR_KEY_REG_PUB_BYTES);
	emr_write_u16(&w, (uint16_t)csr.len);
	emr_write_bytes(&w, csr.data, csr.len);
	if (w.status != EMR_OK)
		return w.status;
	emr_hmac_sha256(emr_bytes_of(invitation->secret, 32), emr_buf_view(&made), mac);
	emr_write_bytes(&w, mac, sizeof mac);
	return w.status == EMR_OK ? emr_buf_append(out, made.data, made.len) : w.status;
}

emr_status emr_invite_reply_id(emr_bytes bytes, emr_id16 *out_id)
{
	if (bytes.len < REPLY_HEAD_BYTES + MAC_BYTES || memcmp(bytes.data, "EMEN\1\0\0\0", 8) != 0)
		return EMR_DAMAGED;
	memcpy(out_id->b, bytes.data + 8, 16);
	return EMR_OK;
}

emr_status emr_invite_reply_read(emr_bytes bytes, const uint8_t secret[32], emr_invite_reply *out)
{
	emr_invite_reply reply = {0};
	emr_reader r = emr_reader_of(bytes);
	uint8_t mac[MAC_BYTES];
	const uint8_t *theirs;

	EMR_TRY(emr_invite_reply_id(bytes, &reply.invitation));
	emr_read_bytes(&r, 8 + 16);
	emr_read_copy(&r, reply.signer_pk, 32);
	reply.pub = emr_read_bytes(&r, EMR_KEY_REG_PUB_BYTES).data;
	reply.csr = emr_read_bytes(&r, emr_read_u16(&r));
	theirs = emr_read_bytes(&r, MAC_BYTES).data;
	if (!emr_reader_done(&r) || reply.csr.len > EMR_INVITE_CSR_MAX)
		return EMR_DAMAGED;
	emr_hmac_sha256(
		emr_bytes_of(secret, 32), emr_bytes_of(bytes.data, bytes.len - MAC_BYTES), mac);
	if (sodium_memcmp(mac, theirs, sizeof mac) != 0)
		return EMR_DAMAGED;
	*out = reply;
	return EMR_OK;
}
