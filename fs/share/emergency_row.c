/* This file reads what the ledger says of one emergency: who has said why, and whether it is open.
 */
#include "share/request.h"

#include <string.h>

#include "teams_private.h"

emr_emergency_state emr_emergency_state_at(const emr_emergency *e, uint64_t now_unix_s)
{
	if (e->until_unix_s != 0)
		return now_unix_s < e->until_unix_s ? EMR_EMERGENCY_OPEN : EMR_EMERGENCY_OVER;
	return e->first_unix_s != 0 && now_unix_s <= e->first_unix_s + EMR_EMERGENCY_S
		       ? EMR_EMERGENCY_BEGUN
		       : EMR_EMERGENCY_PREPARED;
}

unsigned emr_emergency_hours(emr_share *share, const emr_known_grant *grant, emr_id16 word)
{
	uint8_t hours = EMR_EMERGENCY_HOURS_MAX;
	emr_id16 name;
	emr_team team;

	if (emr_team_of_grantee(share->o.replica, EMR_ID32_AT(grant->row.grantee), &team) != EMR_OK)
		return 0;
	do
		emr_object_emergency(word.b, team.id.b, grant->domain.b, hours, name.b);
	while (!emr_id16_equal(name, grant->grant) && --hours > 0);
	return hours;
}

emr_status emr_emergency_of(emr_share *share, const emr_known_grant *grant, emr_emergency *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_emergency row;
	emr_key_text key;
	emr_team team;

	*out = (emr_emergency){.grant = *grant};
	EMR_TRY(emr_team_of_grantee(share->o.replica, EMR_ID32_AT(grant->row.grantee), &team));
	out->via = team.id;
	emr_key_in_domain("EM", grant->domain.b, grant->grant.b, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &bytes));
	if (emr_row_emergency_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(out->first.b, row.first, sizeof out->first.b);
	memcpy(out->second.b, row.second, sizeof out->second.b);
	out->first_unix_s = row.first_unix_s;
	out->until_unix_s = row.until_unix_s;
	out->version = row.head.version;
	return EMR_OK;
}
