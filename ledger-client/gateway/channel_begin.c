/* This file begins a network in a channel of Fabric: once, with the description that everybody
 * compares. It refuses a channel that has begun with another description. */
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "gateway/entries.h"
#include "channel_private.h"

typedef struct beginning {
	const char *dir;
	emr_gateway *gateway;
	emr_gateway_identity *identity;
	emr_bytes descriptor;
	emr_gateway_call call;
	emr_gateway_position first; /* behind the first block */
} beginning;

/* The description that a channel has. */
typedef struct finding {
	emr_buf bytes;
	bool is_there;
} finding;

static void beginning_free(beginning *b)
{
	emr_gateway_close(b->gateway);
	emr_gateway_identity_free(b->identity);
}

static emr_status keep_found(void *arg, size_t index, emr_bytes value)
{
	finding *f = arg;

	(void)index;
	f->is_there = value.data != NULL;
	return f->is_there ? emr_buf_append(&f->bytes, value.data, value.len) : EMR_OK;
}

emr_status channel_look(emr_gateway *gateway, emr_gateway_call *call, emr_bytes descriptor)
{
	const char *const key = "descriptor"; /* the chaincode's own row */
	finding f = {0};
	emr_status status = emr_gateway_rows(gateway, call, &key, 1, keep_found, &f);

	if (status == EMR_OK && !f.is_there)
		status = EMR_NOT_FOUND;
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&f.bytes), descriptor))
		status = EMR_FORK;
	emr_buf_free(&f.bytes);
	return status;
}

static emr_status look(beginning *b)
{
	return channel_look(b->gateway, &b->call, b->descriptor);
}

static emr_status begin(beginning *b)
{
	EMR_AUTO_BUF envelope = {0};
	const emr_bytes args[2] = {emr_bytes_of("genesis", 7), b->descriptor};
	const emr_gateway_invocation invocation = {.args = args, .arg_count = 2};
	emr_gateway_commit commit;

	EMR_TRY(emr_gateway_endorse(b->gateway, &b->call, &invocation, &envelope, NULL));
	return emr_gateway_settle(b->gateway, &b->call, emr_buf_view(&envelope), false, &commit);
}

/* Somebody may be quicker, with the same or with another one: then it is looked at again. */
static emr_status begin_once(beginning *b)
{
	emr_status status = look(b);

	for (int i = 0; i < AGAIN_MAX && status == EMR_NOT_FOUND; i++) {
		status = begin(b);
		if (status == EMR_OK || status == EMR_CONFLICT || b->call.is_open)
			status = look(b);
	}
	return status == EMR_NOT_FOUND ? EMR_TIMEOUT : status;
}

static emr_status pass_over(void *arg, const emr_gateway_entry *entry)
{
	(void)arg;
	(void)entry;
	return EMR_OK; /* a configuration has no entries */
}

emr_status channel_first_block(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *out_behind, uint64_t *out_height)
{
	*out_behind = (emr_gateway_position){0};
	return emr_gateway_entries(gateway, call, out_behind, 1, pass_over, NULL, out_height);
}

static emr_status look_at_first_block(beginning *b)
{
	return channel_first_block(b->gateway, &b->call, &b->first, NULL);
}

static emr_status meet(const char *dir, const emr_keyring *keyring, emr_bytes certificate,
	emr_bytes descriptor, emr_status (*how)(beginning *), char *said, size_t said_size)
{
	__attribute__((cleanup(beginning_free))) beginning b = {
		.dir = dir, .descriptor = descriptor, .call = emr_gateway_call_of(TIMEOUT_MS, -1)};
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256];
	emr_status status = emr_channel_read(dir, &channel, cause, sizeof cause);

	if (said != NULL)
		(void)snprintf(said, said_size, "%s", cause);
	if (status == EMR_OK)
		status = channel_of_keyring(&channel, keyring);
	if (status == EMR_OK)
		status = emr_gateway_identity_of_keyring(
			keyring, channel.msp, certificate, &b.identity);
	if (status == EMR_OK)
		status = channel_gateway(&channel, b.identity, NULL, &b.gateway);
	if (status != EMR_OK)
		return status;
	if (channel.has_genesis)
		status = look_at_first_block(&b);
	if (status == EMR_OK)
		status = how(&b);
	if (said != NULL && status != EMR_OK)
		(void)snprintf(said, said_size, "%.*s", (int)said_size - 1, b.call.said);
	return status;
}

emr_status emr_channel_begin(const char *dir, const emr_keyring *keyring, emr_bytes certificate,
	emr_bytes descriptor, char *said, size_t said_size)
{
	return meet(dir, keyring, certificate, descriptor, begin_once, said, said_size);
}

emr_status emr_channel_meet(const char *dir, const emr_keyring *keyring, emr_bytes certificate,
	emr_bytes descriptor, char *said, size_t said_size)
{
	return meet(dir, keyring, certificate, descriptor, look, said, said_size);
}

/* Text behind a comment or a line without an end is a line of its own. */
static emr_status write_genesis(beginning *b)
{
	EMR_AUTO_FD fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_BUF text = {0};
	char hash[65], line[96];
	struct stat st;
	emr_status status = look_at_first_block(b);

	emr_hex(b->first.hash, sizeof b->first.hash, hash);
	(void)snprintf(line, sizeof line, "\ngenesis = %s\n", hash);
	if (status == EMR_OK && (fd < 0 || fstatat(fd, EMR_CHANNEL_SETTINGS, &st, 0) != 0))
		status = EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_file_read(fd, EMR_CHANNEL_SETTINGS, CHANNEL_SETTINGS_MAX, &text);
	if (status == EMR_OK)
		status = emr_buf_append(&text, line, strlen(line));
	return status == EMR_OK ? emr_file_replace(fd, EMR_CHANNEL_SETTINGS, emr_buf_view(&text),
					  st.st_mode & 0777)
				: status;
}

emr_status emr_channel_pin(const char *dir, const emr_keyring *keyring, emr_bytes certificate,
	bool *out_is_new, char *said, size_t said_size)
{
	EMR_AUTO_CHANNEL channel = {0};
	emr_status status = emr_channel_read(dir, &channel, said, said_size);

	*out_is_new = status == EMR_OK && !channel.has_genesis;
	return *out_is_new ? meet(dir, keyring, certificate, (emr_bytes){0}, write_genesis, said,
				     said_size)
			   : status;
}

/* emr_channel_pin with the certificate that KEYRING has. */
static emr_status pin_own(
	const char *dir, const emr_keyring *keyring, bool *out_is_new, char *said, size_t said_size)
{
	EMR_AUTO_BUF chain = {0};

	EMR_TRY(emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &chain));
	return emr_channel_pin(dir, keyring, channel_first_certificate(emr_buf_view(&chain)),
		out_is_new, said, said_size);
}

emr_status emr_channel_try(const char *dir, const emr_keyring *keyring, emr_bytes descriptor,
	bool *out_is_new, char *said, size_t said_size)
{
	EMR_AUTO_BUF chain = {0};
	emr_status status = emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &chain);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	status = pin_own(dir, keyring, out_is_new, said, said_size);
	if (status == EMR_OK)
		status = emr_channel_meet(dir, keyring,
			channel_first_certificate(emr_buf_view(&chain)), descriptor, said,
			said_size);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_channel_note(const char *dir, emr_keyring *keyring)
{
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256] = "";
	bool is_new = false;
	emr_status status = pin_own(dir, keyring, &is_new, cause, sizeof cause);

	if (status == EMR_OK)
		status = emr_channel_read(dir, &channel, cause, sizeof cause);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "the channel's first block is not known: %s", cause);
	return status == EMR_OK ? emr_keyring_tlv_set(keyring, EMR_KEYRING_CHANNEL,
					  emr_bytes_of(channel.genesis, sizeof channel.genesis))
				: status;
}

emr_status emr_channel_msp(const char *dir, char **out_msp, char *cause, size_t cause_size)
{
	EMR_AUTO_CHANNEL channel = {0};

	EMR_TRY(emr_channel_read(dir, &channel, cause, cause_size));
	*out_msp = channel.msp;
	channel.msp = NULL;
	return EMR_OK;
}

static emr_status write_pem(int dirfd, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	emr_status status = EMR_NO_MEMORY;

	if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1) {
		long len = BIO_get_mem_data(bio, &pem);

		status = emr_file_replace(
			dirfd, EMR_CHANNEL_CA, emr_bytes_of(pem, (size_t)len), 0644);
	}
	(void)BIO_free(bio);
	return status;
}

emr_status emr_channel_offer_ca(const char *dir, emr_bytes ca)
{
	EMR_AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const uint8_t *at = ca.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)ca.len);
	emr_status status = EMR_INVALID;

	if (fd < 0)
		status = EMR_NOT_FOUND;
	else if (certificate != NULL)
		status = write_pem(fd, certificate);
	X509_free(certificate);
	return status;
}
