/* Members of a network vote on who joins and who leaves. This file is `emrfs org admit` and `org
 * leave`: it lists what is proposed, proposes, and approves. A name that two candidates share is
 * refused, because then a person must look. */
#include "org/proposals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/hash.h"
#include "network/applications.h"
#include "people/who.h"
#include "session/network_dir.h"

#define PROPOSAL_S ((uint64_t)90 * 86400) /* how long the members may take */
#define NAMES_MAX 400

unsigned emr_approvals_needed(const emr_row_network *network)
{
	if (network->quorum == 0)
		return network->norg / 2u + 1;
	return network->quorum < network->norg ? network->quorum : network->norg;
}

/* ---- what is on its way ---- */

typedef struct looking {
	const emr_bureau *bureau;
	emr_coming_fn fn;
	void *arg;
	uint64_t now;
	unsigned need;
	bool is_on_fabric;
	emr_coming *all; /* owned */
	size_t n, cap;
} looking;

static emr_status add_coming(looking *l, const emr_coming *one)
{
	if (emr_array_room(&l->all, l->n, &l->cap, sizeof *l->all) != EMR_OK)
		return EMR_NO_MEMORY;
	l->all[l->n++] = *one;
	return EMR_OK;
}

/* salt, name: as it was proposed; the CA in it must be the one that is voted on. */
static emr_status read_part(
	const looking *l, const emr_row_proposal *row, emr_id16 proposal, emr_coming *out)
{
	EMR_AUTO_BUF part = {0};
	emr_reader r;
	emr_bytes name, ca;
	emr_cert_facts facts;
	emr_id32 hash;
	emr_status status = emr_bureau_proposal_part(l->bureau, proposal, &part);

	if (status == EMR_OK)
		status = emr_proposal_admit_ca(emr_buf_view(&part), &ca);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
	hash = emr_sha256_of(&ca, 1);
	r = emr_reader_of(emr_buf_view(&part));
	(void)emr_read_bytes(&r, 32);
	name = emr_read_bytes(&r, emr_read_u8(&r));
	if (r.bad || memcmp(hash.b, row->aux, 32) != 0 || memchr(name.data, '\0', name.len) != NULL)
		return EMR_OK;
	memcpy(out->name, name.data, name.len);
	out->name[name.len] = '\0';
	if (emr_cert_read(ca, &facts) == EMR_OK)
		memcpy(out->msp, facts.msp, sizeof out->msp);
	return EMR_OK;
}

static emr_status note_proposal(void *arg, emr_id16 proposal, const emr_row_proposal *row)
{
	looking *l = arg;
	emr_coming one = {
		.proposal = proposal, .kind = row->kind, .have = row->count, .need = l->need};
	EMR_AUTO_BUF mine = {0};
	emr_key_text key;
	emr_status status;

	if (row->head.state != EMR_PROPOSAL_OPEN || l->now >= row->not_after_unix_s ||
		(row->kind != EMR_PROPOSAL_ADMIT && row->kind != EMR_PROPOSAL_REMOVE))
		return EMR_OK;
	memcpy(one.org.b, row->org, 16);
	memcpy(one.admin_id, row->subject, 32);
	memcpy(one.ca_hash, row->aux, 32);
	one.ends_unix_s = row->not_after_unix_s;
	emr_key_approval(proposal.b, l->bureau->org.b, &key);
	status = emr_replica_state_get(l->bureau->session.replica, key.text, &mine);
	one.is_ours = status == EMR_OK;
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	status = row->kind == EMR_PROPOSAL_ADMIT ? read_part(l, row, proposal, &one)
						 : emr_bureau_name(l->bureau, one.org, one.name);
	return status == EMR_OK ? add_coming(l, &one) : status;
}

/* An application gives an open proposal its number; alone it waits for somebody to propose it. */
static emr_status note_application(void *arg, emr_bytes bytes)
{
	looking *l = arg;
	emr_coming one = {.kind = EMR_PROPOSAL_ADMIT, .need = l->need};
	EMR_AUTO_BUF row = {0};
	emr_application a;
	emr_key_text key;
	emr_id32 hash;
	emr_status status;

	/* A CA that names no MSP brings nothing into a channel. */
	if (emr_application_read(bytes, &a) != EMR_OK || l->now >= a.expires ||
		!emr_id16_equal(a.net_id, emr_ledger_net_id(l->bureau->session.ledger)) ||
		(a.msp[0] == '\0') == l->is_on_fabric)
		return EMR_OK;
	emr_application_number(bytes, one.number);
	emr_signer_id(a.admin_pk, one.admin_id);
	hash = emr_sha256_of(&a.ca_der, 1);
	memcpy(one.ca_hash, hash.b, 32);
	for (size_t i = 0; i < l->n; i++) {
		emr_coming *p = &l->all[i];

		if (p->kind != EMR_PROPOSAL_ADMIT || !emr_id16_equal(p->org, a.org))
			continue;
		if (memcmp(p->ca_hash, one.ca_hash, 32) == 0 &&
			memcmp(p->admin_id, one.admin_id, 32) == 0)
			memcpy(p->number, one.number, sizeof p->number);
		return EMR_OK;
	}
	emr_key_org(a.org.b, &key);
	status = emr_replica_state_get(l->bureau->session.replica, key.text, &row);
	if (status != EMR_NOT_FOUND) /* it is in, or was: its application is over */
		return status;
	one.org = a.org;
	one.ends_unix_s = a.expires;
	snprintf(one.name, sizeof one.name, "%s", a.name);
	memcpy(one.msp, a.msp, sizeof one.msp);
	return add_coming(l, &one);
}

static emr_status each_application(const emr_bureau *bureau, emr_letters_fn fn, void *arg)
{
	EMR_AUTO_APPLICATIONS post = {0};
	emr_problem problem = {0};
	emr_status status =
		emr_applications_open(bureau->dir, bureau->session.keyring, &post, &problem);

	return status == EMR_OK ? emr_applications_each(&post, fn, arg) : status;
}

emr_status emr_coming_each(const emr_bureau *bureau, emr_coming_fn fn, void *arg)
{
	looking l = {.bureau = bureau,
		.now = emr_clock_unix_s(emr_clock_system()),
		.is_on_fabric = emr_network_dir_is_on_fabric(bureau->dir)};
	emr_row_network network;
	emr_status status = emr_replica_network(bureau->session.replica, &network);

	if (status != EMR_OK)
		return status;
	l.need = emr_approvals_needed(&network);
	status = emr_replica_proposals(bureau->session.replica, note_proposal, &l);
	if (status == EMR_OK)
		status = each_application(bureau, note_application, &l);
	for (size_t i = 0; i < l.n && status == EMR_OK; i++)
		status = fn(arg, &l.all[i]);
	free(l.all);
	return status;
}

/* ---- the one that is meant ---- */

typedef struct choosing {
	uint8_t kind;
	char wanted[256];
	const char *exactly; /* NULL: what sounds the same is taken, because a person looks at it */
	const char *said;    /* a name, or the number of one */
	emr_coming found;
	unsigned n;
	char names[NAMES_MAX];	 /* of all */
	char numbers[NAMES_MAX]; /* of those that are meant */
} choosing;

static void note_name(char list[NAMES_MAX], const char *word)
{
	size_t at = strlen(list);

	if (at + strlen(word) + 3 < NAMES_MAX)
		snprintf(list + at, NAMES_MAX - at, "%s%s", at > 0 ? ", " : "", word);
}

static bool is_meant(const choosing *c, const emr_coming *one)
{
	char folded[256];

	if (one->number[0] != '\0' && strcmp(one->number, c->said) == 0)
		return true;
	emr_who_fold(one->name, folded, sizeof folded);
	return c->exactly != NULL ? strcmp(one->name, c->exactly) == 0
				  : strcmp(folded, c->wanted) == 0;
}

static emr_status choose_coming(void *arg, const emr_coming *one)
{
	choosing *c = arg;

	if (one->kind != c->kind)
		return EMR_OK;
	note_name(c->names, one->name);
	if (!is_meant(c, one))
		return EMR_OK;
	note_name(c->numbers, one->number);
	/* The one with a proposal of two that are called the same is not better: then a person must
	 * look. */
	c->found = *one;
	c->n++;
	return EMR_OK;
}

static emr_status find_coming(const emr_bureau *bureau, const char *name, bool is_unseen,
	uint8_t kind, emr_coming *out, emr_problem *out_problem)
{
	choosing c = {.kind = kind, .exactly = is_unseen ? name : NULL, .said = name};
	emr_status status;

	emr_who_fold(name, c.wanted, sizeof c.wanted);
	status = emr_coming_each(bureau, choose_coming, &c);
	if (status != EMR_OK)
		return status;
	if (c.n > 1) {
		emr_problem_set(out_problem, EMR_SAY_SAME_ORGANISATION, "what", name, "numbers",
			c.numbers, NULL);
		return EMR_NOT_FOUND;
	}
	if (c.n == 0) {
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_ORGANISATION, "what", name, "names",
			c.names[0] != '\0' ? c.names : "nobody", NULL);
		return EMR_NOT_FOUND;
	}
	*out = c.found;
	return EMR_OK;
}

/* ---- proposing and approving ---- */

typedef struct fetching {
	emr_id16 org;
	emr_buf *out;
} fetching;

static emr_status fetch_application(void *arg, emr_bytes bytes)
{
	fetching *f = arg;
	emr_application a;

	if (f->out->len > 0 || emr_application_read(bytes, &a) != EMR_OK ||
		!emr_id16_equal(a.org, f->org))
		return EMR_OK;
	return emr_buf_append(f->out, bytes.data, bytes.len);
}

static emr_status propose_admit(emr_bureau *bureau, emr_coming *coming, emr_problem *out_problem)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	fetching f = {.org = coming->org, .out = &bytes};
	emr_application a;
	emr_pub_org_propose what;
	emr_id32 admin;
	emr_act act;
	char number[EMR_APPLICATION_NUMBER_CHARS];
	emr_status status = each_application(bureau, fetch_application, &f);

	if (status == EMR_OK)
		status = emr_application_read(emr_buf_view(&bytes), &a);
	if (status != EMR_OK)
		return status;
	/* What was shown is what is proposed. */
	emr_application_number(emr_buf_view(&bytes), number);
	if (strcmp(number, coming->number) != 0)
		return EMR_CONFLICT;
	emr_signer_id(a.admin_pk, admin.b);
	what = emr_proposal_admit(
		a.org, admin, a.ca_der, emr_clock_unix_s(emr_clock_system()) + PROPOSAL_S);
	status = emr_proposal_admit_part(a.name, "", a.ca_der, &part);
	if (status != EMR_OK)
		return status;
	coming->proposal = emr_id16_random();
	act = emr_act_propose(coming->proposal, &what);
	return emr_bureau_send(bureau, &act, emr_buf_view(&part), out_problem);
}

static emr_status propose_leave(emr_bureau *bureau, emr_coming *coming, emr_problem *out_problem)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_REMOVE,
		.not_after_unix_s = emr_clock_unix_s(emr_clock_system()) + PROPOSAL_S};
	emr_act act;

	memcpy(what.org, bureau->org.b, 16);
	coming->proposal = emr_id16_random();
	act = emr_act_propose(coming->proposal, &what);
	return emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);
}

static emr_status approve_coming(emr_bureau *bureau, emr_coming *coming, emr_problem *out_problem)
{
	emr_act act = emr_act_approve_proposal(coming->proposal, bureau->org);
	emr_status status = emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);

	coming->have += status == EMR_OK;
	return status;
}

static void say_result(emr_out *out, const emr_coming *coming, bool comes)
{
	bool is_done = coming->have >= coming->need;

	emr_out_text(out, "organisation", coming->name);
	emr_out_number(out, "have", coming->have);
	emr_out_number(out, "need", coming->need);
	emr_out_flag(out, "done", is_done);
	if (is_done)
		emr_say(out, comes ? _("%s is a member now.\n") : _("%s is no member any more.\n"),
			coming->name);
	else
		emr_say(out,
			comes ? _("%u of %u members have approved that %s is admitted.\n")
			      : _("%u of %u members have approved that %s leaves.\n"),
			coming->have, coming->need, coming->name);
}

static emr_status admit_coming(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_coming coming;
	emr_status status = find_coming(bureau, args->operands[1], args->given[EMR_OPT_YES],
		EMR_PROPOSAL_ADMIT, &coming, out_problem);

	if (status != EMR_OK)
		return status;
	if (!coming.is_ours) {
		emr_say(out, "%s asks to be admitted.  %s%s\n", coming.name,
			coming.number[0] != '\0' ? _("Its number, which it must see, too: ")
						 : _("It does not wait any more."),
			coming.number);
		emr_out_text(out, "number", coming.number);
		if (coming.msp[0] != '\0')
			emr_say(out, _("In the channel its people are members of %s.\n"),
				coming.msp);
		emr_out_text(out, "msp", coming.msp);
		status = emr_bureau_agree(args, out,
			_("Is it the one you mean, and shall it be a member (yes, no)?"),
			_("Nobody was admitted."), out_problem);
		if (status == EMR_OK && emr_id16_is_zero(coming.proposal))
			status = propose_admit(bureau, &coming, out_problem);
		if (status == EMR_OK)
			status = approve_coming(bureau, &coming, out_problem);
	}
	if (status == EMR_OK)
		say_result(out, &coming, true);
	return status;
}

int emr_org_admit(const emr_args *args, emr_out *out)
{
	return emr_bureau_run(args, out, admit_coming);
}

/* Its own wish, or another's that is approved. */
static emr_status leave_network(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	bool is_own = args->n_operands < 2;
	const char *name = is_own ? bureau->name : args->operands[1];
	emr_problem none = {0};
	emr_coming coming = {.kind = EMR_PROPOSAL_REMOVE, .org = bureau->org};
	emr_status status = find_coming(bureau, name, args->given[EMR_OPT_YES], EMR_PROPOSAL_REMOVE,
		&coming, is_own ? &none : out_problem);

	if (status != EMR_OK && !(is_own && status == EMR_NOT_FOUND))
		return status;
	if (!coming.is_ours)
		status = emr_bureau_agree(args, out,
			is_own ? _("When enough members approve, nobody of yours can save or share "
				   "any more. Leave (yes, no)?")
			       : _("Shall it be no member any more, as it asks (yes, no)?"),
			_("Nobody leaves."), out_problem);
	else
		status = EMR_OK;
	if (status == EMR_OK && emr_id16_is_zero(coming.proposal)) {
		emr_row_network network;

		status = emr_replica_network(bureau->session.replica, &network);
		snprintf(coming.name, sizeof coming.name, "%s", bureau->name);
		coming.need = status == EMR_OK ? emr_approvals_needed(&network) : 0;
		if (status == EMR_OK)
			status = propose_leave(bureau, &coming, out_problem);
	}
	if (status == EMR_OK && !coming.is_ours)
		status = approve_coming(bureau, &coming, out_problem);
	if (status == EMR_OK)
		say_result(out, &coming, false);
	return status;
}

int emr_org_leave(const emr_args *args, emr_out *out)
{
	return emr_bureau_run(args, out, leave_network);
}
