/* This file opens a network by its directory. Of one on Fabric it makes the client of the gateways
 * when it is first needed, because a person who joins has a certificate only then, and makes it
 * again when the keyring has another. */
#include "gateway/channel.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "contract/contract.h"
#include "gateway/host.h"
#include "keyring/cert.h"
#include "ledger/backend.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served/client.h"
#include "channel_private.h"

/* One client; those of earlier certificates live on while somebody may be inside. */
typedef struct line {
	struct line *before;
	emr_gateway_identity *identity;
	emr_gateway *gateway;
	emr_id32 certificate; /* its hash */
} line;

typedef struct channel_lines {
	char dir[PATH_MAX];
	const emr_keyring *keyring;
	const emr_clock *clock;
	pthread_mutex_t lock;
	line *newest;
} channel_lines;

emr_bytes channel_first_certificate(emr_bytes chain)
{
	size_t len;

	if (chain.len < 4 || chain.data[0] != 0x30 || chain.data[1] != 0x82)
		return chain;
	len = 4 + ((size_t)chain.data[2] << 8 | chain.data[3]);
	return emr_bytes_of(chain.data, len <= chain.len ? len : chain.len);
}

emr_status channel_gateway(const emr_channel *channel, const emr_gateway_identity *identity,
	const emr_clock *clock, emr_gateway **out_gateway)
{
	emr_gateway_endpoint endpoints[EMR_GATEWAY_ENDPOINTS_MAX] = {{0}};
	const emr_gateway_options options = {.endpoints = endpoints,
		.endpoint_count = channel->n_gateways,
		.channel = channel->channel,
		.chaincode = channel->chaincode,
		.identity = identity,
		.version = EMRFS_VERSION,
		.clock = clock,
		.endorsers_least = (unsigned)channel->n_organisations / 2 + 1,
		.authorities = (const char *const *)channel->authorities,
		.genesis = channel->has_genesis ? channel->genesis : NULL};

	for (size_t i = 0; i < channel->n_gateways; i++)
		endpoints[i] = (emr_gateway_endpoint){.address = channel->addresses[i],
			.ca_file = channel->roots[i],
			.cert_file = channel->tls_certificate,
			.key_file = channel->tls_key};
	return emr_gateway_open(&options, out_gateway);
}

/* Settings lie where others may write, and come back from copies and out of files that lay about:
 * what the keyring knows counts, whatever they say. */
emr_status channel_of_keyring(emr_channel *channel, const emr_keyring *keyring)
{
	EMR_AUTO_BUF known = {0};
	emr_status status = keyring == NULL
				    ? EMR_NOT_FOUND
				    : emr_keyring_tlv_get(keyring, EMR_KEYRING_CHANNEL, &known);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (known.len != sizeof channel->genesis)
		return EMR_DAMAGED;
	memcpy(channel->genesis, known.data, sizeof channel->genesis);
	channel->has_genesis = true;
	return EMR_OK;
}

static void line_free(line *l)
{
	emr_gateway_close(l->gateway);
	emr_gateway_identity_free(l->identity);
	free(l);
}

bool emr_channel_has_moved(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof path, "%s/ledger/" EMR_NETWORK_MOVED, dir) <
		       (int)sizeof path &&
	       access(path, F_OK) == 0;
}

/* A directory may have been that of several organisations' people, and its settings name one MSP:
 * behind a move each is of the one that is called like his organisation. */
static const char *msp_of(
	const char *dir, const emr_channel *channel, emr_bytes certificate, char own[33])
{
	emr_cert_facts facts;

	if (!emr_channel_has_moved(dir) || emr_cert_read(certificate, &facts) != EMR_OK ||
		emr_id16_is_zero(facts.org))
		return channel->msp;
	emr_hex(facts.org.b, sizeof facts.org.b, own);
	return own;
}

static emr_status add_line(channel_lines *lines, emr_bytes certificate)
{
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256] = "", own_msp[33];
	line *l = calloc(1, sizeof *l);
	emr_status status = l != NULL ? emr_channel_read(lines->dir, &channel, cause, sizeof cause)
				      : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = channel_of_keyring(&channel, lines->keyring);
	if (status == EMR_OK)
		status = emr_gateway_identity_of_keyring(lines->keyring,
			msp_of(lines->dir, &channel, certificate, own_msp), certificate,
			&l->identity);
	if (status == EMR_OK)
		status = channel_gateway(&channel, l->identity, lines->clock, &l->gateway);
	if (status != EMR_OK) {
		if (cause[0] != '\0')
			emr_log(EMR_LOG_WARN, "network: %s", cause);
		if (l != NULL)
			line_free(l);
		return status;
	}
	l->certificate = emr_sha256_of(&certificate, 1);
	l->before = lines->newest;
	lines->newest = l;
	return EMR_OK;
}

static emr_status newest_line(channel_lines *lines)
{
	EMR_AUTO_BUF chain = {0};
	emr_id32 hash;
	emr_bytes certificate;

	EMR_TRY(lines->keyring == NULL
			? EMR_NOT_FOUND
			: emr_keyring_tlv_get(lines->keyring, EMR_KEYRING_CERTIFICATE, &chain));
	certificate = channel_first_certificate(emr_buf_view(&chain));
	hash = emr_sha256_of(&certificate, 1);
	if (lines->newest != NULL && memcmp(hash.b, lines->newest->certificate.b, 32) == 0)
		return EMR_OK;
	return add_line(lines, certificate);
}

/* The client for the certificate that the keyring has now; lives as long as the lines.
 * EMR_OFFLINE: it has none, or the settings cannot be read now. */
static emr_status channel_line(void *arg, emr_gateway **out_gateway)
{
	channel_lines *lines = arg;
	emr_status status;

	(void)pthread_mutex_lock(&lines->lock);
	status = newest_line(lines);
	if (status == EMR_OK)
		*out_gateway = lines->newest->gateway;
	(void)pthread_mutex_unlock(&lines->lock);
	return status == EMR_NOT_FOUND || status == EMR_IO ? EMR_OFFLINE : status;
}

static void channel_lines_free(void *arg)
{
	channel_lines *lines = arg;

	while (lines->newest != NULL) {
		line *l = lines->newest;

		lines->newest = l->before;
		line_free(l);
	}
	(void)pthread_mutex_destroy(&lines->lock);
	free(lines);
}

/* PATH is DIR/ledger, perhaps by a link that leads there. */
static channel_lines *lines_new(const char *path, const emr_ledger_options *options)
{
	channel_lines *lines = calloc(1, sizeof *lines);
	char real[PATH_MAX];
	char *slash;

	if (lines == NULL)
		return NULL;
	if (realpath(path, real) == NULL || (slash = strrchr(real, '/')) == NULL) {
		free(lines);
		return NULL;
	}
	*slash = '\0';
	(void)snprintf(lines->dir, sizeof lines->dir, "%s", real);
	lines->keyring = options->submitter;
	lines->clock = options->clock;
	(void)pthread_mutex_init(&lines->lock, NULL);
	return lines;
}

static emr_status open_fabric(const emr_ledger_options *options, int wake_fd, emr_bytes descriptor,
	emr_ledger **out_ledger)
{
	EMR_AUTO_FD own = -1;
	emr_host_options host = {.line = channel_line,
		.line_free = channel_lines_free,
		.submitter = options->submitter,
		.descriptor = descriptor,
		.wake_fd = wake_fd,
		.stop_fd = options->stop_fd};

	EMR_TRY(options->own != NULL ? emr_dir_open(options->own, &own) : EMR_INVALID);
	host.line_arg = lines_new(options->path, options);
	if (host.line_arg == NULL)
		return EMR_NO_MEMORY;
	host.dirfd = own;
	return emr_host_open(&host, out_ledger);
}

/* The kind of a network stands in its descriptor; the copy beside the ledger says which it is until
 * it is opened, and its hash is what a keyring knows. */
static emr_status read_descriptor(const char *path, emr_buf *out)
{
	EMR_AUTO_FREE char *file = NULL;

	if (asprintf(&file, "%s/" EMR_NETWORK_DESCRIPTOR, path) < 0) {
		file = NULL;
		return EMR_NO_MEMORY;
	}
	return emr_file_read(AT_FDCWD, file, EMR_NETWORK_DESCRIPTOR_MAX, out);
}

/* A keyring that knows the first block of its channel goes back to no directory. */
static bool stands_in_channel(const emr_ledger_options *options, emr_span descriptor)
{
	EMR_AUTO_BUF known = {0};
	char path[PATH_MAX];

	if (emr_descriptor_host(descriptor) == EMR_HOST_FABRIC)
		return true;
	if (options->own == NULL)
		return false;
	if (snprintf(path, sizeof path, "%s/" EMR_NETWORK_MOVED, options->path) <
			(int)sizeof path &&
		access(path, F_OK) == 0)
		return true;
	return options->submitter != NULL &&
	       emr_keyring_tlv_get(options->submitter, EMR_KEYRING_CHANNEL, &known) == EMR_OK;
}

static emr_status open_by_descriptor(
	const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	EMR_AUTO_BUF bytes = {0};
	emr_bytes descriptor;

	/* Its owner's folder, too, asks the host of this directory while that takes what it lost.
	 */
	if (emr_served_is_at(options->path) || emr_served_is_recovering(options->path))
		return emr_served_open(options, wake_fd, out_ledger);
	if (read_descriptor(options->path, &bytes) != EMR_OK ||
		emr_network_is_on_channel(options->path) ||
		!stands_in_channel(options, (emr_span){bytes.data, bytes.len}))
		return emr_embedded_open_woken(options, wake_fd, out_ledger);
	descriptor = emr_buf_view(&bytes);
	if (options->known_hash != NULL &&
		memcmp(emr_sha256_of(&descriptor, 1).b, options->known_hash->b, 32) != 0)
		return EMR_FORK;
	return open_fabric(options, wake_fd, descriptor, out_ledger);
}

emr_status emr_channel_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	emr_ledger_options own = *options;

	own.host = open_by_descriptor;
	return emr_ledger_open(&own, out_ledger);
}
