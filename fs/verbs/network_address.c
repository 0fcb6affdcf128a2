/* This file is `emrfs network address` and `sign`: a member follows the host of the network to
 * where its key, or its successor by the administrators of most members, says that it is; and an
 * administrator signs for such a successor. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/item.h"
#include "contract/rows.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "network/joining.h"
#include "network/own_dir.h"
#include "org/proposals.h"
#include "served/client.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

typedef struct follower {
	const emr_args *args;
	emr_places places;
	int state_fd;
	char *dir; /* of the network */
	char network[256];
	emr_id16 net_id;
	emr_served_at have; /* what this computer knows of the host */
	emr_address address;
} follower;

static void follower_end(follower *f)
{
	emr_auto_close(&f->state_fd);
	emr_places_free(&f->places);
	free(f->dir);
}

static emr_status refuse(const char *cause, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_ADDRESS_REFUSED, "cause", cause, NULL);
	return EMR_DENIED;
}

/* ---- the text ---- */

/* An invitation says where the host is, too, with its word for it. */
static emr_status read_invitation(const follower *f, const char *text, emr_address *out)
{
	emr_joining joining = {.dir = NULL};
	emr_problem ignored = {0};
	emr_served_at at;
	emr_status status = emr_joining_read(
		text, f->args->values[EMR_OPT_NETWORK], f->places.state, &joining, &ignored);

	if (status == EMR_OK)
		status = emr_served_at_read(joining.invitation.place, &at);
	emr_joining_free(&joining);
	return status == EMR_OK ? emr_address_of(&at, out) : status;
}

static emr_status read_text(
	const follower *f, const char *text, emr_address *out, emr_problem *out_problem)
{
	EMR_AUTO_BUF file = {0};
	emr_bytes bytes = emr_bytes_of(text, strlen(text));
	emr_status status = EMR_OK;

	if (read_invitation(f, text, out) == EMR_OK)
		return EMR_OK;
	if (strchr(text, '#') == NULL || access(text, F_OK) == 0) {
		status = emr_file_read(AT_FDCWD, text, EMR_INVITE_MAX, &file);
		bytes = emr_buf_view(&file);
	}
	if (status != EMR_OK)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_NO_SUCH_FILE, "path", text, "cause",
			emr_text(emr_status_text(status)), NULL);
	if (emr_address_read(bytes, out) == EMR_OK)
		return EMR_OK;
	return refuse(_("this is no text of a host, or was changed on its way"), out_problem);
}

static emr_status find_network(const emr_args *args, follower *f, emr_problem *out_problem)
{
	EMR_AUTO_BUF bytes = {0}, descriptor = {0};
	char name[256] = "";
	emr_status status;

	f->args = args;
	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &f->places, out_problem));
	EMR_TRY(emr_places_open_state(&f->places, false, &f->state_fd, out_problem));
	status = emr_network_dir_of(f->state_fd, &f->dir);
	if (status == EMR_OK)
		status = emr_network_dir_host(f->dir, &bytes);
	if (status == EMR_OK)
		status = emr_served_at_read(emr_buf_view(&bytes), &f->have);
	if (status == EMR_OK)
		status = emr_network_dir_descriptor(f->dir, &descriptor);
	if (status == EMR_OK)
		status = emr_network_dir_name(f->dir, name);
	emr_show(name, f->network, sizeof f->network);
	if (status == EMR_NOT_FOUND)
		return refuse(_("your records are in no network that a host serves"), out_problem);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, EMR_SERVED_SETTINGS);
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, f->net_id.b);
	return EMR_OK;
}

/* ---- who says it ---- */

emr_status network_votes(const emr_address *address, const char *dir, const char *state,
	emr_id32 old, unsigned *out_have, unsigned *out_need, emr_problem *out_problem)
{
	EMR_AUTO_LEDGER_COPY rows = NULL;
	EMR_AUTO_BUF descriptor = {0};
	emr_row_network network;
	emr_id16 net_id;
	char ledger[4400];
	emr_status status;

	(void)snprintf(ledger, sizeof ledger, "%.4300s/" EMR_NETWORK_DIR_LEDGER, dir);
	status = emr_network_dir_is_served(dir) ? emr_ledger_copy_open_own(state, &rows)
						: emr_ledger_copy_open(ledger, &rows);
	if (status == EMR_OK)
		status = emr_network_dir_descriptor(dir, &descriptor);
	if (status == EMR_OK)
		status = emr_ledger_copy_network(rows, &network);
	if (status == EMR_OK) {
		emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net_id.b);
		status = emr_address_votes(address, net_id, old, rows, out_have);
	}
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	*out_need = emr_approvals_needed(&network);
	return EMR_OK;
}

static emr_status count(
	const follower *f, unsigned *out_have, unsigned *out_need, emr_problem *out_problem)
{
	return network_votes(
		&f->address, f->dir, f->places.state, f->have.key, out_have, out_need, out_problem);
}

emr_status network_too_few(unsigned have, unsigned need, emr_problem *out_problem)
{
	char cause[200];

	(void)snprintf(cause, sizeof cause,
		_("it replaces the host's key, and administrators of %u of the %u members that it "
		  "takes have signed that for the key that is known here"),
		have, need);
	return refuse(cause, out_problem);
}

static emr_status judge_signed(const follower *f, emr_served_at *out, emr_problem *out_problem)
{
	unsigned have = 0, need = 0;
	emr_status status;

	if (f->address.is_successor) {
		EMR_TRY(count(f, &have, &need, out_problem));
		*out = emr_id32_equal(f->address.at.key, f->have.key) ? f->have : f->address.at;
		if (have >= need || emr_id32_equal(out->key, f->have.key))
			return EMR_OK;
		return network_too_few(have, need, out_problem);
	}
	status = emr_address_follow(&f->address, f->net_id, &f->have, out);
	if (status == EMR_ROLLBACK)
		return refuse(_("it is older than the address that is known here"), out_problem);
	if (status == EMR_BAD_SIGNATURE)
		return refuse(_("another key signed it than that of your network's host, or it is "
				"of another network"),
			out_problem);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, f->network);
}

/* Another account may listen at a socket of this computer: nobody is led from a computer to one. */
static emr_status judge(const follower *f, emr_served_at *out, emr_problem *out_problem)
{
	EMR_TRY(judge_signed(f, out, out_problem));
	out->has_login = f->have.has_login;
	if (out->socket[0] == '\0' || f->have.socket[0] != '\0')
		return EMR_OK;
	return refuse(_("it leads to a socket of this computer"), out_problem);
}

/* ---- address ---- */

static emr_status settle(const follower *f, const emr_served_at *at, emr_problem *out_problem)
{
	char ledger[4400];
	EMR_AUTO_FD fd = -1;
	emr_status status;

	(void)snprintf(ledger, sizeof ledger, "%.4300s/" EMR_NETWORK_DIR_LEDGER, f->dir);
	status = emr_dir_open(ledger, &fd);
	if (status == EMR_OK)
		status = host_write_place(fd, EMR_SERVED_SETTINGS, at);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, ledger);
}

/* An open folder looks at where its host is when it asks it; this has it ask. */
static void nudge(const follower *f)
{
	const emr_request request = {.ask = EMR_ASK_STATUS};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_problem ignored = {0};
	json_t *answer = NULL;

	if (emr_client_open(&f->places, &client, &ignored) == EMR_OK &&
		emr_client_ask(&client, &request, EMR_CLIENT_REPORT_MS, &answer, &ignored) ==
			EMR_OK)
		json_decref(answer);
}

emr_status emr_network_address(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(follower_end))) follower f = {.state_fd = -1};
	EMR_AUTO_BUF descriptor = {0};
	emr_served_at at;
	const char *place;

	EMR_TRY(find_network(args, &f, out_problem));
	EMR_TRY(read_text(&f, args->operands[1], &f.address, out_problem));
	if (!emr_network_dir_is_served(f.dir))
		return refuse(_("the ledger is on this computer"), out_problem);
	EMR_TRY(judge(&f, &at, out_problem));
	EMR_TRY(settle(&f, &at, out_problem));
	nudge(&f);
	place = at.socket[0] != '\0' ? at.socket : at.url;
	emr_out_text(out, "network", f.network);
	emr_out_text(out, "url", place);
	emr_say(out, "The host of %s is at %s from now on.\n", f.network, place);
	if (emr_served_meet(&at, NULL, &descriptor) != EMR_OK)
		emr_say(out, "It does not answer there yet.\n");
	return EMR_OK;
}

void emr_network_hear(const emr_args *args, emr_bytes place)
{
	__attribute__((cleanup(follower_end))) follower f = {.state_fd = -1};
	emr_problem ignored = {0};
	emr_served_at at;

	if (find_network(args, &f, &ignored) == EMR_OK && emr_network_dir_is_served(f.dir) &&
		emr_served_at_read(place, &at) == EMR_OK &&
		emr_address_of(&at, &f.address) == EMR_OK && judge(&f, &at, &ignored) == EMR_OK)
		(void)!settle(&f, &at, &ignored);
}

/* ---- sign ---- */

static emr_status agree(const follower *f, emr_problem *out_problem)
{
	char question[600], address[EMR_SERVED_ADDRESS_CHARS];

	emr_served_address_text(&f->address.at, address);
	(void)snprintf(question, sizeof question,
		_("The host of %s gets another key for good, and is at\n  %s\nCompare this with "
		  "who "
		  "runs the host. Sign (yes, no)?"),
		f->network, address);
	if (f->args->given[EMR_OPT_YES] || emr_terminal_says_yes(question))
		return EMR_OK;
	return refuse(_("nobody said yes to it, at a terminal or with --yes"), out_problem);
}

static emr_status sign(follower *f, emr_problem *out_problem)
{
	EMR_AUTO_KEYRING keyring = NULL;
	uint8_t message[EMR_ADDRESS_MESSAGE_MAX];
	emr_address_voice *voice = &f->address.voices[f->address.n_voices];
	emr_public public = {0};
	emr_status status;

	if (f->address.n_voices == EMR_ADDRESS_VOICES_MAX)
		return refuse(_("no more signatures fit"), out_problem);
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_keys_open(f->state_fd, f->places.state,
		f->args->values[EMR_OPT_PASSPHRASE_FILE], &keyring, out_problem));
	status = emr_keyring_public(keyring, &public);
	if (status == EMR_OK)
		status = emr_keyring_sign(keyring, emr_signer_identity(), EMR_SIGN_ADDRESS,
			emr_bytes_of(message,
				emr_address_message(&f->address, f->net_id, f->have.key, message)),
			voice->sig);
	voice->signer = public.signer_id;
	f->address.n_voices++;
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, f->network);
}

/* A file that is there only grows. */
emr_status network_write(
	const char *file, int flags, const emr_address *address, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
	EMR_AUTO_BUF text = {0};
	emr_status status =
		fd >= 0 ? emr_address_write(address, &text) : emr_status_from_errno(errno);

	if (status == EMR_OK)
		status = emr_pwrite_all(fd, text.data, text.len, 0);
	if (status == EMR_OK && fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

emr_status emr_network_sign(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(follower_end))) follower f = {.state_fd = -1};
	unsigned before = 0, have = 0, need = 0;

	EMR_TRY(find_network(args, &f, out_problem));
	EMR_TRY(read_text(&f, args->operands[1], &f.address, out_problem));
	if (!f.address.is_successor)
		return refuse(
			_("the host itself has signed it: no administrator need"), out_problem);
	EMR_TRY(count(&f, &before, &need, out_problem));
	EMR_TRY(agree(&f, out_problem));
	EMR_TRY(sign(&f, out_problem));
	EMR_TRY(count(&f, &have, &need, out_problem));
	if (have == before)
		return refuse(_("your key is no administrator's of a member, or your organisation "
				"has signed it already"),
			out_problem);
	EMR_TRY(network_write(args->operands[1], 0, &f.address, out_problem));
	emr_out_number(out, "have", have);
	emr_out_number(out, "need", need);
	emr_say(out, "Administrators of %u of the %u members that it takes have signed it.\n", have,
		need);
	if (have < need)
		emr_say(out, "Give the file to the next one.\n");
	else
		emr_say(out, "Give the file back to who runs the host.\n");
	return EMR_OK;
}
