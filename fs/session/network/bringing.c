/* A person who joins a network, or leaves one, brings records along. This file does so in steps
 * that each can be done again: certificate, registration, records, and at last the exchange of the
 * ledgers. */
#include "network/bringing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "contract/codes.h"
#include "keyring/cert.h"
#include "kit/language.h"
#include "ledger/copy.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served/client.h"
#include "session/absence.h"
#include "session/annex.h"
#include "session/network_dir.h"
#include "session/stage.h"

void emr_bringing_end(emr_bringing *bringing)
{
	emr_facts_free(bringing->facts);
	emr_replica_close(bringing->replica);
	emr_ledger_close(bringing->ledger);
	bringing->facts = NULL;
	bringing->replica = NULL;
	bringing->ledger = NULL;
	if (bringing->dir_fd >= 0)
		close(bringing->dir_fd);
	bringing->dir_fd = -1;
}

static const char *deed(const emr_bringing *b)
{
	return b->joining != NULL ? _("Joining") : _("Leaving");
}

/* ---- what an earlier try left ---- */

static int open_dir(int state_fd)
{
	return openat(state_fd, EMR_STATE_JOINING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

bool emr_bringing_is_begun(int state_fd)
{
	return faccessat(state_fd, EMR_STATE_JOINING "/" EMR_JOINING_INVITATION, F_OK,
		       AT_SYMLINK_NOFOLLOW) == 0;
}

emr_status emr_bringing_kept(int state_fd, const char *state, emr_joining *out,
	bool *out_is_certified, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open_dir(state_fd);

	if (fd < 0)
		return emr_status_from_errno(errno);
	*out_is_certified = faccessat(fd, EMR_JOINING_CERTIFICATE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return emr_joining_kept(
		fd, EMR_JOINING_INVITATION, state, !*out_is_certified, out, out_problem);
}

/* ---- the directory ---- */

/* A try for another invitation is none of this one's. */
static emr_status make_dir(int state_fd, emr_bytes invitation, int *out_fd)
{
	EMR_AUTO_BUF kept = {0};
	int fd = open_dir(state_fd);
	emr_status status = EMR_OK;

	if (fd >= 0 && (emr_file_read(fd, EMR_JOINING_INVITATION, 1u << 16, &kept) != EMR_OK ||
			       !emr_bytes_equal(emr_buf_view(&kept), invitation))) {
		close(fd);
		fd = -1;
		status = emr_stage_remove_tree(state_fd, EMR_STATE_JOINING);
	}
	if (kept.len > 0) /* the invitation's secret is in it */
		emr_wipe(kept.data, kept.len);
	if (status == EMR_OK && fd < 0)
		status = emr_dir_make(state_fd, EMR_STATE_JOINING);
	if (status == EMR_OK && fd < 0)
		fd = open_dir(state_fd);
	if (status == EMR_OK && fd < 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		return status;
	*out_fd = fd;
	return EMR_OK;
}

/* The verified copy of the network's ledger as one that opens by itself: it is read, and takes
 * erasures. */
static emr_status keep_left(const emr_bringing *b)
{
	char path[4400];
	EMR_AUTO_LEDGER_COPY copy = NULL;
	EMR_AUTO_FD fd = -1;
	emr_ledger_trouble trouble;

	EMR_TRY(emr_ledger_copy_open_own(b->session->state_path, &copy));
	EMR_TRY(emr_ledger_copy_check(copy, true, &trouble));
	snprintf(path, sizeof path,
		"%.4000s/" EMR_STATE_JOINING "/" EMR_STATE_ANNEX "/" EMR_STATE_LEDGER,
		b->session->state_path);
	EMR_TRY(emr_dir_open(path, &fd));
	EMR_TRY(emr_ledger_copy_write(copy, fd, EMR_NETWORK_LEDGER));
	return emr_file_replace(
		fd, EMR_NETWORK_DESCRIPTOR, emr_ledger_descriptor(b->session->ledger), 0600);
}

emr_status emr_bringing_begin(emr_bringing *b, emr_problem *out_problem)
{
	const emr_bytes bytes =
		b->joining != NULL ? emr_buf_view(&b->joining->bytes) : (emr_bytes){0};
	emr_status status;

	/* On another ledger nothing would say that the former key was this person's. */
	if (emr_keyring_former_count(b->session->keyring) > 0)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_RENEWED_STAYS, NULL);
	status = make_dir(b->session->state_fd, bytes, &b->dir_fd);
	if (status == EMR_OK)
		status = b->joining != NULL ? emr_joining_settle_in(b->joining, out_problem)
					    : keep_left(b);
	if (status == EMR_OK && b->joining != NULL &&
		faccessat(b->dir_fd, EMR_STATE_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		status = emr_network_dir_link(b->dir_fd, b->joining->dir);
	/* Last: it says that a join is under way. */
	if (status == EMR_OK && b->joining != NULL)
		status = emr_file_replace(b->dir_fd, EMR_JOINING_INVITATION, bytes, 0600);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, deed(b));
	return status;
}

/* ---- becoming a member ---- */

/* A host lets nobody read before the registration. */
static emr_status follow(const emr_bringing *b)
{
	const emr_session there = {
		.keyring = b->session->keyring, .ledger = b->ledger, .replica = b->replica};
	emr_problem ignored = {0};
	emr_status followed;

	EMR_TRY(emr_session_begin(&there, &followed, &ignored));
	return followed == EMR_DENIED && b->joining != NULL &&
			       emr_network_dir_is_served(b->joining->dir)
		       ? EMR_OK
		       : followed;
}

/* A ledger of one's own. */
static emr_status make_own(emr_bringing *b, const char *path, const char *handle)
{
	EMR_AUTO_BUF certificate = {0};
	emr_keyring *keyring = b->session->keyring;
	const emr_network_new new = {
		.path = path, .keyring = keyring, .name = EMR_NETWORK_ALONE, .handle = handle};
	emr_id16 net_id;

	EMR_TRY(emr_network_create(&new, &net_id, &certificate));
	return emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&certificate));
}

static emr_status open_network(emr_bringing *b, const char *handle)
{
	char path[4400];
	emr_id32 network;
	emr_ledger_options ledger = {.path = path, .submitter = b->session->keyring};
	emr_replica_options replica = {.state_dirfd = b->dir_fd,
		.is_mine = emr_session_is_mine,
		.is_mine_arg = b->session->keyring};
	emr_status status = EMR_OK;

	/* Itself, or a link that leads there. */
	snprintf(path, sizeof path, "%.4200s/" EMR_STATE_JOINING "/" EMR_STATE_LEDGER,
		b->session->state_path);
	if (b->joining != NULL) {
		network = emr_sha256_of(&b->joining->invitation.descriptor, 1);
		ledger.known_hash = &network;
	} else {
		status = make_own(b, path, handle);
	}
	if (status == EMR_OK)
		status = emr_served_open_place(&ledger, &b->ledger);
	replica.ledger = b->ledger;
	if (status == EMR_OK)
		status = emr_replica_open(&replica, &b->replica);
	return status == EMR_OK ? follow(b) : status;
}

/* The certificate, from before or from the organisation; the keyring has it then. */
static emr_status get_certificate(emr_bringing *b, const char *handle, int64_t within_ns,
	emr_buf *out_certificate, emr_problem *out_problem)
{
	const emr_joining_keep keep = {.dirfd = b->dir_fd, .name = EMR_JOINING_CERTIFICATE};
	emr_keyring *keyring = b->session->keyring;
	emr_status status;

	emr_progress(b->out,
		"Waiting for %s: its administrator's open folder lets you in, or emrfs invite "
		"there ...",
		b->joining->invitation.network);
	status = emr_joining_certificate(
		b->joining, keyring, handle, within_ns, &keep, out_certificate, out_problem);
	emr_progress_end(b->out);
	return status == EMR_OK ? emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE,
					  emr_buf_view(out_certificate))
				: status;
}

static emr_status register_with(emr_bringing *b, emr_bytes certificate, emr_ledger *ledger,
	emr_replica *replica, emr_problem *out_problem)
{
	bool is_patient = b->joining->invitation.roles == EMR_ROLE_PATIENT;
	emr_status status = emr_joining_register(b->joining, b->session->keyring, certificate,
		is_patient ? "" : b->session->profile.name, ledger, replica);

	if (status == EMR_DENIED)
		emr_problem_set(out_problem, EMR_SAY_BAD_INVITATION, "cause",
			_("it is for another role or organisation than yours"), NULL);
	if (status == EMR_REFUSED)
		emr_joining_say_refused(out_problem);
	return status;
}

emr_status emr_bringing_renew(emr_bringing *b, const char *handle, int64_t within_ns,
	const emr_passphrase *passphrase, const emr_kdf_cost *kdf, emr_problem *out_problem)
{
	emr_session *s = b->session;
	EMR_AUTO_BUF certificate = {0};
	emr_status status = get_certificate(b, handle, within_ns, &certificate, out_problem);

	if (status == EMR_OK)
		status = register_with(
			b, emr_buf_view(&certificate), s->ledger, s->replica, out_problem);
	if (status == EMR_OK)
		status = emr_keyring_save(s->keyring, s->state_fd, EMR_STATE_KEYFILE,
			emr_passphrase_view(passphrase), kdf);
	if (status == EMR_OK)
		status = emr_stage_remove_tree(s->state_fd, EMR_STATE_JOINING);
	if (emr_status_is_away(status) && !out_problem->is_set)
		(void)emr_absence_say_refusal(s, s->ledger, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The new certificate"));
	return status;
}

emr_status emr_bringing_register(
	emr_bringing *b, const char *handle, int64_t within_ns, emr_problem *out_problem)
{
	EMR_AUTO_BUF certificate = {0};
	const bool joins = b->joining != NULL;
	emr_status status = joins ? emr_joining_check(b->joining, out_problem) : EMR_OK;

	if (status == EMR_OK && joins)
		status = get_certificate(b, handle, within_ns, &certificate, out_problem);
	if (status == EMR_OK)
		status = open_network(b, handle);
	if (status == EMR_OK && joins)
		status = register_with(
			b, emr_buf_view(&certificate), b->ledger, b->replica, out_problem);
	if (status == EMR_OK)
		status = emr_facts_new(
			b->session->keyring, b->replica, b->session->records, &b->facts);
	if (emr_status_is_away(status) && !out_problem->is_set)
		(void)emr_absence_say_refusal(b->session, b->ledger, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, deed(b));
	return status;
}

/* ---- the records ---- */

static void show_progress(void *arg, uint64_t done, uint64_t total)
{
	const emr_bringing *b = arg;

	emr_progress_of(b->out, "Brought over", EMR_PROGRESS_RECORDS, done, total);
}

emr_status emr_bringing_records(emr_bringing *b, emr_problem *out_problem)
{
	emr_session *s = b->session;
	const emr_takeover takeover = {.keyring = s->keyring,
		.from = {s->ledger, s->replica, s->facts},
		.to = {b->ledger, b->replica, b->facts},
		.clock = emr_clock_system(),
		.progress = show_progress,
		.arg = b,
		.ends_rights = b->joining == NULL};
	emr_status status = emr_takeover_run(&takeover, &b->tally);

	emr_progress_end(b->out);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("Taking the records along"));
	return status;
}

/* ---- the end ---- */

static emr_status note_network(emr_bringing *b)
{
	emr_profile profile;

	EMR_TRY(emr_network_dir_note(b->session->keyring, emr_ledger_descriptor(b->ledger)));
	/* A profile that is lost costs a name, and is made again by the next test of the words. */
	if (emr_profile_load(b->session->keyring, b->session->state_fd, &profile) != EMR_OK)
		return EMR_OK;
	return emr_profile_save(b->session->keyring, b->dir_fd, &profile);
}

static emr_status prepare_last(
	emr_bringing *b, const emr_passphrase *passphrase, const emr_kdf_cost *kdf)
{
	emr_joined joined = {.at_unix_s = emr_clock_unix_s(emr_clock_system())};
	emr_replica_position at;

	if (b->session->annexes[EMR_MOVES_MAX - 1].facts != NULL)
		return EMR_LIMIT;
	EMR_TRY(emr_replica_at(b->replica, &at));
	joined.size = at.size;
	b->at_unix_s = joined.at_unix_s;
	/* Sealed, as what the journal knows of the old ledger: replica and ledger cannot be put
	 * back together unseen. */
	EMR_TRY(emr_settle_expect(b->session->journal, emr_ledger_net_id(b->ledger), &at));
	EMR_TRY(emr_joined_write(b->dir_fd, &joined));
	EMR_TRY(note_network(b));
	return emr_keyring_save(b->session->keyring, b->dir_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(passphrase), kdf);
}

emr_status emr_bringing_finish(emr_bringing *b, const emr_passphrase *passphrase,
	const emr_kdf_cost *kdf, emr_problem *out_problem)
{
	EMR_AUTO_FD state_fd = fcntl(b->session->state_fd, F_DUPFD_CLOEXEC, 0);
	/* Nobody may open the state between the old and the new. */
	EMR_AUTO_FD lock_fd = fcntl(b->session->lock_fd, F_DUPFD_CLOEXEC, 0);
	emr_status status =
		state_fd >= 0 && lock_fd >= 0 ? prepare_last(b, passphrase, kdf) : EMR_IO;

	if (status == EMR_OK)
		status = emr_journal_tidy(b->session->journal);
	emr_bringing_end(b);
	emr_session_close(b->session);
	if (status == EMR_OK)
		status = emr_switch_begin(state_fd);
	if (status == EMR_OK)
		status = emr_switch_finish(state_fd, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, deed(b));
	return status;
}
