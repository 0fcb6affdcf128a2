/* This file lists and opens earlier versions of what somebody else shares, if the grant includes
 * the past. Without that right it refuses them. */
#include <stdlib.h>
#include <string.h>

#include "shared_private.h"

static emr_status may_look_back(emr_shared *shared, emr_share_trouble *out_trouble)
{
	EMR_TRY(emr_shared_check(shared, out_trouble));
	if ((shared->received.grant.row.rights & EMR_GRANT_HISTORY) != 0)
		return EMR_OK;
	if (out_trouble != NULL)
		out_trouble->why = EMR_WHY_RIGHTS;
	return EMR_DENIED;
}

static emr_status head_of(emr_shared *shared, emr_id16 object, emr_replica_head *out)
{
	EMR_TRY(emr_replica_head_get(
		shared->share->o.replica, shared->received.grant.domain, object, out));
	return out->state == EMR_OBJECT_ERASED ? EMR_NOT_FOUND : EMR_OK;
}

/* HEAD becomes the row as it was when ITEM was its last. */
static void go_back(emr_replica_head *head, const emr_replica_item *item)
{
	head->version = head->pversion = item->version;
	head->item_id = head->pitem = item->item_id;
	head->seq = item->seq;
	head->ledger_time = item->ledger_time;
	head->epoch = item->epoch;
}

emr_status shared_find_version(
	emr_shared *shared, emr_id16 object, uint64_t pversion, record_facts *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_head head;
	emr_replica_item item;

	EMR_TRY(may_look_back(shared, NULL));
	EMR_TRY(head_of(shared, object, &head));
	EMR_TRY(share_item(
		shared->share, EMR_FAMILY_OBJECT, head.domain, object, pversion, &bytes, &item));
	if (item.op != EMR_OP_PUT && item.op != EMR_OP_REWRAP)
		return EMR_NOT_FOUND;
	go_back(&head, &item);
	return share_record(shared->share, &head, shared_key_of_name, shared, out);
}

/* ---- all of them ---- */

/* One content that the row has had. */
typedef struct step {
	emr_shared_version v;
	emr_id16 record_id;
	emr_cid root;
} step;

typedef struct walk {
	emr_shared *shared;
	emr_replica_head head;
	emr_buf steps; /* step, ... */
} walk;

static void walk_end(walk *w)
{
	emr_buf_free(&w->steps);
}

static bool is_same_put(const step *s, const emr_put_part *put)
{
	return s->v.cver == put->cver && emr_id16_equal(s->record_id, put->record_id) &&
	       emr_cid_equal(&s->root, &put->root);
}

/* A version that was only sealed again is the same version; its newest seal is asked for. */
static emr_status note_version(walk *w, const emr_replica_item *item, const record_facts *facts)
{
	step *last = w->steps.len > 0
			     ? (step *)(void *)(w->steps.data + w->steps.len - sizeof(step))
			     : NULL;
	const step new = {.v = {.pversion = item->version,
				  .cver = facts->put.cver,
				  .bytes = facts->meta.n,
				  .time_unix_s = item->ledger_time,
				  .signer = item->signer_id,
				  .seq = item->seq,
				  .is_current = item->version == w->head.pversion &&
						w->head.state == EMR_OBJECT_LIVE},
		.record_id = facts->put.record_id,
		.root = facts->put.root};

	if (last == NULL || item->op == EMR_OP_PUT || !is_same_put(last, &facts->put))
		return emr_buf_append(&w->steps, &new, sizeof new);
	last->v.pversion = item->version;
	last->v.is_current = new.v.is_current;
	return EMR_OK;
}

static emr_status one_item(void *arg, const emr_replica_item *item)
{
	walk *w = arg;
	emr_replica_head head = w->head;
	AUTO_RECORD facts = {0};
	emr_status status;

	if (item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP)
		return EMR_OK;
	go_back(&head, item);
	status = share_record(w->shared->share, &head, shared_key_of_name, w->shared, &facts);
	if (emr_status_is_local(status))
		return status;
	return status == EMR_OK && facts.meta.type == EMR_META_FILE ? note_version(w, item, &facts)
								    : EMR_OK;
}

emr_status emr_shared_each_version(
	emr_shared *shared, emr_id16 object, emr_shared_version_fn fn, void *arg)
{
	__attribute__((cleanup(walk_end))) walk w = {.shared = shared};

	EMR_TRY(may_look_back(shared, NULL));
	EMR_TRY(shared_take_own_names(shared));
	EMR_TRY(head_of(shared, object, &w.head));
	EMR_TRY(emr_replica_history(
		shared->share->o.replica, EMR_FAMILY_OBJECT, w.head.domain, object, one_item, &w));
	EMR_EACH (const step, one, &w.steps)
		EMR_TRY(fn(arg, &one->v));
	return EMR_OK;
}

emr_status emr_shared_ask_version(emr_shared *shared, emr_id16 object, uint64_t pversion,
	emr_ask **out_ask, emr_share_trouble *out_trouble)
{
	emr_access_slot slot = {
		.object_id = object, .version = pversion, .kind = EMR_CAPSULE_CONTENT};
	emr_status status = may_look_back(shared, out_trouble);

	*out_ask = NULL;
	if (status == EMR_OK && (shared->received.grant.row.rights & EMR_GRANT_READ) == 0) {
		if (out_trouble != NULL)
			out_trouble->why = EMR_WHY_RIGHTS;
		return EMR_DENIED;
	}
	if (status != EMR_OK || shared_content_key(shared, object, pversion) != NULL)
		return status;
	return shared_ask_slots(shared, &slot, 1, out_ask, out_trouble);
}
