/* This file is how an owner's own computer answers questions for keys: it gives what the owner's
 * grants allow, and refuses the rest with a reason. It can always release, even when no agent
 * answers. */
#include "share/release.h"

#include <stdlib.h>
#include <string.h>

#include "share/strangers.h"

#include "judge.h"

struct emr_release {
	desk desk;
};

emr_status emr_release_new(emr_share *share, emr_release **out_release)
{
	emr_release *release = calloc(1, sizeof *release);

	if (release == NULL)
		return EMR_NO_MEMORY;
	release->desk = (desk){.share = share};
	*out_release = release;
	return EMR_OK;
}

void emr_release_free(emr_release *release)
{
	if (release == NULL)
		return;
	desk_end(&release->desk);
	free(release);
}

/* ---- one answer ---- */

typedef struct owners_answer {
	desk *desk;
	const question *q;
	emr_answer_key *slots;
	emr_kem_key **keys;
	size_t given;
} owners_answer;

static void owners_answer_end(owners_answer *a)
{
	for (uint16_t i = 0; a->keys != NULL && i < a->q->body.count; i++)
		emr_kem_key_free(a->keys[i]);
	free(a->keys);
	free(a->slots);
}

static emr_status give_slot(owners_answer *a, uint16_t i)
{
	const question *q = a->q;
	emr_epoch_key *epoch = NULL;
	capsule_facts capsule;
	uint8_t code;
	emr_status status = EMR_OK;

	EMR_TRY(desk_judge_slot(a->desk, q, &q->body.slots[i], &capsule, &code));
	if (code == EMR_RESULT_APPLIED) {
		status = emr_keyring_epoch_key(
			a->desk->share->o.keyring, q->domain, capsule.epoch, &epoch);
		if (status == EMR_OK)
			status = emr_kem_key_decapsulate(
				epoch, capsule.ctx, capsule.capsule, &a->keys[i]);
		emr_epoch_key_free(epoch);
		if (status == EMR_DAMAGED) { /* a writer put it there; the others are given */
			code = EMR_RESULT_PRIVATE_PART;
			status = EMR_OK;
		}
	}
	a->slots[i] = (emr_answer_key){i, code, a->keys[i]};
	a->given += code == EMR_RESULT_APPLIED;
	return status;
}

static emr_status send_keys(owners_answer *a)
{
	const question *q = a->q;
	emr_asked asked = question_asked(q);
	AUTO_PARCEL p = {0};
	emr_act act;

	EMR_TRY(parcel_begin(a->desk->share, emr_signer_domain(q->domain, SHARE_GEN), &p));
	act = emr_act_served(
		q->domain, p.signer, q->req, q->access, EMR_SERVED_OWNER, (uint16_t)a->given, 0);
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_served_part_seal_keys(
		emr_buf_view(&p.item), &asked, a->slots, q->body.count, &p.part));
	EMR_TRY(parcel_add(&p, &act, NULL));
	return parcel_send(&p);
}

static emr_status give_release(desk *d, const question *q, size_t *out_given)
{
	__attribute__((cleanup(owners_answer_end))) owners_answer a = {.desk = d, .q = q};
	bool may = true;

	a.slots = calloc(q->body.count, sizeof *a.slots);
	a.keys = calloc(q->body.count, sizeof(emr_kem_key *));
	if (a.slots == NULL || a.keys == NULL)
		return EMR_NO_MEMORY;
	/* No key of a record that was removed a moment ago; the others wait for none that cannot go
	 * now. */
	(void)share_let_go(d->share, q->domain);
	for (uint16_t i = 0; i < q->body.count; i++)
		EMR_TRY(give_slot(&a, i));
	if (a.given == 0)
		EMR_TRY(desk_may_refuse(d, q, &may));
	if (may)
		EMR_TRY(send_keys(&a));
	*out_given = a.given;
	return EMR_OK;
}

static emr_status answer_question(emr_release *release, question *q, emr_release_tally *tally)
{
	desk *d = &release->desk;
	emr_signer who = emr_signer_domain(q->domain, SHARE_GEN);
	AUTO_BOX_KEY box = NULL;
	size_t given = 0;
	bool is_hers = false;
	uint8_t code = EMR_RESULT_APPLIED;

	EMR_TRY(emr_box_key_domain(d->share->o.keyring, q->domain, &box));
	EMR_TRY(question_open(q, box, emr_owner_rid(q->domain)));
	EMR_TRY(desk_judge(d, q, &code));
	EMR_TRY(emr_grant_is_owners(d->share->o.replica, &q->grant.known, &is_hers));
	/* Somebody who may manage shared it, with a stolen computer for example, not she. */
	if (code == EMR_RESULT_APPLIED && !is_hers)
		code = EMR_RESULT_NOT_AUTHORISED;
	EMR_TRY(code != EMR_RESULT_APPLIED ? desk_refuse(d, q, who, code)
					   : give_release(d, q, &given));
	tally->answered += given > 0;
	tally->refused += given == 0;
	return given > 0 ? desk_count(d, q, given) : EMR_OK;
}

static emr_status look_at(
	emr_release *release, const pending_question *pending, emr_release_tally *tally)
{
	emr_share *share = release->desk.share;
	AUTO_QUESTION q = {0};
	emr_row_domain row;
	emr_domain_public public;
	bool is_answered = false, is_served = false;
	emr_status status;

	if (pending->op != EMR_OP_ACCESS_REQ)
		return EMR_OK;
	status = share_own_domain(share, pending->domain, &row, &public);
	if (status == EMR_DENIED)
		return EMR_OK; /* somebody else's */
	if (status == EMR_OK)
		status = question_load(share, pending->domain, pending->access, &q);
	if (status == EMR_OK)
		status = question_is_answered(share, &q, public.signer_id, &is_answered);
	if (status == EMR_OK)
		status = question_is_served(share, &q, &is_served);
	if (status == EMR_OK && !is_answered && !is_served &&
		question_is_awaited(&release->desk, &q, release->desk.looked_boot_ns))
		status = answer_question(release, &q, tally);
	return desk_pass_over(status, "a question");
}

emr_status emr_release_run(emr_release *release, emr_release_tally *out_tally)
{
	emr_release_tally tally = {.next_ms = -1};
	EMR_AUTO_BUF all = {0};
	uint64_t next = 0;
	int64_t began = emr_clock_boot_ns(release->desk.share->o.clock);
	emr_status status = desk_pending(&release->desk, &all, &next);

	EMR_EACH (const pending_question, pending, &all)
		if (status == EMR_OK)
			status = look_at(release, pending, &tally);
	if (status == EMR_OK)
		desk_has_looked(&release->desk, next, began);
	if (status == EMR_OK)
		status = desk_next(&release->desk, -1, &tally.next_ms);
	*out_tally = tally;
	return status;
}
