/* This file signs how far a served ledger goes: its size and the root of its tree, as a checkpoint
 * (ledger/checkpoint.h), and where it is. The key is derived from the host's secret, so that there
 * is one file to keep. */
#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "base/worker.h"
#include "crypto/kdf.h"
#include "ledger/checkpoint.h"
#include "served/client.h"
#include "served_private.h"

#define LABEL "emrfs/v1/host"

static void seed_of(const uint8_t secret[32], uint8_t out[32])
{
	emr_hmac_sha256(emr_bytes_of(secret, 32), emr_bytes_of(LABEL, sizeof LABEL), out);
}

emr_id32 served_open_key(const uint8_t secret[32], uint8_t out_sk[64])
{
	uint8_t seed[32];
	emr_id32 pk;

	seed_of(secret, seed);
	(void)crypto_sign_seed_keypair(pk.b, out_sk, seed);
	emr_wipe(seed, sizeof seed);
	return pk;
}

emr_id32 emr_served_key(const uint8_t secret[32])
{
	uint8_t sk[64];
	emr_id32 pk = served_open_key(secret, sk);

	emr_wipe(sk, sizeof sk);
	return pk;
}

emr_status served_sign(const emr_served *served, emr_checkpoint *note)
{
	uint8_t seed[32];
	emr_status status;

	seed_of(served->secret, seed);
	status = emr_checkpoint_sign(note, seed, emr_clock_unix_s(served->clock));
	emr_wipe(seed, sizeof seed);
	return status;
}

emr_status emr_served_say_at(
	const uint8_t secret[32], emr_id16 net_id, uint64_t unix_s, emr_served_at *at)
{
	static const char label[] = "emrfs/v1/address";
	uint8_t sk[64], message[sizeof label + EMR_ADDRESS_MESSAGE_MAX];
	const emr_id32 key = served_open_key(secret, sk);
	emr_address address = {.at = *at, .unix_s = unix_s};
	EMR_AUTO_BUF text = {0};
	emr_status status;

	memcpy(message, label, sizeof label);
	(void)crypto_sign_detached(address.sig, NULL, message,
		sizeof label + emr_address_message(&address, net_id, key, message + sizeof label),
		sk);
	emr_wipe(sk, sizeof sk);
	status = emr_address_write(&address, &text);
	if (status == EMR_OK)
		status = emr_address_read(emr_buf_view(&text), &address);
	if (status == EMR_OK)
		memcpy(at->word, address.at.word, sizeof at->word);
	return status;
}

/* Under head_lock. */
static emr_status sign_head(emr_served *served, uint64_t size)
{
	emr_checkpoint head = {.net_id = served->net_id, .size = size};
	emr_status status;

	EMR_TRY(emr_ledger_root(served->ledger, size, head.root));
	status = served_sign(served, &head);
	served->head_size = 0;
	if (status == EMR_OK)
		status = emr_checkpoint_format(&head, &served->head);
	if (status == EMR_OK)
		served->head_size = size;
	return status;
}

emr_status served_put_head(emr_served *served, uint64_t size, emr_buf *out)
{
	EMR_LOCKED(&served->head_lock);

	if (served->head_size != size)
		EMR_TRY(sign_head(served, size));
	return emr_buf_append(out, served->head.data, served->head.len);
}
