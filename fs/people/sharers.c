/* The people who share something with this person: this file says how they call themselves there.
 */
#include <stdio.h>
#include <string.h>

#include "share/read.h"

#include "people_private.h"

/* A patient's name is in no certificate: it comes, sealed, with each share to its reader. */
emr_status emr_member_says(emr_crowd *crowd, const emr_known_name *known, emr_who *out)
{
	const emr_session *s = crowd->session;
	EMR_AUTO_SHARE share = NULL;

	if (!emr_handle_names_nobody(known->handle))
		return EMR_OK;
	if (s != NULL) {
		const emr_share_options options = {
			.keyring = s->keyring, .ledger = s->ledger, .replica = s->replica};

		EMR_TRY(emr_share_new(&options, &share));
		EMR_TRY(emr_share_received(share, &crowd->sharers, NULL));
		crowd->session = NULL; /* once is enough */
	}
	EMR_EACH (const emr_received, one, &crowd->sharers) {
		if (one->is_dataset || !emr_id32_equal(one->card.signer_id, out->id))
			continue;
		emr_name_says(emr_bytes_of(one->card.name, strlen(one->card.name)), known->handle,
			out->says, sizeof out->says);
		snprintf(out->born, sizeof out->born, "%s", one->card.born);
		out->is_sharer = true;
	}
	return EMR_OK;
}
