/* This file makes and ends the handle of the sharing module, and holds what all its parts need:
 * the time, the last refusal of the ledger, and catching up with the ledger. */
#include "share_private.h"

#include <stdlib.h>

emr_status emr_share_new(const emr_share_options *options, emr_share **out_share)
{
	emr_share *share;
	emr_public me;

	EMR_TRY(emr_keyring_public(options->keyring, &me));
	share = calloc(1, sizeof *share);
	if (share == NULL)
		return EMR_NO_MEMORY;
	share->o = *options;
	if (share->o.clock == NULL)
		share->o.clock = emr_clock_system();
	share->net_id = emr_ledger_net_id(options->ledger);
	share->me = me;
	*out_share = share;
	return EMR_OK;
}

void emr_share_free(emr_share *share)
{
	if (share != NULL) {
		emr_buf_free(&share->others);
		emr_buf_free(&share->letters);
		emr_grantee_key_free(share->team_key.key);
		emr_buf_free(&share->near_team.orgs);
	}
	free(share);
}

uint8_t emr_share_refusal(const emr_share *share)
{
	return share->refusal;
}

uint64_t share_now(const emr_share *share)
{
	return emr_clock_unix_s(share->o.clock);
}

emr_status share_let_go(const emr_share *share, emr_id16 domain)
{
	return share->o.let_go != NULL ? share->o.let_go(share->o.let_go_arg, domain) : EMR_OK;
}
