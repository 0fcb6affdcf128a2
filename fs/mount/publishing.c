/* This file ties the publisher to an open folder: it takes the nodes of the settings, the
 * journal remembers what was erased until they let go, and what goes wrong becomes a notice. */
#include "mount/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fetch/fetch.h"
#include "kit/language.h"
#include "publisher/publisher.h"
#include "replica/follower.h"
#include "replica/rules.h"
#include "session/fetching.h"
#include "settle/settle.h"

#include "answers.h"

struct emr_publishing {
	emr_session *session;
	emr_notices *notices;
	emr_publisher *publisher;
};

emr_status emr_publishing_new(emr_session *session, emr_notices *notices,
	const emr_settings *settings, emr_publishing **out_publishing)
{
	emr_publishing *p = calloc(1, sizeof *p);
	emr_ipfs *nodes[EMR_NODES_MAX];
	size_t count = 0;
	emr_status status;

	if (p == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < settings->node_count; i++) {
		emr_problem problem = {0};
		emr_ipfs *gateway = NULL;

		if (settings->nodes[i].is_gateway) { /* what is wrong with it is said here, too */
			if (emr_node_open(&settings->nodes[i], NULL, &gateway, NULL, &problem) !=
				EMR_OK)
				emr_notices_add_problem(notices, &problem, "");
			emr_ipfs_close(gateway);
			continue;
		}
		if (emr_node_open(&settings->nodes[i], &session->keyring, &nodes[count], NULL,
			    &problem) == EMR_OK)
			count++;
		else
			emr_notices_add_problem(notices, &problem, "");
	}
	*p = (emr_publishing){.session = session, .notices = notices};
	status = emr_publisher_new(nodes, count, &p->publisher);
	if (status != EMR_OK) {
		free(p);
		return status;
	}
	session->publisher = p->publisher;
	*out_publishing = p;
	return EMR_OK;
}

/* ---- What was erased ---- */

typedef struct leaving {
	emr_cid_visit visit;
	void *arg;
} leaving;

static emr_status visit_row(void *arg, emr_id16 key, emr_bytes value)
{
	const leaving *l = arg;
	emr_cid root;
	emr_status status = emr_cid_parse(value, &root);

	(void)key;
	return status == EMR_OK ? l->visit(l->arg, &root) : EMR_DAMAGED;
}

static emr_status each_leaving(void *arg, emr_cid_visit visit, void *visit_arg)
{
	const emr_publishing *p = arg;
	leaving l = {.visit = visit, .arg = visit_arg};

	return emr_journal_each(p->session->journal, EMR_ROW_LEAVING, visit_row, &l);
}

static emr_status forget_leaving(void *arg, const emr_cid *root)
{
	const emr_publishing *p = arg;
	emr_journal_txn *txn = NULL;
	uint64_t seq;
	emr_id16 key;
	emr_status status;

	EMR_TRY(emr_journal_begin(p->session->journal, &txn));
	memcpy(key.b, emr_cid_digest(root), sizeof key.b);
	status = emr_journal_delete(txn, EMR_ROW_LEAVING, key);
	if (status == EMR_OK)
		return emr_journal_commit(txn, &seq);
	emr_journal_rollback(txn);
	return status;
}

/* ---- What lives ---- */

static emr_status visit_bundles(
	const emr_publishing *p, bool is_of_others, bool *out_lacks, emr_cid_visit visit, void *arg)
{
	EMR_AUTO_BUF pins = {0};

	EMR_TRY(emr_facts_bundles(p->session->facts, is_of_others, out_lacks, &pins));
	EMR_EACH (const emr_pin, pin, &pins)
		EMR_TRY(visit(arg, &pin->root));
	return EMR_OK;
}

static emr_status each_living(void *arg, emr_cid_visit visit, void *visit_arg)
{
	return visit_bundles(arg, false, NULL, visit, visit_arg);
}

/* ---- What others left ---- */

static emr_status each_left(void *arg, emr_cid_visit visit, void *visit_arg)
{
	bool ignored;

	return visit_bundles(arg, true, &ignored, visit, visit_arg);
}

static emr_status bring(void *arg, const emr_cid *root)
{
	const emr_publishing *p = arg;
	emr_fetch_count ignored = {0};

	return emr_bring_version(emr_session_fetcher(p->session), root, &ignored);
}

static emr_status lost(void *arg, const emr_cid *roots, size_t count)
{
	const emr_publishing *p = arg;

	return emr_view_pins_lost(p->session->view, roots, count);
}

static void copied(void *arg)
{
	const emr_publishing *p = arg;

	emr_view_copies_came(p->session->view);
}

/* ---- What the cache may have the last copy of ---- */

static void unheld(void *arg, const emr_cid *root)
{
	const emr_publishing *p = arg;
	emr_status status = emr_fetcher_save(emr_session_fetcher(p->session), root);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: what was brought of a record: %s",
			emr_status_text(status));
}

static void looked(void *arg)
{
	const emr_publishing *p = arg;

	emr_fetcher_looked(emr_session_fetcher(p->session));
}

static int64_t quiet_ns(void *arg)
{
	const emr_publishing *p = arg;

	return emr_view_quiet_ns(p->session->view);
}

/* ---- What goes wrong ---- */

static void say_node(void *arg, const emr_publisher_node *node)
{
	const emr_publishing *p = arg;
	emr_problem problem = {0};

	if (node->fault == EMR_IPFS_FINE || node->fault == EMR_IPFS_HERE)
		return;
	emr_node_say(node->failed, node->fault, node->said, &problem);
	emr_notices_add_problem(p->notices, &problem, "");
}

void emr_publishing_start(emr_publishing *p)
{
	emr_problem ignored = {0};
	emr_rules rules = EMR_RULES_DEFAULT;
	emr_publisher_options options = {.store = p->session->store,
		.state_dirfd = p->session->state_fd,
		.has_nothing = p->session->is_apart,
		.is_awaited = emr_settle_copies_first(p->session->settle) > 1,
		.is_still = emr_session_is_read_only(p->session, &ignored),
		.say = say_node,
		.each_leaving = each_leaving,
		.left = forget_leaving,
		/* Without this computer's store its pins are away, and none is lost. */
		.each_living = p->session->is_apart ? NULL : each_living,
		.lost = lost,
		.copied = copied,
		.unheld = unheld,
		/* Nor is it known then what is a last copy. */
		.looked = p->session->is_apart ? NULL : looked,
		.quiet_ns = quiet_ns,
		.each_left = each_left,
		.arg = p};
	emr_status status;

	/* Without a ledger that can be read one copy is what is asked for. */
	if (emr_rules_in_force(p->session->replica, &rules, NULL, NULL) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: the rules of the network cannot be read");
	options.copies = rules.copies;
	if (emr_session_fetcher(p->session) != NULL && !p->session->is_apart && !options.is_still)
		options.bring = bring;
	status = emr_publisher_start(p->publisher, &options);
	if (status == EMR_OK)
		return;
	emr_log(EMR_LOG_ERROR, "publisher: %s", emr_status_text(status));
	status = emr_publisher_save(p->publisher); /* no thread of its own will */
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: what was brought stays: %s",
			emr_status_text(status));
	(void)lost(p, NULL, 0);
}

void emr_publishing_stop(emr_publishing *p)
{
	if (p == NULL)
		return;
	if (p->session->replica != NULL)
		emr_follow_hurry(p->session->replica);
	emr_fetcher_stop(emr_session_fetcher(p->session)); /* what is being brought comes later */
	emr_publisher_stop(p->publisher);
}

void emr_publishing_free(emr_publishing *p)
{
	if (p == NULL)
		return;
	p->session->publisher = NULL;
	emr_publisher_free(p->publisher);
	free(p);
}
