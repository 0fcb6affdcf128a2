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
#include "keyring/cert.h"
#include "ledger/backend.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served/client.h"
#include "channel_private.h"

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

bool emr_channel_has_moved(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof path, "%s/ledger/" EMR_NETWORK_MOVED, dir) <
		       (int)sizeof path &&
	       access(path, F_OK) == 0;
}

emr_status emr_channel_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	return emr_served_open_place(options, out_ledger);
}
