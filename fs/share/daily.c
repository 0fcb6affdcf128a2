/* The terms of a dataset have a daily limit for each reader, which this file keeps. The computer
 * that answers counts, by the ledger, the records that the reader asked for today in all folders of
 * the dataset: so the limit holds with any program, and after a restart of any computer; and the
 * reader's own computer counts after it. */
#include <string.h>

#include "contract/codes.h"

#include "judge.h"
#include "share/frozen.h"
#include "shared_private.h"
#include "teams_private.h"

#define DAY_S 86400u

typedef struct counting {
	emr_replica *replica;
	const emr_team *dataset;
	const question *q;
	emr_id32 root; /* of who asks, whichever of his keys he uses */
	uint64_t from, asked;
	emr_buf domains; /* emr_id16, each once */
	emr_buf line;	 /* emr_id16: in whose name was asked */
} counting;

static bool has(const emr_buf *all, emr_id16 id)
{
	return emr_buf_has(all, emr_bytes_of(&id, sizeof id));
}

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	counting *c = arg;

	return has(&c->domains, grant->domain)
		       ? EMR_OK
		       : emr_buf_append(&c->domains, grant->domain.b, sizeof grant->domain);
}

/* Closed ones as well: what was asked in their name was asked today. */
static emr_status note_line(void *arg, emr_id16 id, const emr_row_dataset *row)
{
	counting *c = arg;
	emr_team team;
	emr_status status = emr_team_get(c->replica, id, &team);

	(void)row;
	if (status != EMR_OK || !emr_dataset_is_same(&team, c->dataset))
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(emr_buf_append(&c->line, team.id.b, sizeof team.id));
	return emr_replica_grants_to(c->replica, team.grantee, note_grant, c);
}

/* Of two that came with one entry one is the first for everybody who counts. */
static bool is_before(const emr_known_release *release, const question *q)
{
	return release->seq != q->seq ? release->seq < q->seq
				      : memcmp(release->req.b, q->req.b, sizeof q->req) < 0;
}

static emr_status note_question(void *arg, const emr_known_release *release)
{
	counting *c = arg;

	if (release->ledger_time >= c->from && is_before(release, c->q) &&
		has(&c->line, release->via))
		c->asked +=
			release->asked - release->names; /* to look into a folder opens no file */
	return EMR_OK;
}

emr_status share_is_over_daily_limit(emr_share *share, const question *q, bool *out_is_over)
{
	counting c = {.replica = share->o.replica,
		.q = q,
		.from = q->ledger_time / DAY_S *
			DAY_S}; /* not of the answer, which may come late */
	emr_known_person who;
	emr_team dataset;
	emr_id16 via;
	emr_status status;
	uint16_t files;

	*out_is_over = false;
	memcpy(via.b, q->pub.via, sizeof via.b);
	if (emr_id16_is_zero(via))
		return EMR_OK;
	status = emr_team_get(share->o.replica, via, &dataset);
	if (status != EMR_OK || dataset.kind != EMR_TEAM_DATASET || dataset.terms.daily_limit == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	c.dataset = &dataset;
	EMR_TRY(emr_replica_person(share->o.replica, q->signer, &who));
	memcpy(c.root.b, who.row.root, sizeof c.root.b);
	status = emr_replica_teams(share->o.replica, note_line, &c);
	for (size_t at = 0; at < c.domains.len && status == EMR_OK; at += sizeof(emr_id16)) {
		emr_id16 domain;

		memcpy(domain.b, c.domains.data + at, sizeof domain.b);
		status = emr_replica_releases_of(
			share->o.replica, domain, c.root, note_question, &c);
	}
	files = (uint16_t)(q->pub.count - q->pub.names);
	*out_is_over = files > 0 && c.asked + files > dataset.terms.daily_limit;
	emr_buf_free(&c.domains);
	emr_buf_free(&c.line);
	return status;
}

emr_status ask_count_own(emr_ask *ask)
{
	emr_share *share = ask->shared->share;
	AUTO_QUESTION q = {.seq = 0};

	if (ask->refusal != EMR_RESULT_LIMIT || ask->has_counted)
		return EMR_OK;
	EMR_TRY(question_read_public(share, ask->release.domain, ask->release.access, &q));
	EMR_TRY(share_is_over_daily_limit(share, &q, &ask->is_over_limit));
	ask->has_counted = true;
	return EMR_OK;
}
