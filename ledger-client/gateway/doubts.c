/* This file decides about a transaction that the peer which was asked calls valid, and that is
 * wrong here: a peer of each organisation signs what its own block says of it. */
#include <inttypes.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fields.h"
#include "gateway_private.h"

/* ---- In words ---- */

/* Printable, and no longer than OUT. */
static void put_subject(X509 *certificate, char *out, size_t size)
{
	X509_NAME *name = certificate != NULL ? X509_get_subject_name(certificate) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	out[0] = '\0';
	if (bio != NULL && name != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		(void)snprintf(out, size, "%.*s", (int)len, text);
	}
	(void)BIO_free(bio);
}

static void read_doubt(const block_doubt *doubt, emr_ledger_doubt *out)
{
	X509 *certificate;
	emr_bytes payload = {0}, channel_header = {0}, signature_header = {0}, tx_id = {0};
	emr_bytes creator = {0}, pem = {0};
	const proto_want of_envelope[] = {{ENVELOPE_PAYLOAD, PROTO_BYTES, &payload}};
	const proto_want of_header[] = {{HEADER_CHANNEL_HEADER, PROTO_BYTES, &channel_header},
		{HEADER_SIGNATURE_HEADER, PROTO_BYTES, &signature_header}};
	const proto_want of_payload[] = {{PAYLOAD_HEADER, PROTO_MESSAGE, PROTO_INSIDE(of_header)}};
	const proto_want of_channel[] = {{CHANNEL_HEADER_TX_ID, PROTO_BYTES, &tx_id}};
	const proto_want of_signature[] = {{SIGNATURE_HEADER_CREATOR, PROTO_BYTES, &creator}};
	const proto_want of_identity[] = {{SERIALIZED_IDENTITY_ID_BYTES, PROTO_BYTES, &pem}};

	*out = (emr_ledger_doubt){
		.block = doubt->number, .place = doubt->tx, .cause = doubt->wrong};
	(void)proto_read(doubt->transaction, of_envelope, 1);
	(void)proto_read(payload, of_payload, 1);
	(void)proto_read(channel_header, of_channel, 1);
	(void)proto_read(signature_header, of_signature, 1);
	(void)proto_read(creator, of_identity, 1);
	grpc_clean(out->transaction, sizeof out->transaction, tx_id);
	certificate = gateway_certificate_of(pem);
	put_subject(certificate, out->certificate, sizeof out->certificate);
	X509_free(certificate);
	ERR_clear_error();
}

static void name_doubt(const emr_ledger_doubt *doubt, char *out, size_t size)
{
	(void)snprintf(out, size,
		"block %" PRIu64 ", transaction %" PRIu64 " (%s), certificate \"%s\": %s",
		doubt->block, doubt->place, doubt->transaction, doubt->certificate, doubt->cause);
}

void block_doubt_name(const block_doubt *doubt, char *out, size_t size)
{
	emr_ledger_doubt read;

	read_doubt(doubt, &read);
	name_doubt(&read, out, size);
}

/* ---- What organisations say ---- */

static void hold(emr_gateway *gateway)
{
	(void)pthread_mutex_lock(&gateway->lock);
}

emr_status gateway_doubted(emr_gateway *gateway, emr_ledger_doubt *out)
{
	emr_status status;

	hold(gateway);
	status = gateway->has_doubt ? EMR_OK : EMR_NOT_FOUND;
	if (status == EMR_OK)
		*out = gateway->doubt;
	(void)pthread_mutex_unlock(&gateway->lock);
	return status;
}

void block_doubts_free(block_doubts *d)
{
	for (size_t i = 0; d->said != NULL && i < d->gateway->authority_count; i++)
		emr_buf_free(&d->said[i].filter);
	free(d->said);
}

/* Asks peers of the organisation with authority I for that transaction in their block, under their
 * signature. Not EMR_OK: nothing, and of this block they are not asked again. */
static emr_status ask_organisation(block_doubts *d, size_t i, uint64_t block)
{
	emr_gateway *gateway = d->gateway;
	block_said *said = &d->said[i];
	EMR_AUTO_BUF answer = {0};
	char number[24];
	emr_status status;

	d->call->timeout_ms = gateway_run_left_ms(&d->run);
	if (d->call->timeout_ms == 0)
		return gateway_run_fail(&d->run, EMR_GATEWAY_SLOW, NULL);
	said->is_asked = true;
	(void)snprintf(number, sizeof number, "%" PRIu64, block);
	status = gateway_attest(gateway, d->call, i,
		(const emr_bytes[3]){emr_bytes_of("GetBlockByNumber", 16),
			emr_bytes_of(gateway->channel, strlen(gateway->channel)),
			emr_bytes_of(number, strlen(number))},
		3, &answer);
	if (status != EMR_OK) /* it may be the gateway that does not want to know */
		endpoint_defer(gateway, d->call->endpoint);
	if (status == EMR_OK)
		status = block_flags(emr_buf_view(&answer), said->hash, &said->filter);
	said->has_said = status == EMR_OK;
	return status;
}

typedef struct counted {
	size_t yes, no;
} counted;

/* Until a majority has said one thing or cannot any more, in the time of one call for the block. */
static emr_status count_words(block_doubts *d, const block_doubt *doubt, counted *out)
{
	const size_t n = d->gateway->authority_count, least = d->gateway->endorsers_least;
	const uint32_t all_ms = d->call->timeout_ms;
	emr_status status = EMR_OK;

	if (d->said == NULL) {
		d->said = calloc(n + 1, sizeof *d->said);
		if (d->said == NULL)
			return EMR_NO_MEMORY;
		d->run = gateway_run_begin(d->gateway, d->call, EMR_GATEWAY_ENDORSE);
	}
	for (size_t i = 0; i < n && out->yes < least && n - out->no >= least; i++) {
		const block_said *said = &d->said[i];
		bool is_valid;

		if (!said->is_asked)
			status = ask_organisation(d, i, doubt->number);
		if (status == EMR_INTERRUPTED)
			break;
		if (!said->has_said || said->filter.len <= doubt->tx)
			continue;
		is_valid = memcmp(said->hash, doubt->hash, sizeof said->hash) == 0 &&
			   said->filter.data[doubt->tx] == 0;
		out->yes += is_valid ? 1 : 0;
		out->no += is_valid ? 0 : 1;
	}
	d->call->timeout_ms = all_ms;
	return status == EMR_INTERRUPTED ? status : EMR_OK;
}

static emr_ledger_doubt_end end_of(
	const emr_gateway *gateway, const block_doubt *doubt, const counted *words)
{
	if (words->yes >= gateway->endorsers_least)
		return EMR_DOUBT_VALID;
	if (gateway->authority_count - words->no < gateway->endorsers_least)
		return EMR_DOUBT_FALSE;
	return doubt->may_count ? EMR_DOUBT_ENDORSED : EMR_DOUBT_OPEN;
}

emr_status block_doubts_decide(void *arg, const block_doubt *doubt)
{
	block_doubts *d = arg;
	counted words = {0};
	char name[EMR_GATEWAY_SAID_BYTES];
	emr_ledger_doubt read;

	EMR_TRY(count_words(d, doubt, &words));
	read_doubt(doubt, &read);
	read.end = end_of(d->gateway, doubt, &words);
	hold(d->gateway);
	d->gateway->doubt = read;
	d->gateway->has_doubt = true;
	(void)pthread_mutex_unlock(&d->gateway->lock);
	if (read.end == EMR_DOUBT_FALSE)
		return EMR_DAMAGED;
	name_doubt(&read, name, sizeof name);
	if (read.end == EMR_DOUBT_OPEN)
		return gateway_run_fail(&d->run, EMR_GATEWAY_DOUBT, name);
	d->call->fault = EMR_GATEWAY_FINE;
	emr_log(EMR_LOG_ERROR,
		"fabric: %s: it counts, as \"%s\"; peers of %zu organisations say so", name,
		emr_ledger_doubt_end_name(read.end), words.yes);
	return EMR_OK;
}
