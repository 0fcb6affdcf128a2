/* This file is the part of `emrfs check` about the host of a network: whether it answers, with the
 * key that this computer knows, and how members reach it. */
#include "verbs_private.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/language.h"
#include "served/client.h"
#include "session/absence.h"
#include "session/network_dir.h"

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
