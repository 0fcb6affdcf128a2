/* This file is the work of an agent, a service of an organisation that helps to release keys for
 * an owner who is offline. It takes in the fragments that owners send, answers questions when its
 * turn has come, and destroys fragments when their grant has ended. It keeps no fragment of a
 * grant that has ended. */
#include "agency.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define STAGGER_NS 150000000 /* between those who answer only when others do not */
#define GATE_TURNS 10	     /* until it is looked again whether an owner's word has come */

emr_status emr_agency_open(emr_share *share, int dirfd, emr_agency **out_agency)
{
	emr_agency *agency = calloc(1, sizeof *agency);
	emr_status status;

	if (agency == NULL)
		return EMR_NO_MEMORY;
	agency->desk = (desk){.share = share};
	agency->dirfd = dirfd;
	status = agency_load_boxes(agency);
	if (status != EMR_OK) {
		emr_agency_close(agency);
		return status;
	}
	*out_agency = agency;
	return EMR_OK;
}

void emr_agency_close(emr_agency *agency)
{
	if (agency == NULL)
		return;
	agency_free_boxes(agency);
	parcel_end(&agency->out.parcel);
	desk_end(&agency->desk);
	emr_buf_free(&agency->waiting);
	free(agency);
}

/* By ids only. */
static void log_grant(const char *what, emr_id16 domain, emr_id16 grant, uint32_t epoch)
{
	char d[33], g[33];

	emr_hex(domain.b, sizeof domain.b, d);
	emr_hex(grant.b, sizeof grant.b, g);
	emr_log(EMR_LOG_INFO, "agent: %s: domain %s grant %s epoch %u", what, d, g, epoch);
}

/* The first of the ends that is known: until then nothing is looked through. */
static void note_end(emr_agency *agency, uint64_t end_unix_s)
{
	if (end_unix_s < agency->next_end_unix_s)
		agency->next_end_unix_s = end_unix_s;
}

/* ---- taking in ---- */

/* Fragments for an agent of the grantee's own organisation, or two for one organisation, would not
 * be in different hands: the first is taken where the owner, who is of it, said so in the grant. */
static emr_status may_hold(emr_agency *agency, const grant_facts *grant, bool *out_may)
{
	emr_share *share = agency->desk.share;
	EMR_AUTO_BUF readers = {0};
	emr_known_person me, other;
	bool is_let = false;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	*out_may = false;
	if (status == EMR_OK)
		status = share_lets_near(
			share, grant->terms.rights, &grant->known, me.row.org, &is_let);
	if (status == EMR_OK && !is_let)
		status = share_near(share, grant->terms.grantee, &readers);
	if (status != EMR_OK || share_is_near(&readers, me.row.org))
		return status;
	for (unsigned i = 0; i < grant->read.n; i++) {
		if (emr_id32_equal(grant->read.agents[i], share->me.signer_id))
			continue;
		status = emr_replica_person(share->o.replica, grant->read.agents[i], &other);
		if (status == EMR_OK && memcmp(other.row.org, me.row.org, 16) == 0)
			return EMR_OK;
	}
	*out_may = true;
	return EMR_OK;
}

static bool is_named(const emr_agency *agency, const grant_facts *grant)
{
	for (unsigned i = 0; i < grant->read.n; i++)
		if (emr_id32_equal(grant->read.agents[i], agency->desk.share->me.signer_id))
			return true;
	return false;
}

static emr_status open_fragment(emr_agency *agency, const grant_facts *grant,
	const uint8_t owner_pk[32], const uint8_t A[32], const emr_kfrags_part *part,
	emr_fragment **out)
{
	emr_status status = EMR_DAMAGED;

	for (int i = 0; i < AGENCY_BOXES && status == EMR_DAMAGED; i++)
		if (agency->boxes[i] != NULL)
			status = emr_fragment_open(agency->boxes[i],
				agency->desk.share->me.signer_id, owner_pk, &grant->terms, A,
				grant->read.B, part, out);
	return status;
}

static emr_status enrol_one(emr_agency *agency, const pending_question *at, bool *out_is_new)
{
	emr_share *share = agency->desk.share;
	AUTO_GRANT_FACTS grant = {0};
	EMR_AUTO_BUF item_bytes = {0};
	EMR_AUTO_BUF part_bytes = {0};
	char name[FRAGMENT_NAME_BYTES];
	uint8_t owner_pk[32], A[32];
	emr_kfrags_part part;
	emr_replica_item item;
	emr_row_domain row;
	emr_fragment *fragment = NULL;
	bool may = false;
	emr_status status;

	EMR_TRY(share_grant_facts(share, at->domain, at->access, &grant));
	if (grant.known.row.head.state != EMR_GRANT_ACTIVE ||
		share_now(share) >= grant.terms.not_after || !is_named(agency, &grant))
		return EMR_OK;
	EMR_TRY(share_item(
		share, EMR_FAMILY_KFRAGS, at->domain, at->access, at->version, &item_bytes, &item));
	agency_fragment_name(at->domain, at->access, item.epoch, name);
	if (agency_has(agency, name)) /* as nearly all are, after a start */
		return EMR_OK;
	EMR_TRY(may_hold(agency, &grant, &may));
	if (!may)
		return EMR_OK;
	EMR_TRY(share_part(
		share, EMR_FAMILY_KFRAGS, at->domain, at->access, at->version, &part_bytes));
	EMR_TRY(emr_kfrags_part_read(
		emr_buf_view(&item_bytes), emr_buf_view(&part_bytes), &grant.terms, &part));
	EMR_TRY(share_domain(share, at->domain, &row));
	EMR_TRY(share_signer_pk(share, at->domain, &row, item.signer_id, owner_pk));
	EMR_TRY(share_epoch(share, at->domain, item.epoch, A));
	status = open_fragment(agency, &grant, owner_pk, A, &part, &fragment);
	if (status == EMR_NOT_FOUND)
		return EMR_OK; /* cut for others */
	if (status == EMR_OK)
		status = agency_keep(agency, name, fragment);
	emr_fragment_free(fragment);
	EMR_TRY(status);
	*out_is_new = true;
	note_end(agency, grant.terms.not_after);
	log_grant("fragment taken in", at->domain, at->access, item.epoch);
	return EMR_OK;
}

/* ---- whose turn it is ---- */

static emr_id32 turn_of(emr_id32 req, emr_id32 agent)
{
	const emr_bytes pieces[2] = {emr_bytes_of(req.b, 32), emr_bytes_of(agent.b, 32)};

	return emr_sha256_of(pieces, 2);
}

/* How many agents are before me; EMR_NOT_FOUND: I am none of this grant. */
static emr_status my_rank(const emr_agency *agency, const question *q, unsigned *out_rank)
{
	emr_id32 me = agency->desk.share->me.signer_id, mine = turn_of(q->req, me);
	emr_status status = EMR_NOT_FOUND;
	unsigned rank = 0;

	for (unsigned i = 0; i < q->grant.read.n; i++) {
		emr_id32 other = turn_of(q->req, q->grant.read.agents[i]);

		if (emr_id32_equal(q->grant.read.agents[i], me))
			status = EMR_OK;
		else
			rank += memcmp(other.b, mine.b, 32) < 0;
	}
	*out_rank = rank;
	return status;
}

/* Once, however often it was looked at. */
static emr_status defer(emr_agency *agency, const question *q, unsigned turns)
{
	const deferred one = {q->domain, q->access,
		emr_clock_boot_ns(agency->desk.share->o.clock) + (int64_t)turns * STAGGER_NS};

	EMR_EACH (deferred, same, &agency->waiting)
		if (emr_id16_equal(same->domain, q->domain) &&
			emr_id16_equal(same->access, q->access)) {
			*same = one;
			return EMR_OK;
		}
	return emr_buf_append(&agency->waiting, &one, sizeof one);
}

/* IS_LATE: its turn has come, whatever its rank.  SINCE_BOOT_NS as for question_is_awaited. */
static emr_status answer_or_defer(emr_agency *agency, question *q, bool is_late,
	int64_t since_boot_ns, emr_release_tally *tally)
{
	emr_share *share = agency->desk.share;
	bool is_answered = false, is_served = false, may = true;
	unsigned rank = 0;

	EMR_TRY(my_rank(agency, q, &rank));
	EMR_TRY(question_is_answered(share, q, share->me.signer_id, &is_answered));
	EMR_TRY(question_is_served(share, q, &is_served));
	if (is_answered || is_served || !question_is_awaited(&agency->desk, q, since_boot_ns))
		return EMR_OK;
	EMR_TRY(agency_may_release(share, q->domain, &may));
	if (!may)
		return share_now(share) > q->ledger_time + QUESTION_S
			       ? EMR_OK
			       : defer(agency, q, GATE_TURNS);
	if (!is_late && rank >= q->grant.terms.t)
		return defer(agency, q, rank - q->grant.terms.t + 1);
	return agency_answer(agency, q, tally);
}

/* A question that is itself at fault is passed over. */
static emr_status consider_question(emr_agency *agency, emr_id16 domain, emr_id16 access,
	bool is_late, int64_t since_boot_ns, emr_release_tally *tally)
{
	AUTO_QUESTION q = {0};
	emr_status sent = EMR_OK, status = question_load(agency->desk.share, domain, access, &q);

	if (status == EMR_OK)
		sent = agency_make_room(agency, &q, tally);
	if (sent != EMR_OK)
		return sent;
	if (status == EMR_OK)
		status = answer_or_defer(agency, &q, is_late, since_boot_ns, tally);
	return desk_pass_over(status, "a question");
}

/* They stay until all are sent: what was answered is not answered again. One that has to wait again
 * is put off where it stands. */
static emr_status run_deferred(emr_agency *agency, emr_release_tally *tally)
{
	int64_t now = emr_clock_boot_ns(agency->desk.share->o.clock);
	emr_status status = EMR_OK, sent;
	deferred *kept;

	EMR_EACH (const deferred, one, &agency->waiting)
		if (status == EMR_OK && one->due_boot_ns <= now)
			status = consider_question(
				agency, one->domain, one->access, true, one->due_boot_ns, tally);
	sent = agency_send(agency, tally);
	EMR_TRY(status == EMR_OK ? sent : status);
	kept = (deferred *)(void *)agency->waiting.data;
	EMR_EACH (const deferred, one, &agency->waiting)
		if (one->due_boot_ns > now)
			*kept++ = *one;
	agency->waiting.len = (size_t)((uint8_t *)kept - agency->waiting.data);
	return EMR_OK;
}

static int next_turn_ms(const emr_agency *agency)
{
	int64_t now = emr_clock_boot_ns(agency->desk.share->o.clock), first = INT64_MAX;

	EMR_EACH (const deferred, one, &agency->waiting)
		if (one->due_boot_ns < first)
			first = one->due_boot_ns;
	if (agency->waiting.len == 0)
		return -1;
	return first <= now ? 0 : (int)((first - now) / 1000000 + 1);
}

/* ---- the end ---- */

/* ENDED: emr_known_grant, ... of which only the domain and the grant are said. */
static emr_status note_ended(emr_buf *ended, const agency_file *file)
{
	const emr_known_grant grant = {.domain = file->domain, .grant = file->grant};

	EMR_EACH (const emr_known_grant, other, ended)
		if (emr_id16_equal(other->grant, file->grant))
			return EMR_OK;
	return emr_buf_append(ended, &grant, sizeof grant);
}

static emr_status shred_if_over(emr_agency *agency, const agency_file *file, emr_buf *ended)
{
	emr_share *share = agency->desk.share;
	emr_known_grant known;
	emr_status status = emr_replica_grant(share->o.replica, file->domain, file->grant, &known);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (status == EMR_OK && known.row.head.state == EMR_GRANT_ACTIVE &&
		share_now(share) < known.row.not_after_unix_s) {
		note_end(agency, known.row.not_after_unix_s);
		return EMR_OK;
	}
	/* First the fragment, then the word that it is gone. */
	log_grant("fragment destroyed", file->domain, file->grant, file->epoch);
	EMR_TRY(agency_shred(agency, file->name));
	return note_ended(ended, file);
}

/* Fragments of ONLY, or of all grants when it is NULL. */
static emr_status shred_ended(emr_agency *agency, const emr_id16 *only, emr_buf *ended)
{
	EMR_AUTO_BUF files = {0};

	EMR_TRY(agency_list(agency, &files));
	EMR_EACH (const agency_file, file, &files)
		if (only == NULL || emr_id16_equal(*only, file->grant))
			EMR_TRY(shred_if_over(agency, file, ended));
	return EMR_OK;
}

static emr_status acknowledge(emr_share *share, emr_id16 domain, emr_id16 grant)
{
	emr_known_grant known;
	emr_act act;
	emr_status status = emr_replica_grant(share->o.replica, domain, grant, &known);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	act = emr_act_agent_ack(
		domain, share->me.signer_id, EMR_ID32_AT(known.row.head.item), EMR_ACK_DESTROYED);
	return parcel_send_one(share, emr_signer_identity(), &act);
}

/* Fragments of GRANT, or of all grants when it is NULL. */
static emr_status destroy_ended(emr_agency *agency, const emr_id16 *grant, emr_release_tally *tally)
{
	EMR_AUTO_BUF ended = {0};
	emr_status status;

	if (grant == NULL)
		agency->next_end_unix_s = UINT64_MAX;
	status = shred_ended(agency, grant, &ended);
	if (status != EMR_OK)
		agency->next_end_unix_s = 0; /* again the next time */
	tally->destroyed += ended.len / sizeof(emr_known_grant);
	EMR_TRY(status);
	EMR_EACH (const emr_known_grant, known, &ended)
		EMR_TRY(desk_pass_over(acknowledge(agency->desk.share, known->domain, known->grant),
			"an acknowledgement"));
	return EMR_OK;
}

/* ---- runs ---- */

static emr_status work_on(emr_agency *agency, const pending_question *at, emr_release_tally *tally)
{
	bool is_new = false;
	emr_status status;

	if (at->op == EMR_OP_ACCESS_REQ)
		return consider_question(
			agency, at->domain, at->access, false, agency->desk.looked_boot_ns, tally);
	if (at->op == EMR_OP_DATASET_LEAVE) /* names the dataset, not the grant that it ended */
		return destroy_ended(agency, NULL, tally);
	if (at->op != EMR_OP_KFRAGS)
		return destroy_ended(agency, &at->access, tally);
	status = desk_pass_over(enrol_one(agency, at, &is_new), "a fragment");
	tally->enrolled += is_new;
	return status;
}

/* ALL that is new, and the answers to it are sent. */
static emr_status work_on_all(emr_agency *agency, const emr_buf *all, emr_release_tally *tally)
{
	emr_status sent, status = EMR_OK;

	EMR_EACH (const pending_question, pending, all)
		if (status == EMR_OK)
			status = work_on(agency, pending, tally);
	sent = agency_send(agency, tally);
	return status == EMR_OK ? sent : status;
}

emr_status emr_agency_run(emr_agency *agency, emr_release_tally *out_tally)
{
	emr_release_tally tally = {.next_ms = -1};
	uint64_t next = 0;
	int64_t began = emr_clock_boot_ns(agency->desk.share->o.clock);
	EMR_AUTO_BUF all = {0};
	emr_status status = desk_pending(&agency->desk, &all, &next);

	if (status == EMR_OK && !agency->has_own_box)
		status = emr_agency_renew_key(agency);
	if (status == EMR_OK && share_now(agency->desk.share) >= agency->next_end_unix_s)
		status = destroy_ended(agency, NULL, &tally);
	if (status == EMR_OK)
		status = work_on_all(agency, &all, &tally);
	if (status == EMR_OK)
		desk_has_looked(&agency->desk, next, began);
	if (status == EMR_OK)
		status = run_deferred(agency, &tally);
	tally.next_ms = next_turn_ms(agency);
	if (status == EMR_OK)
		status = agency_recover(agency, &tally);
	if (status == EMR_OK)
		status = desk_next(&agency->desk, tally.next_ms, &tally.next_ms);
	*out_tally = tally;
	return status;
}
