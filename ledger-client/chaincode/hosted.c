/* This file takes one batch through the contract for a host that is not written in C: it keeps
 * copies of what the host fetched. */
#include "chaincode/hosted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/id.h"
#include "base/secret.h"
#include "contract/pubs_share.h"
#include "crypto/hashsig.h"
#include "keyring/cert.h"

struct hosted {
	uint8_t *bytes; /* the whole batch, or the descriptor */
	size_t len;
	emr_result split; /* APPLIED, or why the batch cannot be split */
	emr_batch batch;
	emr_caller caller;
	uint8_t *recorded;
	uint8_t *cert_key;
	emr_contract_arena arena;
	emr_value *values; /* those of both passes; the copies are owned */
	size_t values_count;
	emr_key_list pass; /* the keys that are fetched now; their values begin at pass_at */
	size_t pass_at;
	emr_outcome outcome;
};

bool hosted_begin(void)
{
	return emr_base_init() == EMR_OK;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	if (copy != NULL && len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

void hosted_free(hosted *run)
{
	if (run == NULL)
		return;
	for (size_t i = 0; i < run->values_count; i++)
		free((void *)(uintptr_t)run->values[i].value.data);
	free(run->values);
	free(run->arena.base);
	free(run->recorded);
	free(run->cert_key);
	free(run->bytes);
	free(run);
}

EMR_AUTO_CALL(drop_hosted, hosted *, hosted_free);
#define HOSTED_AUTO __attribute__((cleanup(drop_hosted))) hosted

static hosted *taken(hosted **run)
{
	hosted *own = *run;

	*run = NULL;
	return own;
}

static bool has_arena(hosted *run, size_t cap)
{
	run->arena.cap = cap;
	run->arena.base = malloc(cap);
	return run->arena.base != NULL;
}

/* A run that owns a copy of BYTES. */
static hosted *run_of(const uint8_t *bytes, size_t len)
{
	HOSTED_AUTO *run = calloc(1, sizeof *run);

	if (run == NULL)
		return NULL;
	run->len = len;
	run->bytes = copy_of(bytes, len);
	return run->bytes ? taken(&run) : NULL;
}

hosted *hosted_new(const uint8_t *bytes, size_t len)
{
	HOSTED_AUTO *run = run_of(bytes, len);

	if (run == NULL)
		return NULL;
	run->split = emr_batch_parse((emr_span){run->bytes, len}, &run->batch);
	if (run->split == EMR_RESULT_APPLIED &&
		!has_arena(run, emr_contract_arena_bytes(&run->batch)))
		return NULL;
	return taken(&run);
}

hosted *hosted_genesis(const uint8_t *descriptor, size_t len)
{
	HOSTED_AUTO *run = run_of(descriptor, len);
	emr_descriptor parsed;

	if (run == NULL ||
		emr_descriptor_parse((emr_span){run->bytes, len}, &parsed) != EMR_CONTRACT_OK ||
		!has_arena(run, ((size_t)parsed.norg + 1) * 1024))
		return NULL;
	run->outcome.kind = EMR_OUTCOME_APPLIED;
	if (emr_contract_genesis((emr_span){run->bytes, len}, &run->arena, &run->outcome.writes,
		    &run->outcome.writes_count) != EMR_CONTRACT_OK)
		return NULL;
	return taken(&run);
}

size_t hosted_public_len(const hosted *run)
{
	return run->split == EMR_RESULT_APPLIED ? EMR_HEADER_BYTES + run->batch.items_bytes.len
						: run->len;
}

/* ---- who brings it ---- */

void hosted_caller(hosted *run, int host, const uint8_t net_id[16], const uint8_t submitter_id[32])
{
	run->caller.host = host == EMR_HOST_EMBEDDED ? EMR_HOST_EMBEDDED : EMR_HOST_FABRIC;
	memcpy(run->caller.net_id, net_id, 16);
	memcpy(run->caller.submitter_id, submitter_id, 32);
}

void hosted_seen(hosted *run, int seen)
{
	run->caller.seen = seen == EMR_SEEN_IN_LOG	? EMR_SEEN_IN_LOG
			   : seen == EMR_SEEN_UNCHECKED ? EMR_SEEN_UNCHECKED
							: EMR_SEEN_NOT_IN_LOG;
}

emr_contract_status hosted_recorded(hosted *run, const uint8_t *results, size_t len)
{
	free(run->recorded);
	run->recorded = copy_of(results, len);
	run->caller.recorded = (emr_span){run->recorded, len};
	return run->recorded ? EMR_CONTRACT_OK : EMR_CONTRACT_NO_ROOM;
}

emr_contract_status hosted_cert(hosted *run, const uint8_t ref[32], const uint8_t org[16],
	const uint8_t enrolment[32], uint16_t roles, uint64_t not_after_unix_s, uint8_t key_alg,
	const uint8_t *key, size_t len)
{
	emr_caller_cert *cert = &run->caller.cert;

	free(run->cert_key);
	run->cert_key = copy_of(key, len);
	if (run->cert_key == NULL)
		return EMR_CONTRACT_NO_ROOM;
	*cert = (emr_caller_cert){.is_present = true,
		.roles = roles,
		.not_after_unix_s = not_after_unix_s,
		.key_alg = key_alg,
		.key = {run->cert_key, len}};
	memcpy(cert->ref, ref, 32);
	memcpy(cert->org, org, 16);
	memcpy(cert->enrolment, enrolment, 32);
	return EMR_CONTRACT_OK;
}

/* ---- who hands in ---- */

void hosted_submitter(const hosted *run, emr_key_text *out_key)
{
	emr_key_signer(run->caller.submitter_id, out_key);
}

static bool header_of(const hosted *run, emr_header *out, uint8_t out_signer[32])
{
	if (run->split != EMR_RESULT_APPLIED ||
		emr_header_parse(run->batch.header, out) != EMR_CONTRACT_OK)
		return false;
	emr_signer_id(out->signer_pk, out_signer);
	return true;
}

void hosted_signer(const hosted *run, emr_key_text *out_key)
{
	emr_header header;
	uint8_t id[32];

	hosted_submitter(run, out_key);
	if (header_of(run, &header, id))
		emr_key_signer(id, out_key);
}

bool hosted_is_handed_in(hosted *run, const uint8_t signature[64], emr_span row)
{
	uint8_t id[32], message[EMR_SUBMIT_MESSAGE_BYTES];
	emr_header header;
	emr_row_key key;
	bool is;

	if (!header_of(run, &header, id))
		return false; /* it is refused already */
	emr_submit_message(run->caller.net_id, run->batch.header.data, message);
	is = memcmp(id, run->caller.submitter_id, sizeof id) == 0;
	if (is)
		memcpy(key.pk, header.signer_pk, sizeof key.pk);
	is = (is || emr_row_key_parse(row, &key) == EMR_CONTRACT_OK) &&
	     emr_ed25519_verify(key.pk, message, sizeof message, signature);
	if (!is)
		run->split = EMR_RESULT_SUBMITTER;
	return is;
}

bool hosted_org_of(const hosted *run, emr_span signer, emr_key_text *out_key)
{
	uint8_t org[16];

	if (run->split != EMR_RESULT_APPLIED || !emr_batch_certified_by(&run->batch, signer, org))
		return false;
	emr_key_org(org, out_key);
	return true;
}

/* The descriptor's, where nobody brings one along. */
static emr_span ca_of(emr_span descriptor, emr_span ca, const uint8_t org[16])
{
	emr_descriptor network;
	emr_descriptor_org one;

	if (ca.len > 0)
		return ca;
	return emr_descriptor_parse(descriptor, &network) == EMR_CONTRACT_OK &&
			       emr_descriptor_find(&network, org, &one)
		       ? one.ca_der
		       : (emr_span){0};
}

static emr_bytes bytes_of(emr_span span)
{
	return emr_bytes_of(span.data, span.len);
}

emr_contract_status hosted_certificate(hosted *run, emr_span descriptor, emr_span authority,
	emr_span signer, emr_span row, uint64_t now_unix_s)
{
	uint8_t org[16], hash[32], enrolment[32];
	emr_cert_facts facts;
	emr_row_org parsed;
	emr_span ca;

	if (!emr_batch_certified_by(&run->batch, signer, org) ||
		emr_row_org_parse(row, &parsed) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_OK;
	ca = ca_of(descriptor, authority, org);
	emr_sha256(ca.data, ca.len, hash);
	if (memcmp(hash, parsed.ca_hash, sizeof hash) != 0 ||
		emr_cert_verify(bytes_of(emr_batch_certificate(&run->batch)), bytes_of(ca),
			now_unix_s, &facts) != EMR_OK ||
		!emr_cert_is_of(&facts, org))
		return EMR_CONTRACT_OK;
	emr_enrolment_id(org, facts.handle, enrolment);
	return hosted_cert(run, facts.ref.b, org, enrolment, facts.roles, facts.not_after, 2,
		facts.spki, sizeof facts.spki);
}

/* ---- rows ---- */

emr_contract_status hosted_keys(hosted *run, int pass)
{
	static const char *const network[] = {"N"};
	emr_contract_status status = EMR_CONTRACT_OK;
	emr_value *more;

	run->pass = (emr_key_list){network, run->split != EMR_RESULT_APPLIED && pass == 1};
	run->pass_at = run->values_count;
	if (run->split == EMR_RESULT_APPLIED)
		status = emr_contract_keys(pass, &run->batch, &run->caller, run->values,
			run->pass_at, &run->arena, &run->pass);
	if (status != EMR_CONTRACT_OK)
		return status;
	more = realloc(
		run->values, (run->values_count + run->pass.count + 1) * sizeof *run->values);
	if (more == NULL)
		return EMR_CONTRACT_NO_ROOM;
	run->values = more;
	for (size_t i = 0; i < run->pass.count; i++)
		run->values[run->values_count++] = (emr_value){.key = run->pass.keys[i]};
	return EMR_CONTRACT_OK;
}

size_t hosted_keys_count(const hosted *run)
{
	return run->pass.count;
}

const char *hosted_key(const hosted *run, size_t i)
{
	return run->pass.keys[i];
}

emr_contract_status hosted_give(hosted *run, size_t i, const uint8_t *bytes, size_t len)
{
	emr_value *value;

	if (i >= run->pass.count)
		return EMR_CONTRACT_ARGUMENT;
	value = &run->values[run->pass_at + i];
	if (value->value.data != NULL)
		return EMR_CONTRACT_ARGUMENT;
	if (bytes == NULL)
		return EMR_CONTRACT_OK;
	value->value = (emr_span){copy_of(bytes, len), len};
	value->is_present = value->value.data != NULL;
	return value->is_present ? EMR_CONTRACT_OK : EMR_CONTRACT_NO_ROOM;
}

void hosted_place_key(const char *part_key, emr_key_text *out_key)
{
	(void)snprintf(out_key->text, sizeof out_key->text, "i%.120s", part_key + 1);
}

bool hosted_batch_key(const uint8_t *place_row, size_t len, emr_key_text *out_key)
{
	emr_row_place place;

	if (emr_row_place_parse((emr_span){place_row, len}, &place) != EMR_CONTRACT_OK)
		return false;
	emr_key_batch(place.batch_id, out_key);
	return true;
}

emr_contract_status hosted_part_hash(const uint8_t *place_row, size_t place_len,
	const uint8_t *batch_row, size_t batch_len, uint8_t out_hash[32])
{
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	emr_row_place place;
	emr_row_batch row;
	emr_item item;
	emr_span pub;

	if (batch == NULL)
		return EMR_CONTRACT_NO_ROOM;
	if (emr_row_place_parse((emr_span){place_row, place_len}, &place) != EMR_CONTRACT_OK ||
		emr_row_batch_parse((emr_span){batch_row, batch_len}, &row) != EMR_CONTRACT_OK ||
		emr_batch_parse_items(row.header, row.items, NULL, 0, batch) !=
			EMR_RESULT_APPLIED ||
		place.index >= batch->count)
		return EMR_CONTRACT_STATE;
	emr_batch_item_at(batch, place.index, &item, &pub);
	memcpy(out_hash, item.priv_hash, 32);
	return EMR_CONTRACT_OK;
}

/* ---- judging ---- */

emr_contract_status hosted_judge(hosted *run, uint64_t now_unix_s)
{
	uint32_t rules;

	if (run->split != EMR_RESULT_APPLIED) { /* which is no fault by rules of later programs */
		run->outcome = (emr_outcome){.kind = EMR_OUTCOME_REFUSED, .refusal = run->split};
		return run->values_count == 0 ? EMR_CONTRACT_OK
					      : emr_contract_rules(run->values[0].value, &rules);
	}
	return emr_contract_apply(&run->batch, &run->caller, now_unix_s, run->values,
		run->values_count, &run->arena, &run->outcome);
}

const emr_outcome *hosted_outcome(const hosted *run)
{
	return &run->outcome;
}

/* ---- letters of invitations ---- */

void hosted_letters_keys(const uint8_t id[16], const char *msp, emr_key_text out_keys[2])
{
	uint8_t account[2][32];
	emr_key_text key;

	emr_sha256(id, 16, account[0]);
	emr_sha256((const uint8_t *)msp, strlen(msp), account[1]);
	for (int i = 0; i < 2; i++) {
		emr_key_quota(account[i],
			i == 0 ? EMR_QUOTA_PLACE_LETTERS : account[0][0] % EMR_QUOTA_PLACES, &key);
		(void)snprintf(
			out_keys[i].text, sizeof out_keys[i].text, "letters/%.120s", key.text);
	}
}

emr_contract_status hosted_letters_take(const uint8_t *row, size_t row_len, bool is_of_org,
	uint64_t now_unix_s, bool *out_fits, uint8_t out_row[EMR_ROW_QUOTA_BYTES])
{
	return emr_quota_take((emr_span){row, row_len},
		is_of_org ? EMR_QUOTA_LETTERS / EMR_QUOTA_PLACES : EMR_QUOTA_LETTERS_INVITED, 1,
		now_unix_s, out_fits, out_row);
}

/* ---- where parts lie ---- */

const char *hosted_collection(const char *part_key)
{
	/* families 40, 48, 49 and 4A: requests and releases, which are kept for a time only */
	static const char *const mail[] = {"p/40/", "p/48/", "p/49/", "p/4a/"};

	for (size_t i = 0; i < sizeof mail / sizeof mail[0]; i++)
		if (strncmp(part_key, mail[i], strlen(mail[i])) == 0)
			return "mail";
	return "parts";
}
