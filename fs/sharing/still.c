/* When a share is taken back, its person may still read the same files through another share,
 * for example as a member of a team. This file finds those other shares, so that the owner is
 * told. */
#include "sharing_private.h"

#include <string.h>

#include "kit/out.h"
#include "share/teams.h"
#include "share/write.h"

typedef struct seeking {
	emr_session *session;
	const emr_who *who;
	const char *path;	/* NULL: everything */
	emr_path_domain around; /* of PATH */
	const emr_share_rows *ended;
	json_t *ways;
} seeking;

static bool is_ended(const seeking *s, const emr_share_row *row)
{
	for (size_t i = 0; i < s->ended->n; i++)
		if (emr_id16_equal(s->ended->list[i].domain, row->domain) &&
			emr_id32_equal(s->ended->list[i].who.root, row->who.root))
			return true;
	return false;
}

/* Whether ROW lets PATH be read, or something in it. A grant that stands inside only because of a
 * share around it is said where that begins. */
static bool is_about(const seeking *s, const emr_share_row *row)
{
	size_t len = s->path != NULL ? strlen(s->path) : 0;

	if (s->path == NULL)
		return !row->is_inner;
	return emr_id16_equal(row->domain, s->around.domain) ||
	       (!row->is_inner && strncmp(row->path, s->path, len) == 0 && row->path[len] == '/');
}

/* His own, or of a team that he is in now. */
static emr_status is_his(const seeking *s, const emr_share_row *row, bool *out_is)
{
	emr_membership membership;
	emr_team team;
	emr_status status;

	*out_is = emr_who_is_same(&row->who, s->who);
	if (*out_is || row->who.kind == EMR_WHO_PERSON)
		return EMR_OK;
	status = emr_team_of_grantee(s->session->replica, row->who.root, &team);
	if (status == EMR_OK)
		status = emr_team_reader(s->session->replica, &team, s->who->root, &membership);
	*out_is = status == EMR_OK &&
		  emr_membership_is_on(&membership, emr_clock_unix_s(emr_clock_system()));
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status seek(seeking *s, const emr_share_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const emr_share_row *row = &rows->list[i];
		bool is = false;

		if ((row->state != EMR_SHARE_CONFIRMED && row->state != EMR_SHARE_QUEUED) ||
			emr_rights_of_reading(row->rights) == 0 || is_ended(s, row) ||
			!is_about(s, row))
			continue;
		EMR_TRY(is_his(s, row, &is));
		if (is && json_array_append_new(
				  s->ways, json_pack("{s:o, s:o}", "path", emr_json_text(row->path),
						   "via", emr_json_text(row->who.called))) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

emr_status emr_still_reads(emr_session *session, emr_crowd *crowd, const emr_who *who,
	const char *path, const emr_share_rows *ended, json_t **out_ways)
{
	json_auto_t *ways = json_array();
	seeking s = {.session = session, .who = who, .path = path, .ended = ended, .ways = ways};
	EMR_AUTO_SHARES rows = {0};
	emr_status status =
		path != NULL ? emr_view_domain_of(session->view, path, &s.around) : EMR_OK;

	if (status == EMR_OK) {
		EMR_TRY(emr_shares_collect(session, crowd, NULL, EMR_SHARES_INNER, &rows));
		EMR_TRY(seek(&s, &rows));
	} else if (status != EMR_NOT_FOUND) { /* deleted: nobody reads it by its path */
		return status;
	}
	*out_ways = json_incref(ways);
	return EMR_OK;
}
