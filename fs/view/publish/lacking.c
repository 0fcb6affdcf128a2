/* A change for the ledger may rest on blocks that only nodes have: the description of a record that
 * moves under another key, or the bytes that a recovered working copy was written over.  This file
 * has them brought, lets the record wait for them, and keeps no other from the ledger. */
#include "fetch/fetch.h"

#include "settle/whose.h"

#include "file.h"
#include "publish.h"

/* The next run looks again. */
static void came(void *arg, emr_status status)
{
	(void)arg;
	(void)status;
}

static bool is_first_time(emr_view *view, node *n)
{
	bool is_first;
	EMR_LOCKED(&view->lock);

	is_first = tree_need_file(n) == EMR_OK && !node_file(n)->is_lack_told;
	if (is_first)
		node_file(n)->is_lack_told = true;
	return is_first;
}

emr_status lacking_bring(emr_view *view, node *n, emr_status status)
{
	emr_fetcher *fetcher = view->options.fetcher;
	emr_cid missed;
	emr_status why;

	if ((status != EMR_MISSING_DATA && status != EMR_DAMAGED) ||
		!emr_fetcher_missed(fetcher, &missed))
		return status;
	why = emr_fetcher_bring(fetcher, &missed, came, view);
	if (why == EMR_OK || why == EMR_INTERRUPTED)
		return EMR_BUSY;
	if (status == EMR_DAMAGED)
		return status;
	if (is_first_time(view, n))
		file_notice_nodes(view, n, why, emr_fetcher_nodes(fetcher));
	return why == EMR_MISSING_DATA ? why : EMR_AWAITED;
}

bool lacking_was_told(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);

	return node_file(n) != NULL && node_file(n)->is_lack_told;
}

/* ---- a record that moves ---- */

/* Whether N is published under another key than it is to be, with the same bytes. */
static bool moves(emr_view *view, const node *n, emr_place *out_place)
{
	bool does;
	EMR_LOCKED(&view->lock);

	does = n->type == EMR_META_FILE && n->is_published && !n->content_dirty &&
	       node_pversion(n) != 0 && !emr_id16_equal(tree_domain(n), node_domain(n));
	if (does)
		*out_place = node_place(n);
	return does;
}

emr_status lacking_look(emr_view *view, node *n)
{
	emr_content_key *key = NULL;
	emr_content content;
	emr_whose whose;
	emr_place place;
	emr_status status;

	if (view->options.fetcher == NULL || !moves(view, n, &place))
		return EMR_OK;
	emr_fetcher_begin(view->options.fetcher);
	/* Wrapping needs no more than the description, and compares no bytes either. Its first
	 * block may be here without the others, as when somebody reads it meanwhile. */
	status = emr_facts_open_signed(view->options.facts,
		emr_ledger_descriptor(view->options.ledger), &place, &content, &key, &whose);
	emr_content_key_free(key);
	return lacking_bring(view, n, status);
}

/* ---- a working copy that was written over what is not here any more ---- */

static emr_content_reader *base_of(const node *n)
{
	emr_content_reader *base;

	pthread_rwlock_rdlock(&node_file(n)->lock);
	base = node_file(n)->staging != NULL ? emr_staging_base(node_file(n)->staging) : NULL;
	pthread_rwlock_unlock(&node_file(n)->lock);
	return base;
}

emr_status lacking_freeze(emr_view *view, node *n)
{
	emr_content_reader *base;
	uint64_t leaf = 0;
	emr_status status = file_freeze(view, n), lack;

	if (view->options.fetcher == NULL || (status != EMR_MISSING_DATA && status != EMR_DAMAGED))
		return status;
	base = base_of(n);
	if (base == NULL)
		return status;
	emr_fetcher_begin(view->options.fetcher);
	/* A block that is here and damaged is as good as missing: a node may have it whole. */
	lack = status == EMR_DAMAGED ? emr_content_reader_verify(base)
				     : file_take_home(view, base, UINT64_MAX, &leaf);
	emr_content_reader_free(base);
	return lack == EMR_OK ? status : lacking_bring(view, n, lack);
}
