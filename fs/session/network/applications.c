/* This file carries applications of organisations to the members, by a host or a channel. */
#include "network/applying.h"

#include <string.h>

#include "ledger/admission.h"
#include "ledger/hash.h"
#include "served/client.h"
#include "session/network_dir.h"

emr_status emr_applications_open(const char *dir, const emr_keyring *keyring, emr_applications *out,
	emr_problem *out_problem)
{
	char cause[256] = "";
	emr_status status = EMR_OK;

	*out = (emr_applications){.dir = dir, .keyring = keyring};
	if (emr_network_dir_is_on_fabric(dir))
		status = emr_letters_open(dir, keyring, &out->letters, cause, sizeof cause);
	if (status != EMR_OK && cause[0] != '\0')
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause", cause, NULL);
	return status;
}

void emr_applications_close(emr_applications *applications)
{
	emr_letters_close(applications->letters);
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

	return applications->letters != NULL
		       ? emr_letters_leave(
				 applications->letters, place, EMR_LETTER_APPLICATION, bytes)
		       : emr_served_leave(applications->dir, NULL, place, "application", bytes);
}

emr_status emr_applications_each(emr_applications *applications, emr_letters_fn fn, void *arg)
{
	return applications->letters != NULL
		       ? emr_letters_applications(applications->letters, fn, arg)
		       : emr_served_applications(applications->dir, applications->keyring, fn, arg);
}
