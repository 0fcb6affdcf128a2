/* The headers of new content go into the record's sealed metadata with it: they are read once,
 * while the bytes are on their way to the ledger and still warm, never again. Everybody who may
 * list the folder can read it, so the patient's name and ids stay in the content, unless the person
 * says otherwise. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "headers/headers.h"

#include "attributes.h"
#include "publish.h"

typedef struct wanted {
	node *node;
	emr_id16 domain;
	emr_content content;
	uint64_t wrote;
} wanted;

/* Without view->lock.  The content of WHAT is frozen: nobody changes it any more. */
static emr_status look_at(const emr_view *view, const wanted *what, emr_headers *out)
{
	const emr_content *content = &what->content;
	emr_content_reader *reader = NULL;
	emr_content_key *key = NULL;
	EMR_AUTO_BUF head = {0};
	emr_status status = emr_buf_append_zeros(&head, EMR_HEADERS_HEAD);

	if (status == EMR_OK)
		status = emr_content_open_key(view->options.records, content, &key);
	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, content, key, &reader);
	emr_content_key_free(key);
	if (status == EMR_OK)
		status = emr_content_reader_read(reader, 0, head.data, head.len, &head.len);
	if (status == EMR_OK)
		status = emr_header_reader_read(
			view->keeper->headers, what->domain.b, emr_buf_view(&head), out);
	emr_content_reader_free(reader);
	return status;
}

/* The attributes of N with FOUND instead of what they said before. */
static emr_status with_headers(
	const node *n, const emr_headers *found, emr_buf *out, uint16_t *out_count)
{
	EMR_AUTO_BUF value = {0};
	bool remove = found->kind == EMR_HEADER_NONE;

	EMR_TRY(remove ? EMR_OK : emr_headers_encode(found, &value));
	return emr_xattr_change(node_attributes(n),
		emr_bytes_of(EMR_HEADERS_KEY, strlen(EMR_HEADERS_KEY)), emr_buf_view(&value),
		remove, out, out_count);
}

/* Under view->lock.  The person's own attributes come first: what does not fit beside them is left
 * out. */
static void note(node *n, const emr_headers *found)
{
	EMR_AUTO_BUF attributes = {0};
	uint16_t count = 0;
	emr_headers nothing = {0};
	emr_status status = with_headers(n, found, &attributes, &count);

	if (status == EMR_OK && attributes_fit(n, emr_buf_view(&attributes), count) != EMR_OK)
		status = with_headers(n, &nothing, &attributes, &count);
	if (status != EMR_OK)
		return; /* nothing to remove, or no memory: the list has one line less to say */
	tree_take_attributes(n, &attributes);
}

/* Whether N has new bytes that go to the ledger now. */
static bool is_wanted(node *n, wanted *out)
{
	if (n->type != EMR_META_FILE || n->is_local || n->state != NODE_LIVE ||
		node_file(n) == NULL || !node_file(n)->has_content || node_file(n)->staging != NULL)
		return false;
	*out = (wanted){.node = n,
		.domain = tree_domain(n),
		.content = *node_file(n)->content,
		.wrote = node_file(n)->wrote};
	return true;
}

static int compare_domains(const void *a, const void *b)
{
	const wanted *first = a, *second = b;

	return memcmp(&first->domain, &second->domain, sizeof first->domain);
}

/* Those of P that are wanted, by domains: no process sees the files of two. */
static size_t list_wanted(const publishing *p, wanted *out)
{
	size_t count = 0;

	pthread_mutex_lock(&p->view->lock);
	for (size_t i = 0; i < p->nnodes; i++)
		if (is_wanted(p->nodes[i], &out[count]))
			count++;
	pthread_mutex_unlock(&p->view->lock);
	qsort(out, count, sizeof *out, compare_domains);
	return count;
}

/* A file that breaks the process that reads it, or delays it, has no headers, and that is all. */
void headers_learn(publishing *p)
{
	emr_view *view = p->view;
	EMR_AUTO_FREE wanted *all = NULL;
	size_t count;

	if (view->keeper->headers == NULL || p->nnodes == 0)
		return;
	all = calloc(p->nnodes, sizeof *all);
	if (all == NULL)
		return;
	count = list_wanted(p, all);
	for (size_t i = 0; i < count; i++) {
		emr_headers found = {0};
		wanted now;
		emr_status status = look_at(view, &all[i], &found);

		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "headers of new content: %s",
				emr_status_text(status));
		if (!view->options.lists_patients)
			emr_headers_leave_out_patient(&found);
		pthread_mutex_lock(&view->lock);
		if (is_wanted(all[i].node, &now) && now.wrote == all[i].wrote)
			note(all[i].node, &found);
		pthread_mutex_unlock(&view->lock);
	}
}

/* ---- what is known of a file ---- */

emr_status emr_view_record(emr_view *view, uint64_t number, emr_record_facts *out)
{
	emr_status status = EMR_OK;
	node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	if (n == NULL || n->state != NODE_LIVE) {
		status = EMR_NOT_FOUND;
	} else {
		*out = (emr_record_facts){.object = n->is_published ? node_object(n) : n->id,
			.cver = n->is_published ? node_place(n).cver : 0,
			.is_local = n->is_local,
			.is_confirmed = n->is_published && !needs_settling(n)};
		attributes_headers(n, &out->headers);
	}
	return status;
}
