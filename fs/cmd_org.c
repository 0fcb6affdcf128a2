#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "keyring/card.h"
#include "ledger/network.h"
#include "contract/codes.h"
#include "ledger/welcome.h"

#include "cmd.h"
#include "cmd/passphrase.h"
#include "cmd/text.h"
#include "keys.h"
#include "network_dir.h"

#define VALID_S ((uint64_t)10 * 365 * 86400) /* of a certificate; there is no renewal yet */
#define REPLY_MAX 4096
#define DESCRIPTOR_MAX ((size_t)60000)

typedef struct inviting {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	int state_fd;
	emr_keyring *keyring;
	char *dir; /* of the network; owned */
	emr_buf descriptor;
	emr_buf bytes; /* of the invitation; secret */
	emr_invitation invitation;
	const char *handle; /* NULL: the code that the invited asks for */
	int64_t within_ns;
} inviting;

static void inviting_end(inviting *i)
{
	emr_keyring_free(i->keyring);
	emr_wipe(&i->invitation, sizeof i->invitation);
	if (i->bytes.len > 0)
		emr_wipe(i->bytes.data, i->bytes.len);
	emr_buf_free(&i->bytes);
	emr_buf_free(&i->descriptor);
	if (i->state_fd >= 0)
		close(i->state_fd);
	free(i->dir);
	emr_places_free(&i->places);
}

static emr_status wrong_use(const char *what, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what", what, "verb", "org", NULL);
	return EMR_INVALID;
}

static emr_status read_line(inviting *i, uint16_t *out_roles, emr_problem *out_problem)
{
	const char *role = i->args->values[EMR_OPT_ROLE], *within = i->args->values[EMR_OPT_WITHIN];
	const char *handle = i->args->n_operands == 2 ? i->args->operands[1] : NULL;

	if (handle == NULL || handle[0] == '\0' || strlen(handle) > EMR_CERT_HANDLE_MAX || !emr_card_name_ok(handle))
		return wrong_use("org invite needs a handle of 1 to 53 bytes.", out_problem);
	if (role == NULL || emr_roles_parse(role, out_roles) != EMR_OK)
		return wrong_use("--role is patient, clinician, pharmacist, insurer, authority, researcher, auditor or registrar.",
			out_problem);
	if ((*out_roles & (EMR_ROLE_ORG_ADMIN | EMR_ROLE_DEVICE | EMR_ROLE_AGENT | EMR_ROLE_GATEWAY | EMR_ROLE_HOSPITAL)) != 0)
		return wrong_use("That role is not given by invitation.", out_problem);
	if (i->args->values[EMR_OPT_CARD_FILE] == NULL)
		return wrong_use("-o FILE says where the invitation goes; whoever has it can join.", out_problem);
	if (within != NULL && emr_duration_parse(within, &i->within_ns) != EMR_OK)
		return wrong_use("--within takes a time: 90s, 10min, 2h.", out_problem);
	/* A patient is not named where others read it. */
	i->handle = *out_roles == EMR_ROLE_PATIENT ? NULL : handle;
	return EMR_OK;
}

static emr_status find_network(inviting *i, emr_problem *out_problem)
{
	char path[4400];
	EMR_AUTO_FD fd = -1;
	emr_status status = emr_places_open_state(&i->places, false, &i->state_fd, out_problem);

	if (status == EMR_NOT_FOUND || (status == EMR_OK && faccessat(i->state_fd, EMR_STATE_KEYFILE, F_OK, 0) != 0)) {
		emr_problem_set(out_problem, EMR_SAY_NO_KEYRING, "state", i->places.state, NULL);
		return EMR_NOT_FOUND;
	}
	if (status == EMR_OK)
		status = emr_network_dir_of(i->state_fd, &i->dir);
	if (status != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_NOT_ADMIN, NULL);
		return status;
	}
	status = emr_network_dir_check(i->dir, out_problem);
	if (status != EMR_OK)
		return status;
	snprintf(path, sizeof path, "%.4200s/" EMR_NETWORK_DIR_LEDGER, i->dir);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? emr_file_read(fd, EMR_NETWORK_DESCRIPTOR, DESCRIPTOR_MAX, &i->descriptor) : EMR_NOT_FOUND;
}

static emr_status write_invitation(const inviting *i, emr_problem *out_problem)
{
	const char *file = i->args->values[EMR_OPT_CARD_FILE];
	EMR_AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	emr_status status = fd < 0 ? emr_status_from_errno(errno) : EMR_OK;

	if (status == EMR_OK)
		status = emr_pwrite_all(fd, i->bytes.data, i->bytes.len, 0);
	if (status == EMR_OK && fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_CARD_FILE, "file", file, "cause", emr_status_text(status), NULL);
	return status;
}

static emr_status make_invitation(inviting *i, uint16_t roles, emr_problem *out_problem)
{
	char url[EMR_INVITE_URL_MAX + 1];
	uint64_t ends = emr_clock_unix_s(emr_clock_system()) + (uint64_t)(i->within_ns / 1000000000) + 1;
	emr_status status;

	if (snprintf(url, sizeof url, "file:%s", i->dir) >= (int)sizeof url)
		return EMR_LIMIT;
	status = emr_welcome_invite(
		i->keyring, emr_buf_view(&i->descriptor), url, roles, ends, &i->bytes, &i->invitation);
	if (status == EMR_DENIED)
		emr_problem_set(out_problem, EMR_SAY_NOT_ADMIN, NULL);
	return status == EMR_OK ? write_invitation(i, out_problem) : status;
}

static emr_status answer(inviting *i, emr_id32 *out_signer_id, emr_problem *out_problem)
{
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	emr_status status = emr_mail_take(i->dir, i->invitation.id, "reply", REPLY_MAX, i->within_ns, &reply);

	if (status == EMR_TIMEOUT)
		emr_problem_set(out_problem, EMR_SAY_NOBODY_CAME, "what", i->args->operands[1], NULL);
	if (status == EMR_OK)
		status = emr_welcome_certify(i->keyring, &i->invitation, emr_buf_view(&reply), i->handle,
			emr_clock_unix_s(emr_clock_system()), VALID_S, &cert, out_signer_id);
	if (status == EMR_OK)
		status = emr_mail_put(i->dir, i->invitation.id, "certificate", emr_buf_view(&cert));
	return status;
}

static emr_status invite(inviting *i, emr_problem *out_problem)
{
	const char *file = i->args->values[EMR_OPT_CARD_FILE];
	uint16_t roles = 0;
	emr_id32 signer_id;
	char id[65], code[EMR_PERSON_CODE_CHARS];
	emr_status status = read_line(i, &roles, out_problem);

	if (status == EMR_OK)
		status = emr_places_find(i->args->values[EMR_OPT_AS], &i->places, out_problem);
	if (status == EMR_OK)
		status = find_network(i, out_problem);
	if (status == EMR_OK)
		status = emr_base_init();
	if (status == EMR_OK)
		status = emr_process_harden();
	/* The invitation is signed here, not by the open folder, which signs for nobody: so the passphrase is asked for. */
	if (status == EMR_OK)
		status = emr_keys_open(i->state_fd, i->places.state, i->args->values[EMR_OPT_PASSPHRASE_FILE], &i->keyring,
			out_problem);
	if (status == EMR_OK)
		status = make_invitation(i, roles, out_problem);
	if (status != EMR_OK)
		return status;
	emr_say(i->out, "The invitation is in %s. Whoever has it can join, once; hand it over in private.\n", file);
	emr_progress(i->out, "Waiting until it is used (emrfs init --join FILE) ...");
	status = answer(i, &signer_id, out_problem);
	emr_progress_end(i->out);
	(void)unlink(file); /* used or over: it opens nothing any more */
	if (status != EMR_OK)
		return status;
	emr_person_code(signer_id, code);
	emr_hex(signer_id.b, sizeof signer_id.b, id);
	emr_out_text(i->out, "handle", i->args->operands[1]);
	emr_out_text(i->out, "role", i->args->values[EMR_OPT_ROLE]);
	emr_out_text(i->out, "code", code);
	emr_out_text(i->out, "id", id);
	emr_out_text(i->out, "organisation", i->invitation.network);
	emr_say(i->out, "%s has a certificate of %s now, as %s (%s).\n", i->args->operands[1], i->invitation.network,
		i->args->values[EMR_OPT_ROLE], code);
	return EMR_OK;
}

static int run_invite(const emr_args *args, emr_out *out)
{
	__attribute__((cleanup(inviting_end))) inviting i = {
		.args = args, .out = out, .state_fd = -1, .within_ns = EMR_JOIN_WITHIN_NS};
	emr_problem problem = {0};
	emr_status status = invite(&i, &problem);

	if (status == EMR_OK)
		return EMR_EXIT_DONE;
	if (!problem.is_set)
		emr_problem_set_status(&problem, status, "org invite");
	return emr_out_fail(out, &problem);
}

int emr_cmd_org(const emr_args *args, emr_out *out)
{
	const char *what = args->n_operands > 0 ? args->operands[0] : "";
	emr_problem problem = {0};

	if (strcmp(what, "invite") == 0)
		return run_invite(args, out);
	if (strcmp(what, "create") == 0)
		return emr_init_network(args, out);
	(void)!wrong_use("org takes create NAME --network DIR, or invite HANDLE --role R -o FILE.", &problem);
	return emr_out_fail(out, &problem);
}
