/* This file makes a network in a directory of its own, serves it over TLS, and opens it as a client
 * that knows no more than the settings and the descriptor. */
#include "served_kit.h"

#include "base/codec.h"
#include "crypto/kdf.h"
#include "ledger/network.h"

#include <arpa/inet.h>
#include <sys/socket.h>

emr_served *kit_host;
unsigned kit_host_port;
uint8_t kit_host_secret[32] = {1, 2, 3};
static emr_buf key, certificate;

void kit_put_file(const char *dir, const char *name, emr_bytes bytes)
{
	EMR_AUTO_FD fd;

	fd = open(printed("%s/%s", dir, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
}

int kit_listen(unsigned *io_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)*io_port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof at;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*io_port = ntohs(at.sin_port);
	return fd;
}

void kit_host_start(kit *k)
{
	char dir[96];
	emr_served_options options = {.path = dir,
		.mail_dirfd = -1,
		.clock = &k->clock.clock,
		.listen_fd = kit_listen(&kit_host_port),
		.key = (const char *)key.data,
		.certificate = (const char *)certificate.data};

	memcpy(options.secret, kit_host_secret, sizeof options.secret);
	(void)snprintf(dir, sizeof dir, "%s/host", k->base);
	assert_ok(emr_served_start(&options, &kit_host));
}

void kit_host_stop(kit *k)
{
	(void)k;
	emr_served_stop(kit_host);
	kit_host = NULL;
}

void kit_host_seed(uint8_t out[32])
{
	static const char label[] = "emrfs/v1/host";

	emr_hmac_sha256(emr_bytes_of(kit_host_secret, sizeof kit_host_secret),
		emr_bytes_of(label, sizeof label), out);
}

static void make_served(kit *k)
{
	EMR_AUTO_BUF settings = {0};
	EMR_AUTO_BUF descriptor = {0};
	emr_served_at at = {.key = emr_served_key(kit_host_secret)};
	emr_id32 pin;
	emr_ledger *ledger = NULL;
	emr_ledger_options options = {.path = k->network};

	(void)snprintf(k->network, sizeof k->network, "%s/host", k->base);
	kit_embedded.make(k);
	assert_ok(emr_ledger_open(&options, &ledger));
	assert_ok(emr_buf_append(&descriptor, emr_ledger_descriptor(ledger).data,
		emr_ledger_descriptor(ledger).len));
	emr_ledger_close(ledger);
	(void)snprintf(k->network, sizeof k->network, "%s/network", k->base);
	assert_int_equal(mkdir(k->network, 0700), 0);
	emr_buf_free(&key);
	emr_buf_free(&certificate);
	assert_ok(emr_served_make_key(&key));
	assert_ok(emr_served_make_certificate((const char *)key.data, &certificate));
	assert_ok(emr_served_pin((const char *)certificate.data, &pin));
	kit_host_port = 0;
	kit_host_start(k);
	(void)snprintf(at.url, sizeof at.url, "https://127.0.0.1:%u", kit_host_port);
	emr_served_pin_text(pin, at.pin);
	assert_ok(emr_served_at_write(&at, &settings));
	kit_put_file(k->network, EMR_SERVED_SETTINGS, emr_buf_view(&settings));
	kit_put_file(k->network, EMR_NETWORK_DESCRIPTOR, emr_buf_view(&descriptor));
}

void kit_sign(kit *k, emr_keyring *by, emr_id32 host, uint64_t at, emr_bytes root, uint8_t out[104])
{
	const emr_bytes descriptor = emr_ledger_descriptor(k->ledger);
	uint8_t message[124];
	emr_public public;

	assert_ok(emr_keyring_public(by, &public));
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, message);
	memcpy(message + 16, host.b, 32);
	memcpy(message + 48, public.signer_id.b, 32);
	emr_put_u64(message + 80, at);
	if (root.len > 0)
		memcpy(message + 88, root.data, 36);
	memcpy(out, public.pk, 32);
	emr_put_u64(out + 32, at);
	assert_ok(emr_keyring_sign(by, emr_signer_identity(), EMR_SIGN_TOKEN,
		emr_bytes_of(message, 88 + root.len), out + 40));
}

void kit_write_at(kit *k, const emr_served_at *at)
{
	EMR_AUTO_BUF settings = {0};
	FILE *file;

	assert_ok(emr_served_at_write(at, &settings));
	file = fopen(printed("%s/" EMR_SERVED_SETTINGS, k->network), "we");
	assert_int_equal(fwrite(settings.data, 1, settings.len, file), settings.len);
	assert_int_equal(fclose(file), 0);
}

emr_ledger *kit_open_at(kit *k, const emr_served_at *at)
{
	kit_write_at(k, at);
	return kit_open(k);
}

static emr_ledger *open_served(kit *k)
{
	emr_ledger *ledger = NULL;
	emr_ledger_options options = {.path = k->network,
		.submitter = k->keyring,
		.clock = &k->clock.clock,
		.host = emr_served_open};

	assert_ok(emr_ledger_open(&options, &ledger));
	return ledger;
}

const kit_backend kit_served = {
	.name = "served", .make = make_served, .open = open_served, .end = kit_host_stop};
