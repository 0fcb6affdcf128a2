/* This file carries applications of organisations to the members, by a host or a channel. */
#include "network/applying.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "ledger/admission.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served/client.h"
#include "session/network_dir.h"

#define WAIT_S 60 /* until an application lies in the channel */

emr_status emr_applications_open(const char *dir, const emr_keyring *keyring, emr_applications *out,
	emr_problem *out_problem)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_FREE char *channel = NULL;
	emr_status status;

	*out = (emr_applications){.dir = dir, .keyring = keyring};
	if (asprintf(&path, "%s/" EMR_NETWORK_DIR_LEDGER, dir) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	status = emr_network_channel_of(path, &channel);
	if (status == EMR_OK)
		status = emr_fabric_open(channel, &out->fabric);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause",
			emr_text(emr_status_text(status)), NULL);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

void emr_applications_close(emr_applications *applications)
{
	emr_fabric_close(applications->fabric);
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
	emr_fabric_call call = {.wait_s = WAIT_S};
	emr_id16 place = place_of(bytes);

	return applications->fabric != NULL
		       ? emr_fabric_leave(applications->fabric, &call, place, bytes)
		       : emr_served_leave(applications->dir, NULL, place, "application", bytes);
}

emr_status emr_applications_each(emr_applications *applications, emr_fabric_letter_fn fn, void *arg)
{
	emr_fabric_call call = {.wait_s = 0};

	return applications->fabric != NULL
		       ? emr_fabric_letters(applications->fabric, &call, fn, arg)
		       : emr_served_applications(applications->dir, applications->keyring, fn, arg);
}
