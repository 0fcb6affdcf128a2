/* This file reads the contents of received files: their readers are made by the share's thread,
 * used by any thread, and refused once the grant is over or its keys are too old. */
#include <stdio.h>
#include <time.h>

#include "edit.h"
#include "file.h"
#include "ops_file.h"
#include "shared.h"
#include "signed.h"

#define KEPT_NS INT64_C(600000000000)

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

emr_status shared_attach(emr_view *view, shared_share *s, node *n, shared_check_fn check)
{
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
		pthread_rwlock_wrlock(&node_file(n)->lock);
		if (node_file(n)->reader == NULL && node_file(n)->staging == NULL) {
			tree_set_reader(node_file(n), reader);
			node_file(n)->judged_boot_ns = view_boot_ns(view);
			__atomic_store_n(&node_file(n)->unused, 1, __ATOMIC_RELAXED);
			reader = NULL;
		}
		pthread_rwlock_unlock(&node_file(n)->lock);
	}
	emr_content_reader_free(reader);
	return status;
}

/* With N open: whose word its bytes are is judged when the reader is made, and now and then again.
 */
static void judge_again(emr_view *view, node *n)
{
	file *f = node_file(n);
	bool is_old;

	pthread_rwlock_wrlock(&f->lock);
	pthread_mutex_lock(&view->lock);
	is_old = n->opens == 1 && f->judged_boot_ns != 0 &&
		 view_boot_ns(view) - f->judged_boot_ns > KEPT_NS;
	pthread_mutex_unlock(&view->lock);
	if (is_old && f->staging == NULL)
		tree_set_reader(f, NULL);
	pthread_rwlock_unlock(&f->lock);
}

/* In datasets each copy is scanned first, and may count as opened that day: nothing of them is made
 * before somebody opens it. A single file that somebody opens leads to no other. */
void shared_go_on(emr_view *view, shared_share *s, const node *n, bool was_ready)
{
	const uint32_t before = s != NULL ? s->ahead.last : FLAT_TOP;
	const flat_tree *names;

	if (s == NULL || s->owner->set != NULL || s->tree == NULL || !shared_has(n) ||
		n->shared->entry == FLAT_NONE)
		return;
	names = &s->tree->names;
	s->ahead.last = n->shared->entry;
	if (before == FLAT_TOP || before == s->ahead.last || before >= names->count ||
		names->places[before].parent != names->places[s->ahead.last].parent)
		return;
	s->ahead.made =
		was_ready && s->ahead.made < SHARED_MADE_MAX ? 2 * s->ahead.made : s->ahead.made;
	s->ahead.made = s->ahead.made == 0 ? 1 : s->ahead.made;
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
		shared_go_on(view, shared_gives(n), n, unused == 2);
		pthread_mutex_unlock(&view->lock);
	}
	return status;
}
