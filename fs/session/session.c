/* This file opens one keyring with all its parts (store, ledger, copy, journal, tree) in the
 * order of a recovery, and closes them. It opens for reading only when the ledger cannot be
 * believed, or the disk takes nothing. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"
#include "keyring/coowned.h"
#include "kit/beside.h"
#include "kit/language.h"
#include "served/client.h"
#include "session/absence.h"
#include "session/annex.h"
#include "session/fetching.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/shared_blocks.h"
#include "session/stage.h"
#include "session/still.h"
#include "settle/reopen.h"
#include "share/devices.h"

#define STATE_APART "apart" /* an empty store, as long as the network's directory is away */

static void leave_apart(int state_fd)
{
	if (faccessat(state_fd, STATE_APART, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		emr_stage_remove_tree(state_fd, STATE_APART) != EMR_OK)
		emr_log(EMR_LOG_WARN, "the empty store could not be removed");
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Does the work that the next start would have to do: decrypting, and replaying one by one. */
static void leave_tidy(emr_session *session, uint64_t shown)
{
	emr_status status = emr_facts_keep(session->facts, shown);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "close: facts are not kept: %s", emr_status_text(status));
	status = emr_facts_keep_noted(session->facts);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "close: what was opened is not kept: %s",
			emr_status_text(status));
	status = emr_journal_tidy(session->journal);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "close: no snapshot: %s", emr_status_text(status));
}

static void close_parts(emr_session *session, bool may_keep)
{
	uint64_t shown;
	bool is_kept = may_keep && session->view != NULL && emr_view_shows(session->view, &shown);

	emr_view_free(session->view);
	session->view = NULL;
	if (is_kept)
		leave_tidy(session, shown);
	emr_settle_free(session->settle);
	session->settle = NULL;
	emr_chronicle_free(session->chronicle);
	session->chronicle = NULL;
	emr_facts_free(session->facts);
	session->facts = NULL;
	emr_annex_close(session);
	emr_record_ctx_free(session->records);
	session->records = NULL;
	emr_fetching_close(session);
	emr_replica_close(session->replica);
	session->replica = NULL;
	emr_ledger_close(session->ledger);
	session->ledger = NULL;
	emr_journal_close(session->journal);
	session->journal = NULL;
	emr_store_close(session->store);
	session->store = NULL;
	emr_unit_key_free(session->unit_key);
	session->unit_key = NULL;
	if (session->is_apart)
		leave_apart(session->state_fd);
	session->is_apart = false;
	close_fd(&session->spill_fd);
}

void emr_session_close(emr_session *session)
{
	if (session->view != NULL)
		emr_absence_remember(session); /* it may have come or gone meanwhile */
	close_parts(session, true);
	emr_keyring_free(session->keyring);
	emr_reserve_close(session->reserve);
	emr_log_open(-1, EMR_LOG_ERROR);
	close_fd(&session->log_fd);
	if (session->is_noted)
		emr_still_forget(session->state_fd);
	close_fd(&session->lock_fd); /* last: now another process may open all this */
	close_fd(&session->state_fd);
	free(session->state_path);
	free(session->folder);
	*session = EMR_SESSION_CLOSED;
}

/* ---- the parts ---- */

/* A domain is mine when its owner key is derived from my seed, or when this device got its keys by
 * letter. */
bool emr_session_is_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	const emr_keyring *keyring = arg;

	return emr_keyring_coowns(keyring, domain) ||
	       (d_row.len >= 32 && emr_keyring_owns(keyring, domain, d_row.data));
}

/* With the blocks the journal is away: what was saved last and not registered yet is not to be seen
 * here, so nothing may be changed. */
static emr_status come_apart(emr_session *session, emr_status status, emr_problem *out_problem)
{
	if (status != EMR_OFFLINE || session->options == NULL || session->is_still ||
		!session->options->may_be_apart)
		return status;
	leave_apart(session->state_fd);
	*out_problem = (emr_problem){.is_set = false};
	session->is_apart = session->read_only = true;
	return EMR_OK;
}

/* Members of a network keep their blocks in its directory. */
static emr_status find_blocks(emr_session *session, emr_problem *out_problem)
{
	EMR_AUTO_BUF reads = {0};
	EMR_AUTO_FD fd = -1;
	emr_status status = EMR_OK;

	if (!session->is_still)
		status = emr_blocks_follow_network(
			session->state_fd, emr_keyring_device_id(session->keyring), out_problem);
	if (status == EMR_OK)
		status = emr_blocks_check(session->state_fd, out_problem);
	if (status == EMR_OK && !session->is_still)
		leave_apart(session->state_fd); /* of a process that was killed */
	status = come_apart(session, status, out_problem);
	if (status != EMR_OK || session->is_apart)
		return status;
	fd = openat(session->state_fd, EMR_STATE_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	session->has_still_blocks = fd >= 0 && emr_disk_takes_nothing(fd);
	session->read_only |=
		session->has_still_blocks ||
		emr_keyring_tlv_get(session->keyring, EMR_KEYRING_READS, &reads) == EMR_OK;
	return EMR_OK;
}

static emr_status open_store(emr_session *session)
{
	char path[4400], tags[4400], index[4400];
	EMR_AUTO_FREE char *writers = emr_places_writers();
	struct stat st;
	emr_status status = EMR_OK;
	emr_store_options options = {.path = path,
		.tags_path = tags,
		.writer = emr_keyring_device_id(session->keyring),
		.reserve = session->reserve,
		.states_pins = true};

	snprintf(path, sizeof path, "%.4000s/%s", session->state_path,
		session->is_apart ? STATE_APART : EMR_STATE_BLOCKS);
	snprintf(tags, sizeof tags, "%.4000s/%s", session->state_path, EMR_STATE_TAGS);
	snprintf(index, sizeof index, "%.4000s/%s", session->state_path, EMR_STATE_INDEX);
	/* A writer in the network's directory must not hold a file that everybody opens. */
	if (!session->is_apart &&
		fstatat(session->state_fd, EMR_STATE_BLOCKS, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode)) {
		options.index_path = index;
		options.lock_path = writers;
	}
	if (writers == NULL)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK && !session->is_apart) {
		status = emr_local_unit_key(session->keyring, &session->unit_key);
		options.unit_key = session->unit_key;
	}
	return status == EMR_OK ? emr_store_open(&options, &session->store) : status;
}

/* The network must be the one this keyring belongs to. */
static emr_status known_network(const emr_session *session, emr_id32 *out_hash, bool *out_is_known)
{
	EMR_AUTO_BUF known = {0};
	emr_status status =
		emr_keyring_tlv_get(session->keyring, EMR_KEYRING_NET_DESCRIPTOR, &known);

	*out_is_known = status == EMR_OK;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (known.len != sizeof out_hash->b)
		return EMR_FORK;
	memcpy(out_hash->b, known.data, sizeof out_hash->b);
	return EMR_OK;
}

/* One that is not there, or not what it was, stops nothing: what was verified here opens. */
static emr_status open_ledger(emr_session *session)
{
	char path[4400];
	emr_id32 network;
	bool is_known = false;
	emr_ledger_options options = {.path = path,
		.submitter = session->keyring,
		.known = emr_replica_descriptor,
		.known_dirfd = session->state_fd};

	EMR_TRY(known_network(session, &network, &is_known));
	options.known_hash = is_known ? &network : NULL;
	snprintf(path, sizeof path, "%.4000s/%s", session->state_path, EMR_STATE_LEDGER);
	EMR_TRY(emr_served_open_place(&options, &session->ledger));
	return EMR_OK;
}

/* NULL keeps the parts of every domain. */
static emr_status open_copy(emr_session *session)
{
	emr_replica_options options = {.state_dirfd = session->state_fd, .ledger = session->ledger};

	return emr_replica_open(&options, &session->replica);
}

static emr_status open_replica(emr_session *session)
{
	emr_replica_options options = {.state_dirfd = session->state_fd,
		.ledger = session->ledger,
		.is_mine = emr_session_is_mine,
		.is_mine_arg = session->keyring};

	return emr_replica_open(&options, &session->replica);
}

static emr_status open_records(emr_session *session)
{
	emr_record_options options = {.keyring = session->keyring, .reserve = session->reserve};

	emr_status status =
		session->is_still ? EMR_OK : emr_dir_make(session->state_fd, EMR_STATE_SPILL);

	if (status != EMR_OK)
		return status;
	session->spill_fd = openat(session->state_fd, EMR_STATE_SPILL,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (session->spill_fd < 0 && !(session->is_still && errno == ENOENT))
		return emr_status_from_errno(errno);
	options.store = emr_session_blocks(session);
	options.spill_dirfd = session->spill_fd;
	return emr_record_ctx_new(&options, &session->records);
}

static emr_status open_fetching(emr_session *session)
{
	return session->options != NULL ? emr_fetching_open(session, session->options->settings,
						  session->options->places->cache)
					: EMR_OK;
}

static emr_status open_facts(emr_session *session)
{
	EMR_TRY(emr_facts_new(
		session->keyring, session->replica, session->records, &session->facts));
	EMR_TRY(emr_facts_keep_in(session->facts, session->state_fd));
	return emr_chronicle_new(session->facts, session->replica, &session->chronicle);
}

static emr_status open_settle(emr_session *session)
{
	emr_settle_options options = {.keyring = session->keyring,
		.journal = session->journal,
		.store = session->store,
		.records = session->records,
		.ledger = session->ledger,
		.replica = session->replica,
		.facts = session->facts,
		.clock = emr_clock_system(),
		.owner_name = session->profile.name,
		.owner_born = session->profile.born};

	if (session->options != NULL) {
		options.copies = session->options->copies_to_register;
		options.copies_arg = session->options->view.copies_arg;
		if (session->options->settings != NULL)
			options.copies_first = session->options->settings->copies_first;
	}
	return emr_settle_new(&options, &session->settle);
}

static emr_status open_journal(emr_session *session)
{
	return emr_journal_open(session->store, session->keyring, &session->journal);
}

typedef struct part {
	emr_status (*open)(emr_session *session);
	const char *what, *name; /* for people, and in the state directory */
} part;

/* The ledger could not be opened, and neither could what this computer has verified of it. */
static bool is_ledger_gone(const part *p, emr_status status)
{
	return ((p->open == open_replica || p->open == open_copy) && status == EMR_OFFLINE) ||
	       (p->open == open_ledger && (status == EMR_NOT_FOUND || status == EMR_IO ||
						  status == EMR_DAMAGED || status == EMR_DENIED));
}

static void say_no_copy(const emr_session *session, emr_problem *out_problem)
{
	char place[4400], settings[4400];
	emr_ledger_absence now = {.status = EMR_OK};

	if (emr_absence_say_refusal(session, session->ledger, out_problem))
		return;
	if (session->ledger != NULL)
		emr_ledger_look(session->ledger, &now);
	if (now.status != EMR_OK &&
		emr_network_dir_ledger_place(session->state_path, place, sizeof place) &&
		emr_network_dir_host_at(place, settings, sizeof settings)) {
		emr_problem_set(out_problem, EMR_SAY_HOST_AWAY, "node", settings, NULL);
		return;
	}
	emr_problem_set(out_problem, EMR_SAY_LEDGER_AWAY_NO_COPY, "place", place, "state",
		session->state_path, NULL);
}

static void say_part(
	const emr_session *session, const part *p, emr_status status, emr_problem *out_problem)
{
	const char *what = emr_text(p->what);
	char path[4400], at[4400];

	snprintf(path, sizeof path, "%.4000s/%s", session->state_path, p->name);
	if (status == EMR_FORK)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_DAMAGED, "index", "0", "cause",
			_("it belongs to another network than this keyring"), "state",
			session->state_path, NULL);
	else if (status == EMR_DAMAGED && (p->open == open_replica || p->open == open_copy))
		emr_problem_set(out_problem, EMR_SAY_MARK_DAMAGED, "file", path, NULL);
	else if (is_ledger_gone(p, status))
		say_no_copy(session, out_problem);
	else if (status == EMR_DAMAGED)
		emr_problem_set(out_problem, EMR_SAY_PART_DAMAGED, "what", what, "state",
			session->state_path, NULL);
	else if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
		emr_problem_set(out_problem, EMR_SAY_PART_MISSING, "what", what, "state",
			session->state_path, NULL);
	else if (status == EMR_EXPOSED && p->open == open_ledger &&
		 emr_network_dir_host_at(path, at, sizeof at))
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", at, "cause",
			_("another account can put its own socket there: take a directory of yours "
			  "that no other account writes"),
			NULL);
	else
		emr_problem_set_status(out_problem, status, status == EMR_EXPOSED ? path : what);
}

static emr_status open_each(
	emr_session *session, const part *parts, size_t n, emr_problem *out_problem)
{
	for (size_t i = 0; i < n; i++) {
		emr_status status = parts[i].open(session);

		if (status == EMR_OK)
			continue;
		emr_log(EMR_LOG_ERROR, "open: part %zu: %s", i, emr_status_text(status));
		say_part(session, &parts[i], status, out_problem);
		return status;
	}
	return EMR_OK;
}

emr_status emr_session_open_copy(
	emr_session *session, bool every_domain, emr_status *out_followed, emr_problem *out_problem)
{
	const part parts[] = {
		{open_ledger, N_("The ledger"), EMR_STATE_LEDGER},
		{every_domain ? open_copy : open_replica, N_("The copy of the ledger"),
			"replica.hw"},
	};

	EMR_TRY(open_each(session, parts, sizeof parts / sizeof *parts, out_problem));
	return out_followed != NULL ? emr_session_begin(session, out_followed, out_problem)
				    : EMR_OK;
}

emr_status emr_session_open_parts(emr_session *session, emr_problem *out_problem)
{
	/* The order of a recovery: what comes later stands on what comes before. */
	static const part parts[] = {
		{open_store, N_("The block store"), EMR_STATE_BLOCKS},
		{open_journal, N_("The journal"), EMR_STATE_BLOCKS},
		{open_ledger, N_("The ledger"), EMR_STATE_LEDGER},
		{open_replica, N_("The copy of the ledger"), "replica.hw"},
		{open_fetching, N_("The way to IPFS nodes"), ""},
		{open_records, N_("The folder of working copies"), EMR_STATE_SPILL},
		{open_facts, N_("The list of records"), ""},
		{emr_annex_open, N_("The ledger from before you joined"), EMR_STATE_ANNEX},
		{open_settle, N_("The way to the ledger"), ""},
	};
	emr_status found = find_blocks(session, out_problem);

	return found == EMR_OK
		       ? open_each(session, parts, sizeof parts / sizeof *parts, out_problem)
		       : found;
}

static emr_status learn_who(emr_session *session)
{
	char text[64];
	emr_status status;

	EMR_TRY(emr_keyring_public(session->keyring, &session->identity));
	emr_base32(session->identity.signer_id.b, 8, text);
	snprintf(session->code, sizeof session->code, "%.8s", text);
	status = emr_profile_load(session->keyring, session->state_fd, &session->profile);
	/* A lost or damaged profile costs a name on the screen, not the records. */
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "profile: %s", emr_status_text(status));
	session->owner = (emr_card){.signer_id = session->identity.signer_id};
	snprintf(session->owner.name, sizeof session->owner.name, "%s", session->profile.name);
	snprintf(session->owner.born, sizeof session->owner.born, "%.10s", session->profile.born);
	return EMR_OK;
}

static const char *fault_of(emr_status status)
{
	return status == EMR_OK		? NULL
	       : status == EMR_ROLLBACK ? _("lacks the newest entries")
					: _("is damaged");
}

/* Why the view takes nothing any more, when neither ledger nor replica say it better. */
static bool say_stopped(emr_session *session, emr_problem *out_problem)
{
	emr_status why = session->view != NULL ? emr_view_stopped_by(session->view) : EMR_OK;

	if (why == EMR_OK)
		return false;
	if (why == EMR_ROLLBACK)
		emr_problem_set(out_problem, EMR_SAY_ROLLBACK, NULL);
	else if (why == EMR_NEWER_FORMAT)
		emr_problem_set(out_problem, EMR_SAY_NEWER_FORMAT, "what", _("The ledger"), NULL);
	else
		emr_problem_set(out_problem, EMR_SAY_LEDGER_NOT_BELIEVED, NULL);
	return true;
}

/* The host is named, whatever else is wrong. */
static bool say_two_histories(const emr_session *session, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_BUF settings = {0};
	emr_served_at at = {.url = "?"};
	char file[4400];

	if (!emr_replica_is_forked(session->replica))
		return false;
	if (emr_network_dir_of(session->state_fd, &dir) != EMR_OK)
		dir = NULL;
	if (dir != NULL && emr_network_dir_host(dir, &settings) == EMR_OK)
		(void)!emr_served_at_read(emr_buf_view(&settings), &at);
	snprintf(file, sizeof file, "%.4000s/" EMR_REPLICA_FORKED, session->state_path);
	emr_problem_set(out_problem, EMR_SAY_TWO_HISTORIES_OF, "place",
		at.socket[0] != '\0' ? at.socket : at.url, "file", file, NULL);
	return true;
}

/* True when trouble with the ledger leaves nothing but reading; it also says what does not. */
static bool say_trouble(emr_session *session, emr_problem *out_problem)
{
	emr_replica_trouble trouble = {0};
	emr_absence absence;
	emr_status fault = session->view != NULL ? emr_view_stopped_by(session->view) : EMR_OK;
	char index[24];

	if (say_two_histories(session, out_problem))
		return true;
	emr_absence_look(session, &absence);
	emr_replica_last_trouble(session->replica, &trouble);
	if (trouble.status == EMR_NEWER_RULES)
		return emr_absence_say_rules(session, out_problem);
	fault = trouble.status != EMR_OK ? trouble.status : fault;
	if (absence.status != EMR_OK) {
		emr_absence_say(session, &absence, fault_of(fault), out_problem);
		return absence.status != EMR_OFFLINE || fault != EMR_OK;
	}
	if (trouble.status == EMR_OK)
		return say_stopped(session, out_problem);
	snprintf(index, sizeof index, "%llu", (unsigned long long)trouble.seq);
	if (trouble.status == EMR_ROLLBACK)
		emr_problem_set(out_problem, EMR_SAY_ROLLBACK, NULL);
	else
		emr_problem_set(out_problem, EMR_SAY_LEDGER_DAMAGED, "index", index, "cause",
			trouble.cause, "state", session->state_path, NULL);
	return true;
}

static void say_apart(const emr_session *session, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;

	(void)!emr_network_dir_of(session->state_fd, &dir);
	emr_problem_set(out_problem,
		session->fetching != NULL ? EMR_SAY_NETWORK_AWAY : EMR_SAY_NETWORK_AWAY_ALONE,
		"dir", dir != NULL ? dir : EMR_STATE_BLOCKS, NULL);
}

bool emr_session_takes_nothing(emr_session *session, emr_problem *out_problem)
{
	EMR_AUTO_BUF reads = {0};

	if (say_trouble(session, out_problem))
		return true;
	if (session->is_still)
		emr_still_say(session->state_fd, out_problem);
	else if (session->has_still_blocks) {
		EMR_AUTO_FD fd = openat(
			session->state_fd, EMR_STATE_BLOCKS, O_PATH | O_DIRECTORY | O_CLOEXEC);

		emr_still_say(fd, out_problem);
	} else if (emr_journal_state_get(session->journal).read_only)
		emr_problem_set(out_problem, EMR_SAY_JOURNAL_DAMAGED, NULL);
	else if (session->is_apart)
		say_apart(session, out_problem);
	else if (session->has_lost_annex)
		emr_problem_set(out_problem, EMR_SAY_ANNEX_LOST, NULL);
	else if (emr_keyring_tlv_get(session->keyring, EMR_KEYRING_READS, &reads) == EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_ONLY_READS, NULL);
	else
		return false;
	return true;
}

static emr_status say_view(emr_session *session, emr_status status, emr_problem *out_problem)
{
	emr_log(EMR_LOG_ERROR, "open: view: %s", emr_status_text(status));
	if (!say_trouble(session, out_problem))
		emr_problem_set_status(out_problem, status, _("The folder"));
	return status;
}

emr_status emr_session_begin(
	const emr_session *session, emr_status *out_followed, emr_problem *out_problem)
{
	const emr_share_options options = {.keyring = session->keyring,
		.ledger = session->ledger,
		.replica = session->replica,
		.records = session->records};
	EMR_AUTO_SHARE share = NULL;
	emr_status status = emr_share_new(&options, &share);

	*out_followed = EMR_OK;
	status = status == EMR_OK ? emr_share_begin(share, out_followed) : status;
	status = status == EMR_OK ? emr_session_settle(session) : status;
	if (status == EMR_DENIED)
		emr_problem_set(out_problem, EMR_SAY_DEVICE_REMOVED, NULL);
	else if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("The keys of this computer"));
	return status;
}

/* Opening needs no ledger.  Only it says whether an added computer is still its person's. */
static bool may_hurry(const emr_session *session, const emr_session_options *options)
{
	return options->may_hurry && !session->read_only &&
	       emr_keyring_kind_of(session->keyring) != EMR_KEYRING_DEVICE &&
	       emr_replica_is_whole(session->replica);
}

static emr_status open_all(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *read_headers = emr_beside("read-headers");
	emr_view_options view = options->view;
	emr_status status, followed;

	session->options = options;
	status = emr_session_open_parts(session, out_problem);
	session->options = NULL;
	if (status != EMR_OK)
		return status;
	if (emr_journal_state_get(session->journal).read_only)
		session->read_only = true;
	if (may_hurry(session, options))
		emr_ledger_hurry(session->ledger);
	session->away = options->settings != NULL ? options->settings->away : EMR_AWAY_OTHERS;
	status = learn_who(session);
	if (status != EMR_OK) {
		emr_problem_set_status(out_problem, status, _("The keyring"));
		return status;
	}
	EMR_TRY(emr_session_begin(session, &followed, out_problem));
	/* Away or not believed: the view says it better, and what was verified here opens. */
	(void)!emr_settle_hear(session->settle, followed);
	view.state_dirfd = session->state_fd;
	view.keyring = session->keyring;
	view.store = session->store;
	view.journal = session->journal;
	view.records = session->records;
	view.fetcher = emr_session_fetcher(session);
	view.ledger = session->ledger;
	view.replica = session->replica;
	view.facts = session->facts;
	view.settle = session->settle;
	view.headers_program = read_headers;
	view.lists_patients = options->settings != NULL && options->settings->tells_patients;
	view.person = session->profile.name[0] != '\0' ? session->profile.name : NULL;
	view.owner = &session->owner;
	view.clock = emr_clock_system();
	view.read_only = session->read_only;
	view.without_shares = session->is_apart;
	status = emr_view_open(&view, &session->view);
	if (status == EMR_OK)
		emr_absence_remember(session);
	return status == EMR_OK ? EMR_OK : say_view(session, status, out_problem);
}

static emr_status open_again(emr_session *session, const emr_session_options *options,
	bool read_only, emr_problem *out_problem)
{
	close_parts(session, false);
	session->read_only = read_only;
	session->has_still_blocks = session->has_lost_annex = false;
	*out_problem = (emr_problem){.is_set = false};
	return open_all(session, options, out_problem);
}

/* Where damage of the copy was met on the way, or could not be passed, the ledger has all of it:
 * once more from the beginning, with a copy that is made of that.  Nothing is kept of what was
 * concluded from the damaged one.  Where a full disk has no room for what opening writes (SQLite
 * makes two files beside each database), the folder opens as on a disk that takes nothing. */
static emr_status open_whole(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	bool read_only = session->read_only;
	emr_status status = open_all(session, options, out_problem);

	if (emr_session_must_reopen(session))
		status = open_again(session, options, read_only, out_problem);
	if (!emr_status_is_full(status) || session->is_still || !options->may_be_still)
		return status;
	emr_log(EMR_LOG_WARN, "open: the disk is full, and nothing is put aside: for reading only");
	close_parts(session, false); /* their threads use the reserve that goes now */
	emr_session_give_up_disk(session);
	return open_again(session, options, true, out_problem);
}

emr_status emr_session_open_keyed(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	sigset_t all, before;
	emr_status status;

	/* The threads that are made here inherit it: a signal to the process must find who waits
	 * for it, not end everything by way of a thread that does not know it.  A page that is gone
	 * is a matter of who looks at it (base/database/files.c). */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	status = open_whole(session, options, out_problem);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}
