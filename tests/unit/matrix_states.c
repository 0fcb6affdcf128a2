/* This file puts the rows of the contract's matrix into the state that a line of its table
 * speaks of. */
#include "matrix_world.h"

static void set_grant(people *p, enum state state)
{
	emr_row_grant row = people_grant(p);

	if (state == ST_COMING)
		row.not_before_unix_s = KIT_NOW + 1;
	if (state == ST_OVER || state == ST_GRANT_OVER)
		row.not_after_unix_s = KIT_NOW;
	if (state == ST_ENDED || state == ST_GRANT_ENDED)
		row.head.state = EMR_GRANT_REVOKED;
	if (state == ST_OTHERS)
		memcpy(row.grantee, p->who[ADMIN].id, 32);
	people_put_grant(p, &row);
	if (state == ST_ABSENT || state == ST_NO_GRANT)
		people_forget(p, "G", p->grant);
}

static void set_request(people *p, enum state state)
{
	static const uint8_t states[STATES] = {[ST_THERE] = EMR_REQUEST_OPEN,
		[ST_OTHERS] = EMR_REQUEST_OPEN,
		[ST_DONE] = EMR_REQUEST_APPROVED,
		[ST_DENIED] = EMR_REQUEST_DENIED,
		[ST_ENDED] = EMR_REQUEST_WITHDRAWN};
	kit_signer asker = p->who[GRANTEE];

	if (state == ST_OTHERS)
		p->who[GRANTEE] = p->who[ADMIN];
	people_put_request(p, states[state]);
	p->who[GRANTEE] = asker;
	if (state == ST_ABSENT)
		people_forget(p, "Q", p->request);
}

static void set_writer(people *p, int form, enum state state)
{
	enum who subject = form == WRITER_ADD ? STEWARD : WRITER;
	kit_signer writer = p->who[subject];
	emr_key_text key;

	emr_key_writer(p->world.domain, writer.id, &key);
	kit_delete(&p->world.state, key.text);
	if (state == ST_ABSENT)
		return;
	if (state == ST_OTHERS)
		writer.id[31] ^= 1; /* half the id is the same */
	kit_put_writer(&p->world.state, p->world.domain, &writer, 23,
		state == ST_ENDED ? EMR_WRITER_ENDED : EMR_WRITER_ACTIVE,
		KIT_NOW + (state == ST_OVER ? 0 : 3 * KIT_DAY));
}

static void set_member(people *p, enum state state)
{
	uint8_t object[16];
	emr_key_text key;

	emr_object_member(p->team, p->who[GRANTEE].id, object);
	emr_key_by_object("DM", object, &key);
	if (state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
	if (state == ST_OVER || state == ST_ENDED)
		people_put_member(p, GRANTEE,
			state == ST_ENDED ? EMR_MEMBER_ENDED : EMR_MEMBER_ACTIVE,
			KIT_NOW + (state == ST_OVER ? 0 : KIT_DAY));
}

static void set_team(people *p, enum state state)
{
	kit_signer steward = p->who[STEWARD];
	emr_key_text key;

	if (state == ST_OTHERS)
		p->who[STEWARD] = p->who[ADMIN];
	people_put_team(p, state == ST_TEAM_ENDED || state == ST_ENDED ? EMR_DATASET_CLOSED
								       : EMR_DATASET_OPEN);
	p->who[STEWARD] = steward;
	emr_key_by_object("DS", p->team, &key);
	if (state == ST_NO_TEAM || state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
}

static void set_snapshot(people *p, enum state state)
{
	emr_key_text key;
	uint8_t object[16];
	emr_row_snapshot row = {
		.head = {.family = EMR_FAMILY_SNAPSHOT, .state = EMR_STATE_PRESENT, .version = 1}};
	uint8_t value[EMR_ROW_SNAPSHOT_BYTES];

	if (state == ST_NO_TEAM || state == ST_TEAM_ENDED)
		set_team(p, state);
	if (state != ST_OTHERS) /* somebody has that number already */
		return;
	kit_id16("a snapshot", object);
	emr_key_by_object("SN", object, &key);
	emr_row_snapshot_encode(&row, value);
	kit_put(&p->world.state, key.text, value, sizeof value);
}

/* Of the dataset that FORM is about, which has a grant of the domain. */
static void set_join(people *p, int form, enum state state)
{
	const uint8_t *dataset = form == DATASET_JOIN ? p->team : p->study;
	const uint8_t *grant = form == DATASET_JOIN ? p->team_grant : p->study_grant;
	emr_key_text key;

	emr_key_by_object("DS", dataset, &key);
	if (state == ST_NO_TEAM)
		kit_delete(&p->world.state, key.text);
	if (state == ST_TEAM_ENDED)
		people_put_dataset(p, dataset, EMR_DATASET_CLOSED, 0);
	if (state == ST_OTHERS) /* the grant is to another dataset */
		people_put_dataset_grant(p, grant, p->access, EMR_GRANT_ACTIVE, KIT_NOW + KIT_DAY);
	if (state == ST_GRANT_OVER || state == ST_GRANT_ENDED)
		people_put_dataset_grant(p, grant, dataset,
			state == ST_GRANT_OVER ? EMR_GRANT_ACTIVE : EMR_GRANT_REVOKED,
			KIT_NOW + (state == ST_GRANT_OVER ? 0 : KIT_DAY));
	if (state == ST_NO_GRANT)
		people_forget(p, "G", grant);
	if (state == ST_THERE || state == ST_ENDED)
		people_put_join(
			p, dataset, grant, state == ST_THERE ? EMR_JOIN_ACTIVE : EMR_JOIN_ENDED);
	if (state == ST_ABSENT)
		people_forget(p, "J", dataset);
}

/* GRANTEE has trustees, and somebody asks them. */
static void set_recovery(people *p, int form, enum state state)
{
	emr_row_trustees trustees = {
		.head = {.family = EMR_FAMILY_TRUSTEES, .state = EMR_STATE_PRESENT, .version = 1},
		.t = 1,
		.n = 1,
		.delay_s = KIT_DAY};
	emr_row_recovery row = {
		.head = {.family = EMR_FAMILY_RECOVERY,
			.state = state == ST_DONE ? EMR_RECOVERY_STOPPED : EMR_RECOVERY_WAITS,
			.version = 1},
		.earliest_unix_s = KIT_NOW + (state == ST_COMING)};
	uint8_t bytes[EMR_ROW_RECOVERY_BYTES], object[16];
	emr_key_text key;

	memcpy(trustees.identity, p->who[GRANTEE].id, 32);
	memcpy(row.identity, trustees.identity, 32);
	emr_row_trustees_encode(&trustees, bytes);
	kit_id16("trustees", object);
	emr_key_by_object("TR", object, &key);
	kit_put(&p->world.state, key.text, bytes, EMR_ROW_TRUSTEES_BYTES);
	if (state == ST_ENDED)
		kit_put_key(&p->world.state, &p->who[GRANTEE], p->clinic, EMR_ROLE_CLINICIAN,
			EMR_HOW_CERTIFICATE, EMR_KEY_ROTATED, KIT_NOW + 9 * KIT_DAY);
	if (form == FORM_RECOVER_REQ || state == ST_ABSENT)
		return;
	emr_row_recovery_encode(&row, bytes);
	kit_id16("recovery", object);
	emr_key_by_object("RQ", object, &key);
	kit_put(&p->world.state, key.text, bytes, sizeof bytes);
}

/* The grant that is prepared for the team, and what another clinician of it (unless it was the
 * signer) has said already. */
static void set_emergency(people *p, enum state state)
{
	emr_row_emergency row = {
		.head = {.family = EMR_FAMILY_EMERGENCY, .state = EMR_STATE_PRESENT, .version = 1},
		.first_unix_s = KIT_NOW - KIT_DAY,
		.until_unix_s = state == ST_DONE   ? KIT_NOW + 1
				: state == ST_OVER ? KIT_NOW
						   : 0};
	uint8_t value[EMR_ROW_EMERGENCY_BYTES];
	emr_row_grant grant = people_grant(p);
	emr_key_text key;

	grant.rights |= state == ST_OTHERS ? 0 : EMR_GRANT_TWO;
	grant.not_before_unix_s += state == ST_COMING ? 101 : 0;
	if (state == ST_GRANT_OVER)
		grant.not_after_unix_s = KIT_NOW;
	if (state == ST_GRANT_ENDED)
		grant.head.state = EMR_GRANT_REVOKED;
	emr_grantee_dataset(p->team, grant.grantee);
	emr_object_emergency(matrix_word, p->team, p->world.domain, 6, p->grant);
	if (state != ST_NO_GRANT)
		people_put_grant(p, &grant);
	memset(row.first, 'f', 32);
	memset(row.account, 'f', 32);
	emr_key_in_domain("EM", p->world.domain, p->grant, &key);
	emr_row_emergency_encode(&row, value);
	if (state == ST_THERE || state == ST_DONE || state == ST_OVER)
		kit_put(&p->world.state, key.text, value, sizeof value);
}

/* The same item then comes in a batch that nobody knows. */
static void forget_batches(people *p)
{
	kit_state *state = &p->world.state;

	for (size_t n = state->count; n-- > 0;)
		if (strncmp(state->rows[n].key, "b/", 2) == 0)
			kit_delete(state, state->rows[n].key);
}

/* The signer has points here. */
static void set_points(people *p, int form, enum state state, const kit_signer *me)
{
	emr_key_text key;

	if (form == TRANSFER && state != ST_ABSENT)
		people_put_account(p, me->id, PEOPLE_COIN);
	emr_key_account(me->id, &key);
	if (form == TRANSFER && state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
	emr_key_proposal(p->points_proposal, &key);
	if (form == MINT && state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
	if (form == MINT && (state == ST_COMING || state == ST_DONE || state == ST_OTHERS))
		people_put_points_proposal(p,
			state == ST_COMING ? EMR_PROPOSAL_OPEN
			: state == ST_DONE ? EMR_PROPOSAL_USED
					   : EMR_PROPOSAL_DONE,
			p->who[state == ST_OTHERS ? STEWARD : GRANTEE].id, PEOPLE_MINT);
}

static void set_target_key(people *p, enum state state)
{
	emr_key_text key;
	uint8_t key_state = state == ST_DONE	? EMR_KEY_ROTATED
			    : state == ST_ENDED ? EMR_KEY_REVOKED
						: EMR_KEY_ACTIVE;

	if (state == ST_THERE)
		return;
	kit_put_key(&p->world.state, &p->who[GRANTEE], p->clinic, EMR_ROLE_CLINICIAN,
		EMR_HOW_CERTIFICATE, key_state, KIT_NOW + (state == ST_OVER ? 0 : 9 * KIT_DAY));
	emr_key_signer(p->who[GRANTEE].id, &key);
	if (state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
}

static void set_object(people *p, int form, enum state state, const kit_signer *me)
{
	static const uint8_t states[STATES] = {[ST_THERE] = EMR_OBJECT_LIVE,
		[ST_OTHERS] = EMR_OBJECT_LIVE,
		[ST_DIRECTORY] = EMR_OBJECT_LIVE,
		[ST_ENDED] = EMR_OBJECT_UNLINKED,
		[ST_ERASED] = EMR_OBJECT_ERASED};
	kit_signer other = kit_signer_of("another writer");
	uint8_t object[16];

	kit_id16("record", object);
	if (form >= FORM_ROOT_PUT)
		memcpy(object, p->world.domain, sizeof object);
	kit_put_listkey(&p->world.state, p->world.domain, me, 1);
	if (states[state] != 0)
		kit_put_object(&p->world.state, p->world.domain, object,
			state == ST_OTHERS ? &other : me, states[state], state == ST_DIRECTORY, 3);
}

static void forget_domain(people *p)
{
	emr_key_text key;

	emr_key_domain(p->world.domain, &key);
	kit_delete(&p->world.state, key.text);
}

static void set_domain(people *p, enum state state)
{
	if (state == ST_OTHERS)
		kit_put_domain(&p->world.state, p->world.domain, &p->who[ADMIN], 0, 1);
	if (state == ST_ABSENT)
		forget_domain(p);
}

static void set_newcomer(people *p, enum state state, const kit_signer *me)
{
	emr_key_text key;

	emr_key_signer(me->id, &key);
	if (state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
}

/* KEY_ROTATE to a key that somebody else has already; the key itself, gone. */
static void set_own_key(people *p, enum state state, const kit_signer *me)
{
	kit_signer next = kit_signer_of("the next key");

	set_newcomer(p, state, me);
	if (state == ST_OTHERS)
		kit_put_key(&p->world.state, &next, p->clinic, EMR_ROLE_CLINICIAN,
			EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
}

static void set_proposal(people *p, enum state state)
{
	emr_key_text key;

	people_put_proposal(p, EMR_PROPOSAL_ADMIT,
		state == ST_DONE ? EMR_PROPOSAL_DONE : EMR_PROPOSAL_OPEN, 0,
		KIT_NOW + (state == ST_OVER ? 0 : KIT_DAY));
	emr_key_proposal(p->proposal, &key);
	if (state == ST_ABSENT)
		kit_delete(&p->world.state, key.text);
}

static void do_before(people *p, int form, enum who who, enum column column)
{
	people_item item = matrix_item(p, form, column);
	kit_state parts = {0};
	static kit_run run;
	kit_batch batch;
	emr_span bytes;

	kit_begin(&batch, &p->who[who], p->world.net_id);
	kit_add(&batch, item.item, kit_span(item.pub, item.pub_len), item.part);
	bytes = kit_end(&batch);
	kit_judge(&run, NULL, bytes, &p->world.caller, KIT_NOW, &p->world.state, NULL);
	if (kit_answer(&run) == EMR_RESULT_APPLIED)
		kit_commit(&run, &p->world.state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
}

/* The same row, made by somebody who may. */
static void do_by_another(people *p, int form)
{
	static const enum column makers[WHAT_COUNT] = {
		[ORG_PROPOSE] = COL_ADMIN, [DATASET_NEW] = COL_ADMIN, [TRUSTEE_SET] = COL_ADMIN};

	do_before(p, form, ADMIN, makers[form]);
}

static void set_access(people *p, int form, enum state state, enum column column)
{
	if (state == ST_OLD)
		people_put_access(p, KIT_NOW - KIT_DAY - 1);
	if (state == ST_ABSENT && form >= SERVED_AGENT && form <= SERVED_REFUSAL)
		people_forget(p, "R", p->access);
	if (state == ST_AGAIN)
		do_before(p, form, matrix_signer(form, column), column);
	if (state == ST_NO_GRANT || state == ST_COMING || state == ST_GRANT_OVER ||
		state == ST_GRANT_ENDED || state == ST_OTHERS)
		set_grant(p, state);
}

void matrix_set_state(people *p, int form, enum state state, enum column column)
{
	const kit_signer *me = &p->who[matrix_signer(form, column)];

	if (state == ST_NO_DOMAIN)
		forget_domain(p);
	if (form == FORM_EMERGENCY)
		set_emergency(p, state);
	else if (form > FORM_RESTORE_PART)
		set_recovery(p, form, state);
	if (form >= FORM_PUT && form <= FORM_ROOT_UNLINK)
		set_object(p, form, state, me);
	else if (form == DOMAIN_ROTATE || form == FORM_DOMAIN_NEW || form == FORM_EPOCH)
		set_domain(p, state);
	else if (form == FORM_KEY_REG || form == FORM_KEY_CERT)
		set_newcomer(p, state, me);
	else if (form == KEY_ROTATE || form == KEY_KX)
		set_own_key(p, state, me);
	else if (form == KEY_REVOKE)
		set_target_key(p, state);
	else if (form == WRITER_ADD || form == WRITER_DEL)
		set_writer(p, form, state);
	else if (form >= GRANT && form <= KFRAGS)
		set_grant(p, state);
	else if (form >= ACCESS_REQ && form <= READ_REPORT)
		set_access(p, form, state, column);
	else if (form == DATASET_CLOSE)
		set_team(p, state);
	else if (form == DATASET_JOIN || form == DATASET_LEAVE)
		set_join(p, form, state);
	else if (form == MINT || form == TRANSFER) {
		set_points(p, form, state, me);
		if (state == ST_AGAIN) {
			do_before(p, form, matrix_signer(form, column), column);
			forget_batches(p);
		}
	} else if (form == DATASET_SNAPSHOT && state != ST_AGAIN)
		set_snapshot(p, state);
	else if (form == DATASET_ADMIT || form == DATASET_DROP) {
		set_team(p, state == ST_ABSENT || state == ST_ENDED ? ST_THERE : state);
		set_member(p, state);
	} else if (form == APPROVE || form == DENY || form == WITHDRAW) {
		bool is_of_grant =
			state == ST_NO_GRANT || state == ST_GRANT_OVER || state == ST_GRANT_ENDED;

		set_request(p, is_of_grant ? ST_THERE : state);
		if (is_of_grant)
			set_grant(p, state);
	} else if (form == ORG_APPROVE && state != ST_AGAIN)
		set_proposal(p, state);
	else if (state == ST_AGAIN)
		do_before(p, form, matrix_signer(form, column), column);
	else if (state == ST_OTHERS && form < FORM_RESTORE_PART)
		do_by_another(p, form);
}
