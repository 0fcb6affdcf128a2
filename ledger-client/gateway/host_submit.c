/* This file brings a batch to a ledger on Fabric: the signed transaction is kept in a file before
 * it is sent, and a batch is proposed again only when a block says that nothing came of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "host_private.h"
#include "ledger/batch.h"

#define ENVELOPE_MAX (EMR_GATEWAY_REQUEST_MAX + 4096)

typedef struct sending {
	fabric_host *host;
	emr_bytes batch;
	emr_id32 batch_id;
	char name[80]; /* of the kept envelope */
	emr_gateway_call call;
	bool is_entered; /* a block has it, whether it was read here or not */
} sending;

static emr_status answer_of_entry(fabric_host *h, const emr_id32 *batch_id, emr_ledger_answer *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry entry;

	EMR_TRY(emr_chain_find_batch(h->chain, batch_id->b, &out->seq));
	EMR_TRY(emr_chain_parsed(h->chain, out->seq, &bytes, &entry));
	out->ledger_time = entry.ledger_time_unix_s;
	out->n_results = entry.count;
	memcpy(out->results, entry.results.data, entry.results.len);
	return EMR_OK;
}

/* A batch that was sent from here does not depend on what peers have of it: its holder lets go of
 * it when this has answered, and from then on its private parts are in the log. */
static emr_status answer_with_parts(const sending *s, emr_ledger_answer *out)
{
	EMR_TRY(answer_of_entry(s->host, &s->batch_id, out));
	host_note_lacking(s->host, s->batch, out);
	return host_keep_parts(s->host, s->batch);
}

/* Lock held. */
static emr_status follow(sending *s)
{
	emr_status status = host_follow(s->host, s->host->stop_fd);

	if (status != EMR_OK)
		s->call.fault = s->host->fault;
	return status;
}

/* EMR_NOT_FOUND: it is not there.  Nothing is sent to a channel whose beginning nobody has seen: it
 * might be another one. */
static emr_status look(sending *s, bool is_fresh, emr_ledger_answer *out)
{
	EMR_LOCKED(&s->host->lock);

	if (is_fresh || s->host->position.next_block == 0)
		EMR_TRY(follow(s));
	return answer_with_parts(s, out);
}

/* No orderer will ever take it: its certificate has ended since, or the file cannot be read any
 * more.  A batch may be proposed again all the same: should the earlier transaction be in a block,
 * or come into one, the contract knows the batch. */
static bool is_void(const sending *s, emr_status status)
{
	return s->call.fault == EMR_GATEWAY_EXPIRED ||
	       (s->call.fault == EMR_GATEWAY_HERE && status == EMR_DAMAGED);
}

/* Finds out what became of the envelope. The file goes when nothing came of it; of one that is in a
 * block, when that block was read here: until then it is all that tells a program that was
 * killed. */
static emr_status settle(sending *s, emr_bytes envelope, bool is_retry)
{
	emr_gateway_commit commit;
	emr_gateway *gateway = NULL;
	emr_status status;

	EMR_TRY(host_line(s->host, &gateway));
	status = emr_gateway_settle(gateway, &s->call, envelope, is_retry, &commit);
	if (s->call.is_open && (is_void(s, status) || s->call.fault == EMR_GATEWAY_TOO_LARGE)) {
		(void)host_status(&s->call, status);
		(void)unlinkat(s->host->dirfd, s->name, 0);
		return s->call.fault == EMR_GATEWAY_TOO_LARGE ? EMR_LIMIT : EMR_CONFLICT;
	}
	if (s->call.is_open)
		return status == EMR_OK ? EMR_TIMEOUT : host_status(&s->call, status);
	if (status == EMR_OK)
		return EMR_OK;
	(void)unlinkat(s->host->dirfd, s->name, 0);
	return s->call.fault == EMR_GATEWAY_OVERTAKEN ? EMR_CONFLICT
						      : host_status(&s->call, status);
}

static bool has_kept(const sending *s)
{
	return faccessat(s->host->dirfd, s->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* EMR_NOT_FOUND: none was kept, or it came to nothing. */
static emr_status settle_kept(sending *s)
{
	EMR_AUTO_BUF envelope = {0};
	emr_status status;

	EMR_TRY(emr_file_read(s->host->dirfd, s->name, ENVELOPE_MAX, &envelope));
	status = settle(s, emr_buf_view(&envelope), true);
	return status == EMR_CONFLICT ? EMR_NOT_FOUND : status;
}

static bool is_founder(const fabric_host *h, emr_id16 org)
{
	emr_descriptor network;
	emr_descriptor_org one;

	return emr_descriptor_parse(emr_span_of(emr_buf_view(&h->descriptor)), &network) ==
		       EMR_CONTRACT_OK &&
	       emr_descriptor_find(&network, org.b, &one);
}

/* A registration brings along the CA of an organisation that came after the beginning. One that is
 * not known here is asked for once; without it the chaincode says what it thinks of that. */
static emr_status find_authority(sending *s, emr_buf *out)
{
	fabric_host *h = s->host;
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	EMR_AUTO_BUF signer = {0};
	emr_key_text key;
	emr_id16 org;
	emr_status status;
	EMR_LOCKED(&h->lock);

	if (batch == NULL)
		return EMR_NO_MEMORY;
	emr_key_signer(h->submitter_id.b, &key);
	status = emr_chain_row(h->chain, key.text, &signer, NULL, NULL);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (emr_batch_parse(emr_span_of(s->batch), batch) != EMR_RESULT_APPLIED ||
		!emr_batch_certified_by(batch, emr_span_of(emr_buf_view(&signer)), org.b))
		return EMR_OK;
	status = emr_chain_authority(h->chain, org, out);
	if (status == EMR_NOT_FOUND && !is_founder(h, org)) {
		status = follow(s);
		if (status == EMR_OK)
			status = emr_chain_authority(h->chain, org, out);
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status propose(sending *s, emr_gateway_answer *answer)
{
	EMR_AUTO_BUF envelope = {0};
	EMR_AUTO_BUF authority = {0};
	emr_gateway_handed handed = {.submitter = s->host->submitter_id};
	emr_gateway *gateway = NULL;
	emr_id16 net_id;
	emr_status status;

	EMR_TRY(host_line(s->host, &gateway));
	EMR_TRY(find_authority(s, &authority));
	emr_descriptor_net_id(emr_span_of(emr_buf_view(&s->host->descriptor)), net_id.b);
	EMR_TRY(emr_batch_sign_submit(s->host->submitter, net_id, s->batch, handed.signature));
	status = emr_gateway_register(
		gateway, &s->call, &handed, s->batch, emr_buf_view(&authority), &envelope, answer);
	if (status != EMR_OK)
		return host_status(&s->call, status);
	if (answer->kind != EMR_OUTCOME_APPLIED)
		return EMR_OK;
	EMR_TRY(emr_file_create(s->host->dirfd, s->name, emr_buf_view(&envelope), 0600));
	return settle(s, emr_buf_view(&envelope), false);
}

/* Until it is on the ledger or refused, or nobody knows. Of those that move one row a block takes
 * one, and organisations that are a block apart come to other results: only the time that a call
 * may take ends it. A certificate that has ended gets no better. */
static emr_status propose_until(sending *s, emr_gateway_answer *answer)
{
	const emr_clock *clock = emr_clock_system();
	const int64_t end_ns = emr_clock_boot_ns(clock) + (int64_t)s->call.timeout_ms * 1000000;
	emr_status status = propose(s, answer);

	for (unsigned i = 0; status == EMR_CONFLICT && s->call.fault != EMR_GATEWAY_EXPIRED &&
			     emr_clock_boot_ns(clock) < end_ns && gateway_wait_apart(&s->call, i);
		i++)
		status = propose(s, answer);
	return status == EMR_CONFLICT ? EMR_BUSY : status;
}

static void sending_begin(fabric_host *h, emr_bytes batch, sending *out)
{
	char hex[65];

	*out = (sending){
		.host = h, .batch = batch, .call = emr_gateway_call_of(h->timeout_ms, h->stop_fd)};
	emr_batch_id(batch.data, out->batch_id.b);
	emr_hex(out->batch_id.b, sizeof out->batch_id.b, hex);
	(void)snprintf(out->name, sizeof out->name, "envelope-%s", hex);
}

/* submit_lock held. For a kept envelope the blocks are asked first: they may have it, and with no
 * gateway there nobody waits for its end as long as for that of one just sent. */
static emr_status submit(sending *s, emr_ledger_answer *out_answer)
{
	emr_gateway_answer said = {.kind = EMR_OUTCOME_APPLIED};
	emr_ledger_answer answer = {.is_repeat = 1};
	emr_status status = look(s, has_kept(s), &answer);

	if (status == EMR_NOT_FOUND) {
		answer.is_repeat = 0;
		status = settle_kept(s);
		if (status == EMR_NOT_FOUND)
			status = propose_until(s, &said);
		s->is_entered = status == EMR_OK && said.kind != EMR_OUTCOME_REFUSED;
		if (s->is_entered)
			status = look(s, true, &answer);
		else if (status == EMR_OK)
			answer.refusal = said.refusal;
		answer.is_repeat = said.kind == EMR_OUTCOME_KNOWN;
	}
	/* A block has it, behind a transaction of which nobody knows yet whether it counts: what a
	 * majority has endorsed is known of it. */
	if (status == EMR_OFFLINE && s->is_entered && s->call.fault == EMR_GATEWAY_DOUBT &&
		said.n_results > 0) {
		answer.n_results = said.n_results;
		memcpy(answer.results, said.results, said.n_results);
		status = EMR_AWAITED;
	}
	if (status != EMR_OK && status != EMR_AWAITED)
		return status == EMR_NOT_FOUND ? EMR_TIMEOUT : status; /* the peer is behind */
	if (status == EMR_OK)
		(void)unlinkat(s->host->dirfd, s->name, 0);
	answer.batch_id = s->batch_id;
	*out_answer = answer;
	return status;
}

/* ---- another certificate ---- */

void host_renewal_free(host_renewal *renewal)
{
	emr_buf_free(&renewal->former);
	emr_buf_free(&renewal->batch);
	*renewal = (host_renewal){.keyring = NULL};
}

/* True if the gateways do not take the certificate, whatever it signs. */
static bool is_not_taken(const sending *s, emr_status status)
{
	return emr_status_is_away(status) &&
	       (s->call.fault == EMR_GATEWAY_EXPIRED || s->call.fault == EMR_GATEWAY_IDENTITY ||
		       s->call.fault == EMR_GATEWAY_PERMISSION);
}

/* submit_lock held: whether the ledger has the renewal that is on its way.  Until that is known
 * nobody can say by which certificate anything else is to be signed. */
static emr_status end_renewal(fabric_host *h, emr_ledger_answer *out_answer)
{
	host_renewal *r = &h->renewal;
	sending s;
	emr_status status, undone = EMR_OK;

	sending_begin(h, emr_buf_view(&r->batch), &s);
	status = submit(&s, out_answer);
	r->is_entered = r->is_entered || s.is_entered;
	/* An envelope is kept as long as nobody knows what became of it; without one nothing was
	 * sent. */
	if (status != EMR_OK && (s.host->renewal.is_entered || has_kept(&s)))
		return status;
	if (status != EMR_OK || !emr_ledger_answer_is_yes(out_answer))
		undone = emr_keyring_tlv_set(
			r->keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&r->former));
	if (undone != EMR_OK)
		return undone;
	host_renewal_free(r);
	return is_not_taken(&s, status) ? EMR_DENIED : status;
}

static emr_status note_renewal(
	fabric_host *h, emr_keyring *keyring, emr_bytes certificate, emr_bytes batch)
{
	host_renewal *r = &h->renewal;
	emr_status status = emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &r->former);

	if (status == EMR_OK)
		status = emr_buf_append(&r->batch, batch.data, batch.len);
	if (status == EMR_OK)
		status = emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, certificate);
	if (status == EMR_OK)
		r->keyring = keyring;
	else
		host_renewal_free(r);
	return status;
}

emr_status host_renew(void *self, emr_keyring *keyring, emr_bytes certificate, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	fabric_host *h = self;

	EMR_LOCKED(&h->submit_lock);

	if (h->submitter == NULL)
		return EMR_DENIED;
	if (keyring != h->submitter || batch.len < EMR_HEADER_BYTES)
		return EMR_INVALID;
	if (h->renewal.keyring == NULL)
		EMR_TRY(note_renewal(h, keyring, certificate, batch));
	return out_answer != NULL ? end_renewal(h, out_answer) : EMR_OK;
}

/* Somebody answers, and does not take it, or nobody does: one who only reads would not know. An
 * envelope that may be in a block is not refused for certain. */
static void note_refusal(const sending *s, emr_status status)
{
	emr_status of_fault = emr_gateway_fault_status(s->call.fault);
	bool is_refusal =
		emr_status_is_away(status) && !s->is_entered && !has_kept(s) &&
		of_fault != EMR_OK &&
		(!emr_status_is_away(of_fault) || s->call.fault == EMR_GATEWAY_ENDORSEMENT ||
			s->call.fault == EMR_GATEWAY_NOT_SPREAD);
	EMR_LOCKED(&s->host->known_lock);

	s->host->sent_refusal = is_refusal ? emr_gateway_fault_name(s->call.fault) : NULL;
	if (status == EMR_OK || s->call.fault == EMR_GATEWAY_FINE) {
		s->host->unsent = (emr_ledger_unsent){0};
		return;
	}
	if (s->host->unsent.since_unix_s == 0)
		s->host->unsent.since_unix_s = emr_clock_unix_s(emr_clock_system());
	s->host->unsent.fault = emr_gateway_fault_name(s->call.fault);
	s->host->unsent.stage = emr_gateway_stage_name(s->call.stage);
	snprintf(s->host->unsent.said, sizeof s->host->unsent.said, "%.199s", s->call.said);
}

static void note_none(fabric_host *h)
{
	EMR_LOCKED(&h->known_lock);

	h->sent_refusal = NULL;
}

emr_status host_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer)
{
	fabric_host *h = self;
	emr_ledger_answer answer;
	emr_status status = EMR_OK;
	sending s;
	EMR_LOCKED(&h->submit_lock);

	if (h->submitter == NULL)
		return EMR_DENIED;
	if (batch.len < EMR_HEADER_BYTES) {
		*out_answer = (emr_ledger_answer){.refusal = EMR_RESULT_FORMAT};
		return EMR_OK;
	}
	/* The renewer tells the end of a renewal; here it counts only that it is known. */
	if (h->renewal.keyring != NULL)
		status = end_renewal(h, &answer);
	if (h->renewal.keyring != NULL) {
		note_none(h);
		return status;
	}
	sending_begin(h, batch, &s);
	status = submit(&s, out_answer);
	note_refusal(&s, status);
	return status;
}
