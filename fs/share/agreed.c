/* A reader signs the agreement of a dataset by the request that asks its steward: in the place of a
 * random salt that has a hash of the dataset's name and terms, which name the agreement. So
 * everybody who has the ledger finds the reader's signature, and nobody else can make it. An
 * agreement to other terms, or with another dataset, is at another place. It stays, whatever
 * becomes of the request. */
#include <string.h>

#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "ledger/hash.h"
#include "replica/people.h"

#include "teams_private.h"

emr_id32 emr_agreement_salt(const emr_team *dataset)
{
	const emr_bytes all[] = {emr_bytes_of("emrfs/v1/agreement", sizeof "emrfs/v1/agreement"),
		emr_bytes_of(dataset->terms_id.b, 32),
		emr_bytes_of(dataset->name, strlen(dataset->name))};

	return emr_sha256_of(all, sizeof all / sizeof *all);
}

/* The steward was asked, and the reader asked, by one of the keys that each had. */
emr_status emr_agreement_signed(
	emr_replica *replica, const emr_team *dataset, emr_id32 root, uint64_t *out_unix_s)
{
	emr_part_key key = {.family = EMR_FAMILY_REQUEST, .version = 1};
	EMR_AUTO_BUF stewards = {0};
	EMR_AUTO_BUF readers = {0};
	EMR_AUTO_BUF bytes = {0};
	const emr_id32 salt = emr_agreement_salt(dataset);
	emr_replica_item item;
	uint8_t to[32];

	*out_unix_s = 0;
	EMR_TRY(emr_replica_keys_of(replica, EMR_ID32_AT(dataset->row.steward), &stewards));
	EMR_TRY(emr_replica_keys_of(replica, root, &readers));
	EMR_EACH (const emr_known_person, steward, &stewards) {
		emr_request_to(salt.b, steward->signer_id.b, to);
		EMR_EACH (const emr_known_person, reader, &readers) {
			emr_status status;

			emr_object_request(to, reader->signer_id.b, key.object.b);
			status = emr_replica_item_get(replica, &key, &bytes, &item);
			if (status == EMR_OK)
				*out_unix_s = item.ledger_time;
			if (status != EMR_NOT_FOUND)
				return status;
		}
	}
	return EMR_OK;
}

emr_status emr_team_reader(
	emr_replica *replica, const emr_team *team, emr_id32 root, emr_membership *out)
{
	uint64_t signed_unix_s = 1;

	EMR_TRY(emr_team_membership(replica, team->id, root, out));
	if (emr_dataset_has_agreement(team))
		EMR_TRY(emr_agreement_signed(replica, team, root, &signed_unix_s));
	if (signed_unix_s == 0)
		out->row.not_after_unix_s = 0;
	return EMR_OK;
}
