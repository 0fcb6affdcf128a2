/* This file asks a host: with a token that it fetches when it is missing or no longer taken, over
 * connections that are kept. Letters of invitations need none, and tokens are given for what the
 * host serves beside. */
#include "client_private.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/worker.h"
#include "ledger/checkpoint.h"
#include "ledger/hash.h"
#include "ledger/network.h"

#define LETTER_MS 15000u /* an open folder that is closed waits for it */

/* One who refuses at once is asked again at once. */
static void note(
	client *c, size_t by, emr_status status, const emr_http_answer *answer, int64_t began_ns)
{
	const int64_t now_ns = emr_clock_boot_ns(emr_clock_system());

	(void)pthread_mutex_lock(&c->lock);
	c->last = answer->fault == EMR_HTTP_FINE && status != EMR_OFFLINE ? EMR_OK : status;
	c->is_other_host = answer->fault == EMR_HTTP_CERTIFICATE;
	c->is_asked = false;
	c->silent_until_ns =
		c->last != EMR_OK && now_ns - began_ns >= LOOK_NS ? now_ns + SILENT_NS : 0;
	if (c->last == EMR_OK) {
		c->looked_ns = now_ns;
		c->away_unix_s = 0;
		c->hosts.away_unix_s = by > 0 ? c->hosts.away_unix_s : 0;
	} else if (c->away_unix_s == 0) {
		c->looked_ns = 0; /* the next look asks: it may be back by then */
		c->away_unix_s = emr_clock_unix_s(c->clock);
	}
	if (c->last != EMR_OK)
		client_pass_over(c, by);
	(void)pthread_mutex_unlock(&c->lock);
}

/* An answer of HTTP that is no answer of ours: something else stands at that address. */
emr_status client_status_of(const emr_http_answer *answer, const emr_buf *body)
{
	char word[32] = "";

	if (answer->status == 200)
		return EMR_OK;
	if (answer->status == 403 && body->len == WIRE_TIME_BYTES)
		return EMR_DENIED; /* a token, with the time */
	if (body->len > 0 && body->len < sizeof word)
		memcpy(word, body->data, body->len);
	return wire_status_of(word);
}

/* ---- where it is ---- */

static emr_http_server server_of(const emr_served_at *at)
{
	const bool is_socket = at->socket[0] != '\0';

	return (emr_http_server){.url = is_socket ? "http://node" : at->url,
		.socket = is_socket ? at->socket : NULL,
		.pin = at->pin[0] != '\0' ? at->pin : NULL};
}

emr_status client_open_line(const emr_served_at *at, emr_http **out_http)
{
	const emr_http_server server = server_of(at);

	if (at->socket[0] != '\0')
		EMR_TRY(emr_file_check_socket(at->socket));
	return emr_http_open(&server, out_http);
}

/* Where it is new, a token is for the former key, and who waits there waits in vain. */
emr_served_at client_at(client *c)
{
	emr_served_at at;
	EMR_LOCKED(&c->lock);
	struct timespec seen = c->seen;

	if (client_settings(c->path, &seen, &at) == EMR_OK &&
		(at.socket[0] == '\0' || emr_file_check_socket(at.socket) == EMR_OK)) {
		client_forget(c);
		c->at = at;
		c->seen = seen;
		c->hosts.by = c->hosts.is_fixed ? c->hosts.by : 0;
		(void)eventfd_write(c->wake_fd, 1);
	}
	return c->hosts.by > 0 ? c->hosts.list[c->hosts.by - 1] : c->at;
}

emr_status client_ask_once(client *c, const question *q, const char *bearer, emr_buf *out)
{
	const int64_t began_ns = emr_clock_boot_ns(emr_clock_system());
	bool is_silent;
	EMR_AUTO_FREE char *path = NULL;
	const char *headers[] = {q->header != NULL ? q->header : BYTES, bearer, NULL};
	const size_t by = client_by(c);
	emr_served_at at = client_at(c);
	emr_http_server server;
	emr_http_request request = {.server = &server,
		.method = q->is_post ? "POST" : "GET",
		.body = q->body,
		.headers = headers,
		.timeout_ms = q->timeout_ms != 0 ? q->timeout_ms : TIMEOUT_MS,
		.silence_ms = q->timeout_ms != 0 ? q->timeout_ms : SILENCE_MS,
		.answer_max = WIRE_ANSWER_MAX,
		.cancel_fds = {c->stop_fd, q->is_wait ? c->wake_fd : 0}};
	emr_http_answer answer;
	emr_status status;

	emr_buf_clear(out);
	(void)pthread_mutex_lock(&c->lock);
	is_silent = began_ns < c->silent_until_ns;
	if (q->is_own)
		at = c->at;
	(void)pthread_mutex_unlock(&c->lock);
	if (is_silent && !q->is_wait) /* the one that waits for more finds its end for all */
		return EMR_OFFLINE;
	if (asprintf(&path, WIRE_ROOT "%s", q->path) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	server = server_of(&at);
	request.path = path;
	status = emr_http_ask(c->http, &request, out, &answer);
	/* An answer that is not whole is none, whatever number it began with. */
	if (status == EMR_OK || (answer.fault == EMR_HTTP_STRANGE && answer.status != 200))
		status = client_status_of(&answer, out); /* also of what ends in a handshake */
	if (!q->is_beside && answer.fault != EMR_HTTP_CANCELLED && answer.fault != EMR_HTTP_HERE &&
		(answer.fault != EMR_HTTP_SLOW || !q->is_brief))
		note(c, by, client_hear_recovery(c, status, out), &answer, began_ns);
	/* With all that time for it, it may have been taken. */
	return answer.fault == EMR_HTTP_SLOW && q->timeout_ms != TIMEOUT_MS ? EMR_OFFLINE : status;
}

/* A member's signature for the host, about ROOT, if that is not empty. */
static emr_status sign_request(client *c, emr_bytes root, uint8_t out[WIRE_TOKEN_REQUEST_BYTES])
{
	const emr_keyring *keyring = c->submitter_at != NULL ? *c->submitter_at : c->submitter;
	const uint64_t now = emr_clock_unix_s(c->clock);
	uint8_t message[WIRE_TOKEN_MESSAGE_BYTES];
	emr_public public;
	size_t len;

	EMR_TRY(keyring != NULL ? emr_keyring_public(keyring, &public) : EMR_DENIED);
	len = wire_token_message(c->net_id, client_at(c).key, public.signer_id, now, root, message);
	memcpy(out, public.pk, 32);
	emr_put_u64(out + 32, now);
	return emr_keyring_sign(keyring, emr_signer_identity(), EMR_SIGN_TOKEN,
		emr_bytes_of(message, len), out + 40);
}

/* Only the host of HOST_KEY can have given the first LEN bytes of TEXT, and to this REQUEST. */
bool client_is_given(emr_id32 host_key, const uint8_t request[WIRE_TOKEN_REQUEST_BYTES],
	const emr_buf *text, size_t len)
{
	uint8_t message[WIRE_TOKEN_GIVEN_BYTES];

	return text->len == len + 64 &&
	       crypto_sign_verify_detached(text->data + len, message,
		       wire_token_given(request, emr_bytes_of(text->data, len), message),
		       host_key.b) == 0;
}

/* The clock of a host that said HOST between SENT and NOW. */
int64_t client_ahead_of(uint64_t host, uint64_t sent, uint64_t now)
{
	const uint64_t apart = host > now ? host - now : host < sent ? sent - host : 0;
	const int64_t said =
		apart < UINT32_MAX ? (int64_t)apart : UINT32_MAX; /* 136 years will do */

	if (apart <= EMR_LEDGER_CLOCKS_S)
		return 0;
	return host > now ? said : -said;
}

/* True: there is no token before one of them is set. */
static bool compare_clocks(client *c, uint64_t host, uint64_t sent, bool is_refused)
{
	EMR_LOCKED(&c->lock);

	c->ahead_s = client_ahead_of(host, sent, emr_clock_unix_s(c->clock));
	c->hosts.is_shut = is_refused && !CLIENT_IS_BARRED(c);
	return CLIENT_IS_BARRED(c);
}

static emr_status fetch_token(client *c, char out_bearer[sizeof BEARER + WIRE_TOKEN_CHARS])
{
	uint8_t body[WIRE_TOKEN_REQUEST_BYTES], token[WIRE_TOKEN_BYTES];
	const question q = {.path = "token",
		.is_post = true,
		.body = emr_bytes_of(body, sizeof body),
		.is_open = true};
	EMR_AUTO_BUF text = {0};
	const emr_id32 key = client_at(c).key;
	emr_status status;

	EMR_TRY(sign_request(c, (emr_bytes){0}, body));
	status = client_ask_once(c, &q, NULL, &text);
	if (status == EMR_DENIED && client_is_given(key, body, &text, 8) &&
		compare_clocks(c, emr_get_u64(text.data), emr_get_u64(body + 32), true))
		return EMR_OFFLINE;
	EMR_TRY(status);
	if (!client_is_given(key, body, &text, WIRE_TOKEN_CHARS) ||
		sodium_base642bin(token, sizeof token, (const char *)text.data, WIRE_TOKEN_CHARS,
			NULL, NULL, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return client_refuse(c, EMR_DENIED);
	(void)compare_clocks(
		c, emr_get_u64(token + 32) - WIRE_TOKEN_S, emr_get_u64(body + 32), false);
	(void)snprintf(out_bearer, sizeof BEARER + WIRE_TOKEN_CHARS, BEARER "%.*s",
		WIRE_TOKEN_CHARS, (const char *)text.data);
	(void)pthread_mutex_lock(&c->lock);
	memcpy(c->token, out_bearer, sizeof c->token);
	c->token_unix_s = emr_get_u64(body + 32);
	(void)pthread_mutex_unlock(&c->lock);
	return EMR_OK;
}

static emr_status ask_now(client *c, const question *q, emr_buf *out)
{
	char bearer[sizeof BEARER + WIRE_TOKEN_CHARS];
	emr_status status = EMR_BAD_SIGNATURE;

	if (q->is_open)
		return client_ask_once(c, q, NULL, out);
	(void)pthread_mutex_lock(&c->lock);
	memcpy(bearer, c->token, sizeof bearer);
	if (c->ahead_s != 0)
		bearer[0] = '\0'; /* somebody sets one of them by and by */
	(void)pthread_mutex_unlock(&c->lock);
	if (bearer[0] != '\0')
		status = client_ask_once(c, q, bearer, out);
	if (status != EMR_BAD_SIGNATURE)
		return status;
	status = fetch_token(c, bearer);
	if (status == EMR_OK)
		status = client_ask_once(c, q, bearer, out);
	emr_wipe(bearer, sizeof bearer);
	return status == EMR_BAD_SIGNATURE ? EMR_DENIED : status;
}

/* All questions may be asked twice, so one that found nobody goes to who stands in. */
emr_status client_ask(client *c, const question *q, emr_buf *out)
{
	emr_status status;
	size_t by, next;

	do {
		by = client_by(c);
		status = ask_now(c, q, out);
		if (by > 0 && !q->is_brief && (status == EMR_OFFLINE || status == EMR_DENIED)) {
			EMR_LOCKED(&c->lock);
			client_pass_over(c, by);
		}
		next = client_by(c);
	} while ((status == EMR_OFFLINE || status == EMR_DENIED) && next != by && next > 0);
	return status;
}

/* ---- opening ---- */

static emr_status open_all(client *c, const emr_ledger_options *options)
{
	EMR_AUTO_FD dirfd = -1;
	emr_public public;

	EMR_TRY(emr_dir_open(options->path, &dirfd));
	EMR_TRY(client_settings(options->path, &c->seen, &c->at));
	EMR_TRY(client_open_line(&c->at, &c->http));
	c->path = strdup(options->path);
	if (c->path == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(client_descriptor(c, dirfd, options->known_descriptor));
	if (options->known_hash != NULL) {
		emr_bytes descriptor = emr_buf_view(&c->descriptor);

		if (!emr_id32_equal(emr_sha256_of(&descriptor, 1), *options->known_hash))
			return EMR_FORK;
	}
	emr_descriptor_net_id((emr_span){c->descriptor.data, c->descriptor.len}, c->net_id.b);
	if (!c->is_wake_lent)
		c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!c->is_stop_lent)
		c->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->wake_fd < 0 || c->stop_fd < 0)
		return emr_status_from_errno(errno);
	if (options->submitter == NULL)
		return EMR_OK;
	EMR_TRY(emr_keyring_public(options->submitter, &public));
	c->submitter_id = public.signer_id;
	return EMR_OK;
}

emr_status client_open(const emr_ledger_options *options, int wake_fd, client **out_client)
{
	client *c = calloc(1, sizeof *c);
	emr_status status;

	if (c == NULL)
		return EMR_NO_MEMORY;
	c->is_wake_lent = wake_fd > 0;
	c->wake_fd = c->is_wake_lent ? wake_fd : -1;
	c->is_stop_lent = options->stop_fd > 0;
	c->stop_fd = c->is_stop_lent ? options->stop_fd : -1;
	c->clock = options->clock != NULL ? options->clock : emr_clock_system();
	c->submitter = options->submitter;
	(void)pthread_mutex_init(&c->lock, NULL);
	status = open_all(c, options);
	if (status != EMR_OK)
		client_close(c);
	else
		*out_client = c;
	return status;
}

void client_close(void *self)
{
	client *c = self;

	emr_http_close(c->http);
	free(c->path);
	emr_buf_free(&c->descriptor);
	emr_buf_free(&c->head);
	if (c->wake_fd >= 0 && !c->is_wake_lent)
		(void)close(c->wake_fd);
	if (c->stop_fd >= 0 && !c->is_stop_lent)
		(void)close(c->stop_fd);
	(void)pthread_mutex_destroy(&c->lock);
	emr_wipe(c->token, sizeof c->token);
	free(c);
}

/* ---- letters ---- */

emr_status client_ask_in(
	const char *dir, const emr_keyring *keyring, const question *q, emr_buf *out)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_ledger_options options = {.submitter = keyring};
	client *c = NULL;
	emr_status status;

	if (asprintf(&path, "%s/ledger", dir) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	options.path = path;
	EMR_TRY(client_open(&options, -1, &c));
	status = client_ask(c, q, out);
	client_close(c);
	return status;
}

static emr_status ask_letter(const char *dir, const emr_keyring *keyring, emr_id16 id,
	const char *step, question *q, emr_buf *out)
{
	char hex[33], path[64];

	emr_hex(id.b, sizeof id.b, hex);
	(void)snprintf(path, sizeof path, "letters/%s.%s", hex, step);
	q->path = path;
	q->is_open = keyring == NULL;
	q->timeout_ms = LETTER_MS;
	return client_ask_in(dir, keyring, q, out);
}

emr_status emr_served_leave(const char *dir, const emr_keyring *keyring, emr_id16 id,
	const char *step, emr_bytes letter)
{
	EMR_AUTO_BUF ignored = {0};

	return ask_letter(
		dir, keyring, id, step, &(question){.is_post = true, .body = letter}, &ignored);
}

emr_status emr_served_find(
	const char *dir, const emr_keyring *keyring, emr_id16 id, const char *step, emr_buf *out)
{
	EMR_AUTO_BUF letter = {0};

	EMR_TRY(ask_letter(dir, keyring, id, step, &(question){.is_post = false}, &letter));
	return letter.len <= WIRE_LETTER_MAX ? emr_buf_append(out, letter.data, letter.len)
					     : EMR_DAMAGED;
}

emr_status emr_served_applications(
	const char *dir, const emr_keyring *keyring, emr_served_letter_fn fn, void *arg)
{
	EMR_AUTO_BUF bytes = {0};
	emr_bytes letter;
	emr_reader reader;
	emr_status status =
		client_ask_in(dir, keyring, &(question){.path = "applications"}, &bytes);

	reader = emr_reader_of(emr_buf_view(&bytes));
	while (status == EMR_OK && wire_read_part(&reader, &letter))
		status = fn(arg, letter);
	return status == EMR_OK && reader.bad ? EMR_DAMAGED : status;
}

/* ---- tokens ---- */

emr_status emr_served_tokens_open(const char *path, size_t number, emr_keyring *const *keyring,
	emr_served_tokens **out_tokens)
{
	const emr_ledger_options options = {.path = path};
	client *c = NULL;
	emr_status status;

	EMR_TRY(client_open(&options, -1, &c));
	c->submitter_at = keyring;
	status = number > 0 ? client_fix_host(c, number) : EMR_OK;
	if (status != EMR_OK)
		client_close(c);
	else
		*out_tokens = (emr_served_tokens *)c;
	return status;
}

void emr_served_tokens_close(void *tokens)
{
	if (tokens != NULL)
		client_close(tokens);
}

emr_status emr_served_token(void *tokens, emr_bytes root, char *out, size_t size)
{
	client *c = tokens;
	uint8_t request[WIRE_TOKEN_REQUEST_BYTES];
	char bearer[sizeof BEARER + WIRE_TOKEN_CHARS];
	uint64_t now = emr_clock_unix_s(c->clock);
	bool is_good;
	emr_status status = EMR_OK;

	if (out != NULL && root.len > 0) {
		EMR_TRY(size > WIRE_TOKEN_REQUEST_CHARS ? sign_request(c, root, request)
							: EMR_RANGE);
		(void)sodium_bin2base64(out, size, request, sizeof request,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		return EMR_OK;
	}
	(void)pthread_mutex_lock(&c->lock);
	if (out == NULL)
		emr_wipe(c->token, sizeof c->token);
	memcpy(bearer, c->token, sizeof bearer);
	is_good = bearer[0] != '\0' && now - c->token_unix_s < WIRE_TOKEN_S / 2;
	(void)pthread_mutex_unlock(&c->lock);
	if (out == NULL)
		return EMR_OK;
	if (!is_good)
		status = fetch_token(c, bearer);
	if (status == EMR_OK && size <= WIRE_TOKEN_CHARS)
		status = EMR_RANGE;
	if (status == EMR_OK)
		memcpy(out, bearer + sizeof BEARER - 1, WIRE_TOKEN_CHARS + 1);
	emr_wipe(bearer, sizeof bearer);
	return status;
}

void emr_served_place(void *tokens, char out_url[256], char out_socket[256], char out_pin[64])
{
	const emr_served_at at = client_at(tokens);

	(void)snprintf(out_url, 256, "%s", server_of(&at).url);
	memcpy(out_socket, at.socket, sizeof at.socket);
	memcpy(out_pin, at.pin, sizeof at.pin);
}
