/* This file is `emrfs mount`: it opens the folder, keeps it open, and closes it in order when it
 * is told to, when nobody uses it, or by a signal. Nothing that only this process has is thrown
 * away at the end. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "fuse/fuse.h"
#include "kit/beside.h"
#include "kit/language.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "ledger/network.h"
#include "ledger/sql.h"
#include "mount/mountpoint.h"
#include "mount/service.h"
#include "network/renewing.h"
#include "org/datasets.h"
#include "people/answers.h"
#include "people/authors.h"
#include "publisher/publisher.h"
#include "replica/replica.h"
#include "report/special.h"
#include "research/research.h"
#include "served/client.h"
#include "session/absence.h"
#include "session/fetching.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/registered.h"
#include "session/second_copy.h"
#include "session/session.h"
#include "session/shared_blocks.h"
#include "sharing/notices.h"
#include "sharing/office.h"
#include "sharing/received.h"
#include "sharing/sharing.h"
#include "verbs/cmd.h"
#include "view/received.h"
#include "verbs_private.h"

#define LAST_PUBLISH_NS INT64_C(5000000000) /* how long an orderly end may take for the ledger */
#define WARDEN_TICK_S 1

/* The memory that malloc keeps for itself: it would learn from one large table, and never give back
 * such. A thread's room for requests (1 MiB and a page) is over the first, an answer of 1 MiB below
 * it. malloc_trim gives back the free end of the first arena and of no other, so there is one;
 * threads that seal work a hundred times longer on a block than its malloc takes. */
#define OWN_PAGES_BYTES ((1 << 20) + 2048) /* from here on a block has pages of its own */
#define KEPT_TOP_BYTES (4 << 20)
#define ARENAS 1

typedef struct mount {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	char *path;
	emr_closed closed; /* what lies below the folder */
	int report_fd;	   /* to the waiting parent; -1 in the foreground */
	emr_session session;
	emr_notices *notices;
	emr_special special;
	emr_shared_notices shared_notices;
	emr_copy_scan copy_scan;
	emr_inbox_list inboxes;
	uint8_t purpose; /* number of its bit */
	json_t *state;	 /* the frozen state that is shown; NULL: none; owned until it is said */
	bool has_viewer_cache;
	emr_server *server;
	emr_office *office;
	emr_sharing *sharing;
	emr_research *research;
	emr_doors *doors;
	emr_publishing *publishing;
	emr_cert_watch *cert_watch; /* NULL: for reading only, or nobody renews it */
	bool has_tried_renewing;
	pthread_t warden;
	atomic_bool is_ready, has_ended;
	_Atomic int64_t ready_boot_ns; /* set before is_ready */
} mount;

/* Without it viewers keep what they keep where they always do. */
static void begin_viewer_cache(mount *m)
{
	emr_status status = emr_viewer_cache_begin(&m->places);

	m->has_viewer_cache = status == EMR_OK;
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "mount: the viewers' cache: %s", emr_status_text(status));
}

static void end_viewer_cache(mount *m)
{
	emr_status status = m->has_viewer_cache ? emr_viewer_cache_end(&m->places) : EMR_OK;

	m->has_viewer_cache = false;
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "mount: the viewers' cache stays: %s",
			emr_status_text(status));
}

static void mount_end(mount *m)
{
	emr_publishing_stop(m->publishing);
	emr_cert_watch_stop(m->cert_watch);
	emr_closed_free(&m->closed);
	emr_sharing_end(m->sharing); /* whoever waits for it at the socket is answered now */
	end_viewer_cache(m);
	emr_server_stop(m->server);
	emr_office_end(m->office);
	emr_research_end(m->research);
	emr_session_close(&m->session);
	emr_copy_scan_end(&m->copy_scan); /* which a thread of the view used */
	emr_cert_watch_free(m->cert_watch);
	emr_publishing_free(m->publishing);
	emr_sharing_free(m->sharing);
	emr_doors_free(m->doors);
	emr_office_free(m->office);
	emr_research_free(m->research);
	emr_notices_free(m->notices); /* after the view, which may still have something to say */
	emr_settings_free(&m->settings);
	emr_places_free(&m->places);
	json_decref(m->state);
	free(m->path);
}

static void say_clock(mount *m)
{
	emr_replica_position at;
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_problem problem = {0};

	if (emr_replica_at(m->session.replica, &at) != EMR_OK ||
		at.last_time <= now + EMR_LEDGER_CLOCKS_S)
		return;
	emr_absence_say_clock(m->places.state, (int64_t)(at.last_time - now), &problem);
	emr_remark(m->out, &problem);
}

/* By the organisation's own authority, before anybody saves. */
static void renew_certificate(mount *m)
{
	emr_problem problem = {0}, ended = {0};
	bool is_new = false;

	m->has_tried_renewing = emr_renewing_may_begin(&m->session);
	if (!m->has_tried_renewing)
		return; /* the watch does when it may */
	if (emr_renewing_do(&m->session, &is_new, &problem) == EMR_OK) {
		if (is_new)
			emr_say(m->out, "Your certificate was renewed.\n");
		return;
	}
	emr_log(EMR_LOG_WARN, "certificate: %s", problem.text);
	if (emr_own_cert_has_ended(&m->session, emr_clock_unix_s(emr_clock_system()), &ended))
		return; /* which is said instead */
	emr_remark(m->out, &problem);
	emr_notices_add_problem(m->notices, &problem, "");
}

/* Said at once, and kept for whoever looks later: a mount at log-in has no terminal. */
static void say_certificate(mount *m)
{
	emr_problem problem = {0};

	m->has_tried_renewing = true;
	if (emr_own_key_is_revoked(&m->session, &problem)) {
		emr_remark(m->out, &problem); /* the office has it among the notices */
		return;
	}
	renew_certificate(m);
	if (!emr_own_cert_has_ended(&m->session, emr_clock_unix_s(emr_clock_system()), &problem))
		return;
	emr_remark(m->out, &problem);
	emr_notices_add_problem(m->notices, &problem, "");
}

/* Programs saved into the directory while nothing was open on it. */
static void say_saved_while_closed(mount *m)
{
	emr_problem problem = {0};
	char n[EMR_COUNT_BYTES];

	emr_out_text(m->out, "saved_while_closed", m->closed.to);
	if (m->closed.moved == 0)
		return;
	emr_count_text(m->closed.moved, "file was", "files were", n);
	emr_problem_set(&problem, EMR_SAY_SAVED_WHILE_CLOSED, "n", n, "dir", m->path, "dest",
		m->closed.to, NULL);
	emr_remark(m->out, &problem);
	emr_notices_add_problem(m->notices, &problem, "");
}

static void say_elsewhere(const mount *m)
{
	char earlier[PATH_MAX], shown[4200], word[4400];

	if (!emr_closed_elsewhere(&m->places, m->path, earlier))
		return;
	emr_show(earlier, shown, sizeof shown);
	emr_shell_word(earlier, word, sizeof word);
	emr_say(m->out,
		"Your folder was at %s before.  That directory stays closed to programs, because "
		"one that mirrors your folder would take an empty directory for it.  To use it "
		"for something else: chmod 700 %s\n",
		shown, word);
}

/* Starts the parts that follow the ledger and work in the background. The opening of the folder
 * does not wait for it. */
static void start_loops(mount *m, bool is_read_only)
{
	if (m->sharing != NULL && emr_sharing_start(m->sharing) != EMR_OK)
		emr_log(EMR_LOG_ERROR,
			"sharing: nothing is shared or taken back as long as this folder is open");
	if (emr_office_start(m->office, &m->session, m->notices) != EMR_OK)
		emr_log(EMR_LOG_ERROR,
			"office: nobody else is answered as long as this folder is open");
	emr_research_start(m->research);
	if (!is_read_only && emr_cert_watch_start(&m->session, m->notices, m->has_tried_renewing,
				     &m->cert_watch) != EMR_OK)
		emr_log(EMR_LOG_ERROR, "certificate: not renewed while this folder is open");
	emr_publishing_start(m->publishing);
}

static void when_ready(void *arg)
{
	mount *m = arg;
	emr_problem why = {0}, ended = {0};
	emr_ledger_absence absence;
	bool is_read_only = emr_session_is_read_only(&m->session, &why);
	emr_second_copy copy;
	char shown[4200];
	int code;

	emr_second_copy_read(m->session.state_fd, &copy);
	emr_out_flag(m->out, "second_copy", copy.is_known);
	emr_show(m->path, shown, sizeof shown);
	emr_out_text(m->out, "folder", m->path);
	emr_out_number(m->out, "pid", (uint64_t)getpid());
	emr_out_flag(m->out, "read_only", is_read_only);
	emr_out_put(m->out, "dataset", m->state != NULL ? m->state : json_null());
	m->state = NULL;
	emr_say(m->out, "Your folder is open at %s%s.  Close it: emrfs unmount\n", shown,
		is_read_only ? _(", for reading only") : "");
	if (why.is_set && !(why.message == EMR_SAY_CERTIFICATE_ENDED_MEMBER &&
				  emr_own_cert_has_ended(&m->session,
					  emr_clock_unix_s(emr_clock_system()), &ended)))
		emr_remark(m->out, &why); /* which is said below otherwise */
	if (why.is_set && why.message == EMR_SAY_DISK_READ_ONLY)
		emr_notices_add_problem(m->notices, &why, "");
	emr_ledger_look(m->session.ledger, &absence);
	emr_out_put(m->out, "ledger_error",
		absence.status != EMR_OK && why.is_set
			? json_string(emr_message_get(why.message)->id)
			: json_null());
	say_clock(m);
	say_certificate(m);
	say_saved_while_closed(m);
	say_elsewhere(m);
	emr_closed_seal(&m->places, m->path, &m->closed);
	code = emr_out_end(m->out, EMR_EXIT_DONE);
	emr_log(EMR_LOG_INFO, "mounted");
	atomic_store(&m->ready_boot_ns, emr_clock_boot_ns(emr_clock_system()));
	atomic_store(&m->is_ready, true);
	emr_ready_tell("The folder is open.");
	emr_behind_let_go(&m->report_fd, code, true);
	emr_language_all_english(false); /* what follows is for people, whatever has started it */
	start_loops(m, is_read_only);
	emr_code_rest();
}

/* ---- an orderly end ---- */

/* Everything to the disk, and to the ledger what it takes within a few seconds. */
static void hand_over(mount *m)
{
	emr_problem ignored = {0};
	emr_ledger_absence absence;
	emr_status status;

	if (emr_session_is_read_only(&m->session, &ignored))
		return;
	status = emr_view_sync(m->session.view);
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "end: sync: %s", emr_status_text(status));
	emr_ledger_look(m->session.ledger, &absence);
	if (absence.status != EMR_OK) {
		emr_ledger_stop(m->session.ledger); /* the journal keeps it */
		return;
	}
	status = emr_view_wait_published(
		m->session.view, emr_clock_boot_ns(emr_clock_system()) + LAST_PUBLISH_NS);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "end: not all is on the ledger: %s", emr_status_text(status));
}

/* Bytes that only this process has would end with it. */
static bool has_unsafe(const mount *m)
{
	uint64_t one;

	return emr_view_not_safe(m->session.view, &one, 1) > 0;
}

static bool is_idle(const mount *m)
{
	int64_t since, ready;

	if (m->settings.idle_ns == 0 || !atomic_load(&m->is_ready) || emr_fuse_open_count() > 0)
		return false;
	since = emr_fuse_front.last_request_boot_ns();
	ready = atomic_load(&m->ready_boot_ns);
	/* A folder that nobody looked at is idle since it was opened. */
	if (since < ready)
		since = ready;
	return emr_clock_boot_ns(emr_clock_system()) - since > m->settings.idle_ns &&
	       !has_unsafe(m);
}

static sigset_t warden_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1); /* from ourselves: the mount has ended */
	return set;
}

/* Waits for a signal to end, or for idleness. */
static void *warden(void *arg)
{
	mount *m = arg;
	const sigset_t set = warden_signals();

	for (;;) {
		const struct timespec tick = {.tv_sec = WARDEN_TICK_S};
		int number = sigtimedwait(&set, NULL, &tick);

		if (atomic_load(&m->has_ended))
			return NULL;
		if (number == SIGTERM || number == SIGINT || number == SIGHUP || is_idle(m))
			break;
	}
	emr_log(EMR_LOG_INFO, "asked to end");
	hand_over(m);
	emr_fuse_stop();
	return NULL;
}

/* ---- opening ---- */

static emr_status say_fuse(const mount *m, emr_status status, emr_problem *out_problem)
{
	emr_log(EMR_LOG_ERROR, "mount: %s", emr_status_text(status));
	if (emr_check_may_mount(NULL, out_problem) != EMR_OK)
		return status;
	if (status == EMR_DENIED)
		emr_problem_set(out_problem, EMR_SAY_MOUNTPOINT_DENIED, "dir", m->path, NULL);
	else if (status == EMR_UNSUPPORTED)
		emr_problem_set(
			out_problem, EMR_SAY_NO_FUSE, "what", _("the kernel is too old"), NULL);
	else
		emr_problem_set_status(out_problem, status, m->path);
	return status;
}

static emr_status open_all(mount *m, emr_problem *out_problem)
{
	emr_session_options options = {
		.places = &m->places,
		.folder = m->path,
		.passphrase_file = m->args->values[EMR_OPT_PASSPHRASE_FILE],
		.settings = &m->settings,
		.read_only = m->args->given[EMR_OPT_READ_ONLY] || m->args->given[EMR_OPT_DATASET],
		.may_be_still = true,
		.may_hurry = true,
		/* what others share is not shown then, and one's own is not what was asked for */
		.may_be_apart = !m->args->given[EMR_OPT_DATASET],
		.copies_to_register = emr_publisher_count_to_register,
		.view = {.changed = emr_fuse_changed,
			.special_names = emr_special_names,
			.special_count = emr_special_count,
			.make_special = emr_special_make,
			.make_proof = emr_special_proof,
			.special_arg = &m->special,
			.pins_changed = emr_publisher_wake,
			.came = emr_publisher_came,
			.copies = emr_publisher_count,
			.missed = emr_publisher_doubt,
			.giving = &emr_doors_giving,
			.inboxes = &emr_inboxes_of_book,
			.inboxes_arg = &m->inboxes,
			.notice = emr_notices_add,
			.notice_with = emr_notices_add_with,
			.purpose = m->purpose,
			.named = emr_session_named,
			.names = emr_session_names,
			.named_arg = &m->session,
			.shared_notice = emr_shared_notices_add,
			.shared_notice_arg = &m->shared_notices,
			.look_at_copy = emr_copy_scan_look,
			.look_at_copy_arg = &m->copy_scan},
	};
	char place[4400];
	emr_status status = emr_notices_new(m->settings.notify, &m->notices);

	m->session.front = &emr_fuse_front;
	if (status == EMR_OK)
		status = emr_notices_set_folder(m->notices, m->path);
	if (status == EMR_OK)
		status = emr_office_new(&m->office);
	if (status == EMR_OK)
		status = emr_research_new(&m->session, &m->research);
	if (status == EMR_OK)
		status = emr_doors_new(&m->session, m->notices, &m->doors);
	if (status == EMR_OK)
		status = emr_publishing_new(&m->session, m->notices, &m->settings, &m->publishing);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, "emrfs");
	options.view.notice_arg = m->notices;
	options.view.giving_arg = m->doors;
	options.view.copies_arg = m->session.publisher;
	options.view.has_nodes = emr_publisher_node_count(m->session.publisher) > 0;
	m->special.session = &m->session;
	m->special.notices = m->notices;
	m->inboxes = (emr_inbox_list){.session = &m->session};
	m->shared_notices = (emr_shared_notices){.session = &m->session, .notices = m->notices};
	status = emr_session_lock(&m->session, &options, out_problem);
	if (status == EMR_OK) {
		emr_blocks_place(m->session.state_fd, m->places.state, place, sizeof place);
		status = emr_notices_set_place(m->notices, place);
	}
	if (status == EMR_OK)
		status = emr_mountpoint_prepare(&m->places, m->path, &m->closed, out_problem);
	if (status == EMR_OK)
		status = emr_session_open(&m->session, &options, out_problem);
	return status;
}

/* A file of orders that cannot be read stops nothing but sharing. */
static void open_sharing(mount *m)
{
	emr_problem problem = {0};
	emr_status status = emr_sharing_new(&m->session, m->notices, &m->sharing);

	m->session.sharing = m->sharing;
	if (status == EMR_OK)
		return;
	emr_problem_set_status(&problem, status, _("The list of what is to be shared"));
	emr_notices_add_problem(m->notices, &problem, "");
}

/* Whether this person reads DATASET, and by what its participants are known then. */
static emr_status find_line(
	mount *m, const emr_crowd *crowd, const emr_team *dataset, emr_id16 *out_line)
{
	emr_session *session = &m->session;
	emr_membership membership;
	emr_known_person me;
	emr_id32 root;

	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	memcpy(root.b, me.row.root, sizeof root.b);
	EMR_TRY(emr_team_reader(session->replica, dataset, root, &membership));
	if (!emr_membership_is_on(&membership, crowd->now_unix_s))
		return EMR_NOT_FOUND;
	return emr_dataset_line(session->replica, session->keyring, dataset, root, out_line);
}

/* NAME, NAME@ORGANISATION, and either with @ID, which is the frozen state of that id. */
static emr_status find_dataset(emr_crowd *crowd, const char *text, emr_team *out,
	const char **out_id, emr_problem *out_problem)
{
	const char *at = strrchr(text, '@');
	char name[256], names[600];
	emr_status status = emr_dataset_find(crowd, text, out, names, sizeof names);

	*out_id = NULL;
	if (status == EMR_OK || at == NULL || (size_t)(at - text) >= sizeof name)
		return status == EMR_OK ? EMR_OK
					: emr_dataset_find_or_say(crowd, text, out, out_problem);
	snprintf(name, sizeof name, "%.*s", (int)(at - text), text);
	*out_id = at + 1;
	return emr_dataset_find_or_say(crowd, name, out, out_problem);
}

static emr_status say_state(
	mount *m, const char *name, const emr_frozen *frozen, const emr_frozen_look *look)
{
	bool is_whole = look->n == frozen->n && emr_id32_equal(look->root, frozen->root);
	char id[33], withdrawn[24], changed[24];
	emr_problem remark = {0};

	emr_hex(frozen->id.b, sizeof frozen->id.b, id);
	snprintf(withdrawn, sizeof withdrawn, "%u", look->withdrawn);
	snprintf(changed, sizeof changed, "%u", frozen->n > look->n ? frozen->n - look->n : 0);
	if (!is_whole) {
		emr_problem_set(&remark, EMR_SAY_INCOMPLETE, "what", name, "m", withdrawn, "n",
			changed, NULL);
		emr_notices_add_problem(m->notices, &remark, "");
		emr_remark(m->out, &remark);
	}
	m->state = json_pack("{s:s, s:s, s:I, s:I, s:I, s:b}", "name", name, "snapshot", id,
		"versions", (json_int_t)frozen->n, "present", (json_int_t)look->n, "withdrawn",
		(json_int_t)look->withdrawn, "complete", is_whole);
	return m->state != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status show_frozen(mount *m, const char *text, const emr_team *dataset, emr_id16 line,
	const char *id, emr_problem *out_problem)
{
	emr_replica *replica = m->session.replica;
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_frozen frozen;
	emr_status status = emr_frozen_find(replica, dataset, id, &frozen);

	if (status == EMR_NOT_FOUND || status == EMR_INVALID || status == EMR_CONFLICT)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_UNKNOWN_STATE, "what",
			dataset->name, "id", id, NULL);
	if (status == EMR_OK)
		status = emr_frozen_look_at(replica, dataset, frozen.log_size,
			emr_clock_unix_s(emr_clock_system()), &look);
	m->special.frozen = frozen;
	if (status == EMR_OK)
		status = emr_view_show_frozen(
			m->session.view, line, frozen.log_size, emr_buf_view(&look.domains));
	return status == EMR_OK ? say_state(m, text, &frozen, &look) : status;
}

/* Before the threads of the view. */
static emr_status show_dataset(mount *m, emr_problem *out_problem)
{
	const char *name = m->args->values[EMR_OPT_DATASET], *id = NULL;
	EMR_AUTO_CROWD crowd = {0};
	emr_team dataset;
	emr_id32 root;
	emr_id16 line;
	emr_who steward;
	emr_status status;

	if (name == NULL)
		return EMR_OK;
	EMR_TRY(emr_crowd_open(&m->session, &crowd));
	EMR_TRY(find_dataset(&crowd, name, &dataset, &id, out_problem));
	status = find_line(m, &crowd, &dataset, &line);
	m->special.dataset = dataset.id;
	if (status == EMR_OK && id != NULL)
		return show_frozen(m, name, &dataset, line, id, out_problem);
	if (status == EMR_OK)
		emr_view_show_dataset(m->session.view, line);
	if (status != EMR_NOT_FOUND)
		return status;
	memcpy(root.b, dataset.row.steward, sizeof root.b);
	status = emr_who_of(&crowd, root, &steward);
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_READER, "what", name,
		"organisation", status == EMR_OK ? steward.organisation : "?", NULL);
}

/* The view's threads, the socket, the warden, and then the kernel's requests until the end. */
static emr_status serve(mount *m, emr_problem *out_problem)
{
	emr_fuse_options options = {.view = m->session.view,
		.mountpoint = m->path,
		.mount_options = m->args->values[EMR_OPT_MOUNT_OPTIONS],
		.read_only = m->session.read_only,
		.on_ready = when_ready,
		.on_ready_arg = m};
	emr_status status;

	open_sharing(m); /* before any thread of the view may ask for it */
	status = show_dataset(m, out_problem);
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			emr_problem_set_status(out_problem, status, _("The dataset"));
		return status;
	}
	emr_view_ask_leaving(
		m->session.view, (emr_leaving_asked){emr_research_leaves, m->research});
	status = emr_view_start(m->session.view);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The folder"));
	EMR_TRY(emr_server_start(
		&m->places, &m->session, m->notices, NULL, &m->server, out_problem));
	begin_viewer_cache(m);
	if (pthread_create(&m->warden, NULL, warden, m) != 0)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, "emrfs");
	emr_closed_hide(&m->closed);
	status = emr_fuse_run(&options);
	atomic_store(&m->has_ended, true);
	pthread_kill(m->warden, SIGUSR1);
	pthread_join(m->warden, NULL);
	if (status != EMR_OK)
		return say_fuse(m, status, out_problem);
	hand_over(m);
	emr_log(EMR_LOG_INFO, "unmounted");
	return EMR_OK;
}

static int keep_open(mount *m)
{
	emr_problem problem = {0};
	const sigset_t set = warden_signals();
	emr_status status = emr_keys_protect(&problem);

	if (status != EMR_OK)
		return emr_out_fail(m->out, &problem);
	/* A refusal costs memory, no more. */
	mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_TOP_BYTES);
	mallopt(M_ARENA_MAX, ARENAS);
	emr_sql_take_pages_singly();
	status = open_all(m, &problem);
	if (status == EMR_OK) {
		if (m->report_fd >= 0)
			(void)setsid();
		if (chdir("/") != 0)
			emr_log(EMR_LOG_WARN, "chdir to / failed");
		/* Every thread that follows inherits this: only the warden takes these signals. */
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		status = serve(m, &problem);
	}
	if (status == EMR_OK && !atomic_load(&m->is_ready)) {
		emr_problem_set(&problem, EMR_SAY_INTERRUPTED, NULL);
		status = EMR_INTERRUPTED;
	}
	return status == EMR_OK ? EMR_EXIT_DONE : emr_out_fail(m->out, &problem);
}

/* ---- processes ---- */

static int run_here(void *arg, int report_fd)
{
	mount *m = arg;
	int code;

	m->report_fd = report_fd;
	code = emr_out_end(m->out, keep_open(m));
	emr_behind_let_go(&m->report_fd, code, false);
	return code;
}

/* Notices go to the desktop unless the settings say otherwise. */
static void choose_notify(mount *m)
{
	const char *as = m->args->values[EMR_OPT_AS];

	/* Whose notice it is, for what its button starts. */
	if (as != NULL)
		(void)setenv("EMRFS_KEYRING", as, 1);
	else
		(void)unsetenv("EMRFS_KEYRING");
	if (m->settings.notify == NULL && !m->settings.no_notify && emr_has_session_bus())
		m->settings.notify = emr_beside("notify");
}

/* Exactly one. */
static bool take_purpose(mount *m, const char *word)
{
	uint32_t bits;

	if (!emr_purposes_parse(word, &bits) || (bits & (bits - 1)) != 0)
		return false;
	for (m->purpose = 0; (bits & UINT32_C(1) << m->purpose) == 0; m->purpose++)
		;
	return true;
}

static emr_status check_arguments(mount *m, emr_problem *out_problem)
{
	const char *purpose = m->args->values[EMR_OPT_PURPOSE];
	const char *options = m->args->values[EMR_OPT_MOUNT_OPTIONS];
	const char *idle = m->args->values[EMR_OPT_IDLE];

	if (options != NULL && strcmp(options, "allow_root") != 0 &&
		strcmp(options, "allow_other") != 0) {
		return emr_wrong_use(
			"mount", _("-o takes allow_root or allow_other."), out_problem);
	}
	if (purpose != NULL && !take_purpose(m, purpose)) {
		return emr_wrong_use("mount",
			_("--purpose takes one of treatment, emergency, research, payment, family, "
			  "self and legal."),
			out_problem);
	}
	if (idle != NULL && emr_duration_parse(idle, &m->settings.idle_ns) != EMR_OK) {
		return emr_wrong_use(
			"mount", _("--idle takes a time such as 30min or 2h."), out_problem);
	}
	return EMR_OK;
}

static emr_status take_host(mount *m, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(m->places.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_status status = fd >= 0 ? emr_nodes_add_host(fd, &m->settings) : EMR_OK;

	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, EMR_SERVED_SETTINGS);
	return status;
}

int emr_cmd_mount(const emr_args *args, emr_out *out)
{
	mount m = {.args = args,
		.out = out,
		.report_fd = -1,
		.closed = EMR_CLOSED_NONE,
		.session = EMR_SESSION_CLOSED};
	emr_problem problem = {0};
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &m.places, &problem);
	int code;

	if (status == EMR_OK)
		status = emr_settings_read(&m.places, &m.settings, &problem);
	if (status == EMR_OK)
		status = take_host(&m, &problem);
	if (status == EMR_OK)
		status = check_arguments(&m, &problem);
	if (status == EMR_OK && args->n_operands == 0)
		status = emr_mountpoint_make_usual(&m.places, &problem);
	if (status == EMR_OK)
		status = emr_mountpoint_find(&m.places,
			args->n_operands > 0 ? args->operands[0] : NULL, &m.path, &problem);
	choose_notify(&m);
	if (status != EMR_OK)
		code = emr_out_fail(out, &problem);
	else
		code = args->given[EMR_OPT_FOREGROUND]
			       ? run_here(&m, -1)
			       : emr_behind_run(out, _("Opening the folder"), run_here, &m);
	mount_end(&m);
	return code;
}
