/* This file is `emrfs org contract` and `emrfs org host`: administrators agree on other rules of
 * the ledger, by their number, and say under these which key their organisation's host has. Each
 * types the same number. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/rows_share.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/act.h"
#include "org/bureau.h"
#include "org/proposals.h"
#include "replica/ask.h"
#include "replica/replica.h"
#include "served/client.h"

/* ---- org contract ---- */

typedef struct changing {
	emr_bureau *bureau;
	emr_out *out;
	uint32_t wanted; /* 0: it is only shown */
	emr_row_network network;
	emr_id16 proposal; /* of the number that is wanted; zero: nobody has proposed it */
	bool is_ours;
	unsigned have, need;
	json_t *list; /* all that are open; NULL: they are not shown */
} changing;

static emr_status note_proposal(
	changing *c, const emr_known_proposal *proposal, const emr_known_votes *votes)
{
	const uint32_t number = emr_get_u32(proposal->row.subject);
	char by[256], shown[EMR_BESIDE_BYTES];

	if (number == c->wanted) {
		c->proposal = proposal->proposal;
		c->is_ours = votes->is_ours;
		c->have = votes->have;
	}
	if (c->list == NULL || number <= c->network.contract)
		return EMR_OK;
	EMR_TRY(emr_bureau_name(c->bureau, EMR_ID16_AT(proposal->row.by.org), by));
	emr_bureau_show(by, shown);
	emr_say(c->out,
		"  %s proposes rules %u: %u of %u approvals.  To agree: emrfs org contract %u\n",
		shown, number, votes->have, c->need, number);
	return json_array_append_new(c->list,
		       json_pack("{s:I, s:i, s:i, s:b, s:s}", "rules_version", (json_int_t)number,
			       "have", (int)votes->have, "need", (int)c->need, "ours",
			       (int)votes->is_ours, "by", shown)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static emr_status look(changing *c)
{
	emr_known_proposal proposal;
	emr_known_votes votes;

	EMR_ASK(asked, c->bureau->session.replica, PROPOSALS);
	EMR_TRY(emr_replica_network(c->bureau->session.replica, &c->network));
	c->need = emr_approvals_needed(&c->network);
	c->proposal = (emr_id16){{0}};
	while (emr_proposal_next(
		&asked, c->bureau->org, 1u << EMR_PROPOSAL_CONTRACT, &proposal, &votes))
		EMR_TRY(note_proposal(c, &proposal, &votes));
	return asked.status;
}

static emr_status agree(changing *c, const emr_args *args, emr_problem *out_problem)
{
	char question[200];
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_CONTRACT};

	emr_say(c->out,
		"From the agreement on, what comes is judged by rules %u, and what came before by "
		"those before. An emrfs that does not know them reads on, and what is saved there "
		"waits until it is updated. A host that does not know them takes nothing: update "
		"the hosts first, on Fabric the chaincode, too.\n",
		c->wanted);
	snprintf(question, sizeof question, _("Shall the network go over to rules %u (yes, no)?"),
		c->wanted);
	EMR_TRY(emr_bureau_agree(
		args, c->out, question, _("Your organisation agreed to nothing."), out_problem));
	if (emr_id16_is_zero(c->proposal)) {
		emr_put_u32(what.subject, c->wanted);
		EMR_TRY(emr_proposal_make(
			c->bureau, what, (emr_bytes){0}, &c->proposal, out_problem));
	}
	EMR_TRY(emr_proposal_approve(c->bureau, c->proposal, out_problem));
	c->have++;
	return emr_replica_network(c->bureau->session.replica, &c->network);
}

static emr_status show(changing *c)
{
	c->list = json_array();
	emr_out_number(c->out, "rules_version", c->network.contract);
	emr_out_number(c->out, "newest", emr_contract_newest());
	emr_say(c->out, "Rules in force: %u.  This emrfs knows them up to %u.\n",
		c->network.contract, emr_contract_newest());
	emr_out_put(c->out, "proposals", c->list);
	return c->list != NULL ? look(c) : EMR_NO_MEMORY;
}

emr_status emr_org_contract(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	changing c = {.bureau = bureau, .out = out};
	char what[200], *end = NULL;
	const char *text = args->n_operands == 2 ? args->operands[1] : "0";
	const unsigned long wanted = strtoul(text, &end, 10);

	EMR_TRY(emr_replica_network(bureau->session.replica, &c.network));
	if (args->n_operands == 1)
		return show(&c);
	if (text[0] < '1' || text[0] > '9' || *end != '\0' || wanted < c.network.contract ||
		wanted > emr_contract_newest()) {
		snprintf(what, sizeof what,
			_("org contract takes a number from %u, which is in force, to %u, which is "
			  "the newest that this emrfs knows."),
			c.network.contract, emr_contract_newest());
		return emr_wrong_use("org", what, out_problem);
	}
	c.wanted = (uint32_t)wanted;
	EMR_TRY(look(&c));
	if (c.network.contract < c.wanted && !c.is_ours)
		EMR_TRY(agree(&c, args, out_problem));
	emr_out_number(out, "rules_version", c.wanted);
	emr_out_number(out, "have", c.have);
	emr_out_number(out, "need", c.need);
	emr_out_flag(out, "done", c.network.contract == c.wanted);
	if (c.network.contract == c.wanted)
		emr_say(out, "Rules %u are in force.\n", c.wanted);
	else
		emr_say(out,
			"%u of %u members have approved rules %u.  The others: emrfs org contract "
			"%u\n",
			c.have, c.need, c.wanted, c.wanted);
	return EMR_OK;
}

/* ---- org host ---- */

/* KEY alone, or with an address before it and a pin behind it. */
static emr_status read_key(const char *text, emr_id32 *out_key, emr_problem *out_problem)
{
	const char *hash = strchr(text, '#');
	char address[EMR_SERVED_ADDRESS_CHARS];
	emr_served_at at;

	if (snprintf(address, sizeof address, "%s%s", hash == NULL ? "https://host#" : "", text) >=
			(int)sizeof address ||
		emr_served_address_read(address, &at) != EMR_OK || emr_id32_is_zero(at.key))
		return emr_wrong_use("org",
			_("org host takes the address that emrfs host says, or the key behind its "
			  "#."),
			out_problem);
	*out_key = at.key;
	return EMR_OK;
}

/* As it stands behind the # of an address. */
static void show_key(emr_id32 key, char out[EMR_SERVED_ADDRESS_CHARS])
{
	const emr_served_at at = {.key = key};

	emr_served_address_text(&at, out);
	memmove(out, out + 1, strlen(out));
}

static emr_status list_hosts(emr_bureau *bureau, emr_out *out)
{
	json_t *list = json_array();
	emr_row_host_key row;
	emr_known_org org;
	char name[256], shown[EMR_BESIDE_BYTES], key[EMR_SERVED_ADDRESS_CHARS];
	emr_status status;

	emr_out_put(out, "hosts", list);
	EMR_ASK(asked, bureau->session.replica, ORGS);
	while (emr_next(&asked, &org)) {
		status = emr_replica_host_key(bureau->session.replica, org.org, &row);
		if (status == EMR_NOT_FOUND || org.row.head.state != EMR_ORG_MEMBER)
			continue;
		EMR_TRY(status);
		EMR_TRY(emr_bureau_name(bureau, org.org, name));
		emr_bureau_show(name, shown);
		show_key(EMR_ID32_AT(row.key), key);
		emr_say(out, "%s: %s\n", shown, key);
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s}", "organisation", shown, "key", key)) != 0)
			return EMR_NO_MEMORY;
	}
	return asked.status;
}

emr_status emr_org_host(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	char text[EMR_SERVED_ADDRESS_CHARS];
	emr_row_host_key row = {.key = {0}};
	emr_row_network network;
	emr_id32 key;
	emr_act act;
	emr_status status;

	if (args->n_operands == 1)
		return list_hosts(bureau, out);
	EMR_TRY(read_key(args->operands[1], &key, out_problem));
	EMR_TRY(emr_replica_network(bureau->session.replica, &network));
	if (network.contract < emr_op_since(EMR_OP_HOST_KEY)) {
		emr_problem_set(out_problem, EMR_SAY_LATER_RULES, NULL);
		return EMR_DENIED;
	}
	status = emr_replica_host_key(bureau->session.replica, bureau->org, &row);
	if (status == EMR_NOT_FOUND || (status == EMR_OK && memcmp(row.key, key.b, 32) != 0)) {
		act = emr_act_host_key(bureau->org, key);
		status = emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);
	}
	EMR_TRY(status);
	show_key(key, text);
	emr_out_text(out, "organisation", bureau->name);
	emr_out_text(out, "key", text);
	emr_say(out, "The ledger says now that the host of %s has this key: %s\n", bureau->name,
		text);
	return EMR_OK;
}
