/* This file is `emrfs org move`: administrators agree on a channel in which their network goes on,
 * and the administrator who completes that brings its ledger there. Each types the same command
 * with settings of the same channel. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "gateway/channel.h"
#include "kit/language.h"
#include "kit/progress.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "org/bureau.h"
#include "org/proposals.h"
#include "replica/replica.h"
#include "session/network_dir.h"

typedef struct moving {
	emr_bureau *bureau;
	emr_out *out;
	char way[PATH_MAX]; /* where the settings are */
	emr_channel channel;
	emr_id16 proposal;
	bool is_there, is_ours;
	unsigned have, need;
	bool has_ended; /* the directory's ledger */
} moving;

static emr_status say_way(
	const moving *m, const char *cause, emr_status status, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", m->way, "cause",
		cause[0] != '\0' ? cause : emr_text(emr_status_text(status)), NULL);
	return status;
}

/* ---- the channel ---- */

/* Names the organisation's people in the channel: as their authority names them, and otherwise by
 * the organisation's id. So no list of names has to be agreed on: the first block, which the
 * members approve, says which authority stands behind which name. */
static emr_status name_msp(const moving *m, char out[EMR_CERT_MSP_MAX + 1])
{
	emr_cert_facts ca;

	EMR_TRY(emr_cert_read(emr_buf_view(&m->bureau->ca), &ca));
	if (ca.msp[0] != '\0')
		(void)snprintf(out, EMR_CERT_MSP_MAX + 1, "%s", ca.msp);
	else
		emr_hex(m->bureau->org.b, sizeof m->bureau->org.b, out);
	return EMR_OK;
}

static emr_status read_way(moving *m, emr_problem *out_problem)
{
	char cause[600] = "", msp[EMR_CERT_MSP_MAX + 1] = "";
	emr_status status = emr_channel_read(m->way, &m->channel, cause, sizeof cause);

	if (status == EMR_OK)
		status = name_msp(m, msp);
	if (status == EMR_OK && strcmp(m->channel.msp, msp) != 0) {
		snprintf(cause, sizeof cause,
			_("in the channel the MSP of %s has to be called %s, and \"msp\" there "
			  "says "
			  "so"),
			m->bureau->name, msp);
		status = EMR_INVALID;
	}
	return status == EMR_OK ? EMR_OK : say_way(m, cause, status, out_problem);
}

/* The authority lies there for whoever runs the channel; the channel has to know it already. */
static emr_status look_at_channel(moving *m, emr_problem *out_problem)
{
	char said[512] = "", cause[700];
	bool is_new = false;
	emr_status status = emr_channel_offer_ca(m->way, emr_buf_view(&m->bureau->ca));

	if (status == EMR_OK)
		status = emr_channel_try(m->way, m->bureau->session.keyring,
			emr_ledger_descriptor(m->bureau->session.ledger), &is_new, said,
			sizeof said);
	if (status == EMR_OK && is_new) {
		emr_channel_free(&m->channel);
		m->channel = (emr_channel){0};
		status = emr_channel_read(m->way, &m->channel, said, sizeof said);
	}
	if (status == EMR_OK)
		return EMR_OK;
	snprintf(cause, sizeof cause,
		_("its channel does not take the certificates of the CA in %s there (%s)"),
		EMR_CHANNEL_CA, said[0] != '\0' ? said : emr_text(emr_status_text(status)));
	return say_way(m, status == EMR_DENIED ? cause : said, status, out_problem);
}

/* ---- agreeing ---- */

/* Reads the ledger's present state: that it has ended, and where it goes on; or who has approved
 * what. */
static emr_status look(moving *m, emr_problem *out_problem)
{
	uint8_t genesis[32];
	emr_known_proposal proposal;
	emr_known_votes votes;
	emr_row_network network;
	emr_replica *replica = m->bureau->session.replica;
	emr_status status = emr_replica_channel(replica, genesis);

	m->has_ended = status == EMR_OK;
	if (m->has_ended && memcmp(genesis, m->channel.genesis, sizeof genesis) != 0)
		return say_way(
			m, _("the members have agreed on another channel"), EMR_FORK, out_problem);
	if (status != EMR_NOT_FOUND)
		return status;
	m->is_there = m->is_ours = false;
	m->have = 0;
	EMR_TRY(emr_replica_network(replica, &network));
	m->need = emr_approvals_needed(&network);
	EMR_ASK(asked, replica, PROPOSALS);
	while (!m->is_there && emr_proposal_next(&asked, m->bureau->org, 1u << EMR_PROPOSAL_MOVE,
				       &proposal, &votes)) {
		if (memcmp(proposal.row.subject, m->channel.genesis, sizeof m->channel.genesis) !=
			0)
			continue;
		m->proposal = proposal.proposal;
		m->is_there = true;
		m->is_ours = votes.is_ours;
		m->have = votes.have;
	}
	return asked.status;
}

static emr_status propose(moving *m, emr_problem *out_problem)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MOVE};

	memcpy(what.subject, m->channel.genesis, sizeof what.subject);
	return emr_proposal_make(m->bureau, what, (emr_bytes){0}, &m->proposal, out_problem);
}

static emr_status agree(moving *m, const emr_args *args, emr_problem *out_problem)
{
	char hash[65];
	emr_status status;

	emr_hex(m->channel.genesis, sizeof m->channel.genesis, hash);
	emr_say(m->out,
		"The network's ledger leaves its directory for good and goes on in the channel %s, "
		"whose first block is\n    %s\nCompare it with whoever runs the channel. Whoever "
		"has this folder open goes on in the channel when he opens it again. Invitations "
		"and applications that are still open end with the directory, and are made "
		"anew.\n",
		m->channel.channel, hash);
	status = emr_bureau_agree(args, m->out, _("Shall the network move there (yes, no)?"),
		_("Your organisation agreed to nothing."), out_problem);
	if (status == EMR_OK && !m->is_there)
		status = propose(m, out_problem);
	if (status == EMR_OK)
		status = emr_proposal_approve(m->bureau, m->proposal, out_problem);
	return status == EMR_OK ? look(m, out_problem) : status;
}

/* ---- moving ---- */

static void tell(void *arg, uint64_t entries, uint64_t all)
{
	moving *m = arg;

	emr_progress(m->out, "%llu of %llu entries are in the channel ...",
		(unsigned long long)entries, (unsigned long long)all);
}

static emr_status bring(moving *m, emr_problem *out_problem)
{
	EMR_AUTO_LEDGER from = NULL;
	char path[PATH_MAX + 16], said[512] = "";
	emr_ledger_options options = {.path = path};
	emr_status status;

	snprintf(path, sizeof path, "%s/" EMR_NETWORK_DIR_LEDGER, m->bureau->dir);
	EMR_TRY(emr_embedded_open(&options, &from));
	status = emr_channel_move(
		m->way, m->bureau->session.keyring, from, tell, m, said, sizeof said);
	emr_progress_end(m->out);
	return status == EMR_OK ? EMR_OK : say_way(m, said, status, out_problem);
}

/* The settings first, whole: the file that sends members to them says that they are there. */
static emr_status lead_there(moving *m, emr_problem *out_problem)
{
	EMR_AUTO_BUF way = {0};
	EMR_AUTO_FD dir = open(m->bureau->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD ledger = -1;
	char cause[256] = "";
	emr_status status = emr_channel_carry(m->way, &way, cause, sizeof cause);

	if (status != EMR_OK)
		return say_way(m, cause, status, out_problem);
	if (dir < 0)
		return emr_status_from_errno(errno);
	EMR_TRY(emr_channel_settle_in(emr_buf_view(&way), dir));
	ledger = openat(dir, EMR_NETWORK_DIR_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ledger < 0)
		return emr_status_from_errno(errno);
	return emr_file_replace(ledger, EMR_NETWORK_MOVED, emr_buf_view(&way), 0600);
}

static void say_moved(const moving *m, bool is_done)
{
	emr_out_text(m->out, "channel", m->channel.channel);
	emr_out_flag(m->out, "done", is_done);
	if (!is_done) {
		emr_out_number(m->out, "have", m->have);
		emr_out_number(m->out, "need", m->need);
		emr_say(m->out,
			"%u of %u members have approved that. The others: emrfs org move DIR, with "
			"settings of this channel.\n",
			m->have, m->need);
		return;
	}
	emr_say(m->out, "The network is in the channel %s now.\n", m->channel.channel);
}

emr_status emr_org_move(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	moving m = {.bureau = bureau, .out = out};
	emr_status status;

	if (realpath(args->operands[1], m.way) == NULL)
		return emr_wrong_use("org",
			_("org move takes the directory that has the channel's settings."),
			out_problem);
	status = read_way(&m, out_problem);
	if (status == EMR_OK && !emr_channel_has_moved(bureau->dir)) {
		status = look_at_channel(&m, out_problem);
		if (status == EMR_OK)
			status = look(&m, out_problem);
		if (status == EMR_OK && !m.has_ended && !m.is_ours)
			status = agree(&m, args, out_problem);
		if (status == EMR_OK && m.has_ended)
			status = bring(&m, out_problem);
		if (status == EMR_OK && m.has_ended)
			status = lead_there(&m, out_problem);
	} else if (status == EMR_OK) {
		m.has_ended = true;
	}
	if (status == EMR_OK)
		say_moved(&m, m.has_ended);
	emr_channel_free(&m.channel);
	return status;
}
