/* Before a changed file can be published, its working copy is sealed into content that never
 * changes again. This file does so without stopping readers, and leaves a file alone that was
 * written to meanwhile. */
#include "file.h"

/* ---- freezing for publication ---- */

static emr_status freeze_empty(emr_view *view, node *n)
{
	emr_status status = file_start_staging(view, n, 0);

	return status == EMR_OK ? file_freeze_locked(view, n) : status;
}

/* Seals without the lock, so that readers go on; then changes over. */
static emr_status freeze_unlocked(
	emr_view *view, node *n, emr_content *out_content, uint64_t *out_seq, uint64_t *out_wrote)
{
	emr_content_key *key = NULL;
	emr_status status;

	pthread_rwlock_rdlock(&n->file->lock);
	if (n->file->staging == NULL) { /* a close froze it meanwhile */
		pthread_rwlock_unlock(&n->file->lock);
		return EMR_CONFLICT;
	}
	pthread_mutex_lock(&view->lock);
	*out_wrote = n->file->wrote;
	pthread_mutex_unlock(&view->lock);
	*out_seq = emr_staging_dirty_seq(n->file->staging);
	status = emr_staging_freeze(n->file->staging, out_content, &key);
	pthread_rwlock_unlock(&n->file->lock);
	emr_content_key_free(key);
	return status;
}

static emr_status change_over(
	emr_view *view, node *n, const emr_content *content, uint64_t seq, uint64_t wrote)
{
	emr_content_reader *reader;
	emr_status status;

	/* `wrote` too: the working copy may be another one by now. */
	if (n->file->staging == NULL || n->file->wrote != wrote ||
		emr_staging_dirty_seq(n->file->staging) != seq)
		return EMR_CONFLICT;
	reader = emr_staging_base(n->file->staging);
	pthread_mutex_lock(&view->lock);
	status = file_adopt_content(view, n, content, wrote);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	tree_set_reader(n->file, reader);
	file_end_staging(view, n);
	return EMR_OK;
}

emr_status file_freeze(emr_view *view, node *n)
{
	emr_content content;
	uint64_t seq, wrote;
	base_facts facts;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = tree_need_file(n);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	pthread_rwlock_wrlock(&n->file->lock);
	if (n->file->staging == NULL) {
		facts = file_facts(view, n);
		status = facts.has_content || facts.is_published ? EMR_OK : freeze_empty(view, n);
		pthread_rwlock_unlock(&n->file->lock);
		return status;
	}
	pthread_rwlock_unlock(&n->file->lock);
	status = freeze_unlocked(view, n, &content, &seq, &wrote);
	if (status != EMR_OK)
		return status;
	pthread_rwlock_wrlock(&n->file->lock);
	status = change_over(view, n, &content, seq, wrote);
	pthread_rwlock_unlock(&n->file->lock);
	return status;
}
