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
static void put_reader(node *n, emr_content_reader *reader, int64_t judged)
{
	file *f = node_file(n);

	pthread_rwlock_wrlock(&f->lock);
	if (f->reader == NULL && f->staging == NULL) {
		tree_set_reader(f, emr_content_reader_share(reader));
		__atomic_store_n(&f->is_unused, true, __ATOMIC_RELEASE);
		__atomic_store_n(&f->judged_boot_ns, judged, __ATOMIC_RELEASE);
	}
	pthread_rwlock_unlock(&f->lock);
}

emr_status shared_attach(emr_view *view, shared_share *s, node *n, shared_check_fn check)
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
		status = signed_take_shared(view, n, reader, &word);
	if (status == EMR_OK)
		status = check(view, s, n, reader, &word);
	if (status == EMR_OK) {
		pthread_mutex_lock(&view->lock);
		status = tree_need_file(n);
		pthread_mutex_unlock(&view->lock);
	}
	if (status == EMR_OK) {
		put_reader(n, reader, judged);
		signed_note_shared(view, n, reader, &word);
	}
	emr_content_reader_free(reader);
	return status;
}

/* Under both locks: N has a reader, by which nobody has it open, and whose word its bytes are, or
 * whether they are the present version, must be judged again.  One that was made for the opening of
 * now was judged just now. */
static bool is_outdated(const emr_view *view, const node *n, const file *f)
{
	const shared_share *s = shared_gives(n);
	const int64_t judged = __atomic_load_n(&f->judged_boot_ns, __ATOMIC_ACQUIRE),
		      age = view_boot_ns(view) - judged;

	if (f->reader == NULL || f->staging != NULL || f->let_in > 0)
		return false;
	if (judged == 0 || (shared_has(n) && !signed_stands(view, n)))
		return true;
	if (__atomic_load_n(&f->is_unused, __ATOMIC_ACQUIRE) && age < EMR_SHARED_WAIT_NS)
		return false; /* a folder that grows all the time must not be asked for ever */
	return age > KEPT_NS || f->cut != NULL || (shared_has(n) && !n->shared->has_verdict) ||
	       (s != NULL && (s->has_grown || (s->tree != NULL && s->tree->is_outdated)));
}

/* With N open: a reader that must not be used any more goes. */
static void judge_again(emr_view *view, node *n)
{
	file *f = node_file(n);
	bool is_old;

	pthread_rwlock_rdlock(&f->lock); /* who reads need not wait for who opens */
	pthread_mutex_lock(&view->lock);
	is_old = is_outdated(view, n, f);
	pthread_mutex_unlock(&view->lock);
	pthread_rwlock_unlock(&f->lock);
	if (!is_old)
		return;
	pthread_rwlock_wrlock(&f->lock);
	pthread_mutex_lock(&view->lock);
	if (is_outdated(view, n, f))
		tree_set_reader(f, NULL);
	pthread_mutex_unlock(&view->lock);
	pthread_rwlock_unlock(&f->lock);
}

emr_status shared_open(emr_view *view, emr_handle *handle)
{
	node *n = handle->node;
	bool is_shown, is_theirs, is_lost, was_shown;
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
	pthread_mutex_lock(&view->lock);
	handle->is_let_in = status == EMR_OK;
	node_file(n)->let_in += handle->is_let_in;
	pthread_mutex_unlock(&view->lock);
	handle->report = status == EMR_OK && was_shown ? &shared_report : NULL;
	pthread_rwlock_unlock(&node_file(n)->lock);
	if (status == EMR_OK && is_shown)
		shared_note_opened(view, handle);
	if (status == EMR_OK)
		__atomic_store_n(&node_file(n)->is_unused, false, __ATOMIC_RELEASE);
	return status;
}
