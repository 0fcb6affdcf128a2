/* A keyring with the seed of the known answers, for the tests of the keyring's own files. */
#pragma once

#include "emr_test.h"

#include "keyring_private.h"
#include "vectors.h"

static inline emr_secret kit_secret(const void *data, size_t len)
{
	emr_secret secret = {0};

	assert_ok(emr_secret_new(len, &secret));
	memcpy(secret.data, data, len);
	return secret;
}

static inline emr_keyring *kit_keyring_of(
	const uint8_t seed[32], emr_id16 device_id, uint64_t created)
{
	emr_secret secret = kit_secret(seed, 32);
	emr_keyring *kr = NULL;

	assert_ok(emr_keyring_from_seed(EMR_KEYRING_PERSON, created, device_id, &secret, &kr));
	return kr;
}

/* Seed 00..1f, device f0..ff. */
static inline emr_keyring *kit_keyring(void)
{
	emr_id16 device;
	uint8_t seed[32];

	for (int i = 0; i < 32; i++)
		seed[i] = (uint8_t)i;
	for (int i = 0; i < 16; i++)
		device.b[i] = (uint8_t)(0xf0 + i);
	return kit_keyring_of(seed, device, 1700000000);
}

static inline emr_bytes kit_text(const char *text)
{
	return emr_bytes_of(text, strlen(text));
}
