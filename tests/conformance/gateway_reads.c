/* This program is the reader of blocks at the end of a pipe: of each block that comes it says what
 * a transaction in it has entered, so that another reader (gateway_peer reads) can say whether it
 * is the same.  DIR has what a gateway is opened with: an MSP directory, and the CAs of two
 * organisations. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/codec.h"
#include "base/file.h"
#include "crypto/hashsig.h"
#include "gateway/identity.h"
#include "gateway_private.h"
#include "msp_identity.h"

#define BLOCK_MAX (16u << 20)
#define PEM_MAX 65536

static void put_hash(emr_bytes bytes)
{
	uint8_t hash[32];
	char hex[65];

	emr_sha256(bytes.len > 0 ? bytes.data : (const uint8_t *)"", bytes.len, hash);
	emr_hex(hash, sizeof hash, hex);
	(void)printf(" %.16s", hex);
}

static emr_status tell(void *arg, const emr_gateway_entry *entry)
{
	(void)arg;
	(void)printf(" %s %llu", entry->tx_id, (unsigned long long)entry->ledger_time_unix_s);
	put_hash(emr_bytes_of(entry->submitter.b, sizeof entry->submitter.b));
	put_hash(emr_bytes_of(entry->submit_sig, sizeof entry->submit_sig));
	put_hash(entry->batch);
	put_hash(entry->results);
	put_hash(entry->moved);
	return EMR_OK;
}

static emr_status doubt(void *arg, const block_doubt *what)
{
	char name[EMR_GATEWAY_SAID_BYTES];

	(void)arg;
	block_doubt_name(what, name, sizeof name);
	(void)printf(" wrong(%s)", what->wrong);
	return EMR_DAMAGED;
}

static emr_gateway *open_gateway(const char *dir, emr_gateway_identity **out_identity)
{
	emr_gateway_endpoint endpoint = {.address = "http://127.0.0.1:1"};
	EMR_AUTO_BUF a = {0}, b = {0};
	const char *authorities[5] = {"OrgA", NULL, "OrgB", NULL, NULL};
	emr_gateway_options options = {.endpoints = &endpoint,
		.endpoint_count = 1,
		.channel = "emrfs",
		.chaincode = "emrfs",
		.version = "0",
		.endorsers_least = 2,
		.authorities = authorities};
	emr_gateway *gateway = NULL;
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (msp_identity(dir, "OrgA", out_identity) != EMR_OK ||
		emr_file_read(dirfd, "ca-a.pem", PEM_MAX, &a) != EMR_OK ||
		emr_file_read(dirfd, "ca-b.pem", PEM_MAX, &b) != EMR_OK ||
		emr_buf_append(&a, "", 1) != EMR_OK || emr_buf_append(&b, "", 1) != EMR_OK)
		return NULL;
	(void)close(dirfd);
	authorities[1] = (const char *)a.data;
	authorities[3] = (const char *)b.data;
	options.identity = *out_identity;
	return emr_gateway_open(&options, &gateway) == EMR_OK ? gateway : NULL;
}

int main(int argc, char **argv)
{
	emr_gateway_identity *identity = NULL;
	emr_gateway *gateway;
	uint8_t *bytes = malloc(BLOCK_MAX);
	uint32_t size;

	if (argc != 2 || bytes == NULL || emr_base_init() != EMR_OK ||
		(gateway = open_gateway(argv[1], &identity)) == NULL) {
		(void)fprintf(stderr, "usage: gateway_reads DIR\n");
		free(bytes);
		return 2;
	}
	while (fread(&size, sizeof size, 1, stdin) == 1) {
		const block_reader reader = {.visit = tell, .confirm = doubt};
		emr_gateway_position position = {.next_block = 1};
		const char *wrong = NULL;
		emr_status status;

		size = ntohl(size);
		if (size > BLOCK_MAX || fread(bytes, 1, size, stdin) != size)
			return 2;
		(void)printf("read");
		status =
			block_visit(gateway, emr_bytes_of(bytes, size), &position, &reader, &wrong);
		if (status != EMR_OK)
			(void)printf(" refused");
		(void)printf("\n");
		(void)fflush(stdout);
	}
	emr_gateway_close(gateway);
	emr_gateway_identity_free(identity);
	free(bytes);
	return 0;
}
