/* This file is the look at invitations of the office's thread: on an administrator's computer it
 * answers who came by one that waits at the network's host, and tells of it. */
#include "base/clock.h"
#include "keyring/cert.h"
#include "org/invitations.h"
#include "replica/names.h"
#include "sharing/office_looks.h"

#define NEXT_NS INT64_C(3000000000) /* the host tells nobody that a letter came */

static emr_status tell(void *arg, const emr_invited *invited, emr_invited_news news)
{
	const emr_visit *visit = arg;
	char role[EMR_ROLES_TEXT_MAX], code[EMR_KEY_CODE_MAX + 1];
	emr_problem problem = {0};

	emr_roles_text(invited->roles, role);
	emr_key_code(invited->given, EMR_KEY_CODE_NAMES, code);
	if (news == EMR_INVITED_WAITS || news == EMR_INVITED_TOLD)
		return EMR_OK;
	if (news == EMR_INVITED_CAME)
		emr_problem_set(&problem, EMR_SAY_INVITED_CAME, "who", invited->whom, "what", role,
			"code", code, NULL);
	else
		emr_problem_set(&problem,
			news == EMR_INVITED_TAKEN ? EMR_SAY_HANDLE_TAKEN : EMR_SAY_NOBODY_CAME,
			"what", invited->whom, NULL);
	emr_notices_add_problem(visit->notices, &problem, "");
	return EMR_OK;
}

emr_status emr_look_invitations(emr_visit *visit)
{
	emr_bureau bureau;
	emr_problem problem = {0};
	emr_status status = emr_bureau_of(visit->session, &bureau);

	if (status == EMR_OK) {
		visit->due_boot_ns = emr_clock_boot_ns(emr_clock_system()) + NEXT_NS;
		status = emr_invitations_run(&bureau, tell, visit, &problem);
	} else if (status == EMR_NOT_FOUND) {
		status = EMR_OK;
	}
	emr_bureau_let_go(&bureau);
	return status;
}
