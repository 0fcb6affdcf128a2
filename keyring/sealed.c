/* This file writes and reads small files of the state that only this computer's keyring can
 * open. One that was changed or belongs elsewhere does not open. */
#include "keyring/sealed.h"

#include <string.h>

#include "base/file.h"
#include "crypto/sum.h"
#include "keyring/content.h"

#define NONCE_BYTES 24
#define TAG_BYTES 16

emr_status emr_sealed_save(const emr_keyring *keyring, int state_fd, const char *name,
	const uint8_t head[EMR_SEALED_HEAD_BYTES], emr_bytes plain)
{
	EMR_AUTO_BUF file = {0};
	emr_id32 random = emr_id32_random();
	emr_local_key *key = NULL;
	emr_status status = emr_buf_append(&file, head, EMR_SEALED_HEAD_BYTES);

	if (status == EMR_OK)
		status = emr_buf_append(&file, random.b, NONCE_BYTES);
	if (status == EMR_OK)
		status = emr_buf_append_zeros(&file, plain.len + TAG_BYTES);
	if (status == EMR_OK)
		status = emr_local_key_get(keyring, EMR_LOCAL_VIEW, NULL, &key);
	if (status == EMR_OK)
		status = emr_local_seal(key, file.data + EMR_SEALED_HEAD_BYTES,
			emr_bytes_of(head, EMR_SEALED_HEAD_BYTES), plain,
			file.data + EMR_SEALED_HEAD_BYTES + NONCE_BYTES);
	emr_local_key_free(key);
	if (status == EMR_OK)
		status = emr_sum_append(&file);
	return status == EMR_OK ? emr_file_replace(state_fd, name, emr_buf_view(&file), 0600)
				: status;
}

/* FILE, without its sum.  The head is the one that is known: rot of it costs nothing. */
static emr_status open_file(const emr_local_key *key, const uint8_t head[EMR_SEALED_HEAD_BYTES],
	emr_bytes file, emr_buf *out_plain)
{
	const size_t before = EMR_SEALED_HEAD_BYTES + NONCE_BYTES;

	if (file.len < before + TAG_BYTES)
		return EMR_DAMAGED;
	emr_buf_clear(out_plain);
	EMR_TRY(emr_buf_append_zeros(out_plain, file.len - before - TAG_BYTES));
	return emr_local_open(key, file.data + EMR_SEALED_HEAD_BYTES,
		emr_bytes_of(head, EMR_SEALED_HEAD_BYTES),
		emr_bytes_of(file.data + before, file.len - before), out_plain->data);
}

emr_status emr_sealed_load(const emr_keyring *keyring, int state_fd, const char *name,
	const uint8_t head[EMR_SEALED_HEAD_BYTES], size_t max, emr_buf *out_plain)
{
	EMR_AUTO_BUF file = {0};
	const size_t around = EMR_SEALED_HEAD_BYTES + NONCE_BYTES + TAG_BYTES + EMR_SUM_BYTES;
	emr_local_key *key = NULL;
	emr_status status = emr_file_read(state_fd, name, max + around, &file);

	if (status != EMR_OK)
		return status == EMR_LIMIT ? EMR_DAMAGED : status;
	if (file.len >= EMR_SEALED_HEAD_BYTES && memcmp(file.data, head, 4) == 0 &&
		file.data[4] > head[4] && emr_sum_fits(emr_buf_view(&file)))
		return emr_newer_format(file.data[4], head[4]);
	EMR_TRY(emr_local_key_get(keyring, EMR_LOCAL_VIEW, NULL, &key));
	status = file.len < EMR_SUM_BYTES
			 ? EMR_DAMAGED
			 : open_file(key, head, emr_bytes_of(file.data, file.len - EMR_SUM_BYTES),
				   out_plain);
	emr_local_key_free(key);
	return status;
}
