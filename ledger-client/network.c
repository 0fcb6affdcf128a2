/* This file makes a new network of one organisation: its certificate authority, its description,
 * the first entry of its ledger and its owner's key. It is there whole or not at all, and takes
 * no directory that has something in it. */
#include "ledger/network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "contract/contract.h"
#include "keyring/cert.h"
#include "ledger/act_send.h"
#include "ledger/chain.h"
#include "ledger/ledger.h"
#include "ledger/register.h"
#include "place.h"

#define DAY_S ((uint64_t)86400)
#define CA_S (30 * 365 * DAY_S)
#define OWNER_S (10 * 365 * DAY_S)
#define OWNER_ROLES (EMR_ROLE_PATIENT | EMR_ROLE_ORG_ADMIN)

/* The parts of a new network. */
typedef struct making {
	const emr_network_new *options;
	const emr_clock *clock;
	uint64_t now;
	emr_public owner;
	emr_id16 org;
	emr_buf ca;
	emr_buf cert;
	emr_buf descriptor;
	emr_id16 net_id;
	char path[PATH_MAX]; /* the directory while it is made */
	int dirfd;
} making;

static void making_free(making *m)
{
	emr_buf_free(&m->ca);
	emr_buf_free(&m->cert);
	emr_buf_free(&m->descriptor);
	if (m->dirfd >= 0)
		(void)close(m->dirfd);
}

/* ---- certificates and descriptor ---- */

static emr_status make_certificates(making *m)
{
	const emr_keyring *keyring = m->options->keyring;
	emr_cert_subject ca = {.handle = m->options->name,
		.not_before = m->now - DAY_S,
		.not_after = m->now + CA_S};
	emr_cert_subject owner = {.handle = m->options->handle,
		.roles = OWNER_ROLES,
		.org = m->org,
		.not_before = m->now - DAY_S,
		.not_after = m->now + OWNER_S};

	if (m->options->certify != NULL)
		return m->options->certify(m->options->certify_arg, &m->ca, &m->cert);
	EMR_TRY(emr_cert_make_ca(keyring, &ca, &m->ca));
	return emr_cert_issue(keyring, emr_buf_view(&m->ca), &owner,
		emr_bytes_of(m->owner.p256_spki, EMR_P256_SPKI_BYTES), &m->cert);
}

static emr_status make_descriptor(making *m)
{
	emr_descriptor descriptor = {.norg = 1, .created_unix_s = m->now};
	emr_descriptor_org org = {.ca_der = {m->ca.data, m->ca.len}};
	const char *msp = m->options->msp != NULL ? m->options->msp : "";
	emr_id16 nonce = emr_id16_random();
	size_t name_len = strlen(m->options->name);
	size_t len = 0;

	descriptor.name = org.name = (emr_span){(const uint8_t *)m->options->name, name_len};
	org.msp = (emr_span){(const uint8_t *)msp, strlen(msp)};
	memcpy(descriptor.nonce, nonce.b, sizeof nonce.b);
	memcpy(org.org, m->org.b, 16);
	memcpy(org.admin_pk, m->owner.pk, 32);
	EMR_TRY(emr_buf_reserve(&m->descriptor, m->ca.len + 1024));
	if (emr_descriptor_encode(&descriptor, &org, m->descriptor.data, m->descriptor.cap, &len) !=
		EMR_CONTRACT_OK)
		return EMR_INVALID;
	m->descriptor.len = len;
	emr_descriptor_net_id((emr_span){m->descriptor.data, len}, m->net_id.b);
	return EMR_OK;
}

static emr_status take_up(making *m)
{
	const emr_bytes descriptor = m->options->begun_descriptor;
	const emr_bytes certificate = m->options->begun_certificate;
	const emr_span bytes = {descriptor.data, descriptor.len};
	emr_descriptor network;
	emr_descriptor_org org;

	emr_descriptor_net_id(bytes, m->net_id.b);
	if (m->options->keyring == NULL)
		return emr_buf_append(&m->descriptor, descriptor.data, descriptor.len);
	if (emr_descriptor_parse(bytes, &network) != EMR_CONTRACT_OK || network.norg != 1 ||
		emr_descriptor_org_at(&network, 0, &org) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (memcmp(org.admin_pk, m->owner.pk, sizeof org.admin_pk) != 0)
		return EMR_DENIED;
	memcpy(m->org.b, org.org, sizeof m->org.b);
	EMR_TRY(emr_buf_append(&m->ca, org.ca_der.data, org.ca_der.len));
	EMR_TRY(emr_buf_append(&m->cert, certificate.data, certificate.len));
	return emr_buf_append(&m->descriptor, descriptor.data, descriptor.len);
}

static emr_status make_what_it_is(making *m)
{
	if (m->options->begun_descriptor.len > 0)
		return take_up(m);
	EMR_TRY(make_certificates(m));
	return make_descriptor(m);
}

/* ---- the owner's registration ---- */

static emr_status register_owner(const making *m)
{
	const emr_register owner = {.keyring = m->options->keyring,
		.net_id = m->net_id,
		.org = m->org,
		.roles = OWNER_ROLES,
		.name = ""};
	const emr_ledger_options options = {
		.path = m->path, .submitter = m->options->keyring, .clock = m->clock};
	EMR_AUTO_LEDGER ledger = NULL;
	EMR_AUTO_BUF part = {0};
	uint8_t code = EMR_RESULT_FORMAT;
	emr_act act;

	EMR_TRY(emr_ledger_open(&options, &ledger));
	EMR_TRY(emr_register_certified(&owner, emr_buf_view(&m->cert), &act, &part));
	EMR_TRY(emr_act_send(owner.keyring, ledger, &act, emr_buf_view(&part), m->clock, &code));
	/* Its row is there, which only this key can make: it was ended behind that. */
	return code == EMR_RESULT_APPLIED || code == EMR_RESULT_CONFLICT ? EMR_OK : EMR_REFUSED;
}

/* ---- the directory ---- */

static emr_status make_ledger(const making *m)
{
	EMR_AUTO_CHAIN chain = NULL;

	EMR_TRY(emr_chain_open(m->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, true, 1000, &chain));
	EMR_TRY(emr_chain_begin(chain));
	return emr_chain_end(chain, emr_chain_append_genesis(chain, emr_buf_view(&m->descriptor)));
}

static emr_status begin(const making *m)
{
	const emr_network_made made = {
		.certificate = emr_buf_view(&m->cert), .descriptor = emr_buf_view(&m->descriptor)};

	if (m->options->begin != NULL)
		EMR_TRY(m->options->begin(m->options->begin_arg, &made));
	return m->options->channel != NULL
		       ? emr_network_begin_in_channel(m->options->channel, made.descriptor)
		       : EMR_OK;
}

static emr_status fill(making *m)
{
	if (fchmod(m->dirfd, 0700) != 0)
		return emr_status_from_errno(errno);
	EMR_TRY(emr_network_check_place(m->dirfd));
	EMR_TRY(emr_file_create(
		m->dirfd, EMR_NETWORK_DESCRIPTOR, emr_buf_view(&m->descriptor), 0600));
	if (m->options->channel != NULL)
		EMR_TRY(emr_network_put_channel(m->path, m->options->channel));
	/* Without an owner it is read from the channel by who opens it. */
	if (m->options->keyring != NULL) {
		EMR_TRY(make_ledger(m));
		EMR_TRY(begin(m));
		EMR_TRY(register_owner(m));
	}
	if (fsync(m->dirfd) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	return EMR_OK;
}

static void remove_all(const making *m)
{
	static const char *const names[] = {EMR_NETWORK_DESCRIPTOR, EMR_NETWORK_LEDGER,
		EMR_NETWORK_LEDGER "-wal", EMR_NETWORK_LEDGER "-shm", EMR_NETWORK_CHANNEL,
		EMR_NETWORK_CHANNEL_LOCK, EMR_NETWORK_CHANNEL_BEHIND};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unlinkat(m->dirfd, names[i], 0);
	(void)rmdir(m->path);
}

static emr_status sync_parent(const char *path)
{
	char parent[PATH_MAX];
	char *slash;
	int fd;
	emr_status status = EMR_OK;

	(void)snprintf(parent, sizeof parent, "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		(void)snprintf(parent, sizeof parent, ".");
	else
		slash[slash == parent] = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return emr_status_from_errno(errno);
	if (fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	(void)close(fd);
	return status;
}

/* Checks that the place is free: nothing or an empty directory is fine. */
static emr_status check_free(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	emr_status status = EMR_OK;

	if (dir == NULL)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	while (status != EMR_EXISTS && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, EMR_NETWORK_LEDGER) == 0)
			status = EMR_EXISTS;
		else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			status = EMR_NOT_EMPTY;
	}
	(void)closedir(dir);
	return status;
}

/* rename(2) over an empty directory is one step: the network is there whole or not at all. */
static emr_status put_in_place(const making *m, const char *path)
{
	if (rename(m->path, path) != 0)
		return errno == ENOTEMPTY || errno == EEXIST ? EMR_NOT_EMPTY
							     : emr_status_from_errno(errno);
	return sync_parent(path);
}

static emr_status make_dir(making *m, const char *path)
{
	emr_id16 random = emr_id16_random();
	char hex[33];
	int n;

	emr_hex(random.b, 8, hex);
	n = snprintf(m->path, sizeof m->path, "%s.new-%s", path, hex);
	if (n < 0 || (size_t)n >= sizeof m->path)
		return EMR_LIMIT;
	return emr_dir_open(m->path, &m->dirfd);
}

static emr_status trimmed(const char *path, char out[PATH_MAX])
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n == 0 || n >= PATH_MAX - 32)
		return EMR_INVALID;
	memcpy(out, path, n);
	out[n] = '\0';
	return EMR_OK;
}

emr_status emr_network_create(
	const emr_network_new *options, emr_id16 *out_net_id, emr_buf *out_cert)
{
	__attribute__((cleanup(making_free))) making m = {.options = options,
		.clock = options->clock ? options->clock : emr_clock_system(),
		.dirfd = -1,
		.org = emr_id16_random()};
	char path[PATH_MAX];
	emr_status status = trimmed(options->path, path);

	m.now = emr_clock_unix_s(m.clock);
	if (status == EMR_OK)
		status = check_free(path);
	if (status == EMR_OK && options->keyring != NULL)
		status = emr_keyring_public(options->keyring, &m.owner);
	if (status == EMR_OK)
		status = make_what_it_is(&m);
	if (status == EMR_OK)
		status = make_dir(&m, path);
	if (status != EMR_OK)
		return status;
	status = fill(&m);
	if (status == EMR_OK)
		status = put_in_place(&m, path);
	if (status != EMR_OK) {
		remove_all(&m);
		return status;
	}
	*out_net_id = m.net_id;
	if (out_cert) {
		emr_buf_clear(out_cert);
		status = emr_buf_append(out_cert, m.cert.data, m.cert.len);
	}
	return status;
}

emr_status emr_network_meet(const char *path, const char *channel, emr_bytes descriptor)
{
	const emr_network_new options = {
		.path = path, .channel = channel, .begun_descriptor = descriptor};
	emr_id16 net_id;

	return emr_network_create(&options, &net_id, NULL);
}
