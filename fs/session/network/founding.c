/* A network in a channel of Fabric begins there, or has begun. This file looks which of the two it
 * is for an organisation that comes, and says what is wrong. */
#include "network/founding.h"

#include <stdio.h>

#include "contract/codes.h"
#include "contract/item.h"
#include "kit/language.h"
#include "session/network_dir.h"

emr_status emr_founding_look(
	const char *channel, emr_network_in_channel *out, emr_problem *out_problem)
{
	const emr_status status = emr_network_in_channel_find(channel, out);

	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", channel, "cause",
			out->said[0] != '\0' ? out->said : emr_text(emr_status_text(status)), NULL);
	return status;
}

emr_status emr_founding_settle(const emr_founding *f, emr_bytes descriptor, bool *out_is_made)
{
	EMR_AUTO_BUF here = {0};
	char path[4400];
	emr_status status = emr_network_dir_descriptor(f->dir, &here);

	*out_is_made = false;
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&here), descriptor))
		return EMR_PROBLEM(EMR_FORK, f->problem, EMR_SAY_NETWORK_DIR, "dir", f->channel,
			"cause", _("another network has begun in its channel"), NULL);
	snprintf(path, sizeof path, "%.4200s/" EMR_NETWORK_DIR_LEDGER, f->dir);
	if (status == EMR_OK)
		return emr_network_put_channel(path, f->channel);
	EMR_TRY(emr_network_dir_make(f->dir, f->problem));
	*out_is_made = true;
	return emr_network_meet(path, f->channel, descriptor);
}

emr_status emr_founding_begin(void *arg, const emr_network_made *made)
{
	const emr_founding *f = arg;

	return emr_begun_keep(f->begun, f->keyring, made->certificate, made->descriptor);
}
