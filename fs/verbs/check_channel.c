/* This file is the part of `emrfs check --network` for the computer of a host in a channel of
 * Fabric: whether its backend reads, which certificates end soon, and which policies one
 * organisation fulfils alone. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "channel/backend.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/network.h"
#include "session/network_dir.h"
#include "verbs_private.h"

#define SOON_DAYS 30

static void check_certificates(emr_checker *c, const emr_fabric_state *state)
{
	char of[EMR_FABRIC_SAID_BYTES], days[EMR_COUNT_BYTES];
	bool is_any = false;

	for (size_t i = 0; i < state->n_certificates; i++) {
		const emr_fabric_certificate *one = &state->certificates[i];

		if (one->days >= SOON_DAYS)
			continue;
		is_any = true;
		emr_show(one->of, of, sizeof of);
		emr_count_text((uint64_t)(one->days > 0 ? one->days : 0), "day", "days", days);
		emr_check_warn(c, "certificate",
			_("renew it by Fabric's own tools before that; a root also in the "
			  "configuration of the channel"),
			one->days < 0 ? _("%s has ended") : _("%s ends in %s"), of, days);
	}
	if (!is_any)
		emr_check_note(
			c, "certificate", true, "", _("none of the channel's ends within 30 days"));
}

static void check_policies(emr_checker *c, const emr_fabric_state *state)
{
	char policy[EMR_FABRIC_SAID_BYTES], organisations[EMR_FABRIC_SAID_BYTES];

	for (size_t i = 0; i < state->n_alone; i++) {
		emr_show(state->alone[i].policy, policy, sizeof policy);
		emr_show(state->alone[i].organisations, organisations, sizeof organisations);
		emr_check_warn(c, "policy",
			_("a majority of the organisations should be needed; the channel's "
			  "administrators change that by Fabric's own tools"),
			_("%s: each of these fulfils it alone: %s"), policy, organisations);
	}
}

static void check_state(emr_checker *c, const emr_fabric_state *state)
{
	char away[EMR_COUNT_BYTES];

	if (state->is_stopped)
		emr_check_note(c, "channel", false,
			_("nothing is lost: it goes on by itself when a majority of the "
			  "organisations says the same; ask those who run the channel"),
			_("emrfs-fabric reads no further than block %llu: %s"),
			(unsigned long long)state->height, state->said);
	else
		emr_check_note(c, "channel", true, "", _("emrfs-fabric has verified %llu blocks"),
			(unsigned long long)state->height);
	if (state->n_away > 0) {
		emr_count_text(state->n_away, "peer", "peers", away);
		emr_check_warn(c, "peers", _("look at the peers that its settings name"),
			_("%s of %zu did not answer when they were asked last"), away,
			state->n_peers);
	}
}

void emr_check_channel(emr_checker *c)
{
	EMR_AUTO_FREE emr_fabric_state *state = calloc(1, sizeof *state);
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_FREE char *channel = NULL;
	EMR_AUTO_FABRIC fabric = NULL;
	emr_fabric_call call = {.wait_s = 0};
	char ledger[PATH_MAX];
	emr_status status;

	if (state == NULL || c->state_fd < 0 || emr_network_dir_of(c->state_fd, &dir) != EMR_OK ||
		snprintf(ledger, sizeof ledger, "%s/" EMR_NETWORK_DIR_LEDGER, dir) >=
			(int)sizeof ledger ||
		!emr_network_is_on_channel(ledger))
		return;
	status = emr_network_channel_of(ledger, &channel);
	if (status == EMR_OK)
		status = emr_fabric_open(channel, &fabric);
	if (status == EMR_OK)
		status = emr_fabric_ask_state(fabric, &call, state);
	if (status != EMR_OK) {
		emr_check_note(c, "channel", false,
			_("emrfs-fabric must run on this computer, by this account"),
			_("the backend of the channel at %s: %s"),
			channel != NULL ? channel : ledger, emr_text(emr_status_text(status)));
		return;
	}
	check_state(c, state);
	check_certificates(c, state);
	check_policies(c, state);
}
