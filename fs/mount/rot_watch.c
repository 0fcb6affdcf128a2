/* This thread makes one slow pass over everything that is verified, and then one a day: it compares
 * entries and private parts with the ledger's, and judges the entries again, for the tables that
 * follow from them. Rot does not change a file's time, so a day without a pass is the longest that
 * damage stays unseen in an open folder; a file that somebody else changed is passed over at once.
 */
#include "mount/service.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "replica/follower.h"
#include "replica/replica.h"

#define PORTION 8 /* entries compared without a pause */
#define SHARE 5	  /* of the time at most one part in so many */
#define PAUSE_MIN_NS INT64_C(2000000)
#define AGAIN_NS INT64_C(60000000000)  /* the ledger is away, or something else failed */
#define FULL_NS INT64_C(3600000000000) /* others need the room for temporary files, too */
#define PASS_S UINT64_C(86400)
#define NOTE_MAX 400

typedef struct stamp {
	uint64_t inode, size, changed_ns;
} stamp;

typedef struct note {
	uint64_t at, ended_unix_s; /* 0: no pass came to its end */
	stamp ledger, copy;
} note;

struct emr_rot_watch {
	emr_session *session;
	emr_notices *notices;
	int state_fd;
	emr_worker worker;
	uint64_t at, begun_at, ended_unix_s;	   /* of the thread, while it runs */
	bool has_wrapped, is_compared, is_derived; /* in this pass */
	struct emr_chain *made;			   /* see emr_replica_derive */
	int64_t derives_at_ns;			   /* of system boot: not before */
};

/* ---- how far it came ---- */

static stamp stamp_of(int state_fd, const char *name)
{
	struct stat st;

	if (fstatat(state_fd, name, &st, 0) != 0)
		return (stamp){.inode = 0};
	return (stamp){.inode = (uint64_t)st.st_ino,
		.size = (uint64_t)st.st_size,
		.changed_ns =
			(uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec};
}

static bool is_same_stamp(stamp a, stamp b)
{
	return a.inode == b.inode && a.size == b.size && a.changed_ns == b.changed_ns;
}

static void write_note(const emr_rot_watch *w)
{
	stamp ledger = stamp_of(w->state_fd, EMR_STATE_LEDGER "/ledger.sqlite");
	stamp copy = stamp_of(w->state_fd, "replica.sqlite");
	char text[NOTE_MAX];
	int len = snprintf(text, sizeof text,
		"emrfs compared 1\nat %" PRIu64 "\nended %" PRIu64 "\nledger %" PRIu64 " %" PRIu64
		" %" PRIu64 "\ncopy %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		w->at, w->ended_unix_s, ledger.inode, ledger.size, ledger.changed_ns, copy.inode,
		copy.size, copy.changed_ns);
	emr_status status = emr_file_replace(w->state_fd, EMR_STATE_COMPARED,
		emr_bytes_of((const uint8_t *)text, (size_t)len), 0600);

	if (status != EMR_OK) /* the next pass begins at the first entry */
		emr_log(EMR_LOG_INFO, "rot: no note: %s", emr_status_text(status));
}

/* A note that cannot be read is none. */
static note read_note(int state_fd)
{
	EMR_AUTO_BUF file = {0};
	char text[NOTE_MAX + 1];
	note n = {.at = 0};

	if (emr_file_read(state_fd, EMR_STATE_COMPARED, NOTE_MAX, &file) != EMR_OK || file.len == 0)
		return n;
	memcpy(text, file.data, file.len);
	text[file.len] = '\0';
	if (sscanf(text,
		    "emrfs compared 1 at %" SCNu64 " ended %" SCNu64 " ledger %" SCNu64 " %" SCNu64
		    " %" SCNu64 " copy %" SCNu64 " %" SCNu64 " %" SCNu64,
		    &n.at, &n.ended_unix_s, &n.ledger.inode, &n.ledger.size, &n.ledger.changed_ns,
		    &n.copy.inode, &n.copy.size, &n.copy.changed_ns) != 8)
		return (note){.at = 0};
	return n;
}

/* Where to go on; a pass that ended less than a day ago counts while nobody changed the files. */
static void rot_watch_begin(emr_rot_watch *w)
{
	note n = read_note(w->state_fd);
	uint64_t now = emr_clock_unix_s(emr_clock_system());

	w->at = w->begun_at = n.at;
	if (n.ended_unix_s != 0 && n.ended_unix_s <= now && now - n.ended_unix_s < PASS_S &&
		is_same_stamp(n.ledger, stamp_of(w->state_fd, EMR_STATE_LEDGER "/ledger.sqlite")) &&
		is_same_stamp(n.copy, stamp_of(w->state_fd, "replica.sqlite")))
		w->ended_unix_s = n.ended_unix_s;
}

/* ---- what is found ---- */

static void say_mended(emr_rot_watch *w, const emr_replica_mended *mended, uint64_t seq)
{
	emr_problem problem = {0};
	char index[24];

	if (mended->ledger_rows + mended->own_rows == 0)
		return;
	snprintf(index, sizeof index, "%" PRIu64, seq);
	emr_problem_set(&problem, EMR_SAY_LEDGER_MENDED, "index", index, NULL);
	emr_notices_add_problem(w->notices, &problem, "");
}

/* The record that it belongs to cannot be opened any more; what is saved from now on is as safe as
 * ever. */
static void say_lost(emr_rot_watch *w, const emr_replica_mended *mended)
{
	emr_problem problem = {0};
	char index[24];

	snprintf(index, sizeof index, "%" PRIu64, mended->trouble.seq);
	emr_problem_set(&problem, EMR_SAY_LEDGER_PART_LOST, "index", index, "state",
		w->session->state_path, NULL);
	emr_notices_add_problem(w->notices, &problem, "");
}

/* Nothing that is saved from now on could be relied on: the folder is for reading only, and this is
 * why. */
static void say_distrusted(emr_rot_watch *w, emr_status status, const emr_replica_trouble *found)
{
	emr_problem problem = {0};
	emr_replica_trouble trouble;
	char index[24];

	emr_replica_last_trouble(w->session->replica, &trouble);
	if (trouble.status == EMR_OK)
		trouble = *found;
	emr_view_distrust_ledger(w->session->view, status == EMR_DENIED ? EMR_DAMAGED : status);
	snprintf(index, sizeof index, "%" PRIu64, trouble.seq);
	/* The words about an older ledger are the same, whichever part meets it first. */
	if (status == EMR_ROLLBACK)
		emr_problem_set(&problem, EMR_SAY_ROLLBACK, NULL);
	else
		emr_problem_set(&problem, EMR_SAY_LEDGER_DAMAGED, "index", index, "cause",
			trouble.cause, "state", w->session->state_path, NULL);
	emr_notices_add_problem(w->notices, &problem, "");
}

/* The two may have differed for a moment only: an erasure that is not followed yet. */
static bool is_still_there(emr_rot_watch *w, uint64_t seq, emr_replica_trouble *trouble)
{
	uint64_t at = seq;

	if (emr_follow_now(w->session->replica) != EMR_OK)
		return true;
	return emr_replica_compare(w->session->replica, 1, &at, trouble) == EMR_DAMAGED;
}

/* *OUT_IS_DONE: to look at the same place again would find the same, and never end. */
static emr_status put_right(emr_rot_watch *w, const emr_replica_trouble *trouble, bool *out_is_done)
{
	emr_replica_mended mended;
	emr_status status;

	emr_log(EMR_LOG_ERROR, "rot: ledger entry %" PRIu64 ": %s", trouble->seq, trouble->cause);
	status = emr_replica_mend(w->session->replica, &mended);
	say_mended(w, &mended, trouble->seq);
	*out_is_done = status == EMR_OK && mended.ledger_rows == 0 && mended.own_rows == 0;
	if (status == EMR_UNSUPPORTED || (status == EMR_DAMAGED && mended.missing > 0)) {
		if (status == EMR_DAMAGED)
			say_lost(w, &mended);
		*out_is_done = true; /* nobody here has it whole: no use in looking again */
		return EMR_OK;
	}
	if (status == EMR_DAMAGED || status == EMR_FORK || status == EMR_ROLLBACK ||
		status == EMR_DENIED)
		say_distrusted(w, status, trouble);
	return status;
}

/* ---- the thread ---- */

static void note_end(emr_rot_watch *w)
{
	if (!w->is_compared || !w->is_derived)
		return;
	w->ended_unix_s = emr_clock_unix_s(emr_clock_system());
	w->begun_at = w->at;
	w->has_wrapped = w->is_compared = w->is_derived = false;
	emr_log(EMR_LOG_INFO, "rot: compared everything that is verified");
}

static emr_status compare_some(emr_rot_watch *w)
{
	emr_replica_trouble trouble = {0};
	uint64_t before = w->at;
	bool is_done = false;
	emr_status status = emr_replica_compare(w->session->replica, PORTION, &w->at, &trouble);

	if (status == EMR_DAMAGED && trouble.status != EMR_OK) {
		if (!is_still_there(w, trouble.seq, &trouble))
			return EMR_OK;
		status = put_right(w, &trouble, &is_done);
		w->at = is_done ? trouble.seq + 1 : trouble.seq;
	} else if (status == EMR_OK) {
		w->has_wrapped |= w->at <= before;
		w->is_compared = w->has_wrapped && w->at >= w->begun_at;
	}
	return status;
}

static emr_status derive_some(emr_rot_watch *w)
{
	emr_replica_trouble trouble = {0};
	emr_status status = emr_replica_derive(
		w->session->replica, PORTION, &w->made, &w->is_derived, &trouble);

	if (emr_status_is_full(status)) {
		emr_log(EMR_LOG_WARN, "rot: no room to judge the entries again: in an hour");
		w->derives_at_ns = emr_clock_boot_ns(emr_clock_system()) + FULL_NS;
	}
	if (status == EMR_DAMAGED && trouble.status != EMR_OK)
		status = put_right(w, &trouble, &w->is_derived);
	return status;
}

/* How long to wait after one portion. */
static int64_t look_some(emr_rot_watch *w)
{
	int64_t begun_ns = emr_clock_boot_ns(emr_clock_system()), took_ns;
	emr_status status = w->is_compared ? EMR_OK : compare_some(w);
	emr_status derived = w->is_derived || begun_ns < w->derives_at_ns ? EMR_OK : derive_some(w);

	note_end(w);
	if (status != EMR_OK || derived != EMR_OK ||
		(w->is_compared && begun_ns < w->derives_at_ns))
		return AGAIN_NS;
	took_ns = emr_clock_boot_ns(emr_clock_system()) - begun_ns;
	return took_ns * (SHARE - 1) > PAUSE_MIN_NS ? took_ns * (SHARE - 1) : PAUSE_MIN_NS;
}

static int64_t until_next_pass(const emr_rot_watch *w)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());

	if (w->ended_unix_s == 0 || now < w->ended_unix_s || now - w->ended_unix_s >= PASS_S)
		return 0;
	return (int64_t)(PASS_S - (now - w->ended_unix_s)) * 1000000000;
}

static void *watch(void *arg)
{
	emr_rot_watch *w = arg;
	int64_t wait_ns = PAUSE_MIN_NS;

	while (emr_worker_wait(&w->worker, emr_clock_boot_ns(emr_clock_system()) + wait_ns)) {
		wait_ns = until_next_pass(w);
		if (wait_ns == 0)
			wait_ns = look_some(w);
	}
	return NULL;
}

emr_status emr_rot_watch_start(
	emr_session *session, emr_notices *notices, emr_rot_watch **out_watch)
{
	emr_rot_watch *w = calloc(1, sizeof *w);
	emr_status status;

	if (w == NULL)
		return EMR_NO_MEMORY;
	w->session = session;
	w->notices = notices;
	w->state_fd = fcntl(session->state_fd, F_DUPFD_CLOEXEC, 0);
	emr_worker_init(&w->worker);
	status = w->state_fd >= 0 ? EMR_OK : EMR_NO_MEMORY;
	if (status == EMR_OK) {
		rot_watch_begin(w);
		status = emr_worker_start(&w->worker, "rot watch", watch, w);
	}
	if (status != EMR_OK) {
		emr_rot_watch_free(w);
		return status;
	}
	*out_watch = w;
	return EMR_OK;
}

void emr_rot_watch_stop(emr_rot_watch *w)
{
	if (w != NULL)
		emr_worker_stop(&w->worker);
}

void emr_rot_watch_free(emr_rot_watch *w)
{
	if (w == NULL)
		return;
	if (emr_worker_is_stopping(&w->worker))
		write_note(w);
	emr_replica_derive_end(&w->made);
	if (w->state_fd >= 0)
		close(w->state_fd);
	emr_worker_free(&w->worker);
	free(w);
}
