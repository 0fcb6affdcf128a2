/* The limit of a day that a dataset's terms have for each reader. Who answers counts what that
 * reader asked for today, in all folders of the dataset, by the ledger: so it holds whatever
 * program he uses, and over a restart of everybody's. */
#include <string.h>

#include "judge.h"
#include "share/frozen.h"
#include "teams_private.h"

#define DAY_S 86400u

typedef struct counting {
	emr_replica *replica;
	const emr_team *dataset;
	const question *q;
	uint64_t from, asked;
	emr_buf domains; /* emr_id16, each once */
	emr_buf line;	 /* emr_id16: in whose name was asked */
} counting;

static bool has(const emr_buf *all, emr_id16 id)
{
	for (size_t at = 0; at < all->len; at += sizeof id)
		if (memcmp(all->data + at, id.b, sizeof id) == 0)
			return true;
	return false;
}

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	counting *c = arg;

	return has(&c->domains, grant->domain)
		       ? EMR_OK
		       : emr_buf_append(&c->domains, grant->domain.b, sizeof grant->domain);
}

static emr_status note_line(void *arg, const emr_team *team)
{
	counting *c = arg;
	emr_status status;

	if (!emr_dataset_is_same(team, c->dataset))
		return EMR_OK;
	status = emr_buf_append(&c->line, team->id.b, sizeof team->id);
	return status == EMR_OK ? emr_replica_grants_to(c->replica, team->grantee, note_grant, c)
				: status;
}

static emr_status note_question(void *arg, const emr_known_release *release)
{
	counting *c = arg;

	if (emr_id32_equal(release->signer, c->q->signer) && release->ledger_time >= c->from &&
		release->seq < c->q->seq && has(&c->line, release->via))
		c->asked += release->asked;
	return EMR_OK;
}

emr_status share_is_over_daily_limit(emr_share *share, const question *q, bool *out_is_over)
{
	counting c = {
		.replica = share->o.replica, .q = q, .from = share_now(share) / DAY_S * DAY_S};
	emr_team dataset;
	emr_id16 via;
	emr_status status;

	*out_is_over = false;
	memcpy(via.b, q->pub.via, sizeof via.b);
	if (emr_id16_is_zero(via))
		return EMR_OK;
	status = emr_team_get(share->o.replica, via, &dataset);
	if (status != EMR_OK || dataset.kind != EMR_TEAM_DATASET || dataset.terms.daily_limit == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	c.dataset = &dataset;
	status = emr_teams_open(share->o.replica, note_line, &c);
	for (size_t at = 0; at < c.domains.len && status == EMR_OK; at += sizeof(emr_id16)) {
		emr_id16 domain;

		memcpy(domain.b, c.domains.data + at, sizeof domain.b);
		status = emr_replica_releases(share->o.replica, domain, note_question, &c);
	}
	*out_is_over = c.asked + q->pub.count > dataset.terms.daily_limit;
	emr_buf_free(&c.domains);
	emr_buf_free(&c.line);
	return status;
}
