/* The points and the credit of the person are counted here for `emrfs wallet`, from the local copy
 * of the ledger. It moves none of them. */
#include "mount/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/who.h"
#include "replica/people.h"
#include "replica/points.h"

#define HANDOVERS_MAX 64 /* keys of one domain in a row; more is no domain of ours */

/* ---- whose keys ---- */

typedef struct finding {
	const emr_session *session;
	emr_buf *accounts; /* emr_account */
} finding;

static bool is_own(const emr_buf *accounts, emr_id32 id)
{
	const emr_account *all = (const emr_account *)(const void *)accounts->data;

	for (size_t i = 0; i < accounts->len / sizeof *all; i++)
		if (emr_id32_equal(all[i].id, id))
			return true;
	return false;
}

static emr_status add_account(finding *f, emr_id32 id, emr_signer signer)
{
	emr_account one = {.id = id, .signer = signer};

	return is_own(f->accounts, id) ? EMR_OK : emr_buf_append(f->accounts, &one, sizeof one);
}

/* Every key that the domain has had, up to the present one: points stay where they were paid. */
static emr_status add_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes row)
{
	finding *f = arg;
	emr_domain_public public;
	emr_row_domain known;

	if (!is_mine)
		return EMR_OK;
	if (emr_row_domain_parse((emr_span){row.data, row.len}, &known) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (uint32_t gen = 1; gen <= HANDOVERS_MAX; gen++) {
		EMR_TRY(emr_keyring_domain_public(f->session->keyring, domain, gen, 1, &public));
		EMR_TRY(add_account(f, public.signer_id, emr_signer_domain(domain, gen)));
		if (memcmp(public.owner_pk, known.owner_pk, 32) == 0)
			break;
	}
	return EMR_OK;
}

emr_status emr_accounts(const emr_session *session, emr_buf *out_accounts)
{
	finding f = {.session = session, .accounts = out_accounts};
	emr_known_person me;
	emr_public public;
	emr_id32 root;
	emr_status status;

	EMR_TRY(emr_keyring_public(session->keyring, &public));
	root = public.signer_id;
	status = emr_replica_person(session->replica, root, &me);
	if (status == EMR_OK)
		memcpy(root.b, me.row.root, sizeof root.b);
	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = add_account(&f, root, emr_signer_identity());
	return status == EMR_OK ? emr_replica_domains(session->replica, add_domain, &f) : status;
}

static emr_status add_points(void *arg, emr_id16 token, uint64_t points)
{
	uint64_t *sum = arg;

	(void)token;
	if (points > UINT64_MAX - *sum)
		return EMR_LIMIT;
	*sum += points;
	return EMR_OK;
}

emr_status emr_account_points(const emr_session *session, emr_id32 id, uint64_t *out_points)
{
	uint64_t sum = 0;

	EMR_TRY(emr_replica_tokens(session->replica, id, add_points, &sum));
	*out_points = sum;
	return EMR_OK;
}

/* ---- counting ---- */

typedef struct counting {
	emr_session *session;
	emr_crowd crowd;
	emr_buf accounts; /* emr_account */
	emr_buf ids;	  /* emr_id32, the same */
	uint64_t points;
	emr_credit own; /* of all own accounts together */
	json_t *entries, *ranking, *names;
} counting;

static void counting_end(counting *c)
{
	emr_crowd_close(&c->crowd);
	emr_buf_free(&c->accounts);
	emr_buf_free(&c->ids);
	json_decref(c->entries);
	json_decref(c->ranking);
	json_decref(c->names);
}

static emr_status append(json_t *list, json_t *one)
{
	return json_array_append_new(list, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* A person who checks the sums needs to know the person's accounts. */
static emr_status count_points(counting *c)
{
	const emr_account *all;
	emr_status status = emr_accounts(c->session, &c->accounts);

	all = (const emr_account *)(const void *)c->accounts.data;
	for (size_t i = 0; status == EMR_OK && i < c->accounts.len / sizeof *all; i++) {
		uint64_t points = 0;
		char hex[65];

		emr_hex(all[i].id.b, sizeof all[i].id.b, hex);
		status = emr_account_points(c->session, all[i].id, &points);
		if (status == EMR_OK)
			status = add_points(&c->points, (emr_id16){{0}}, points);
		if (status == EMR_OK)
			status = emr_buf_append(&c->ids, &all[i].id, sizeof all[i].id);
		if (status == EMR_OK)
			status = append(c->names, json_string(hex));
	}
	return status;
}

static emr_status name_of(counting *c, emr_id32 account, char *out, size_t size)
{
	emr_who who;

	EMR_TRY(emr_who_of(&c->crowd, account, &who));
	emr_who_text(&who, out, size);
	return EMR_OK;
}

static const char *why_of(emr_movement_kind kind)
{
	switch (kind) {
	case EMR_MOVEMENT_MADE:
		return "made";
	case EMR_MOVEMENT_RECEIVED:
		return "received";
	case EMR_MOVEMENT_SENT:
		return "sent";
	case EMR_MOVEMENT_JOINED:
		return "joined";
	case EMR_MOVEMENT_FUNDED:
		return "funded";
	case EMR_MOVEMENT_REFUNDED:
		return "refunded";
	}
	return "";
}

static emr_status note_movement(void *arg, const emr_movement *m)
{
	counting *c = arg;
	char at[EMR_TEXT_BYTES], tx[65], dataset[33] = "", who[EMR_WHO_TEXT_BYTES] = "";
	bool has_other = m->kind == EMR_MOVEMENT_RECEIVED || m->kind == EMR_MOVEMENT_SENT;
	bool has_dataset = !has_other && m->kind != EMR_MOVEMENT_MADE;

	if (m->points > INT64_MAX)
		return EMR_LIMIT;
	if (has_other && name_of(c, m->other, who, sizeof who) != EMR_OK)
		return EMR_IO;
	if (has_dataset)
		emr_hex(m->dataset.b, sizeof m->dataset.b, dataset);
	emr_hex(m->batch_id.b, sizeof m->batch_id.b, tx);
	emr_time_json((int64_t)m->at_unix_s, at);
	return append(
		c->entries, json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "at", at, "amount",
				    m->is_out ? -(json_int_t)m->points : (json_int_t)m->points,
				    "why", why_of(m->kind), "tx", tx, "who",
				    has_other ? emr_json_text(who) : json_null(), "for_dataset",
				    has_dataset ? json_string(dataset) : json_null()));
}

static emr_status note_credit(void *arg, const emr_credit *credit)
{
	counting *c = arg;
	char who[EMR_WHO_TEXT_BYTES];

	if (is_own(&c->accounts, credit->account)) {
		c->own.patient += credit->patient;
		c->own.agent += credit->agent;
		c->own.hospital += credit->hospital;
	}
	/* A person whose points all came from folders is not named by the ledger. */
	if (credit->agent + credit->hospital == 0)
		return EMR_OK;
	if (name_of(c, credit->account, who, sizeof who) != EMR_OK)
		return EMR_IO;
	return append(
		c->ranking, json_pack("{s:o, s:I, s:I, s:I}", "who", emr_json_text(who), "patient",
				    (json_int_t)credit->patient, "agent", (json_int_t)credit->agent,
				    "hospital", (json_int_t)credit->hospital));
}

static json_int_t credit_in(const json_t *row)
{
	return json_integer_value(json_object_get(row, "agent")) +
	       json_integer_value(json_object_get(row, "hospital"));
}

static int by_credit(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t more = credit_in(x), less = credit_in(y);

	if (more != less)
		return more > less ? -1 : 1;
	return strcmp(json_string_value(json_object_get(x, "who")),
		json_string_value(json_object_get(y, "who")));
}

/* Most first; those who have the same by name, so that everybody gets the same list. */
static emr_status rank(counting *c)
{
	size_t n = json_array_size(c->ranking);
	json_t *sorted = json_array();
	json_t **rows = calloc(n + 1, sizeof *rows);
	emr_status status = sorted != NULL && rows != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; status == EMR_OK && i < n; i++)
		rows[i] = json_array_get(c->ranking, i);
	if (status == EMR_OK && n > 1)
		qsort(rows, n, sizeof *rows, by_credit);
	for (size_t i = 0; status == EMR_OK && i < n; i++)
		status = append(sorted, json_incref(rows[i]));
	free(rows);
	if (status != EMR_OK) {
		json_decref(sorted);
		return status;
	}
	json_decref(c->ranking);
	c->ranking = sorted;
	return EMR_OK;
}

static emr_status count(counting *c)
{
	const emr_session *session = c->session;

	EMR_TRY(count_points(c));
	EMR_TRY(emr_replica_credits(session->replica, note_credit, c));
	EMR_TRY(rank(c));
	return emr_replica_movements(session->replica, (const emr_id32 *)(const void *)c->ids.data,
		c->ids.len / sizeof(emr_id32), note_movement, c);
}

/* ---- the answer ---- */

static emr_status emit_all(const counting *c, emr_emit_fn emit, void *arg)
{
	const emr_credit *own = &c->own;

	if (c->points > INT64_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_emit_list("entries", c->entries, emit, arg));
	EMR_TRY(emr_emit_list("ranking", c->ranking, emit, arg));
	EMR_TRY(emr_emit_list("accounts", c->names, emit, arg));
	return emr_emit(emit, arg,
		json_pack("{s:b, s:I, s:I, s:{s:I, s:I, s:I}}", "done", 1, "points",
			(json_int_t)c->points, "credit",
			(json_int_t)(own->patient + own->agent + own->hospital), "counted",
			"patient", (json_int_t)own->patient, "agent", (json_int_t)own->agent,
			"hospital", (json_int_t)own->hospital));
}

emr_status emr_answer_wallet(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem)
{
	counting c = {.session = session,
		.entries = json_array(),
		.ranking = json_array(),
		.names = json_array()};
	/* The copy as it is: whoever has it open follows the ledger all the time. */
	emr_status status = emr_crowd_open(session, &c.crowd);

	(void)request;
	if (status == EMR_OK)
		status = count(&c);
	if (status == EMR_OK)
		status = emit_all(&c, emit, arg);
	counting_end(&c);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The wallet"));
	return status;
}
