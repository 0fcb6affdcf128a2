/* This fuzz target reads what a gateway of Fabric may answer: frames of gRPC in one piece and cut
 * anywhere, which must make no difference; header lines, whose texts must be printable and end; and
 * a transaction that is given to be signed, whose pieces must lie inside of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_private.h"

#define MESSAGE_MAX 4096

typedef struct sum {
	uint64_t count, bytes, hash;
} sum;

static emr_status add(void *arg, emr_bytes message)
{
	sum *s = arg;

	if (message.len > MESSAGE_MAX)
		abort();
	s->count++;
	s->bytes += message.len;
	for (size_t i = 0; i < message.len; i++)
		s->hash = s->hash * 1099511628211u + message.data[i] + 1;
	return EMR_OK;
}

static emr_status feed(emr_bytes text, size_t piece, sum *out)
{
	grpc_frames frames = {.max_bytes = MESSAGE_MAX};
	emr_status status = EMR_OK;

	for (size_t at = 0; status == EMR_OK && at < text.len; at += piece) {
		size_t n = piece < text.len - at ? piece : text.len - at;

		status = grpc_frames_take(&frames, emr_bytes_of(text.data + at, n), add, out);
	}
	if (status == EMR_OK && frames.count != out->count)
		abort();
	grpc_frames_free(&frames);
	return status;
}

static void read_frames(emr_bytes text, size_t piece)
{
	sum whole = {0}, cut = {0};
	emr_status one = feed(text, text.len, &whole), other = feed(text, piece, &cut);

	if (one != other || memcmp(&whole, &cut, sizeof whole) != 0)
		abort();
}

static void check_text(const char *text)
{
	if (strlen(text) >= GRPC_TEXT_BYTES)
		abort();
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			abort();
	}
}

static void read_lines(emr_bytes text)
{
	grpc_said said;

	grpc_said_begin(&said);
	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t n = end == NULL ? text.len : (size_t)(end - text.data) + 1;

		grpc_said_line(&said, emr_bytes_of(text.data, n));
		text = emr_bytes_of(text.data + n, text.len - n);
	}
	check_text(said.message);
	check_text(said.detail);
	if (said.code < GRPC_MISSING || said.code > GRPC_CODE_MAX)
		abort();
	if (said.code != GRPC_OK && grpc_fault(&said) == EMR_GATEWAY_FINE)
		abort();
}

static void check_inside(emr_bytes whole, emr_bytes piece)
{
	if (piece.len > 0 &&
		(piece.data < whole.data || piece.data + piece.len > whole.data + whole.len))
		abort();
}

static void read_transaction(emr_bytes payload)
{
	gateway_prepared p;
	emr_bytes *endorsements;

	if (prepared_read(payload, &p) != EMR_OK)
		return;
	check_inside(payload, p.channel_header);
	check_inside(payload, p.signature_header);
	check_inside(payload, p.action_header);
	check_inside(payload, p.proposal_payload);
	check_inside(payload, p.response_payload);
	check_inside(p.response_payload, p.result);
	check_inside(p.response_payload, p.chaincode_name);
	endorsements = prepared_endorsements(&p);
	for (size_t i = 0; endorsements != NULL && i < p.endorsement_count; i++)
		check_inside(payload, endorsements[i]);
	free(endorsements);
}

/* Decoded bytes are shorter than their text. */
static void read_pem(emr_bytes text)
{
	emr_buf der = {0};

	if (pem_decode(text, &der) == EMR_OK && der.len > text.len)
		abort();
	emr_buf_free(&der);
	X509_free(gateway_certificate_of(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_bytes text;

	if (size < 1)
		return 0;
	text = emr_bytes_of(data + 1, size - 1);
	read_frames(text, data[0] % 64 + 1U);
	read_lines(text);
	read_transaction(text);
	read_pem(text);
	return 0;
}
