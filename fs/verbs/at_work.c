/* This file says what is there of an account: its keyring, its network, and whether its folder, its
 * agent and its host run. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "session/session.h"
#include "session/network_dir.h"

#include "verbs_private.h"

emr_at_work emr_at_work_as(const char *as, bool is_agent)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD state_fd = -1, host_fd = -1;
	EMR_AUTO_FREE char *dir = NULL;
	emr_problem ignored = {0};
	emr_at_work found = {.pid = 0};
	char agent[128], folder[2];

	snprintf(agent, sizeof agent, EMR_AGENT_NAME(as));
	if (emr_places_find(is_agent ? agent : as, &places, &ignored) != EMR_OK ||
		emr_places_open_state(&places, false, &state_fd, &ignored) != EMR_OK ||
		faccessat(state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return found;
	found.has_keyring = true;
	if (emr_session_holder(state_fd, folder, sizeof folder, &found.pid) != EMR_OK)
		found.pid = 0;
	if (emr_network_dir_of(state_fd, &dir) == EMR_OK && !emr_network_dir_is_served(dir)) {
		(void)emr_network_dir_name(dir, found.network);
		snprintf(found.dir, sizeof found.dir, "%s/" EMR_NETWORK_DIR_HOST, dir);
		host_fd = open(found.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (host_fd < 0 || emr_session_holder(host_fd, folder, sizeof folder,
					   &found.host_pid) != EMR_OK)
			found.host_pid = 0;
		snprintf(found.dir, sizeof found.dir, "%s", dir);
	}
	return found;
}
