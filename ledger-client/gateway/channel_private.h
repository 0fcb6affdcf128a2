/* A handle on a network's directory gets its client of Fabric gateways from here: with the
 * endpoints of the settings, and the certificate that the keyring has now. */
#pragma once

#include "gateway/channel.h"
#include "gateway/entries.h"

#define TIMEOUT_MS 60000u
#define AGAIN_MAX 5

#define CHANNEL_SETTINGS_MAX ((size_t)64 << 10) /* bytes of DIR/network */

/* A client of PLACE's gateways for IDENTITY. */
emr_status channel_gateway(const emr_channel *channel, const emr_gateway_identity *identity,
	const emr_clock *clock, emr_gateway **out_gateway);

/* The first of what the keyring has: those between it and the CA stand behind it. */
emr_bytes channel_first_certificate(emr_bytes chain);

/* The first block that CHANNEL must have is the one that KEYRING (may be NULL) knows, if it knows
 * one. */
emr_status channel_of_keyring(emr_channel *channel, const emr_keyring *keyring);

/* That the network of DESCRIPTOR has begun in the channel.  EMR_NOT_FOUND: none has; EMR_FORK:
 * another one. */
emr_status channel_look(emr_gateway *gateway, emr_gateway_call *call, emr_bytes descriptor);
/* The channel's first block; EMR_FORK: another one than the gateway was opened for.  *OUT_HEIGHT
 * (may be NULL) = blocks of the peer that was asked. */
emr_status channel_first_block(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *out_behind, uint64_t *out_height);
