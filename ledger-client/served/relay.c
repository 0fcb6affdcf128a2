/* This file relays calls to the authority of the host's organisation. It reads none of them: the
 * authority judges who asks. Strangers who give it wrong secrets wait, by their address. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "served/authority.h"
#include "served_private.h"

#define WRONG_WORK (EMR_SERVE_WORK_MAX / 8) /* of a secret: as many wrong ones a minute */
#define WRONG 401u

/* Any thread of the server. */
static emr_status relay(emr_served *served, emr_serve_call *call)
{
	const emr_authority_question question = {.call = strrchr(call->route->path, '/') + 1,
		.proof = emr_serve_header(call, WIRE_LOGIN_HEADER),
		.body = emr_buf_view(&call->body),
		.stop_fd = served->others.stop_fd};
	char dir[PATH_MAX];

	if (question.proof == NULL ||
		snprintf(dir, sizeof dir, "%s/..", served->path) >= (int)sizeof dir)
		return EMR_INVALID;
	for (const char *at = question.proof; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			return EMR_INVALID;
	return emr_authority_relay(dir, &question, &call->out);
}

emr_status served_relay(emr_served *served, emr_serve_call *call)
{
	const bool has_room = atomic_fetch_add(&served->relayed, 1) < SERVED_RELAYED;
	const emr_status status = has_room ? relay(served, call) : EMR_BUSY;

	atomic_fetch_sub(&served->relayed, 1);
	if (call->route->is_weighed && status == EMR_OK && emr_get_u16(call->out.data) == WRONG)
		emr_serve_worked(call, WRONG_WORK);
	return status;
}

emr_status served_give_authority(emr_served *served, emr_serve_call *call)
{
	char dir[PATH_MAX], name[EMR_AUTHORITY_NAME_MAX + 1];

	if (snprintf(dir, sizeof dir, "%s/..", served->path) >= (int)sizeof dir)
		return EMR_INVALID;
	EMR_TRY(emr_authority_name(dir, name));
	return emr_buf_append(&call->out, name, strlen(name));
}
