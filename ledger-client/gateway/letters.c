/* This file leaves and finds letters in a channel's private collection. It judges none of them. */
#include "gateway/letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "channel_private.h"
#include "gateway/batch.h"
#include "gateway_private.h"

#define TIMEOUT_MS 60000u
#define AGAIN_MAX 5
/* The chaincode's statuses of a letter that comes too late, and of one too many for today. */
#define TAKEN 409
#define SPENT 429

struct emr_letters {
	emr_gateway *gateway;
	emr_gateway_identity *identity;
	emr_gateway_call call;
	uint32_t timeout_ms;
	int cancel_fd;
};

emr_status emr_letters_open(const char *dir, const emr_keyring *keyring, emr_letters **out,
	char *cause, size_t cause_size)
{
	EMR_AUTO_CHANNEL channel = {0};
	EMR_AUTO_BUF certificate = {0};
	emr_letters *l = calloc(1, sizeof *l);
	emr_status status =
		l != NULL ? emr_channel_read(dir, &channel, cause, cause_size) : EMR_NO_MEMORY;

	if (l != NULL)
		emr_letters_bound(l, TIMEOUT_MS, -1);
	if (status == EMR_OK)
		status = emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &certificate);
	if (status == EMR_OK)
		status = emr_gateway_identity_of_keyring(keyring, channel.msp,
			channel_first_certificate(emr_buf_view(&certificate)), &l->identity);
	if (status == EMR_OK)
		status = channel_gateway(&channel, l->identity, NULL, &l->gateway);
	if (status != EMR_OK) {
		emr_letters_close(l);
		return status;
	}
	*out = l;
	return EMR_OK;
}

void emr_letters_close(emr_letters *letters)
{
	if (letters == NULL)
		return;
	emr_gateway_close(letters->gateway);
	emr_gateway_identity_free(letters->identity);
	free(letters);
}

void emr_letters_bound(emr_letters *letters, uint32_t timeout_ms, int cancel_fd)
{
	letters->timeout_ms = timeout_ms;
	letters->cancel_fd = cancel_fd;
}

static emr_status failed(const emr_letters *l, emr_status status)
{
	if (l->call.chaincode_status == TAKEN)
		return EMR_EXISTS;
	if (l->call.chaincode_status == SPENT)
		return EMR_LETTERS_SPENT;
	gateway_log_fault("letters", &l->call);
	return status;
}

/* The id is told to endorsers only: who reads blocks does not learn it. */
static emr_status write_letter(emr_id16 id, emr_letter_kind kind, emr_bytes letter, emr_buf *out)
{
	uint8_t number = (uint8_t)kind;

	EMR_TRY(emr_buf_append(out, id.b, sizeof id.b));
	EMR_TRY(emr_buf_append(out, &number, 1));
	return emr_buf_append(out, letter.data, letter.len);
}

static emr_status leave_once(emr_letters *l, emr_bytes letter)
{
	EMR_AUTO_BUF envelope = {0};
	const emr_bytes args[1] = {emr_bytes_of("leave", 5)};
	const emr_gateway_invocation invocation = {
		.args = args, .arg_count = 1, .transient_name = "letter", .transient = letter};
	emr_gateway_commit commit;

	l->call = emr_gateway_call_of(l->timeout_ms, l->cancel_fd);
	EMR_TRY(emr_gateway_endorse(l->gateway, &l->call, &invocation, &envelope, NULL));
	return emr_gateway_settle(l->gateway, &l->call, emr_buf_view(&envelope), false, &commit);
}

emr_status emr_letters_leave(
	emr_letters *letters, emr_id16 id, emr_letter_kind kind, emr_bytes letter)
{
	EMR_AUTO_BUF whole = {0};
	emr_status status = letter.len <= EMR_LETTER_MAX ? EMR_CONFLICT : EMR_LIMIT;

	if (status == EMR_CONFLICT)
		status = write_letter(id, kind, letter, &whole);
	if (status != EMR_OK)
		return status;
	/* Left twice it is the same letter, so a try whose end nobody saw is made again. */
	status = EMR_CONFLICT;
	for (unsigned i = 0; i < AGAIN_MAX && status == EMR_CONFLICT; i++) {
		if (i > 0 && !gateway_wait_apart(&letters->call, i - 1))
			break;
		status = leave_once(letters, emr_buf_view(&whole));
		if (letters->call.fault == EMR_GATEWAY_OVERTAKEN)
			status = EMR_CONFLICT;
	}
	return status == EMR_OK ? EMR_OK : failed(letters, status);
}

typedef struct finding {
	emr_buf *out;
	bool is_there;
} finding;

static emr_status keep(void *arg, size_t index, emr_bytes value)
{
	finding *f = arg;

	(void)index;
	f->is_there = value.data != NULL;
	if (value.len > EMR_LETTER_MAX)
		return EMR_LIMIT;
	return f->is_there ? emr_buf_append(f->out, value.data, value.len) : EMR_OK;
}

emr_status emr_letters_find(
	emr_letters *letters, emr_id16 invitation, emr_letter_kind kind, emr_buf *out)
{
	finding f = {.out = out};
	char hex[33], place[48];
	const char *const key = place;
	emr_status status;

	emr_hex(invitation.b, sizeof invitation.b, hex);
	(void)snprintf(place, sizeof place, "%s/%d", hex, (int)kind);
	letters->call = emr_gateway_call_of(letters->timeout_ms, letters->cancel_fd);
	status = emr_gateway_letters(letters->gateway, &letters->call, &key, 1, keep, &f);
	if (status != EMR_OK)
		return failed(letters, status);
	return f.is_there ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- Applications ---- */

#define ID_CHARS 32

typedef struct listing {
	emr_letters_fn fn;
	void *arg;
	size_t n, n_before;
	char from[ID_CHARS + 2]; /* the next one */
} listing;

/* In order, so that whoever tells them wrongly does not make it go on for ever. */
static emr_status pass_on(void *arg, emr_bytes id, emr_bytes letter)
{
	listing *l = arg;

	if (id.len != ID_CHARS || memchr(id.data, '\0', id.len) != NULL ||
		strncmp((const char *)id.data, l->from, ID_CHARS) <= 0)
		return EMR_DAMAGED;
	memcpy(l->from, id.data, ID_CHARS);
	l->from[ID_CHARS] = '!'; /* before every other character: the one behind this one */
	l->from[ID_CHARS + 1] = '\0';
	l->n++;
	return letter.len <= EMR_LETTER_MAX && l->n <= EMR_LETTERS_APPLICATIONS_MAX
		       ? l->fn(l->arg, letter)
		       : EMR_OK;
}

emr_status emr_letters_applications(emr_letters *letters, emr_letters_fn fn, void *arg)
{
	listing l = {.fn = fn, .arg = arg};
	emr_status status = EMR_OK;

	do {
		char from[sizeof l.from];

		l.n_before = l.n;
		memcpy(from, l.from, sizeof from);
		letters->call = emr_gateway_call_of(TIMEOUT_MS, -1);
		status = emr_gateway_applications(
			letters->gateway, &letters->call, from, pass_on, &l);
	} while (status == EMR_OK && l.n > l.n_before && l.n < EMR_LETTERS_APPLICATIONS_MAX);
	if (l.n >= EMR_LETTERS_APPLICATIONS_MAX)
		emr_log(EMR_LOG_WARN, "letters: more applications than are looked at");
	return status == EMR_OK ? EMR_OK : failed(letters, status);
}
