/* This file carries applications of organisations to the members, by a directory or by a
 * channel. */
#include "network/applying.h"

#include "ledger/admission.h"
#include "session/network_dir.h"

emr_status emr_applications_open(const char *dir, const emr_keyring *keyring, emr_applications *out,
	emr_problem *out_problem)
{
	char cause[256] = "";
	emr_status status = EMR_OK;

	*out = (emr_applications){.dir = dir};
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

emr_status emr_applications_put(emr_applications *applications, emr_id16 org, emr_bytes bytes)
{
	return applications->letters != NULL
		       ? emr_letters_leave(
				 applications->letters, org, EMR_LETTER_APPLICATION, bytes)
		       : emr_mail_put(applications->dir, org, EMR_MAIL_APPLICATION, bytes);
}

emr_status emr_applications_each(emr_applications *applications, emr_letters_fn fn, void *arg)
{
	return applications->letters != NULL
		       ? emr_letters_applications(applications->letters, fn, arg)
		       : emr_mail_each(applications->dir, EMR_MAIL_APPLICATION, EMR_APPLICATION_MAX,
				 fn, arg);
}

void emr_applications_remove(const emr_applications *applications, emr_id16 org)
{
	if (applications->letters == NULL)
		emr_mail_remove(applications->dir, org, EMR_MAIL_APPLICATION);
}
