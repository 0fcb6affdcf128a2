/* Before a changed file can be published, its working copy is sealed into content that never
 * changes again. This file does so without stopping readers, and leaves a file alone that was
 * written to meanwhile. */
#include "file.h"

/* ---- freezing for publication ---- */

static emr_status freeze_empty(emr_view *view, node *n)
{
	EMR_TRY(file_start_staging(view, n, 0));
	return file_freeze_locked(view, n);
}

/* Seals without the lock, so that readers go on; then changes over. Since N was chosen a program
 * may have begun to write it: what is half written is nobody's version. */
static emr_status freeze_unlocked(
	emr_view *view, node *n, emr_content *out_content, uint64_t *out_seq, uint64_t *out_wrote)
{
	emr_content_key *key = NULL;
	emr_status status;
	bool is_written;

	pthread_rwlock_rdlock(&node_file(n)->lock);
	pthread_mutex_lock(&view->lock);
	*out_wrote = node_file(n)->wrote;
	is_written = node_writers(n) != 0;
	pthread_mutex_unlock(&view->lock);
	if (is_written || node_file(n)->staging == NULL) { /* NULL: a close froze it meanwhile */
		pthread_rwlock_unlock(&node_file(n)->lock);
		return EMR_CONFLICT;
	}
	*out_seq = emr_staging_dirty_seq(node_file(n)->staging);
	status = emr_staging_freeze(node_file(n)->staging, out_content, &key);
	pthread_rwlock_unlock(&node_file(n)->lock);
	emr_content_key_free(key);
	return status;
}

static emr_status change_over(
	emr_view *view, node *n, const emr_content *content, uint64_t seq, uint64_t wrote)
{
	emr_content_reader *reader;
	emr_status status;

	/* `wrote` too: the working copy may be another one by now. */
	if (node_file(n)->staging == NULL || node_file(n)->wrote != wrote ||
		emr_staging_dirty_seq(node_file(n)->staging) != seq)
		return EMR_CONFLICT;
	reader = emr_staging_base(node_file(n)->staging);
	pthread_mutex_lock(&view->lock);
	status = file_adopt_content(view, n, content, wrote);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	tree_set_reader(node_file(n), reader);
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
	pthread_rwlock_wrlock(&node_file(n)->lock);
	if (node_file(n)->staging == NULL) {
		facts = file_facts(view, n);
		status = facts.has_content || facts.is_published ? EMR_OK : freeze_empty(view, n);
		pthread_rwlock_unlock(&node_file(n)->lock);
		return status;
	}
	pthread_rwlock_unlock(&node_file(n)->lock);
	EMR_TRY(freeze_unlocked(view, n, &content, &seq, &wrote));
	pthread_rwlock_wrlock(&node_file(n)->lock);
	status = change_over(view, n, &content, seq, wrote);
	pthread_rwlock_unlock(&node_file(n)->lock);
	return status;
}
