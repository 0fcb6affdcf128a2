/* A reader's computer asks here for the keys of a received folder: the question goes onto the
 * ledger first, then the answers are collected. A refusal keeps its reason, so that the reader
 * is told why. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/hpke.h"
#include "replica/follower.h"

#include "judge.h"
#include "shared_private.h"

/* ---- making a question ---- */

EMR_AUTO_CALL(ask_auto_free, emr_ask *, emr_ask_free);
#define AUTO_ASK __attribute__((cleanup(ask_auto_free))) emr_ask *

/* Slots are emr_access_slot, ... */
static emr_status add_slot(emr_buf *slots, emr_access_slot slot)
{
	return slots->len < EMR_ACCESS_SLOTS_MAX * sizeof slot
		       ? emr_buf_append(slots, &slot, sizeof slot)
		       : EMR_LIMIT;
}

/* By a former key of a team nobody gives what came when the team's present one had the share: such
 * a question would wait for ever, and with it what can be had. */
static emr_status find_last_epoch(const emr_shared *shared, uint32_t *out_epoch)
{
	const emr_received *r = &shared->received;
	uint32_t newest = 0;
	emr_status status = EMR_OK;

	if (!emr_id16_is_zero(r->via))
		status = share_fragments_epoch(shared->share, &r->grant, &newest);
	*out_epoch = status == EMR_OK && newest > 0 ? newest : UINT32_MAX;
	return emr_status_is_local(status) ? status : EMR_OK;
}

/* One that is lacking hides what stands under it, and is asked for when it is there. */
static emr_status add_list_keys(emr_shared *shared, emr_buf *slots)
{
	const emr_known_grant *grant = &shared->received.grant;
	EMR_AUTO_BUF all = {0};
	uint32_t last_epoch = 0;

	EMR_TRY(find_last_epoch(shared, &last_epoch));
	EMR_TRY(share_every_list_key(shared->share, grant->domain, &all));
	EMR_EACH (const published_key, key, &all) {
		const emr_access_slot slot = {.object_id = key->object,
			.version = key->version,
			.kind = EMR_CAPSULE_LISTING};
		capsule_facts facts;
		emr_status status;

		/* Slots that are too many for one question are asked with the next. */
		if (key->epoch < grant->row.head.epoch || key->epoch > last_epoch ||
			slots->len == EMR_ACCESS_SLOTS_MAX * sizeof slot ||
			shared_name_key(shared, key->listkey_id) != NULL ||
			shared_is_closed_name(shared, key->listkey_id))
			continue;
		status = share_capsule(shared->share, grant->domain, &slot, &facts);
		if (emr_status_may_pass(status))
			return status;
		if (status == EMR_OK)
			EMR_TRY(add_slot(slots, slot));
	}
	return EMR_OK;
}

/* An agent of the reader's own organisation would answer nothing, and say so on the ledger, unless
 * the owner named it as one of hers.  One whose key nobody knows is for the next step. */
static emr_status may_answer(
	const emr_shared *shared, emr_id32 agent, const emr_buf *mine, bool *out_may)
{
	emr_known_person person;
	emr_status status = emr_replica_person(shared->share->o.replica, agent, &person);

	*out_may = status != EMR_OK || !share_is_near(mine, person.row.org);
	if (!*out_may)
		return share_lets_near(shared->share, shared->terms.rights, &shared->received.grant,
			person.row.org, out_may);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status list_responders(emr_ask *ask)
{
	const emr_shared *shared = ask->shared;
	emr_bytes pk = emr_bytes_of(shared->row.owner_pk, 32);
	EMR_AUTO_BUF mine = {0};
	emr_status status = share_near(shared->share, shared->share->me.signer_id, &mine);

	for (unsigned i = 0; i < shared->received.agents_count && status == EMR_OK; i++) {
		bool may = false;

		status = may_answer(shared, shared->received.agents[i], &mine, &may);
		if (may && !shared_is_liar(shared, shared->received.agents[i]))
			ask->who[ask->who_n++].id = shared->received.agents[i];
	}
	ask->who[ask->who_n].is_owner = true;
	ask->who[ask->who_n++].id = emr_sha256_of(&pk, 1);
	return status;
}

/* Those who answer, and the auditors of the reader's organisation. */
static emr_status list_recipients(
	const emr_ask *ask, emr_recipient out[EMR_RESPONDERS_MAX + AUDITORS_MAX], size_t *out_n)
{
	const emr_shared *shared = ask->shared;
	const auditors *audited_by;
	size_t n = 0;

	for (unsigned i = 0; i < ask->who_n; i++) {
		emr_known_person agent;

		if (ask->who[i].is_owner)
			continue;
		EMR_TRY(emr_replica_person(shared->share->o.replica, ask->who[i].id, &agent));
		if (!emr_hpke_takes(agent.row.x25519)) /* the others are asked all the same */
			continue;
		out[n].rid = ask->who[i].id;
		memcpy(out[n++].x25519, agent.row.x25519, 32);
	}
	out[n].rid = emr_owner_rid(shared->received.grant.domain);
	memcpy(out[n++].x25519, shared->row.box, 32);
	EMR_TRY(staff_auditors(shared->share, &audited_by));
	for (size_t i = 0; i < audited_by->n; i++)
		out[n++] = audited_by->list[i];
	*out_n = n;
	return EMR_OK;
}

/* ASK, for all of its SLOTS, goes into P. */
static emr_status add_question(parcel *p, emr_ask *ask, const emr_buf *slots)
{
	emr_access_slot *all = (emr_access_slot *)(void *)slots->data;
	emr_shared *shared = ask->shared;
	const emr_known_grant *grant = &shared->received.grant;
	emr_access_body body = {.purpose = shared->purpose,
		.reader = shared->reader,
		.count = (uint16_t)ask->n,
		.slots = all};
	emr_act act = emr_act_access(grant->domain, ask->release.access, grant->grant,
		shared->received.via, body.count,
		all[0].kind == EMR_CAPSULE_LISTING ? body.count : 0); /* all are of one kind */
	emr_recipient to[EMR_RESPONDERS_MAX + AUDITORS_MAX];
	uint8_t epk[32];
	size_t n = 0;

	EMR_TRY(list_recipients(ask, to, &n));
	emr_box_key_public(ask->epk, epk);
	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(emr_access_part_seal(emr_buf_view(&p->item), epk, to, n, &body, &p->part));
	return parcel_add(p, &act, &ask->release.req);
}

static emr_status load_slots(emr_ask *ask, const emr_buf *slots)
{
	asked_slot *at = calloc(slots->len / sizeof(emr_access_slot), sizeof *at);

	if (at == NULL)
		return EMR_NO_MEMORY;
	ask->slots = at;
	ask->n = slots->len / sizeof(emr_access_slot);
	EMR_EACH (const emr_access_slot, slot, slots) {
		at->slot = *slot;
		EMR_TRY(share_capsule(
			ask->shared->share, ask->release.domain, slot, &(at++)->capsule));
	}
	return EMR_OK;
}

/* A question for SLOTS, in P: it counts once P was sent. */
static emr_status new_question(
	emr_shared *shared, parcel *p, const emr_buf *slots, emr_ask **out_ask)
{
	AUTO_ASK ask = calloc(1, sizeof *ask);

	if (ask == NULL)
		return EMR_NO_MEMORY;
	ask->shared = shared;
	ask->release = (emr_known_release){.domain = shared->received.grant.domain,
		.access = emr_id16_random(),
		.grant = shared->received.grant.grant};
	EMR_TRY(list_responders(ask));
	EMR_TRY(emr_box_key_new(&ask->epk));
	EMR_TRY(load_slots(ask, slots));
	EMR_TRY(add_question(p, ask, slots));
	*out_ask = ask;
	ask = NULL;
	return EMR_OK;
}

/* *OUT_ASK stays as it is when there are none. */
static emr_status ask_slots(
	emr_shared *shared, const emr_buf *slots, emr_ask **out_ask, emr_share_trouble *out_trouble)
{
	emr_share *share = shared->share;
	AUTO_PARCEL p = {0};
	AUTO_ASK ask = NULL;
	emr_status status;

	if (slots->len == 0)
		return EMR_OK;
	share->refusal = 0;
	status = parcel_begin(share, emr_signer_identity(), &p);
	if (status == EMR_OK)
		status = new_question(shared, &p, slots, &ask);
	if (status == EMR_OK)
		status = parcel_send(&p);
	if (status == EMR_OK) {
		*out_ask = ask;
		ask = NULL;
	} else if (out_trouble != NULL && share->refusal != 0) {
		*out_trouble = (emr_share_trouble){.why = EMR_WHY_LEDGER, .code = share->refusal};
	}
	return status;
}

/* The listing keys that are lacking. */
static emr_status list_lacking(emr_shared *shared, emr_buf *slots, emr_share_trouble *out_trouble)
{
	EMR_AUTO_SNAPSHOT snapshot = {0};

	EMR_TRY(emr_replica_snapshot_begin(shared->share->o.replica, &snapshot));
	EMR_TRY(emr_shared_check(shared, out_trouble));
	if ((shared->received.grant.row.rights & EMR_GRANT_LIST) == 0) {
		if (out_trouble != NULL)
			out_trouble->why = EMR_WHY_RIGHTS;
		return EMR_DENIED;
	}
	EMR_TRY(shared_take_own_names(shared));
	return add_list_keys(shared, slots);
}

emr_status emr_shared_ask_names(
	emr_shared *shared, emr_ask **out_ask, emr_share_trouble *out_trouble)
{
	EMR_AUTO_BUF slots = {0};

	*out_ask = NULL;
	EMR_TRY(list_lacking(shared, &slots, out_trouble));
	return ask_slots(shared, &slots, out_ask, out_trouble);
}

/* The question for ONE's names, in P; none where nothing is lacking, or it cannot be asked. */
static void add_names(parcel *p, emr_names_asked *one)
{
	EMR_AUTO_BUF slots = {0};
	emr_status status = list_lacking(one->shared, &slots, NULL);

	if (status == EMR_OK && slots.len > 0)
		status = new_question(one->shared, p, &slots, &one->ask);
	if (status != EMR_OK)
		emr_log(EMR_LOG_DEBUG, "names are not asked for: %s", emr_status_text(status));
}

static emr_status add_names_of(parcel *p, emr_names_asked *all, size_t n)
{
	EMR_AUTO_SNAPSHOT snapshot = {0};

	EMR_TRY(emr_replica_snapshot_begin(p->share->o.replica, &snapshot));
	for (size_t i = 0; i < n; i++)
		add_names(p, &all[i]);
	return EMR_OK;
}

emr_status emr_shared_ask_names_of(emr_share *share, emr_names_asked *all, size_t n)
{
	uint8_t codes[EMR_BATCH_SEND_ITEMS];
	AUTO_PARCEL p = {0};
	emr_status status = parcel_begin(share, emr_signer_identity(), &p);
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		all[i].ask = NULL;
	if (status == EMR_OK)
		status = add_names_of(&p, all, n);
	if (status == EMR_OK && emr_batch_count(p.batch) > 0)
		status = parcel_send_each(&p, codes);
	for (size_t i = 0; i < n; i++) {
		if (all[i].ask == NULL)
			continue;
		if (status == EMR_OK && parcel_is_applied(codes[at++]))
			continue;
		emr_ask_free(all[i].ask);
		all[i].ask = NULL;
	}
	return status;
}

emr_status emr_shared_ask_records(emr_shared *shared, const emr_id16 *objects, size_t n,
	emr_ask **out_ask, emr_share_trouble *out_trouble)
{
	EMR_AUTO_BUF slots = {0};

	*out_ask = NULL;
	EMR_TRY(emr_shared_check(shared, out_trouble));
	if ((shared->received.grant.row.rights & EMR_GRANT_READ) == 0) {
		if (out_trouble != NULL)
			out_trouble->why = EMR_WHY_RIGHTS;
		return EMR_DENIED;
	}
	for (size_t i = 0; i < n; i++) {
		emr_replica_head head;

		EMR_TRY(shared_head(shared, objects[i], &head));
		if (shared_content_key(shared, objects[i], head.pversion) == NULL)
			EMR_TRY(add_slot(&slots, (emr_access_slot){.object_id = objects[i],
							 .version = head.pversion,
							 .kind = EMR_CAPSULE_CONTENT}));
	}
	return ask_slots(shared, &slots, out_ask, out_trouble);
}

void emr_ask_free(emr_ask *ask)
{
	if (ask == NULL)
		return;
	for (unsigned i = 0; i < ask->who_n; i++)
		emr_answer_free(ask->who[i].answer);
	emr_box_key_free(ask->epk);
	free(ask->slots);
	free(ask);
}

/* ---- collecting ---- */

static void note_refusal(emr_ask *ask, uint8_t code)
{
	if (ask->refusal == 0)
		ask->refusal = code;
}

/* Finds the answer of WHO, if it is there. The signer is to blame for one that does not open. */
static emr_status look_for(emr_ask *ask, responder *who)
{
	emr_share *share = ask->shared->share;
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_known_answer known;
	emr_replica_item item;
	emr_status status = emr_replica_answer(share->o.replica, &ask->release, who->id, &known);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK && known.mode == EMR_SERVED_REFUSED) {
		who->has_answered = true;
		note_refusal(ask, known.reason);
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = share_item(share, EMR_FAMILY_SERVED, ask->release.domain, known.object, 1,
			&bytes, &item);
	if (status == EMR_OK)
		status = share_part(
			share, EMR_FAMILY_SERVED, ask->release.domain, known.object, 1, &part);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
	status = emr_answer_open(
		ask->epk, emr_buf_view(&bytes), emr_buf_view(&part), ask->n, &who->answer);
	if (status != EMR_OK && status != EMR_DAMAGED)
		return status;
	who->has_answered = true;
	who->is_liar = status == EMR_DAMAGED;
	return EMR_OK;
}

static void tell_trouble(const emr_ask *ask, size_t lacking, bool has_liar, emr_share_trouble *out)
{
	const emr_shared *shared = ask->shared;

	if (out == NULL)
		return;
	*out = (emr_share_trouble){.code = ask->refusal, .liar_count = shared->liars_n};
	out->is_over_limit = ask->is_over_limit;
	memcpy(out->liars, shared->liars, sizeof out->liars);
	for (unsigned i = 0; i < ask->who_n; i++) {
		const responder *who = &ask->who[i];

		if (who->has_answered || lacking == 0)
			continue;
		if (who->is_owner)
			out->is_owner_missing = true;
		else
			out->missing[out->missing_count++] = who->id;
	}
	if (lacking > 0 && has_liar)
		out->why = EMR_WHY_LIAR;
	else if (lacking > 0)
		out->why = out->missing_count > 0 || out->is_owner_missing ? EMR_WHY_NO_RELEASE
									   : EMR_WHY_REFUSED;
}

/* A name key that opens for nobody: the others are enough. */
static bool is_closed_name(const asked_slot *slot)
{
	return !slot->is_there && slot->is_closed && slot->slot.kind == EMR_CAPSULE_LISTING;
}

static emr_status look_for_all(emr_ask *ask, emr_share_trouble *out_trouble)
{
	EMR_AUTO_SNAPSHOT snapshot = {0};

	EMR_TRY(emr_replica_snapshot_begin(ask->shared->share->o.replica, &snapshot));
	EMR_TRY(emr_shared_check(ask->shared, out_trouble));
	for (unsigned i = 0; i < ask->who_n; i++)
		if (!ask->who[i].has_answered)
			EMR_TRY(look_for(ask, &ask->who[i]));
	return EMR_OK;
}

emr_status emr_ask_collect(emr_ask *ask, emr_share_trouble *out_trouble)
{
	size_t lacking = 0;
	bool may_come = false, is_lied_to = false;
	emr_status status = look_for_all(ask, out_trouble);

	for (size_t i = 0; i < ask->n && status == EMR_OK; i++) {
		if (!ask->slots[i].is_there)
			status = ask_combine(ask, i);
		if (status == EMR_OK && is_closed_name(&ask->slots[i])) {
			status =
				shared_note_closed_name(ask->shared, ask->slots[i].capsule.item_id);
		} else if (!ask->slots[i].is_there) {
			lacking++;
			note_refusal(ask, ask->slots[i].refusal);
		}
	}
	EMR_TRY(status);
	EMR_TRY(ask_count_own(ask));
	for (unsigned i = 0; i < ask->who_n; i++) {
		may_come = may_come || !ask->who[i].has_answered;
		is_lied_to = is_lied_to || ask->who[i].is_liar;
		if (ask->who[i].is_liar)
			shared_note_liar(ask->shared, ask->who[i].id);
	}
	tell_trouble(ask, lacking, is_lied_to, out_trouble);
	if (lacking == 0)
		return EMR_OK;
	/* With t answers on the ledger nobody else answers this question, whatever they are worth.
	 */
	return may_come && !is_lied_to ? EMR_BUSY : EMR_DENIED;
}
