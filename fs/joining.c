#include "joining.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ledger/welcome.h"
#include "network_dir.h"

#define INVITATION_MAX ((size_t)64 << 10)

void emr_joining_free(emr_joining *joining)
{
	emr_wipe(&joining->invitation, sizeof joining->invitation);
	if (joining->bytes.len > 0)
		emr_wipe(joining->bytes.data, joining->bytes.len);
	emr_buf_free(&joining->bytes);
}

static emr_status read_file(const char *from, emr_buf *out)
{
	EMR_AUTO_FD fd = -1;
	emr_status status = emr_buf_reserve(out, INVITATION_MAX + 1);

	if (status == EMR_OK && strcmp(from, "-") != 0) {
		fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			return emr_status_from_errno(errno);
	}
	while (status == EMR_OK && out->len <= INVITATION_MAX) {
		ssize_t n = read(fd >= 0 ? fd : STDIN_FILENO, out->data + out->len, INVITATION_MAX + 1 - out->len);

		if (n == 0)
			return EMR_OK;
		if (n < 0 && errno != EINTR)
			return emr_status_from_errno(errno);
		out->len += n > 0 ? (size_t)n : 0;
	}
	return status == EMR_OK ? EMR_DAMAGED : status;
}

/* What nobody but its administrator could have said, and that it is still meant. */
static emr_status judge(emr_joining *joining, const char **out_cause)
{
	emr_status status = emr_invitation_read(emr_buf_view(&joining->bytes), &joining->invitation);

	*out_cause = "it was changed, or is none";
	if (status != EMR_OK)
		return status;
	*out_cause = "it names no directory of this computer";
	if (strncmp(joining->invitation.url, "file:/", 6) != 0)
		return EMR_UNSUPPORTED;
	joining->dir = joining->invitation.url + 5;
	*out_cause = "it ended; ask for a new one";
	return joining->invitation.expires > emr_clock_unix_s(emr_clock_system()) ? EMR_OK : EMR_DENIED;
}

emr_status emr_joining_read(const char *from, emr_joining *out, emr_problem *out_problem)
{
	const char *cause = NULL;
	emr_status status = read_file(from, &out->bytes);

	if (status != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_FILE, "path", from, "cause", emr_status_text(status), NULL);
		return status;
	}
	status = judge(out, &cause);
	if (status != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause", cause, NULL);
		return status;
	}
	return emr_network_dir_check(out->dir, out_problem);
}

static emr_status exchange(const emr_joining *joining, const emr_keyring *keyring, const char *handle, int64_t within_ns,
	emr_buf *out_cert, emr_problem *out_problem)
{
	const emr_invitation *invitation = &joining->invitation;
	EMR_AUTO_BUF reply = {0};
	emr_status status = emr_welcome_reply(keyring, invitation, handle, &reply);

	if (status == EMR_OK)
		status = emr_mail_put(joining->dir, invitation->id, "reply", emr_buf_view(&reply));
	if (status == EMR_OK)
		status = emr_mail_take(joining->dir, invitation->id, "certificate", EMR_CERT_MAX, within_ns, out_cert);
	if (status == EMR_TIMEOUT) {
		emr_mail_remove(joining->dir, invitation->id, "reply");
		emr_problem_set(out_problem, EMR_SAY_NOBODY_INVITES, "what", invitation->network, NULL);
	}
	return status;
}

emr_status emr_joining_do(const emr_joining *joining, const emr_keyring *keyring, const char *handle, const char *name,
	int64_t within_ns, emr_buf *out_cert, emr_problem *out_problem)
{
	char path[EMR_INVITE_URL_MAX + 16];
	EMR_AUTO_LEDGER ledger = NULL;
	emr_ledger_options options = {.path = path, .submitter = keyring};
	emr_status status;

	snprintf(path, sizeof path, "%.*s/" EMR_NETWORK_DIR_LEDGER, EMR_INVITE_URL_MAX, joining->dir);
	status = emr_ledger_open(&options, &ledger);
	if (status == EMR_OK && !emr_bytes_equal(emr_ledger_descriptor(ledger), joining->invitation.descriptor))
		status = EMR_FORK;
	if (status == EMR_FORK)
		emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause", "another network is in that directory now", NULL);
	if (status == EMR_OK)
		status = exchange(joining, keyring, handle, within_ns, out_cert, out_problem);
	if (status == EMR_OK)
		status = emr_welcome_register(keyring, &joining->invitation, emr_buf_view(out_cert), name, ledger, NULL);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "Joining");
	return status;
}
