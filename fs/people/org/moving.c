/* This file is `emrfs org move`: administrators agree on a channel of Fabric in which the network
 * of a directory goes on. Each types the same line, with the backend of their organisation. */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "network/founding.h"
#include "org/bureau.h"
#include "org/proposals.h"
#include "replica/people.h"
#include "session/network_dir.h"

typedef struct moving {
	emr_bureau *bureau;
	emr_founding founding;
	emr_pub_org_propose what;
	emr_id16 proposal; /* zero: nobody has proposed it */
	bool is_ours, is_done;
	unsigned have, need;
} moving;

/* The copy says that it is agreed, or which organisations have approved it. */
static emr_status look(moving *m)
{
	emr_replica *replica = m->bureau->session.replica;
	emr_known_proposal proposal;
	emr_row_network network;
	emr_known_votes votes;
	uint8_t agreed[32];
	emr_status status = emr_replica_channel(replica, agreed);

	m->is_done = status == EMR_OK;
	if (m->is_done && memcmp(agreed, m->what.subject, sizeof agreed) != 0)
		return emr_founding_refuse(
			&m->founding, _("the members have agreed on another channel"));
	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_replica_network(replica, &network));
	m->need = emr_approvals_needed(&network);
	EMR_ASK(asked, replica, PROPOSALS);
	while (emr_proposal_next(
		&asked, m->bureau->org, 1u << EMR_PROPOSAL_MOVE, &proposal, &votes)) {
		if (memcmp(proposal.row.subject, m->what.subject, sizeof m->what.subject) != 0)
			continue;
		m->proposal = proposal.proposal;
		m->is_ours = votes.is_ours;
		m->have = votes.have;
	}
	return asked.status;
}

/* It begins there before anybody agrees: later somebody else might have begun another network. */
static emr_status look_at_channel(moving *m, emr_network_in_channel *found)
{
	const emr_bytes own = emr_ledger_descriptor(m->bureau->session.ledger);
	emr_status status;

	EMR_TRY(emr_founding_look(m->founding.channel, found, m->founding.problem));
	EMR_TRY(emr_unhex(found->genesis, m->what.subject, sizeof m->what.subject));
	status = found->descriptor.len == 0 ? emr_network_begin_in_channel(m->founding.channel, own)
		 : emr_bytes_equal(own, emr_buf_view(&found->descriptor)) ? EMR_OK
									  : EMR_FORK;
	return status == EMR_FORK ? emr_founding_refuse(&m->founding,
					    _("another network has begun in its channel"))
				  : status;
}

static emr_status agree(moving *m, const emr_args *args, emr_out *out)
{
	emr_say(out,
		"The network leaves its directory for good and goes on in a channel of Fabric, "
		"whose first block has the hash\n    %s\nCompare it with the other members and "
		"with who runs the channel. What is saved until all entries are there waits.\n",
		m->founding.genesis);
	EMR_TRY(emr_bureau_agree(args, out, _("Shall the network go on there (yes, no)?"),
		_("Your organisation agreed to nothing."), m->founding.problem));
	if (emr_id16_is_zero(m->proposal))
		EMR_TRY(emr_proposal_make(
			m->bureau, m->what, (emr_bytes){0}, &m->proposal, m->founding.problem));
	EMR_TRY(emr_proposal_approve(m->bureau, m->proposal, m->founding.problem));
	m->have++;
	return look(m);
}

emr_status emr_org_move(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	const char *named = args->values[EMR_OPT_CHANNEL];
	EMR_AUTO_FREE char *channel = named != NULL ? emr_path_real(named) : NULL;
	EMR_AUTO_IN_CHANNEL found = {.msp = ""};
	moving m = {.bureau = bureau,
		.founding = {.dir = bureau->dir,
			.channel = channel,
			.genesis = found.genesis,
			.problem = out_problem},
		.what = {.kind = EMR_PROPOSAL_MOVE}};

	if (channel == NULL)
		return emr_wrong_use("org",
			_("org move takes --channel DIR, the directory with the socket of your "
			  "organisation's emrfs-fabric."),
			out_problem);
	EMR_TRY(look_at_channel(&m, &found));
	EMR_TRY(look(&m));
	if (!m.is_done && !m.is_ours)
		EMR_TRY(agree(&m, args, out));
	if (m.is_done && !emr_network_dir_is_served(bureau->dir))
		EMR_TRY(emr_founding_move(&m.founding));
	emr_out_text(out, "genesis", found.genesis);
	emr_out_number(out, "have", m.have);
	emr_out_number(out, "need", m.need);
	emr_out_flag(out, "done", m.is_done);
	if (m.is_done)
		emr_say(out,
			"It is agreed. The host of the network's directory hands the entries in "
			"there and goes on; where another account keeps it, that one types: emrfs "
			"host DIR ADDRESS --channel DIR\n");
	else
		emr_say(out,
			"%u of %u members have approved that. The others: emrfs org move --channel "
			"DIR, with their own emrfs-fabric\n",
			m.have, m.need);
	return EMR_OK;
}
