/* This file knows what a person may do in a folder that somebody else shares, and until when;
 * the ledger would refuse the rest, so it is refused here at once. */
#include <stdlib.h>

#include "base/log.h"
#include "contract/codes.h"
#include "share/write.h"

#include "foreign.h"
#include "node.h"
#include "shared_notice.h"

/* ---- asked of a directory or a node ---- */

emr_status foreign_check_directory(const emr_view *view, const node *directory)
{
	const shared_share *s = shared_share_of(directory);

	if (s == NULL)
		return EMR_READ_ONLY;
	EMR_TRY(shared_is_readable(view, s));
	return shared_is_writable(view, s) ? EMR_OK : EMR_READ_ONLY;
}

emr_status foreign_may_make(
	const emr_view *view, const node *directory, emr_meta_type type, const char *name)
{
	const shared_share *s = shared_share_of(directory);

	EMR_TRY(foreign_check_directory(view, directory));
	if (type == EMR_META_SYMLINK && emr_name_is_fixture(name, 0)) /* a lock, and never sent */
		return EMR_OK;
	if (type == EMR_META_SYMLINK)
		return s->rights & EMR_RIGHT_MKDIR ? EMR_OK : EMR_DENIED;
	/* Without MKDIR a folder is its maker's alone: foreign_collects. */
	return s->rights & (EMR_RIGHT_PUT | (type == EMR_META_DIR ? EMR_RIGHT_MKDIR : 0))
		       ? EMR_OK
		       : EMR_DENIED;
}

/* The ledger judges by who made the record. */
static bool made_by_me(const emr_view *view, const shared_share *s, emr_id16 object)
{
	emr_replica_head head;
	emr_public me;

	return emr_replica_head_get(view->options.replica, s->domain, object, &head) == EMR_OK &&
	       emr_keyring_public(view->options.keyring, &me) == EMR_OK &&
	       emr_id32_equal(head.creator, me.signer_id);
}

emr_status foreign_may_change(const emr_view *view, const node *n, node_change what)
{
	const shared_share *s = shared_share_of(n);

	EMR_TRY(foreign_check_directory(view, n));
	if (shared_has(n) && (n->shared->level != SHARED_RECORD || s->is_blind))
		return EMR_READ_ONLY;
	if (shared_is_file(n) && what != CHANGE_CONTENT)
		return EMR_DENIED;
	/* The share itself is the owner's to name and to end; of a file the bytes are the writer's.
	 */
	if (shared_has(n) && n->shared->entry == FLAT_TOP && !shared_is_file(n))
		return EMR_READ_ONLY;
	if (!shared_has(n) && !n->is_published)
		return EMR_OK; /* nobody has seen it */
	if ((s->rights & (what == CHANGE_CONTENT ? EMR_RIGHT_PUT : EMR_RIGHT_META)) == 0)
		return EMR_DENIED;
	if (s->rights & EMR_RIGHT_ANY)
		return EMR_OK;
	return made_by_me(view, s, shared_object_of(n)) ? EMR_OK : EMR_DENIED;
}

bool foreign_must_wait(const emr_view *view, const node *n)
{
	return kind_top(n) != NULL && !shared_is_writable(view, shared_share_of(n));
}

bool foreign_may_send(const emr_view *view, emr_id16 domain)
{
	const shared_share *s = view->shares != NULL ? shared_of_domain(view, domain) : NULL;

	return s == NULL || shared_is_writable(view, s);
}

/* ---- what the ledger says ---- */

static uint64_t end_of(const emr_writing *w)
{
	return w->not_after_unix_s < SHARED_FOR_EVER_S ? w->not_after_unix_s : SHARED_FOR_EVER_S;
}

/* Under view->lock: S, of which nothing may be read, is shown for what may be put there. */
static void open_blind(emr_view *view, shared_share *s, const emr_writing *w, emr_buf *tell)
{
	int64_t left_s = (int64_t)end_of(w) - view_now_ns(view) / 1000000000;

	s->is_blind = true;
	s->is_file = false;
	s->top = w->top;
	s->grant = (emr_known_grant){.domain = w->domain,
		.ledger_time = w->since_unix_s,
		.row = {.not_after_unix_s = end_of(w), .not_before_unix_s = w->since_unix_s}};
	left_s = left_s < 0 ? 0 : left_s > INT32_MAX ? INT32_MAX : left_s;
	s->end_boot_ns = view_boot_ns(view) + left_s * 1000000000;
	if (s->phase == SHARED_OPEN)
		return;
	s->phase = SHARED_OPEN;
	shared_tell_of(view, s, tell);
}

/* Something of one's own lies in DOMAIN of another. */
static bool has_own(const emr_view *view, emr_id16 domain)
{
	if (!view->shares->has_own)
		return false;
	for (const node *top = NULL; (top = tree_next_any(view, top)) != NULL;)
		if (shared_has(top) && node_has_kids(top) &&
			emr_id16_equal(top->shared->domain, domain))
			return true;
	return false;
}

emr_status foreign_take_writing(emr_view *view, const emr_writing *w, emr_buf *tell)
{
	const emr_id32 person = shared_person_of(view, &w->card);
	bool in_force = w->phase == EMR_WRITING_IN_FORCE, ends;
	shared_share *s;

	pthread_mutex_lock(&view->lock);
	if (!in_force && shared_of_domain(view, w->domain) == NULL && !has_own(view, w->domain)) {
		pthread_mutex_unlock(&view->lock);
		return EMR_OK; /* it is over, and nothing is left of it here */
	}
	s = shared_need(view, &w->card, person, w->domain,
		w->is_inbox && w->label[0] == 0 ? "Inbox" : w->label);
	if (s == NULL) {
		pthread_mutex_unlock(&view->lock);
		return EMR_NO_MEMORY;
	}
	s->rights = in_force ? w->rights : 0;
	s->write_until_unix_s = end_of(w);
	if (in_force && (s->is_blind || s->phase != SHARED_OPEN))
		open_blind(view, s, w, tell);
	ends = !in_force && s->is_blind && s->phase == SHARED_OPEN;
	pthread_mutex_unlock(&view->lock);
	if (ends)
		shared_end(view, s,
			w->phase == EMR_WRITING_HAS_ENDED ? SHARED_REVOKED : SHARED_EXPIRED,
			w->phase == EMR_WRITING_HAS_ENDED ? w->since_unix_s : end_of(w), tell);
	return EMR_OK;
}

emr_status foreign_take_writings(emr_view *view, emr_buf *tell)
{
	EMR_AUTO_BUF writings = {0};
	size_t damaged = 0;
	emr_status status = emr_share_writings(view->shares->share, &writings, &damaged);

	if (damaged > 0)
		emr_log(EMR_LOG_WARN, "shares: %zu rights to write cannot be read", damaged);
	EMR_EACH (const emr_writing, writing, &writings)
		if (status == EMR_OK)
			status = foreign_take_writing(view, writing, tell);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
