/* This file takes several leaves of one file out of one answer: where each ends and which hash it
 * has was known before, so each is believed, and given on, as soon as it is whole. */
#include "node_private.h"

static emr_status end_leaf(node_window *w)
{
	const emr_ipfs_window *window = w->window;
	emr_status status;

	if (emr_cid_verify(&window->run->leaves[w->at], emr_buf_view(&w->bytes)) != EMR_OK)
		return node_run_fail(w->run, EMR_IPFS_BAD_BLOCK, "");
	status = window->take(window->arg, w->at++, &w->bytes);
	emr_buf_clear(&w->bytes);
	node_run_moved(w->run);
	return status;
}

emr_status node_window_take(void *arg, emr_bytes piece)
{
	node_window *w = arg;
	const emr_unixfs_run *run = w->window->run;
	emr_status status = EMR_OK;

	while (status == EMR_OK && piece.len > 0) {
		size_t lacks, take;

		if (w->at == run->count)
			return node_run_fail(w->run, EMR_IPFS_STRANGE, "more than was asked for");
		lacks = emr_unixfs_run_bytes(run, w->at) - w->bytes.len;
		take = piece.len < lacks ? piece.len : lacks;
		status = emr_buf_append(&w->bytes, piece.data, take);
		piece = emr_bytes_of(piece.data + take, piece.len - take);
		if (status == EMR_OK && take == lacks)
			status = end_leaf(w);
	}
	return status;
}

emr_status node_window_end(node_window *w, emr_status status)
{
	emr_buf_free(&w->bytes);
	if (status == EMR_OK && w->at < w->window->run->count)
		return node_run_fail(w->run, EMR_IPFS_BROKEN_OFF, "less than was asked for");
	return status;
}
