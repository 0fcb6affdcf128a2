/* Opening a record costs curves: its key is unwrapped and its signature checked. This file keeps
 * what that came to, sealed for this computer and bound to that one version, and gives it again.
 * It lies beside the private part of the version and goes with it. */
#include "settle/reopen.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "contract/codes.h"
#include "keyring/content.h"
#include "keyring/coowned.h"
#include "settle/place.h"

#include "facts_private.h"

/* u8 1 | nonce[24] | sealed content[280 + 16] */
#define FORMAT 1
#define NONCE_BYTES 24
#define SEALED_AT (1 + NONCE_BYTES)
#define COPY_BYTES (SEALED_AT + EMR_CONTENT_ENCODED_BYTES + 16)
#define NOTED_MAX 1024

static emr_part_key part_of(const emr_place *place)
{
	return emr_part_of_object(place->domain, place->object, place->pversion);
}

/* "EMRO" | u8 1 | place, without the version of the row: a new name leaves the content as it was.
 */
static emr_status bind(const emr_place *place, emr_buf *out_aad)
{
	emr_writer w = emr_writer_of(out_aad);
	emr_place bound = *place;

	bound.version = 0;
	emr_write_bytes(&w, "EMRO", 4);
	emr_write_u8(&w, FORMAT);
	emr_place_write(&w, &bound);
	return w.status;
}

/* ---- giving ---- */

static emr_status open_copy(
	emr_facts *facts, const emr_place *place, emr_bytes copy, emr_content *out_content)
{
	EMR_AUTO_BUF aad = {0};
	uint8_t plain[EMR_CONTENT_ENCODED_BYTES];
	emr_local_key *key = NULL;
	emr_status status;

	if (copy.len != COPY_BYTES || copy.data[0] != FORMAT)
		return EMR_DAMAGED;
	status = bind(place, &aad);
	if (status == EMR_OK)
		status = emr_local_key_get(facts->keyring, EMR_LOCAL_VIEW, NULL, &key);
	if (status == EMR_OK)
		status = emr_local_open(key, copy.data + 1, emr_buf_view(&aad),
			emr_bytes_of(copy.data + SEALED_AT, copy.len - SEALED_AT), plain);
	emr_local_key_free(key);
	if (status == EMR_OK)
		status = emr_content_decode(emr_bytes_of(plain, sizeof plain), out_content);
	emr_wipe(plain, sizeof plain);
	return status;
}

/* The first is a warning.  After `recover` with the words no copy fits any more, because the local
 * keys are new; each is put right when its record is opened. */
static void say_unfit(emr_facts *facts, const emr_place *place, emr_status status)
{
	char id[33];
	bool was_said;

	pthread_mutex_lock(&facts->lock);
	was_said = facts->has_said_unfit;
	facts->has_said_unfit = true;
	pthread_mutex_unlock(&facts->lock);
	emr_hex(place->object.b, sizeof place->object.b, id);
	emr_log(was_said ? EMR_LOG_INFO : EMR_LOG_WARN,
		"what was kept of record %s does not fit and is not used: %s", id,
		emr_status_text(status));
}

emr_status emr_facts_reopen(emr_facts *facts, const emr_place *place, emr_content *out_content)
{
	const emr_part_key at = part_of(place);
	EMR_AUTO_BUF copy = {0};
	emr_content content;
	emr_status status;

	if ((place->pversion & EMR_VERSION_ANNEX) != 0)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_replica_local_get(facts->replica, &at, &copy));
	status = open_copy(facts, place, emr_buf_view(&copy), &content);
	if (status == EMR_OK && content.has_dek && content.padded == place->padded) {
		*out_content = content;
		return EMR_OK;
	}
	say_unfit(facts, place, status);
	return EMR_NOT_FOUND;
}

/* ---- keeping ---- */

static emr_status seal_copy(
	const emr_local_key *key, const emr_opened *one, uint8_t out[COPY_BYTES])
{
	EMR_AUTO_BUF aad = {0};
	uint8_t plain[EMR_CONTENT_ENCODED_BYTES];
	emr_status status;

	EMR_TRY(bind(&one->place, &aad));
	emr_content_encode(&one->content, plain);
	out[0] = FORMAT;
	randombytes_buf(out + 1, NONCE_BYTES);
	status = emr_local_seal(key, out + 1, emr_buf_view(&aad), emr_bytes_of(plain, sizeof plain),
		out + SEALED_AT);
	emr_wipe(plain, sizeof plain);
	return status;
}

/* The keys of a folder that came by letter may be taken back: nothing of it is kept past them. */
static emr_status may_keep(emr_facts *facts, emr_id16 domain, bool *out_may)
{
	*out_may = false;
	if (emr_keyring_coowns(facts->keyring, domain))
		return EMR_OK;
	return emr_replica_is_mine(facts->replica, domain, out_may);
}

/* Puts those of ALL that may be kept into COPIES and the list of them. */
static emr_status seal_all(emr_facts *facts, const emr_opened *all, size_t n,
	emr_replica_local *list, uint8_t *copies, size_t *out_n)
{
	emr_local_key *key = NULL;
	emr_status status = emr_local_key_get(facts->keyring, EMR_LOCAL_VIEW, NULL, &key);
	bool may = false;

	*out_n = 0;
	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		const emr_opened *one = &all[i];
		uint8_t *copy = copies + *out_n * COPY_BYTES;

		if (i == 0 || !emr_id16_equal(one->place.domain, all[i - 1].place.domain))
			status = may_keep(facts, one->place.domain, &may);
		if (status != EMR_OK || !may || !one->content.has_dek ||
			(one->place.pversion & EMR_VERSION_ANNEX) != 0)
			continue;
		status = seal_copy(key, one, copy);
		list[(*out_n)++] = (emr_replica_local){
			.at = part_of(&one->place), .sealed = emr_bytes_of(copy, COPY_BYTES)};
	}
	emr_local_key_free(key);
	return status;
}

emr_status emr_facts_keep_opened(emr_facts *facts, const emr_opened *all, size_t n)
{
	EMR_AUTO_FREE emr_replica_local *list = NULL;
	EMR_AUTO_FREE uint8_t *copies = NULL;
	size_t count = 0;

	if (n == 0)
		return EMR_OK;
	list = calloc(n, sizeof *list);
	copies = calloc(n, COPY_BYTES);
	if (list == NULL || copies == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(seal_all(facts, all, n, list, copies, &count));
	return emr_replica_put_locals(facts->replica, list, count);
}

void emr_facts_note_opened(emr_facts *facts, const emr_opened *one)
{
	EMR_LOCKED(&facts->lock);

	if (facts->noted.len < NOTED_MAX * sizeof *one &&
		emr_buf_append(&facts->noted, one, sizeof *one) != EMR_OK)
		emr_log(EMR_LOG_INFO, "what a record was opened to is not kept: no memory");
}

emr_status emr_facts_keep_noted(emr_facts *facts)
{
	EMR_AUTO_BUF noted = {0};

	pthread_mutex_lock(&facts->lock);
	noted = facts->noted;
	facts->noted = (emr_buf){0};
	pthread_mutex_unlock(&facts->lock);
	return emr_facts_keep_opened(facts, (const emr_opened *)(const void *)noted.data,
		noted.len / sizeof(emr_opened));
}
