/* The terms of a dataset have a daily limit for each reader, which this file keeps. The computer
 * that answers counts, by the ledger, the records that the reader asked for today in all folders of
 * the dataset: so the limit holds with any program, and after a restart of any computer; and the
 * reader's own computer counts after it. */
#include <string.h>

#include "contract/codes.h"
#include "replica/ask.h"

#include "judge.h"
#include "share/frozen.h"
#include "shared_private.h"
#include "teams_private.h"

#define DAY_S 86400u

static bool has(const emr_buf *all, emr_id16 id)
{
	return emr_buf_has(all, emr_bytes_of(&id, sizeof id));
}

/* The keys of DATASET in whose name was asked, closed ones as well, because that was asked today,
 * and the folders that are granted to them: emr_id16, ... into OUT_LINE and, each once,
 * OUT_DOMAINS. */
static emr_status find_line(
	emr_replica *replica, const emr_team *dataset, emr_buf *out_line, emr_buf *out_domains)
{
	emr_known_team known;
	EMR_ASK(teams, replica, TEAMS);

	while (emr_next(&teams, &known)) {
		EMR_AUTO_BUF grants = {0};
		emr_team team;
		emr_status status = emr_team_get(replica, known.team, &team);

		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
		if (status != EMR_OK || !emr_dataset_is_same(&team, dataset))
			continue;
		EMR_TRY(emr_buf_append(out_line, &team.id, sizeof team.id));
		EMR_TRY(EMR_ASK_ALL(&grants, replica, GRANTS_TO, .who = team.grantee));
		EMR_EACH (const emr_known_grant, grant, &grants)
			if (!has(out_domains, grant->domain))
				EMR_TRY(emr_buf_append(
					out_domains, &grant->domain, sizeof(emr_id16)));
	}
	return teams.status;
}

/* Of two that came with one entry one is the first for everybody who counts. */
static bool is_before(const emr_known_release *release, const question *q)
{
	return release->seq != q->seq ? release->seq < q->seq
				      : memcmp(release->req.b, q->req.b, sizeof q->req) < 0;
}

/* Adds what the person of ROOT asked for before Q, and on the same day, which is not that of the
 * answer, as that may come late. */
static emr_status count_in(emr_replica *replica, emr_id16 domain, emr_id32 root, const question *q,
	const emr_buf *line, uint64_t *asked)
{
	emr_known_release release;
	EMR_ASK(releases, replica, RELEASES_OF, .domain = domain, .who = root);

	while (emr_next(&releases, &release))
		if (release.ledger_time >= q->ledger_time / DAY_S * DAY_S &&
			is_before(&release, q) && has(line, release.via))
			*asked += release.asked -
				  release.names; /* to look into a folder opens no file */
	return releases.status;
}

emr_status share_is_over_daily_limit(emr_share *share, const question *q, bool *out_is_over)
{
	emr_replica *replica = share->o.replica;
	const emr_id16 via = EMR_ID16_AT(q->pub.via);
	const uint16_t files = (uint16_t)(q->pub.count - q->pub.names);
	EMR_AUTO_BUF domains = {0};
	EMR_AUTO_BUF line = {0};
	uint64_t asked = files;
	emr_known_person who;
	emr_team dataset;
	emr_status status;

	*out_is_over = false;
	if (emr_id16_is_zero(via))
		return EMR_OK;
	status = emr_team_get(replica, via, &dataset);
	if (status != EMR_OK || dataset.kind != EMR_TEAM_DATASET || dataset.terms.daily_limit == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(emr_replica_person(replica, q->signer, &who));
	EMR_TRY(find_line(replica, &dataset, &line, &domains));
	EMR_EACH (const emr_id16, domain, &domains)
		EMR_TRY(count_in(replica, *domain, EMR_ID32_AT(who.row.root), q, &line, &asked));
	*out_is_over = files > 0 && asked > dataset.terms.daily_limit;
	return EMR_OK;
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
