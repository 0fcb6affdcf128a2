/* This file finds the trustees whom somebody has chosen, and those who open the computer of an
 * executor, as long as that is a computer of hers. */
#include <string.h>

#include "contract/codes.h"
#include "keyring/letters.h"
#include "replica/ask.h"
#include "replica/people.h"

#include "replica_private.h"

emr_status emr_replica_is_opened(
	emr_replica *replica, emr_id32 identity, const uint8_t trustees[16], bool *out_is)
{
	EMR_ASK(computers, replica, COMPUTERS, .who = identity);
	emr_known_person one;

	*out_is = !emr_trustees_is_executor(trustees);
	while (!*out_is && emr_next(&computers, &one))
		*out_is =
			(one.row.roles & EMR_ROLE_READER) != 0 &&
			one.row.head.state == EMR_KEY_ACTIVE &&
			emr_id16_equal(emr_trustees_executor(one.signer_id), EMR_ID16_AT(trustees));
	return computers.status;
}

emr_status emr_replica_trustees(emr_replica *replica, emr_id32 identity, bool of_executor,
	emr_buf *out_item, emr_buf *out_part)
{
	emr_part_key at = {.family = EMR_FAMILY_TRUSTEES, .version = 1};
	EMR_ASK(asked, replica, TRUSTS);
	EMR_AUTO_BUF bytes = {0};
	uint64_t newest = 0;
	emr_replica_item item;
	emr_known_trust one;

	while (emr_next(&asked, &one)) {
		emr_part_key key = at;
		bool is_opened = false;

		if (memcmp(one.row.identity, identity.b, sizeof identity.b) != 0 ||
			emr_trustees_is_executor(one.trustees.b) != of_executor)
			continue;
		EMR_TRY(emr_replica_is_opened(replica, identity, one.trustees.b, &is_opened));
		if (!is_opened)
			continue;
		key.object = one.trustees;
		EMR_TRY(emr_required(emr_replica_item_get(replica, &key, &bytes, &item)));
		if (item.seq < newest)
			continue;
		newest = item.seq;
		at = key;
		emr_buf_clear(out_item);
		EMR_TRY(emr_buf_append(out_item, bytes.data, bytes.len));
	}
	EMR_TRY(asked.status);
	return out_item->len > 0 ? emr_required(emr_replica_part(replica, &at, out_part))
				 : EMR_NOT_FOUND;
}
