/* Members of a network vote on who joins and who leaves. This file is `emrfs org admit` and `org
 * leave`: it lists what is proposed, proposes, and approves. A name that two candidates share is
 * refused, because then a person must look. */
#include "org/proposals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/hash.h"
#include "network/applying.h"
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

bool emr_proposal_next(emr_asking *asked, emr_id16 org, uint32_t kinds, emr_known_proposal *out,
	emr_known_votes *out_votes)
{
	const emr_row_proposal *row = &out->row;

	while (emr_next(asked, out)) {
		if ((kinds & 1u << (row->kind & 31)) == 0 || row->head.state != EMR_PROPOSAL_OPEN ||
			emr_clock_unix_s(emr_clock_system()) >= row->not_after_unix_s)
			continue;
		asked->status =
			emr_replica_votes(asked->about.replica, out->proposal, org, out_votes);
		if (asked->status == EMR_OK && !out_votes->is_over)
			return true;
	}
	return false;
}

emr_status emr_proposal_make(emr_bureau *bureau, emr_pub_org_propose what, emr_bytes part,
	emr_id16 *out_proposal, emr_problem *out_problem)
{
	emr_act act;

	what.not_after_unix_s = emr_clock_unix_s(emr_clock_system()) + PROPOSAL_S;
	*out_proposal = emr_id16_random();
	act = emr_act_propose(*out_proposal, &what);
	return emr_bureau_send(bureau, &act, part, out_problem);
}

emr_status emr_proposal_approve(emr_bureau *bureau, emr_id16 proposal, emr_problem *out_problem)
{
	emr_act act = emr_act_approve_proposal(proposal, bureau->org);

	return emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);
}

typedef struct looking {
	const emr_bureau *bureau;
	unsigned need;
	bool is_in_channel;
	emr_buf *all; /* emr_coming */
} looking;

/* Does a terminal show TEXT as it is? */
static bool is_plain(const char *text)
{
	char shown[EMR_BESIDE_BYTES];

	emr_bureau_show(text, shown);
	return text[0] != '\0' && strcmp(text, shown) == 0;
}

bool emr_coming_is_clear(const emr_coming *coming)
{
	if (coming->kind == EMR_PROPOSAL_REMOVE)
		return true;
	return coming->number[0] != '\0' && is_plain(coming->new_name);
}

/* Of all that a member's other authority would be; its own administrator sees the same in org show.
 */
static void number_authority(emr_coming *coming)
{
	uint8_t all[16 + 32 + 32 + sizeof coming->new_name] = {0};

	memcpy(all, coming->org.b, 16);
	memcpy(all + 16, coming->admin_id, 32);
	memcpy(all + 48, coming->ca_hash, 32);
	memcpy(all + 80, coming->new_name, strlen(coming->new_name));
	emr_application_number(emr_bytes_of(all, sizeof all), coming->number);
}

/* salt, name: as it was proposed; the CA in it must be the one that is voted on. */
static emr_status read_part(const emr_bureau *bureau, const emr_row_proposal *row, emr_coming *out)
{
	EMR_AUTO_BUF part = {0};
	emr_bytes name, ca;
	emr_cert_facts facts;
	emr_id32 hash;
	emr_status status = emr_bureau_proposal_part(bureau, out->proposal, &part);

	if (status == EMR_OK)
		status = emr_proposal_admit_read(emr_buf_view(&part), &name, &ca);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
	hash = emr_sha256_of(&ca, 1);
	if (memcmp(hash.b, row->aux, 32) != 0 || memchr(name.data, '\0', name.len) != NULL)
		return EMR_OK;
	memcpy(out->new_name, name.data, name.len);
	out->new_name[name.len] = '\0';
	if (out->is_member)
		number_authority(out);
	if (emr_cert_read(ca, &facts) == EMR_OK)
		memcpy(out->msp, facts.msp, sizeof out->msp);
	return EMR_OK;
}

/* Tells the proposal's content, its author, and the organisation that it is about. */
static emr_status describe(const emr_bureau *bureau, const emr_row_proposal *row, emr_coming *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;
	emr_id16 by = EMR_ID16_AT(row->by.org);
	emr_status status;

	memcpy(out->org.b, row->org, 16);
	memcpy(out->admin_id, row->subject, 32);
	memcpy(out->ca_hash, row->aux, 32);
	out->is_own_wish = emr_id16_equal(by, out->org);
	emr_key_org(row->org, &key);
	status = emr_replica_state_get(bureau->session.replica, key.text, &bytes);
	out->is_member = status == EMR_OK;
	if (status != EMR_NOT_FOUND)
		EMR_TRY(out->is_member ? emr_bureau_name(bureau, out->org, out->name) : status);
	EMR_TRY(emr_bureau_name(bureau, by, out->by));
	if (row->kind == EMR_PROPOSAL_ADMIT)
		EMR_TRY(read_part(bureau, row, out));
	if (!out->is_member)
		memcpy(out->name, out->new_name, sizeof out->name);
	return EMR_OK;
}

/* Is the proposal P what the application A asks for, word for word? */
static bool asks_for(const emr_application *a, const emr_coming *of_a, const emr_coming *p)
{
	return memcmp(p->ca_hash, of_a->ca_hash, 32) == 0 &&
	       memcmp(p->admin_id, of_a->admin_id, 32) == 0 && strcmp(p->new_name, a->name) == 0;
}

/* An application gives an open proposal its number; alone it waits for somebody to propose it. A
 * proposal by others for its id under another name does not answer it. */
static emr_status note_application(void *arg, emr_bytes bytes)
{
	looking *l = arg;
	emr_coming one = {.kind = EMR_PROPOSAL_ADMIT, .need = l->need, .is_own_wish = true};
	EMR_AUTO_BUF row = {0};
	emr_application a;
	emr_key_text key;
	emr_id32 hash;
	emr_status status;
	bool is_proposed = false;

	/* A CA that names no MSP brings nothing into a channel. */
	if (emr_application_read(bytes, &a) != EMR_OK ||
		emr_clock_unix_s(emr_clock_system()) >= a.expires ||
		!emr_id16_equal(a.net_id, emr_ledger_net_id(l->bureau->session.ledger)) ||
		(a.msp[0] == '\0') == l->is_in_channel || a.ca_der.len > sizeof one.ca)
		return EMR_OK;
	emr_application_number(bytes, one.number);
	emr_signer_id(a.admin_pk, one.admin_id);
	hash = emr_sha256_of(&a.ca_der, 1);
	memcpy(one.ca_hash, hash.b, 32);
	emr_key_org(a.org.b, &key);
	status = emr_replica_state_get(l->bureau->session.replica, key.text, &row);
	if (status != EMR_NOT_FOUND) /* it is in, or was: its application is over */
		return status;
	EMR_EACH (emr_coming, p, l->all) {
		if (p->kind != EMR_PROPOSAL_ADMIT || !emr_id16_equal(p->org, a.org) ||
			!asks_for(&a, &one, p))
			continue;
		memcpy(p->number, one.number, sizeof p->number);
		memcpy(p->msp, a.msp, sizeof p->msp);
		is_proposed = true;
	}
	if (is_proposed)
		return EMR_OK;
	one.org = a.org;
	snprintf(one.name, sizeof one.name, "%s", a.name);
	snprintf(one.new_name, sizeof one.new_name, "%s", a.name);
	memcpy(one.msp, a.msp, sizeof one.msp);
	memcpy(one.ca, a.ca_der.data, a.ca_der.len);
	one.ca_len = a.ca_der.len;
	return emr_buf_append(l->all, &one, sizeof one);
}

emr_status emr_coming_list(const emr_bureau *bureau, emr_buf *out)
{
	looking l = {.bureau = bureau,
		.is_in_channel = emr_replica_is_on_channel(bureau->session.replica),
		.all = out};
	EMR_AUTO_APPLICATIONS post = {0};
	emr_problem problem = {0};
	emr_known_proposal proposal;
	emr_row_network network;
	emr_known_votes votes;

	EMR_ASK(asked, bureau->session.replica, PROPOSALS);
	EMR_TRY(emr_replica_network(bureau->session.replica, &network));
	l.need = emr_approvals_needed(&network);
	while (emr_proposal_next(&asked, bureau->org,
		1u << EMR_PROPOSAL_ADMIT | 1u << EMR_PROPOSAL_REMOVE, &proposal, &votes)) {
		emr_coming one = {.proposal = proposal.proposal,
			.kind = proposal.row.kind,
			.have = votes.have,
			.need = l.need,
			.is_ours = votes.is_ours};

		EMR_TRY(describe(bureau, &proposal.row, &one));
		EMR_TRY(emr_buf_append(out, &one, sizeof one));
	}
	EMR_TRY(asked.status);
	EMR_TRY(emr_applications_open(bureau->dir, bureau->session.keyring, &post, &problem));
	return emr_applications_each(&post, note_application, &l);
}

/* ---- the one that is meant ---- */

/* By the NAME or the number of ONE; what sounds the same is taken, because a person looks at it,
 * unless IS_UNSEEN.  OWN: not NAME, but what that organisation has proposed of itself. */
static bool is_meant(const emr_coming *one, const char *name, const emr_id16 *own, bool is_unseen)
{
	char folded[256], wanted[256];

	if (!emr_coming_is_clear(one))
		return false;
	if (own != NULL)
		return one->is_own_wish && emr_id16_equal(one->org, *own);
	if (is_unseen && (one->kind == EMR_PROPOSAL_REMOVE ? !one->is_own_wish : one->is_member))
		return false; /* a person must look at that */
	emr_who_fold(name, wanted, sizeof wanted);
	emr_who_fold(one->name, folded, sizeof folded);
	return (one->number[0] != '\0' && strcmp(one->number, name) == 0) ||
	       (is_unseen ? strcmp(one->name, name) == 0 : strcmp(folded, wanted) == 0);
}

/* The same, proposed twice; or that who wants to leave is to be expelled, too, which nobody needs.
 */
static bool is_the_same(const emr_coming *a, const emr_coming *b)
{
	return emr_id16_equal(a->org, b->org) && memcmp(a->admin_id, b->admin_id, 32) == 0 &&
	       memcmp(a->ca_hash, b->ca_hash, 32) == 0 && strcmp(a->new_name, b->new_name) == 0;
}

static bool is_further(const emr_coming *a, const emr_coming *b)
{
	if (a->is_own_wish != b->is_own_wish)
		return a->is_own_wish;
	if (a->is_ours != b->is_ours)
		return a->is_ours;
	return a->have > b->have;
}

static emr_status find_coming(const emr_bureau *bureau, const char *name, const emr_id16 *own,
	bool is_unseen, uint8_t kind, emr_coming *out, emr_problem *out_problem)
{
	char names[NAMES_MAX] = "", numbers[NAMES_MAX] = ""; /* of all, of those that are meant */
	const emr_coming *found = NULL;
	EMR_AUTO_BUF all = {0};
	unsigned n = 0;

	EMR_TRY(emr_coming_list(bureau, &all));
	EMR_EACH (const emr_coming, one, &all) {
		bool is_known = found != NULL && is_the_same(one, found);

		if (one->kind != kind)
			continue;
		emr_names_add(one->name, ", ", names, sizeof names);
		if (!is_meant(one, name, own, is_unseen) || (is_known && !is_further(one, found)))
			continue;
		/* The one with a proposal of two that are called the same is not better: then a
		 * person must look. */
		found = one;
		if (!is_known)
			emr_names_add(one->number, ", ", numbers, sizeof numbers);
		n += !is_known;
	}
	if (n > 1)
		emr_problem_set(out_problem, EMR_SAY_SAME_ORGANISATION, "what", name, "numbers",
			numbers, NULL);
	if (n == 0)
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_ORGANISATION, "what", name, "names",
			names[0] != '\0' ? names : "nobody", NULL);
	if (n != 1)
		return EMR_NOT_FOUND;
	*out = *found;
	return EMR_OK;
}

/* ---- what is asked ---- */

/* Letters that are no Latin ones, among which some look as if they were.  TEXT is sound UTF-8. */
static bool has_other_letters(const char *text)
{
	for (const unsigned char *u = (const unsigned char *)text; *u != '\0'; u++) {
		uint32_t c = *u;

		if (c < 0xc9) /* ASCII, what follows a first byte, and Latin up to U+023F */
			continue;
		c = c < 0xe0 ? (c & 0x1fu) << 6 | (u[1] & 0x3fu)
			     : (c & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
		if (*u >= 0xf0 ||
			!(c < 0x250 || (c >= 0x300 && c < 0x370) || (c >= 0x1e00 && c < 0x1f00) ||
				(c >= 0x2010 && c < 0x2028)))
			return true;
	}
	return false;
}

/* Warns of a name that may mislead. */
static emr_status warn_of_name(emr_out *out, const emr_bureau *bureau, const emr_coming *coming)
{
	char wanted[256], name[256], folded[256], found[EMR_BESIDE_BYTES] = "";
	emr_known_org org;

	EMR_ASK(asked, bureau->session.replica, ORGS);
	emr_who_fold(coming->new_name, wanted, sizeof wanted);
	while (emr_next(&asked, &org)) {
		if (org.row.head.state != EMR_ORG_MEMBER || emr_id16_equal(org.org, coming->org))
			continue;
		EMR_TRY(emr_bureau_name(bureau, org.org, name));
		emr_who_fold(name, folded, sizeof folded);
		if (strcmp(folded, wanted) == 0)
			emr_bureau_show(name, found);
	}
	EMR_TRY(asked.status);
	if (found[0] != '\0')
		emr_say(out,
			_("Another organisation, which is a member, is called %s.  They are not "
			  "the "
			  "same.\n"),
			found);
	if (has_other_letters(coming->new_name))
		emr_say(out,
			_("Not all letters of that name are Latin ones: it may look like another "
			  "name.\n"));
	return EMR_OK;
}

static void describe_newcomer(emr_out *out, const emr_coming *coming)
{
	char by[EMR_BESIDE_BYTES];

	emr_bureau_show(coming->by, by);
	emr_say(out, _("%s asks to be admitted.  Its number, which it must see, too: %s\n"),
		coming->name, coming->number);
	if (by[0] != '\0')
		emr_say(out, _("%s has proposed it.\n"), by);
}

static void describe_authority(emr_out *out, const emr_coming *coming)
{
	char name[EMR_BESIDE_BYTES];

	emr_bureau_show(coming->name, name);
	emr_say(out,
		_("%s, which is a member, proposes another authority for itself: whoever has that "
		  "says from then on who its people are.  Its number, which it must see, too: "
		  "%s\n"),
		name, coming->number);
	if (strcmp(coming->new_name, coming->name) != 0)
		emr_say(out, _("It would be called %s then.\n"), coming->new_name);
}

static emr_status ask_to_admit(const emr_args *args, emr_out *out, emr_bureau *bureau,
	const emr_coming *coming, emr_problem *out_problem)
{
	if (coming->is_member)
		describe_authority(out, coming);
	else
		describe_newcomer(out, coming);
	emr_out_text(out, "number", coming->number);
	EMR_TRY(warn_of_name(out, bureau, coming));
	if (coming->msp[0] != '\0')
		emr_say(out, _("In the channel its people are members of %s.\n"), coming->msp);
	emr_out_text(out, "msp", coming->msp);
	return emr_bureau_agree(args, out,
		coming->is_member
			? _("Has it told you so itself, and shall that be its authority (yes, no)?")
			: _("Is it the one you mean, and shall it be a member (yes, no)?"),
		_("Nobody was admitted."), out_problem);
}

/* Of another's leaving: whose wish it is. */
static emr_status ask_to_remove(
	const emr_args *args, emr_out *out, const emr_coming *coming, emr_problem *out_problem)
{
	char name[EMR_BESIDE_BYTES], by[EMR_BESIDE_BYTES];

	emr_bureau_show(coming->name, name);
	emr_bureau_show(coming->by, by);
	if (coming->is_own_wish) {
		emr_say(out, _("%s wants to leave.\n"), name);
		return emr_bureau_agree(args, out,
			_("Shall it be no member any more, as it asks (yes, no)?"),
			_("Nobody leaves."), out_problem);
	}
	emr_say(out,
		_("%s has not asked to leave: it is to be expelled, as %s proposes.  Its people "
		  "can "
		  "save and share nothing any more then, and its agents release nothing.\n"),
		name, by);
	return emr_bureau_agree(
		args, out, _("Shall it be expelled (yes, no)?"), _("Nobody leaves."), out_problem);
}

/* ---- proposing and approving ---- */

static emr_status propose_admit(emr_bureau *bureau, emr_coming *coming, emr_problem *out_problem)
{
	const emr_bytes ca = emr_bytes_of(coming->ca, coming->ca_len);
	const emr_id32 admin = EMR_ID32_AT(coming->admin_id);
	EMR_AUTO_BUF part = {0};

	EMR_TRY(emr_proposal_admit_part(coming->name, "", ca, &part));
	return emr_proposal_make(bureau, emr_proposal_admit(coming->org, admin, ca, 0),
		emr_buf_view(&part), &coming->proposal, out_problem);
}

static emr_status propose_leave(emr_bureau *bureau, emr_coming *coming, emr_problem *out_problem)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_REMOVE};

	memcpy(what.org, bureau->org.b, 16);
	return emr_proposal_make(bureau, what, (emr_bytes){0}, &coming->proposal, out_problem);
}

/* How it stands afterwards, the ledger says: who else may have come, gone or approved meanwhile. */
static emr_status approve_coming(
	emr_bureau *bureau, emr_coming *coming, bool *out_is_done, emr_problem *out_problem)
{
	emr_known_votes votes;

	EMR_TRY(emr_proposal_approve(bureau, coming->proposal, out_problem));
	EMR_TRY(emr_replica_votes(bureau->session.replica, coming->proposal, bureau->org, &votes));
	coming->have = votes.have;
	*out_is_done = votes.is_done;
	return EMR_OK;
}

static void say_removal(emr_out *out, const emr_coming *coming, const char *name, bool is_done)
{
	if (is_done)
		emr_say(out, _("%s is no member any more.\n"), name);
	else
		emr_say(out,
			coming->is_own_wish
				? _("%u of %u members have approved that %s leaves.\n")
				: _("%u of %u members have approved that %s is expelled.\n"),
			coming->have, coming->need, name);
}

static void say_admission(emr_out *out, const emr_coming *coming, const char *name, bool is_done)
{
	if (is_done)
		emr_say(out,
			coming->is_member ? _("%s has another authority now.\n")
					  : _("%s is a member now.\n"),
			name);
	else
		emr_say(out,
			coming->is_member
				? _("%u of %u members have approved another authority of %s.\n")
				: _("%u of %u members have approved that %s is admitted.\n"),
			coming->have, coming->need, name);
}

static void say_result(emr_out *out, const emr_coming *coming, bool is_done)
{
	char name[EMR_BESIDE_BYTES];

	emr_bureau_show(coming->name, name);
	emr_out_text(out, "organisation", coming->name);
	emr_out_text(out, "by", coming->by);
	emr_out_number(out, "have", coming->have);
	emr_out_number(out, "need", coming->need);
	emr_out_flag(out, "done", is_done);
	if (coming->kind == EMR_PROPOSAL_REMOVE)
		say_removal(out, coming, name, is_done);
	else
		say_admission(out, coming, name, is_done);
}

emr_status emr_org_admit(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_coming coming;
	bool is_done = false;

	EMR_TRY(find_coming(bureau, args->operands[1], NULL, args->given[EMR_OPT_YES],
		EMR_PROPOSAL_ADMIT, &coming, out_problem));
	if (!coming.is_ours) {
		EMR_TRY(ask_to_admit(args, out, bureau, &coming, out_problem));
		if (emr_id16_is_zero(coming.proposal))
			EMR_TRY(propose_admit(bureau, &coming, out_problem));
		EMR_TRY(approve_coming(bureau, &coming, &is_done, out_problem));
	}
	say_result(out, &coming, is_done);
	return EMR_OK;
}

/* ---- leaving ---- */

/* Fills in the proposal that is made when nobody made one: that we leave. */
static emr_status fill_leaving(const emr_bureau *bureau, emr_coming *coming)
{
	emr_row_network network;

	EMR_TRY(emr_replica_network(bureau->session.replica, &network));
	*coming = (emr_coming){.kind = EMR_PROPOSAL_REMOVE,
		.org = bureau->org,
		.is_own_wish = true,
		.is_member = true,
		.need = emr_approvals_needed(&network)};
	snprintf(coming->name, sizeof coming->name, "%s", bureau->name);
	snprintf(coming->by, sizeof coming->by, "%s", bureau->name);
	return EMR_OK;
}

/* Its own wish, or another's that is approved. */
emr_status emr_org_leave(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	bool is_own = args->n_operands < 2, is_done = false;
	const char *name = is_own ? bureau->name : args->operands[1];
	emr_problem none = {0};
	emr_coming coming;
	emr_status status =
		find_coming(bureau, name, is_own ? &bureau->org : NULL, args->given[EMR_OPT_YES],
			EMR_PROPOSAL_REMOVE, &coming, is_own ? &none : out_problem);

	if (is_own && status == EMR_NOT_FOUND)
		status = fill_leaving(bureau, &coming);
	EMR_TRY(status);
	if (!coming.is_ours)
		EMR_TRY(is_own ? emr_bureau_agree(args, out,
					 _("When enough members approve, nobody of yours can save "
					   "or share any more. Leave (yes, no)?"),
					 _("Nobody leaves."), out_problem)
			       : ask_to_remove(args, out, &coming, out_problem));
	if (emr_id16_is_zero(coming.proposal))
		EMR_TRY(propose_leave(bureau, &coming, out_problem));
	if (!coming.is_ours)
		EMR_TRY(approve_coming(bureau, &coming, &is_done, out_problem));
	say_result(out, &coming, is_done);
	return EMR_OK;
}
