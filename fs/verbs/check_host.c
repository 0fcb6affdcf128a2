/* This file is the part of `emrfs check` about the host of a network: whether it answers, with the
 * key that this computer knows, and how members reach it; of one in a channel of Fabric also
 * whether its backend reads, which certificates end soon, and which policies one organisation
 * fulfils alone. */
#include "verbs_private.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "channel/backend.h"
#include "kit/text.h"
#include "ledger/network.h"
#include "kit/language.h"
#include "served/client.h"
#include "session/absence.h"
#include "session/network_dir.h"

#define SOON_DAYS 30
#define PATIENCE_MS 10000u
#define BRIEF_MS 900u /* of a person who wants to know how things are */

/* Where it is, as this state or, on the host's computer, the directory says. */
static bool find_host(int state_fd, emr_served_at *out, bool *out_is_ours)
{
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_BUF bytes = {0};

	if (state_fd < 0 || emr_network_dir_of(state_fd, &dir) != EMR_OK ||
		emr_network_dir_host(dir, &bytes) != EMR_OK)
		return false;
	*out_is_ours = !emr_network_dir_is_served(dir);
	return emr_served_at_read(emr_buf_view(&bytes), out) == EMR_OK;
}

emr_status emr_check_meet_host(int state_fd)
{
	emr_served_at at;
	int64_t ahead_s;
	bool is_ours = false;

	return find_host(state_fd, &at, &is_ours) && !is_ours
		       ? emr_served_look(&at, BRIEF_MS, &ahead_s)
		       : EMR_NOT_FOUND;
}

void emr_say_one_copy(emr_out *out, const emr_places *places, emr_problem *out_remark)
{
	EMR_AUTO_FD state_fd = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_problem unread = {0}, remark = {0};
	emr_settings settings;
	emr_served_at at;
	bool is_ours = false;

	if ((find_host(state_fd, &at, &is_ours) && !is_ours) ||
		(emr_settings_read(places, &settings, &unread) == EMR_OK &&
			settings.node_count > 0))
		return;
	emr_problem_set(&remark, EMR_SAY_ONE_COPY, NULL);
	if (out_remark != NULL)
		*out_remark = remark;
	else
		emr_remark(out, &remark);
}

bool emr_check_host(emr_checker *c)
{
	emr_served_at at;
	emr_problem clock = {0};
	int64_t ahead_s = 0;
	bool is_ours = false;
	emr_status status;

	if (!find_host(c->state_fd, &at, &is_ours))
		return false;
	status = emr_served_look(&at, PATIENCE_MS, &ahead_s);
	if (ahead_s != 0) {
		emr_absence_say_clock(c->places->state, ahead_s, &clock);
		emr_check_note(c, "host-clock", false, clock.hint, "%s", clock.text);
	}
	if (status == EMR_OK)
		emr_check_note(c, "host", true, "",
			_("%s answers; members reach it where they reach that address: a public "
			  "one, one of the same local network, or one of a VPN"),
			at.url);
	else if (status == EMR_FORK)
		emr_check_note(c, "host", false,
			_("do not go on; ask whoever administers your organisation, by another "
			  "way. If it has another key by now, emrfs network address FILE"),
			_("%s shows another key than the one that this network was told of"),
			at.url);
	else if (status == EMR_NO_MODULE)
		emr_check_note(
			c, "host", false, "", "%s: %s", at.url, emr_text(emr_status_text(status)));
	else if (is_ours)
		emr_check_warn(c, "host", _("emrfs host DIR ADDRESS:PORT serves it"),
			_("%s does not answer: members elsewhere cannot reach the network"),
			at.url);
	else
		emr_check_note(c, "host", false,
			_("it must run (emrfs host), and this computer must reach that address: it "
			  "is a public one, one of the same local network, or one of a VPN. If it "
			  "is elsewhere by now, emrfs network address TEXT"),
			_("%s does not answer"), at.url);
	return !is_ours;
}

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
