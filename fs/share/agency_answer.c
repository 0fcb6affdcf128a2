/* This file makes an agent's answer to one question: it checks each record that was asked for
 * and converts its key with the agent's fragment, for the reader alone. The agent itself never
 * learns a key that opens a record. Answers to questions that came together go onto the ledger
 * together. */
#include "replica/people.h"
#include "agency.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

typedef struct agents_answer {
	emr_agency *agency;
	question *q;
	capsule_facts *capsules;
	uint8_t *codes;
	emr_answer_cfrag *cfrags; /* sorted by epoch */
	emr_answer_group *groups;
	emr_fragment **fragments;
	size_t groups_n, cfrags_n, given;
} agents_answer;

static void agents_answer_end(agents_answer *a)
{
	for (size_t i = 0; i < a->groups_n; i++)
		emr_fragment_free(a->fragments[i]);
	free(a->fragments);
	free(a->groups);
	free(a->cfrags);
	free(a->codes);
	free(a->capsules);
}

/* Fragments of an epoch are signed by who owned the domain in it. */
static emr_status fetch_of_former(
	agents_answer *a, const char *name, const uint8_t A[32], emr_fragment **out)
{
	const question *q = a->q;
	EMR_AUTO_BUF owners = {0};
	emr_status status =
		emr_replica_owners_of(a->agency->desk.share->o.replica, q->domain, &owners);
	bool is_there = false;

	EMR_EACH (const emr_known_owner, owner, &owners)
		if (status == EMR_OK && !is_there) {
			status = agency_fetch(a->agency, name, owner->owned.owner_pk,
				&q->grant.terms, A, q->grant.read.B, out);
			is_there = status == EMR_OK;
			if (status == EMR_BAD_SIGNATURE)
				status = EMR_OK;
		}
	return status == EMR_OK && !is_there ? EMR_BAD_SIGNATURE : status;
}

static emr_status begin_group(agents_answer *a, uint32_t epoch)
{
	const question *q = a->q;
	char name[FRAGMENT_NAME_BYTES];
	uint8_t A[32];
	emr_fragment *fragment = NULL;
	emr_status status;

	agency_fragment_name(q->domain, q->grant.known.grant, epoch, name);
	status = share_epoch(a->agency->desk.share, q->domain, epoch, A);
	if (status == EMR_OK)
		status = agency_fetch(a->agency, name, q->row.owner_pk, &q->grant.terms, A,
			q->grant.read.B, &fragment);
	if (status == EMR_BAD_SIGNATURE)
		status = fetch_of_former(a, name, A, &fragment);
	if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_BAD_SIGNATURE &&
		status != EMR_DAMAGED)
		return status;
	a->fragments[a->groups_n] = fragment;
	a->groups[a->groups_n++] = (emr_answer_group){
		.epoch = epoch, .fragment = fragment, .answers = &a->cfrags[a->cfrags_n]};
	return EMR_OK;
}

static void convert_slot(agents_answer *a, uint16_t slot)
{
	emr_answer_group *group = &a->groups[a->groups_n - 1];
	emr_answer_cfrag *out = &a->cfrags[a->cfrags_n++];
	uint8_t code = a->codes[slot];

	*out = (emr_answer_cfrag){.slot = slot};
	if (code == EMR_RESULT_APPLIED && group->fragment == NULL)
		code = EMR_RESULT_EPOCH;
	if (code == EMR_RESULT_APPLIED &&
		emr_fragment_convert(group->fragment, a->capsules[slot].ctx,
			a->capsules[slot].capsule, a->q->req, out->cfrag) != EMR_OK)
		code = EMR_RESULT_PRIVATE_PART;
	out->status = code;
	group->count++;
	a->given += code == EMR_RESULT_APPLIED;
}

/* Slots that name nothing have no epoch of their own: they are answered for the present one. */
static emr_status judge_slots(agents_answer *a)
{
	emr_status status = EMR_OK;

	for (uint16_t i = 0; i < a->q->body.count && status == EMR_OK; i++) {
		a->capsules[i].epoch = 0;
		status = desk_judge_slot(&a->agency->desk, a->q, &a->q->body.slots[i],
			&a->capsules[i], &a->codes[i]);
		if (a->capsules[i].epoch == 0)
			a->capsules[i].epoch = a->q->row.head.epoch;
	}
	return status;
}

static emr_status convert_all(agents_answer *a)
{
	uint32_t epoch = 0;

	for (;;) {
		uint32_t next = UINT32_MAX;

		for (uint16_t i = 0; i < a->q->body.count; i++)
			if (a->capsules[i].epoch > epoch && a->capsules[i].epoch < next)
				next = a->capsules[i].epoch;
		if (next == UINT32_MAX)
			return EMR_OK;
		epoch = next;
		EMR_TRY(begin_group(a, epoch));
		for (uint16_t i = 0; i < a->q->body.count; i++)
			if (a->capsules[i].epoch == epoch)
				convert_slot(a, i);
	}
}

/* By ids only. */
static void log_answer(const question *q, size_t given, uint8_t code)
{
	char req[65], grant[33];

	emr_hex(q->req.b, sizeof q->req.b, req);
	emr_hex(q->grant.known.grant.b, sizeof q->grant.known.grant.b, grant);
	emr_log(EMR_LOG_INFO, "agent: request %s grant %s: %zu of %u given, code %u", req, grant,
		given, (unsigned)q->body.count, (unsigned)code);
}

/* ---- what waits to be sent ---- */

#define WAITS_NS INT64_C(50000000) /* at most: far below what the next agent waits for this one */

static void tally_answer(const question *q, size_t given, uint8_t code, emr_release_tally *tally)
{
	log_answer(q, given, code);
	tally->answered += given > 0;
	tally->refused += given == 0;
}

emr_status agency_send(emr_agency *agency, emr_release_tally *tally)
{
	outbox *out = &agency->out;
	uint8_t codes[ANSWERS_IN_ONE];
	emr_status sent = out->n > 0 ? parcel_send_each(&out->parcel, codes) : EMR_OK;
	emr_status status = sent, counted;

	for (size_t i = 0; i < out->n; i++) {
		question *q = &out->all[i].q;
		size_t given = out->all[i].given;

		/* A question whose answer the ledger does not take was answered, or has ended,
		 * meanwhile. */
		if (sent == EMR_OK && parcel_is_applied(codes[i])) {
			tally_answer(q, given, EMR_RESULT_APPLIED, tally);
			counted = given > 0 ? desk_count(&agency->desk, q, given) : EMR_OK;
			status = status == EMR_OK ? counted : status;
		} else if (sent == EMR_OK) {
			log_answer(q, 0, codes[i]);
		}
		question_free(q);
	}
	out->n = 0;
	parcel_end(&out->parcel);
	return status;
}

/* Of one grant no second one waits: how much was given today is counted when it was sent.  No
 * answer is longer than half of what one entry takes. */
static bool has_to_go_first(const emr_agency *agency, const question *q)
{
	const outbox *out = &agency->out;

	for (size_t i = 0; i < out->n; i++)
		if (emr_id16_equal(out->all[i].q.grant.known.grant, q->grant.known.grant))
			return true;
	return out->n == ANSWERS_IN_ONE ||
	       emr_batch_size(out->parcel.batch) > EMR_BATCH_SEND_BYTES / 2 ||
	       emr_clock_boot_ns(agency->desk.share->o.clock) - out->since_boot_ns > WAITS_NS;
}

emr_status agency_make_room(emr_agency *agency, const question *q, emr_release_tally *tally)
{
	return agency->out.n > 0 && has_to_go_first(agency, q) ? agency_send(agency, tally)
							       : EMR_OK;
}

static emr_status put_cfrags(const agents_answer *a, parcel *p)
{
	const question *q = a->q;
	emr_asked asked = question_asked(q);
	emr_act act = emr_act_served(q->domain, p->signer, q->req, q->access, EMR_SERVED_FRAGMENTS,
		(uint16_t)a->given, 0);

	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(emr_served_part_seal_cfrags(
		emr_buf_view(&p->item), &asked, a->groups, a->groups_n, &p->part));
	return parcel_add(p, &act, NULL);
}

/* A's question is the outbox's afterwards. */
static emr_status put_in_outbox(const agents_answer *a)
{
	emr_agency *agency = a->agency;
	outbox *out = &agency->out;

	if (out->n == 0) {
		out->since_boot_ns = emr_clock_boot_ns(agency->desk.share->o.clock);
		parcel_end(&out->parcel);
		EMR_TRY(parcel_begin(agency->desk.share, emr_signer_identity(), &out->parcel));
	}
	EMR_TRY(put_cfrags(a, &out->parcel));
	out->all[out->n].given = a->given;
	out->all[out->n++].q = *a->q;
	*a->q = (question){.seq = 0};
	return EMR_OK;
}

static emr_status give_fragments(emr_agency *agency, question *q, emr_release_tally *tally)
{
	__attribute__((cleanup(agents_answer_end))) agents_answer a = {.agency = agency, .q = q};
	size_t n = q->body.count;
	bool may = true;

	a.capsules = calloc(n, sizeof *a.capsules);
	a.codes = calloc(n, sizeof *a.codes);
	a.cfrags = calloc(n, sizeof *a.cfrags);
	a.groups = calloc(n, sizeof *a.groups);
	a.fragments = calloc(n, sizeof(emr_fragment *));
	if (a.capsules == NULL || a.codes == NULL || a.cfrags == NULL || a.groups == NULL ||
		a.fragments == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(judge_slots(&a));
	EMR_TRY(convert_all(&a));
	if (a.given == 0)
		EMR_TRY(desk_may_refuse(&agency->desk, q, &may));
	if (may)
		return put_in_outbox(&a);
	tally_answer(q, 0, EMR_RESULT_APPLIED, tally);
	return EMR_OK;
}

static emr_status open_question(emr_agency *agency, question *q)
{
	emr_status status = EMR_DAMAGED;

	for (int i = 0; i < AGENCY_BOXES && status == EMR_DAMAGED; i++)
		if (agency->boxes[i] != NULL)
			status = question_open(
				q, agency->boxes[i], agency->desk.share->me.signer_id);
	return status;
}

/* A reader whose own organisation has the agent has as many hands as needed, by whatever way that
 * reader was let in: by a share, in a team of several organisations, into a dataset. That is for
 * the owner to allow, in the grant. A key stays in its organisation for as long as it is one. */
static emr_status judge_nearness(const emr_agency *agency, const question *q, uint8_t *out_code)
{
	emr_share *share = agency->desk.share;
	emr_known_person me, who;
	bool is_let = false;

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	EMR_TRY(emr_replica_person(share->o.replica, q->signer, &who));
	EMR_TRY(share_lets_near(
		share, q->grant.terms.rights, &q->grant.known, me.row.org, &is_let));
	if (!is_let && memcmp(who.row.org, me.row.org, sizeof me.row.org) == 0)
		*out_code = EMR_RESULT_NOT_AUTHORISED;
	return EMR_OK;
}

emr_status agency_answer(emr_agency *agency, question *q, emr_release_tally *tally)
{
	desk *d = &agency->desk;
	uint8_t code = EMR_RESULT_APPLIED;

	EMR_TRY(open_question(agency, q));
	EMR_TRY(desk_judge(d, q, &code));
	if (code == EMR_RESULT_APPLIED)
		EMR_TRY(judge_nearness(agency, q, &code));
	if (code == EMR_RESULT_APPLIED)
		return give_fragments(agency, q, tally);
	EMR_TRY(desk_refuse(d, q, emr_signer_identity(), code));
	tally_answer(q, 0, code, tally);
	return EMR_OK;
}
