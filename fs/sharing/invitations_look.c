/* This file is the look at invitations of the office's thread: on an administrator's computer it
 * answers who came by one that waits at the network's host, and tells of it. */
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "org/invitations.h"
#include "sharing/office_looks.h"

#define NEXT_NS INT64_C(3000000000) /* the host tells nobody that a letter came */

static void tell(const emr_visit *visit, const json_t *row)
{
	const char *state = emr_json_text_at(row, "state"), *who = emr_json_text_at(row, "handle");
	emr_problem problem = {0};

	if (strcmp(state, "came") == 0)
		emr_problem_set(&problem, EMR_SAY_INVITED_CAME, "who", who, "what",
			emr_json_text_at(row, "role"), "code", emr_json_text_at(row, "code"), NULL);
	else if (strcmp(state, "ended") == 0 || strcmp(state, "taken") == 0)
		emr_problem_set(&problem,
			state[0] == 't' ? EMR_SAY_HANDLE_TAKEN : EMR_SAY_NOBODY_CAME, "what", who,
			NULL);
	if (problem.is_set)
		emr_notices_add_problem(visit->notices, &problem, "");
}

emr_status emr_look_invitations(emr_visit *visit)
{
	emr_bureau bureau;
	emr_problem problem = {0};
	json_auto_t *list = NULL;
	const json_t *row;
	size_t i;
	emr_status status = emr_bureau_of(visit->session, &bureau);

	if (status == EMR_OK) {
		visit->due_boot_ns = emr_clock_boot_ns(emr_clock_system()) + NEXT_NS;
		status = emr_invitations_run(&bureau, &list, &problem);
	} else if (status == EMR_NOT_FOUND) {
		status = EMR_OK;
	}
	json_array_foreach(list, i, row) tell(visit, row);
	emr_bureau_let_go(&bureau);
	return status;
}
