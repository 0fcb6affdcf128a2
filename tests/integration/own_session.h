/* Programs that do what somebody's own program could do, in the place of emrfs, share the session
 * of who runs them; what goes wrong is printed and ends them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "kit/places.h"
#include "session/keys.h"
#include "session/session.h"

static emr_session session = EMR_SESSION_CLOSED;

static inline void must(emr_status status, const char *what)
{
	if (status == EMR_OK)
		return;
	printf("%s: %s\n", what, emr_status_text(status));
	emr_session_close(&session);
	exit(1);
}

static inline emr_session_options *lock_own(const char *passphrase_file)
{
	static emr_places places;
	static emr_session_options options = {.places = &places};
	emr_problem problem = {0};

	options.passphrase_file = passphrase_file;
	must(emr_places_find(NULL, &places, &problem), problem.text);
	must(emr_base_init(), "base");
	must(emr_session_lock(&session, &options, &problem), problem.text);
	return &options;
}

static inline void open_own(const char *passphrase_file)
{
	emr_problem problem = {0};

	must(emr_session_open(&session, lock_own(passphrase_file), &problem), problem.text);
}
