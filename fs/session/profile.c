/* This file keeps the person's name and birth date, the day when the 24 words were tested, what a
 * guess of the passphrase costs, and which network the keyring is in, sealed with a key of this
 * computer: the words alone bring it back. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "keyring/sealed.h"
#include "session/session.h"

/* "EMPF" | ver 1 | 0[3] | nonce[24] | XChaCha20-Poly1305 under the local view key, AAD = the first
 * 8 bytes, of u8 name_len | name | u8 born_len | born | u64 words_tested | u32 passes | u64 memory
 * | u8 length (0 or 32), hash of the network's descriptor | u8 length (0; 32 where it was the
 * client of a channel) and so many bytes | u64 trustees_tested, padded with zeros to 512. */
#define PLAIN_BYTES 512
#define HASH_BYTES 32

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'F', 1, 0, 0, 0};

static void write_text(emr_writer *w, const char *text)
{
	emr_write_u8(w, (uint8_t)strlen(text));
	emr_write_bytes(w, text, strlen(text));
}

static bool read_text(emr_reader *r, char *out, size_t size)
{
	size_t len = emr_read_u8(r);

	if (len >= size)
		return false;
	emr_read_copy(r, out, len);
	out[len] = '\0';
	return !r->bad;
}

static emr_status write_fact(emr_writer *w, const emr_keyring *keyring, emr_keyring_tlv type)
{
	EMR_AUTO_BUF known = {0};
	emr_status status = emr_keyring_tlv_get(keyring, type, &known);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (known.len != 0 && known.len != HASH_BYTES)
		return EMR_DAMAGED;
	emr_write_u8(w, (uint8_t)known.len);
	emr_write_bytes(w, known.data, known.len);
	return w->status;
}

emr_status emr_profile_save(const emr_keyring *keyring, int state_fd, const emr_profile *profile)
{
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);
	emr_kdf_cost cost = emr_keyring_cost(keyring);
	emr_status status;

	write_text(&w, profile->name);
	write_text(&w, profile->born);
	emr_write_u64(&w, profile->words_tested_unix_s);
	emr_write_u32(&w, cost.passes);
	emr_write_u64(&w, cost.memory_bytes);
	status = write_fact(&w, keyring, EMR_KEYRING_NET_DESCRIPTOR);
	if (status == EMR_OK)
		emr_write_u8(&w, 0);
	if (status == EMR_OK)
		emr_write_u64(&w, profile->trustees_tested_unix_s);
	if (status == EMR_OK)
		emr_write_zeros(&w, PLAIN_BYTES - plain.len);
	if (status == EMR_OK)
		status = w.status;
	if (status == EMR_OK)
		status = emr_sealed_save(
			keyring, state_fd, EMR_STATE_PROFILE, head, emr_buf_view(&plain));
	emr_wipe(plain.data, plain.len);
	return status;
}

static bool read_fact(emr_reader *r, emr_id32 *out, bool *out_is_known)
{
	size_t len = emr_read_u8(r);

	*out_is_known = len == HASH_BYTES;
	if (*out_is_known)
		emr_read_copy(r, out->b, HASH_BYTES);
	return !r->bad && (len == 0 || *out_is_known);
}

static emr_status parse(emr_bytes plain, emr_profile *out_profile)
{
	emr_reader r = emr_reader_of(plain);
	emr_profile profile = {0};
	emr_id32 unread;
	bool has_unread;

	if (!read_text(&r, profile.name, sizeof profile.name) ||
		!read_text(&r, profile.born, sizeof profile.born))
		return EMR_DAMAGED;
	profile.words_tested_unix_s = emr_read_u64(&r);
	profile.cost.passes = emr_read_u32(&r);
	profile.cost.memory_bytes = emr_read_u64(&r);
	if (!read_fact(&r, &profile.network, &profile.has_network) ||
		!read_fact(&r, &unread, &has_unread))
		return EMR_DAMAGED;
	profile.trustees_tested_unix_s = emr_read_u64(&r);
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	*out_profile = profile;
	return EMR_OK;
}

emr_status emr_profile_load(const emr_keyring *keyring, int state_fd, emr_profile *out_profile)
{
	EMR_AUTO_BUF plain = {0};
	emr_status status =
		emr_sealed_load(keyring, state_fd, EMR_STATE_PROFILE, head, PLAIN_BYTES, &plain);

	if (status == EMR_OK)
		status = parse(emr_buf_view(&plain), out_profile);
	emr_wipe(plain.data, plain.len);
	return status;
}
