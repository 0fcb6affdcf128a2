/* This file carries applications of organisations to the members, by the network's host. */
#include "network/applying.h"

#include <string.h>

#include "ledger/admission.h"
#include "ledger/hash.h"
#include "served/client.h"
#include "session/network_dir.h"

emr_status emr_applications_open(const char *dir, const emr_keyring *keyring, emr_applications *out,
	emr_problem *out_problem)
{
	(void)out_problem;
	*out = (emr_applications){.dir = dir, .keyring = keyring};
	return EMR_OK;
}

void emr_applications_close(emr_applications *applications)
{
	*applications = (emr_applications){0};
}

/* By what is in it: nobody else can put another one there before. */
static emr_id16 place_of(emr_bytes bytes)
{
	emr_id32 hash = emr_sha256_of(&bytes, 1);
	return EMR_ID16_AT(hash.b);
}

emr_status emr_applications_put(emr_applications *applications, emr_bytes bytes)
{
	emr_id16 place = place_of(bytes);

	return emr_served_leave(applications->dir, NULL, place, "application", bytes);
}

emr_status emr_applications_each(emr_applications *applications, emr_served_letter_fn fn, void *arg)
{
	return emr_served_applications(applications->dir, applications->keyring, fn, arg);
}
