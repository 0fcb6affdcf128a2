/* This file reads the contents of received files: their readers are made by the share's thread,
 * used by any thread, and refused once the grant is over or its keys are too old. */
#include <stdio.h>
#include <time.h>

#include "edit.h"
#include "file.h"
#include "kept.h"
#include "ops_file.h"
#include "shared.h"
#include "signed.h"

emr_status shared_note_text(const shared_share *s, emr_buf *out)
{
	char text[1024], day[48];
	time_t t = (time_t)s->ended_unix_s;
	struct tm tm = {.tm_mday = 1}; /* what no calendar has */
	int len;

	localtime_r(&t, &tm);
	strftime(day, sizeof day, "%Y-%m-%d %H:%M", &tm);
	if (s->phase == SHARED_REVOKED)
		len = snprintf(text, sizeof text, "%s ended your access to %s on %s.\n",
			s->owner->name, s->name, day);
	else
		len = snprintf(text, sizeof text, "Your access to %s of %s ended on %s.\n", s->name,
			s->owner->name, day);
	if (len < 0)
		return EMR_IO;
	return emr_buf_append(out, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

/* The reader of N is READER from now on, unless there is one, or N is written to. */
static void put_reader(node *n, emr_content_reader *reader, bool is_ahead, int64_t judged)
{
	file *f = node_file(n);

	pthread_rwlock_wrlock(&f->lock);
	if (f->reader == NULL && f->staging == NULL) {
		tree_set_reader(f, emr_content_reader_share(reader));
		__atomic_store_n(
			&f->unused, is_ahead ? MADE_AHEAD : MADE_FOR_OPENING, __ATOMIC_RELEASE);
		__atomic_store_n(&f->is_doubted, false, __ATOMIC_RELEASE);
		__atomic_store_n(&f->judged_boot_ns, judged, __ATOMIC_RELEASE);
	}
	pthread_rwlock_unlock(&f->lock);
}

emr_status shared_attach(
	emr_view *view, shared_share *s, node *n, shared_check_fn check, bool is_ahead)
{
	const int64_t judged = view_boot_ns(view);
	emr_content_reader *reader = NULL;
	emr_shared_word word;
	emr_id16 object;
	uint64_t version;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	object = shared_object_of(n); /* neither changes as long as N is open */
	version = shared_has(n) ? n->shared->version : node_pversion(n);
	pthread_mutex_unlock(&view->lock);
	EMR_TRY(emr_shared_open_signed(s->opened, object, &reader, &word));
	word.time_unix_s = shared_time(s->owner, word.time_unix_s);
	/* The reader is of the version that N stands for. */
	status = word.pversion == version ? EMR_OK : EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = signed_take_shared(view, n, reader, &word, is_ahead);
	if (status == EMR_OK)
		status = check(view, s, n, reader, &word);
	if (status == EMR_OK) {
		pthread_mutex_lock(&view->lock);
		status = tree_need_file(n);
		pthread_mutex_unlock(&view->lock);
	}
	if (status == EMR_OK) {
		put_reader(n, reader, is_ahead, judged);
		if (!is_ahead)
			signed_note_shared(view, n, reader, &word.root);
	}
	emr_content_reader_free(reader);
	return status;
}

uint32_t shared_waits(const emr_view *view, const node *n)
{
	uint32_t count = 0;

	for (const shared_waiter *w = view->shares->waiters; w != NULL; w = w->next)
		count += w->n == n;
	return count;
}

/* Under both locks, with N open: it has a reader, by which nobody else has it open, and whose word
 * its bytes are, or whether they are the present version, must be judged again.  A reader that was
 * made for who opens N now was judged just now. */
static bool is_outdated(const emr_view *view, const node *n, const file *f)
{
	const shared_share *s = shared_gives(n);
	const uint8_t unused = __atomic_load_n(&f->unused, __ATOMIC_ACQUIRE);
	const int64_t judged = __atomic_load_n(&f->judged_boot_ns, __ATOMIC_ACQUIRE),
		      age = view_boot_ns(view) - judged;

	if (f->reader == NULL || f->staging != NULL || n->opens - shared_waits(view, n) > 1)
		return false;
	if (unused == MADE_FOR_OPENING && judged != 0 && age < EMR_SHARED_WAIT_NS)
		return false;
	if (shared_has(n) && !signed_stands(view, n, unused == MADE_AHEAD))
		return true;
	return judged == 0 || age > KEPT_NS || __atomic_load_n(&f->is_doubted, __ATOMIC_ACQUIRE) ||
	       f->cut != NULL || (s != NULL && s->has_grown);
}

/* With N open: a reader that must not be used any more goes, and one that was made ahead is what
 * N is opened by from now on. */
static void judge_again(emr_view *view, node *n)
{
	file *f = node_file(n);
	emr_content_reader *ahead = NULL;
	emr_cid root;
	bool is_old;

	pthread_rwlock_rdlock(&f->lock);
	pthread_mutex_lock(&view->lock);
	is_old = is_outdated(view, n, f);
	if (!is_old && f->reader != NULL && shared_has(n) && kind_of(n)->root(n, &root) &&
		__atomic_load_n(&f->unused, __ATOMIC_ACQUIRE) == MADE_AHEAD)
		ahead = emr_content_reader_share(f->reader);
	pthread_mutex_unlock(&view->lock);
	pthread_rwlock_unlock(&f->lock);
	if (ahead != NULL)
		signed_note_shared(view, n, ahead, &root);
	emr_content_reader_free(ahead);
	if (!is_old)
		return;
	pthread_rwlock_wrlock(&f->lock); /* who reads need not wait for who opens */
	pthread_mutex_lock(&view->lock);
	if (is_outdated(view, n, f))
		tree_set_reader(f, NULL);
	pthread_mutex_unlock(&view->lock);
	pthread_rwlock_unlock(&f->lock);
}

/* In datasets each copy is scanned first, and may count as opened that day: nothing of them is made
 * before somebody opens it. A single file that somebody opens leads to no other. */
void shared_go_on(emr_view *view, shared_share *s, const node *n, bool was_ready)
{
	const uint32_t before = s != NULL ? s->ahead.last : FLAT_TOP;
	const flat_tree *names;

	if (s == NULL || s->owner->set != NULL || s->tree == NULL || !shared_has(n) ||
		n->shared->entry == FLAT_NONE || n->shared->entry == before)
		return;
	names = &s->tree->names;
	s->ahead.last = n->shared->entry;
	if (before == FLAT_TOP || before >= names->count ||
		names->places[before].parent != names->places[s->ahead.last].parent)
		s->ahead.made = 0; /* the second one of a directory leads to the next */
	else if (s->ahead.made == 0)
		s->ahead.made = 1;
	else if (was_ready && s->ahead.made < SHARED_MADE_MAX)
		s->ahead.made *= 2;
	if (s->ahead.made == 0)
		return;
	s->ahead.from = s->ahead.last;
	s->ahead.tries = 0;
	shared_stir(view, s);
	emr_worker_wake(&view->shares->worker);
}

emr_status shared_open(emr_view *view, emr_handle *handle)
{
	node *n = handle->node;
	bool is_shown, is_theirs, is_lost, was_shown;
	uint8_t unused;
	const shared_share *s;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	is_shown = shared_has(n);
	is_theirs = shared_reads_theirs(n);
	was_shown = is_shown || node_file(n)->shown != NULL;
	s = shared_gives(n);
	is_lost = n->state == NODE_GONE && s != NULL && s->is_blind; /* nothing of it comes back */
	status = shared_may_read(view, n);
	if (is_shown && n->shared->level == SHARED_NOTE)
		status = shared_note_text(n->shared->share, &handle->virtual_bytes);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK || !is_theirs)
		return status;
	judge_again(view, n);
	pthread_rwlock_rdlock(&node_file(n)->lock);
	/* A working copy: it has just been taken. */
	if (node_file(n)->reader == NULL && node_file(n)->staging == NULL)
		status = is_lost ? EMR_NOT_FOUND : EMR_BUSY;
	handle->report = status == EMR_OK && was_shown ? &shared_report : NULL;
	pthread_rwlock_unlock(&node_file(n)->lock);
	if (status == EMR_OK && is_shown)
		shared_note_opened(view, handle);
	unused = status == EMR_OK && is_shown
			 ? __atomic_exchange_n(&node_file(n)->unused, 0, __ATOMIC_RELAXED)
			 : 0;
	if (unused != 0) {
		pthread_mutex_lock(&view->lock);
		shared_go_on(view, shared_gives(n), n, unused == MADE_AHEAD);
		pthread_mutex_unlock(&view->lock);
	}
	return status;
}
