/* This file reads an invitation, gets the certificate for it from the organisation, and
 * registers the key on the ledger. It refuses an invitation that has run out or was not signed
 * by the organisation, and a certificate that is not for this key. */
#include "network/joining.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/places.h"
#include "ledger/act_send.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "ledger/welcome.h"
#include "network/enrolling.h"
#include "network/post.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "served/client.h"
#include "session/network_dir.h"

#define INVITATION_MAX ((size_t)EMR_INVITE_MAX)

void emr_joining_free(emr_joining *joining)
{
	emr_wipe(&joining->invitation, sizeof joining->invitation);
	if (joining->bytes.len > 0)
		emr_wipe(joining->bytes.data, joining->bytes.len);
	emr_buf_free(&joining->bytes);
	free(joining->own_dir);
	joining->own_dir = NULL;
}

static emr_status read_file(const char *from, emr_buf *out)
{
	EMR_AUTO_FD fd = -1;
	emr_status status;

	if (strcmp(from, "-") != 0) {
		fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			return emr_status_from_errno(errno);
	}
	status = emr_read_all(fd >= 0 ? fd : STDIN_FILENO, INVITATION_MAX, out);
	return status == EMR_LIMIT ? EMR_DAMAGED : status;
}

/* A member keeps what is needed of the network in this state. */
static emr_status choose_dir(emr_joining *joining, const char *state)
{
	if (asprintf(&joining->own_dir, "%s/" EMR_STATE_NETWORK, state) < 0) {
		joining->own_dir = NULL;
		return EMR_NO_MEMORY;
	}
	joining->dir = joining->own_dir;
	return EMR_OK;
}

/* Checks that its administrator made the invitation, and that it is still meant. */
static emr_status judge(
	emr_joining *joining, const char *state, bool must_be_fresh, const char **out_cause)
{
	emr_status status =
		emr_invitation_read(emr_buf_view(&joining->bytes), &joining->invitation);

	*out_cause = _("it was changed, or is none");
	if (status == EMR_OK && joining->invitation.place.len > 0)
		status = emr_network_place_check(joining->invitation.place);
	if (status != EMR_OK)
		return status;
	if (joining->invitation.roles == EMR_ROLE_DEVICE) {
		*out_cause = _("it is for another computer of somebody who is a member "
			       "already (emrfs device add)");
		return EMR_DENIED;
	}
	*out_cause = _("it names no directory of this computer");
	if (strncmp(joining->invitation.url, "file:/", 6) != 0)
		return EMR_UNSUPPORTED;
	*out_cause = _("it leads to no host: who invites you starts one (emrfs host), and invites "
		       "you again");
	if (joining->invitation.place.len == 0)
		return EMR_UNSUPPORTED;
	*out_cause = emr_text(emr_status_text(EMR_NO_MEMORY));
	EMR_TRY(choose_dir(joining, state));
	*out_cause = _("it ended; ask for a new one");
	return !must_be_fresh || joining->invitation.expires > emr_clock_unix_s(emr_clock_system())
		       ? EMR_OK
		       : EMR_DENIED;
}

static emr_status understand(
	emr_joining *out, const char *state, bool must_be_fresh, emr_problem *out_problem)
{
	const char *cause = NULL;
	emr_status status = judge(out, state, must_be_fresh, &cause);

	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause", cause, NULL);
	return status;
}

/* Of a member who came in this way it is there, and in use, by whatever path he comes to his state:
 * an invitation, which anybody can sign, says nothing about a network that somebody is in. */
static bool is_in_use(const char *state, const char *dir)
{
	EMR_AUTO_FREE char *used = NULL;
	EMR_AUTO_FD fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat theirs, ours;

	if (fd < 0 || emr_network_dir_of(fd, &used) != EMR_OK) {
		used = NULL;
		return false;
	}
	return stat(used, &theirs) == 0 && stat(dir, &ours) == 0 && theirs.st_dev == ours.st_dev &&
	       theirs.st_ino == ours.st_ino;
}

emr_status emr_joining_settle_in(const emr_joining *joining, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *state = NULL;
	emr_status status = EMR_OK;

	state = strndup(joining->own_dir, strlen(joining->own_dir) - strlen("/" EMR_STATE_NETWORK));
	if (state == NULL)
		return EMR_NO_MEMORY;
	if (!is_in_use(state, joining->own_dir))
		status = emr_network_dir_settle(joining->own_dir, joining->invitation.place,
			joining->invitation.descriptor);
	if (status != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", joining->own_dir, "cause",
			emr_text(emr_status_text(status)), NULL);
		return status;
	}
	return emr_network_dir_check(joining->own_dir, out_problem);
}

emr_status emr_joining_read(const char *from, const char *named, const char *state,
	emr_joining *out, emr_problem *out_problem)
{
	emr_code code = {.way = EMR_CODE_PINNED};
	EMR_AUTO_BUF text = {0};
	emr_status status = emr_code_read(emr_bytes_of(from, strlen(from)), &code);

	if (status == EMR_DAMAGED) {
		status = read_file(from, &text);
		if (status == EMR_OK && emr_code_read(emr_buf_view(&text), &code) != EMR_OK)
			status = emr_buf_append(&out->bytes, text.data, text.len);
		else if (status != EMR_OK)
			emr_problem_set(out_problem, EMR_SAY_NO_SUCH_FILE, "path", from, "cause",
				emr_text(emr_status_text(status)), NULL);
	}
	if (status == EMR_OK && code.roles != 0)
		status = emr_code_fetch(&code, named, &out->bytes, out_problem);
	if (text.len > 0)
		emr_wipe(text.data, text.len);
	emr_wipe(&code, sizeof code);
	if (status == EMR_OK)
		return understand(out, state, true, out_problem);
	if (!out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
			_("it was changed, or is none"), NULL);
	return status;
}

emr_status emr_joining_kept(int dirfd, const char *name, const char *state, bool must_be_fresh,
	emr_joining *out, emr_problem *out_problem)
{
	emr_status status = emr_file_read(dirfd, name, INVITATION_MAX, &out->bytes);

	if (status == EMR_OK)
		return understand(out, state, must_be_fresh, out_problem);
	emr_problem_set_status(out_problem, status, _("The previous invitation"));
	return status;
}

/* Nobody is answered after the invitation's end. */
static int64_t within_its_time(const emr_invitation *invitation, int64_t within_ns)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	const uint64_t left_s = invitation->expires > now ? invitation->expires - now : 0;

	return left_s < (uint64_t)(within_ns / 1000000000) ? (int64_t)left_s * 1000000000
							   : within_ns;
}

/* An invitation that has its answer opens nothing for anybody else. */
static emr_status say_used(emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
		_("it was used already, or withdrawn; ask for a new one"), NULL);
	return EMR_DENIED;
}

/* The invitation of a registered person has the log-in; a person of a directory gives one. */
static emr_status enrol(const emr_joining *joining, const emr_keyring *keyring, emr_buf *out_cert,
	emr_problem *out_problem)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	char id[EMR_LOGIN_MAX + 1], secret[EMR_LOGIN_SECRET_CHARS];
	const emr_login *own = &joining->login;
	emr_status status = EMR_OK;

	(void)emr_login_carried(joining->invitation.place, id);
	if (id[0] == '\0' || own->id != NULL || own->secret_file != NULL) {
		status = emr_enrol_by_login(joining->dir, keyring, own, &got, out_problem);
	} else {
		status = emr_invitation_login_secret(&joining->invitation, secret);
		if (status == EMR_OK)
			status = emr_enrol_as(joining->dir, keyring, id,
				emr_bytes_of(secret, strlen(secret)), &got, out_problem);
		emr_wipe(secret, sizeof secret);
	}
	if (status != EMR_OK)
		return status;
	status = emr_welcome_check(keyring, &joining->invitation, emr_buf_view(&got.chain), NULL);
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
			_("the authority's certificate does not let you be what you are invited "
			  "for, or it is another organisation's"),
			NULL);
	return status == EMR_OK ? emr_buf_append(out_cert, got.chain.data, got.chain.len) : status;
}

emr_status emr_joining_check(const emr_joining *joining, emr_problem *out_problem)
{
	EMR_AUTO_BUF descriptor = {0};

	EMR_TRY(emr_network_dir_descriptor(joining->dir, &descriptor));
	if (emr_bytes_equal(emr_buf_view(&descriptor), joining->invitation.descriptor))
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
		_("another network is in that directory now"), NULL);
	return EMR_FORK;
}

emr_status emr_joining_enter(
	const emr_joining *joining, emr_keyring *keyring, emr_bytes certificate, const char *name)
{
	char path[4400];
	EMR_AUTO_LEDGER ledger = NULL;
	const emr_id32 network = emr_sha256_of(&joining->invitation.descriptor, 1);
	emr_ledger_options options = {.path = path, .submitter = keyring, .known_hash = &network};
	emr_status status = emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, certificate);

	snprintf(path, sizeof path, "%.4200s/" EMR_NETWORK_DIR_LEDGER, joining->dir);
	if (status == EMR_OK)
		status = emr_served_open_place(&options, &ledger);
	return status == EMR_OK ? emr_welcome_register(keyring, &joining->invitation, certificate,
					  name, ledger, NULL)
				: status;
}

void emr_joining_say_refused(emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
		_("the ledger does not take your certificate, because your organisation did not "
		  "give it, or took your name there out of use; its administrator brings the name "
		  "back with emrfs invite"),
		NULL);
}

/* ---- in steps ---- */

/* The one kept before; EMR_NOT_FOUND also when it cannot be read any more.  One that has ended
 * since may be registered already. */
static emr_status kept_certificate(const emr_joining *joining, const emr_keyring *keyring,
	const emr_joining_keep *keep, emr_buf *out_cert)
{
	emr_status status =
		keep != NULL ? emr_file_read(keep->dirfd, keep->name, EMR_CERT_CHAIN_MAX, out_cert)
			     : EMR_NOT_FOUND;

	if (status == EMR_OK)
		status = emr_welcome_check(
			keyring, &joining->invitation, emr_buf_view(out_cert), NULL);
	if (status == EMR_DENIED)
		return EMR_OK;
	if (status != EMR_DAMAGED && status != EMR_BAD_SIGNATURE)
		return status;
	emr_log(EMR_LOG_WARN,
		"joining: the kept certificate is not for this invitation and is asked for anew");
	emr_buf_clear(out_cert);
	return unlinkat(keep->dirfd, keep->name, 0) == 0 ? EMR_NOT_FOUND
							 : emr_status_from_errno(errno);
}

static bool is_not_his(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_BAD_SIGNATURE || status == EMR_DENIED ||
	       status == EMR_LIMIT;
}

/* From the post, where there is one answer: when that is somebody else's, EMR_EXISTS. */
static emr_status posted_certificate(const emr_joining *joining, const emr_keyring *keyring,
	emr_post *post, int64_t within_ns, emr_buf *out_cert)
{
	emr_status status =
		emr_post_look(post, EMR_LETTER_ANSWER, EMR_CERT_CHAIN_MAX, within_ns, out_cert);

	if (status == EMR_OK)
		status = emr_welcome_check(
			keyring, &joining->invitation, emr_buf_view(out_cert), NULL);
	return is_not_his(status) ? EMR_EXISTS : status;
}

static emr_status ask_for_certificate(const emr_joining *joining, const emr_keyring *keyring,
	const char *handle, emr_post *post, int64_t within_ns, emr_buf *out_cert)
{
	EMR_AUTO_BUF reply = {0};

	emr_status status = emr_welcome_reply(keyring, &joining->invitation, handle, &reply);

	if (status == EMR_OK)
		status = emr_post_put(post, EMR_LETTER_REPLY, emr_buf_view(&reply));
	if (status == EMR_OK)
		return posted_certificate(joining, keyring, post, within_ns, out_cert);
	/* An earlier reply may have been answered at this moment. */
	if (status == EMR_EXISTS &&
		posted_certificate(joining, keyring, post, 0, out_cert) == EMR_OK)
		status = EMR_OK;
	return status;
}

static emr_status enrolled_certificate(const emr_joining *joining, const emr_keyring *keyring,
	const emr_joining_keep *keep, emr_buf *out_cert, emr_problem *out_problem)
{
	emr_status status = kept_certificate(joining, keyring, keep, out_cert);

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(enrol(joining, keyring, out_cert, out_problem));
	return keep != NULL
		       ? emr_file_replace(keep->dirfd, keep->name, emr_buf_view(out_cert), 0600)
		       : EMR_OK;
}

emr_status emr_joining_certificate(const emr_joining *joining, const emr_keyring *keyring,
	const char *handle, int64_t within_ns, const emr_joining_keep *keep, emr_buf *out_cert,
	emr_problem *out_problem)
{
	emr_post post = emr_post_of(joining->dir, joining->invitation.id, NULL);
	char login[EMR_LOGIN_MAX + 1];
	emr_status status;

	/* The organisation's own authority is asked, and nobody is waited for. */
	if (emr_login_carried(joining->invitation.place, login))
		return enrolled_certificate(joining, keyring, keep, out_cert, out_problem);
	status = kept_certificate(joining, keyring, keep, out_cert);
	/* An answer that came when nobody waited for it any more. */
	if (status == EMR_NOT_FOUND) {
		status = posted_certificate(joining, keyring, &post, 0, out_cert);
		if (status == EMR_TIMEOUT)
			status = ask_for_certificate(joining, keyring, handle, &post,
				within_its_time(&joining->invitation, within_ns), out_cert);
		if (status == EMR_OK && keep != NULL)
			status = emr_file_replace(
				keep->dirfd, keep->name, emr_buf_view(out_cert), 0600);
	}
	if (status == EMR_EXISTS)
		return say_used(out_problem);
	if (status == EMR_TIMEOUT) /* the host keeps the reply: the answer comes some other time */
		emr_problem_set(out_problem, EMR_SAY_INVITED_WAITS, "what",
			joining->invitation.network, NULL);
	return status;
}

emr_status emr_joining_ask(const emr_joining *joining, const emr_keyring *keyring,
	const char *handle, int64_t within_ns, emr_buf *out_cert, emr_problem *out_problem)
{
	char login[EMR_LOGIN_MAX + 1];

	EMR_TRY(emr_joining_check(joining, out_problem));
	if (!emr_login_carried(joining->invitation.place, login))
		EMR_TRY(emr_enrol_without(&joining->login, out_problem));
	return emr_joining_certificate(
		joining, keyring, handle, within_ns, NULL, out_cert, out_problem);
}

emr_status emr_joining_register(const emr_joining *joining, const emr_keyring *keyring,
	emr_bytes cert, const char *name, emr_ledger *ledger, emr_replica *replica)
{
	const emr_invitation *invitation = &joining->invitation;
	emr_id32 ref = emr_sha256_of(&cert, 1);
	emr_known_person me;
	emr_public public;
	EMR_AUTO_BUF part = {0};
	uint8_t code = 0;
	emr_act act;
	emr_status status = emr_keyring_public(keyring, &public);

	if (status == EMR_OK)
		status = emr_replica_person(replica, public.signer_id, &me);
	if (status == EMR_NOT_FOUND)
		status = emr_welcome_register(keyring, invitation, cert, name, ledger, NULL);
	else if (status == EMR_OK && (me.row.roles != invitation->roles ||
					     memcmp(me.row.org, invitation->org.b, 16) != 0))
		status = EMR_DENIED;
	else if (status == EMR_OK && memcmp(me.row.ref, ref.b, sizeof ref.b) != 0) {
		status = emr_welcome_renewal(keyring, invitation, cert, name, NULL, &act, &part);
		act.version = me.row.head.version + 1;
		memcpy(act.prev.b, me.row.head.item, sizeof act.prev.b);
		if (status == EMR_OK)
			status = emr_act_send(
				keyring, ledger, &act, emr_buf_view(&part), NULL, &code);
		if (status == EMR_OK && code != EMR_RESULT_APPLIED && code != EMR_RESULT_ALREADY)
			status = EMR_REFUSED;
	} else if (status == EMR_OK && me.row.head.state == EMR_KEY_REVOKED)
		status = EMR_REFUSED;
	return status == EMR_OK ? emr_follow_now(replica) : status;
}
