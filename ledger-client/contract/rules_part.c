/* These are the rules for erasing private parts, and for bringing back one that was lost (24
 * ERASE, 7F RESTORE_PART). Only the part whose hash stands in the operation may come back, and
 * none that was erased. */
#include "judge.h"

#include "contract/pubs.h"
#include "bytes.h"

#define NOBODY 0
#define ERASE_SPAN 256 /* versions in one ERASE */

/* Where the row of a family with private parts stands, and whom beside the domain's owner it names
 * as entitled to erase them.  A listing key is its writer's work and not his to destroy: what he
 * described with it, records of the owner's too, could not be read without it. */
static const struct part_family {
	uint8_t family;
	row_place row;
	uint16_t named_at; /* offset of his signer id in the row; NOBODY */
} part_families[] = {
	{EMR_FAMILY_KEY, {"K", KEYED_BY_SIGNER}, NOBODY}, /* only one's own row can be meant */
	{EMR_FAMILY_DOMAIN, {"D", KEYED_BY_DOMAIN}, NOBODY},
	{EMR_FAMILY_WRITER, {"W", KEYED_IN_DOMAIN}, NOBODY},
	{EMR_FAMILY_LISTKEY, {"L", KEYED_IN_DOMAIN}, NOBODY},
	{EMR_FAMILY_OBJECT, {"O", KEYED_IN_DOMAIN}, NOBODY},
	{EMR_FAMILY_GRANT, {"G", KEYED_IN_DOMAIN}, NOBODY},
	{EMR_FAMILY_KFRAGS, {"G", KEYED_IN_DOMAIN}, NOBODY},
	{EMR_FAMILY_LETTER, {"H", KEYED_IN_DOMAIN}, 48},
	{EMR_FAMILY_ACK, {"Y", KEYED_IN_DOMAIN}, 48},
	{EMR_FAMILY_REQUEST, {"Q", KEYED_IN_DOMAIN}, 48},
	{EMR_FAMILY_ACCESS, {"R", KEYED_IN_DOMAIN}, 48},
	{EMR_FAMILY_SERVED, {"S", KEYED_IN_DOMAIN}, 48},
	{EMR_FAMILY_REPORT, {"X", KEYED_IN_DOMAIN}, 48},
	{EMR_FAMILY_EMERGENCY, {"EM", KEYED_IN_DOMAIN}, NOBODY},
	{EMR_FAMILY_ORG, {"P", KEYED_BY_OBJECT}, NOBODY},
	{EMR_FAMILY_DATASET, {"DS", KEYED_BY_OBJECT}, NOBODY}, /* on these others have joined */
	{EMR_FAMILY_MEMBER, {"DM", KEYED_BY_OBJECT}, 64},
	{EMR_FAMILY_TRUSTEES, {"TR", KEYED_BY_OBJECT}, 48},
	{EMR_FAMILY_RECOVERY, {"RQ", KEYED_BY_OBJECT}, 48},
};

static const struct part_family *family_of(uint8_t family)
{
	for (size_t i = 0; i < sizeof part_families / sizeof part_families[0]; i++)
		if (part_families[i].family == family)
			return &part_families[i];
	return NULL;
}

static bool erase_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	const struct part_family *family = family_of(pub.data[0]);

	return family != NULL && emr_row_place_key(&family->row, item, out);
}

static emr_result erase_form(struct judge *judge)
{
	emr_pub_erase pub = emr_pub_erase_of(judge->pub);
	const struct part_family *family = family_of(pub.family);
	bool has_domain_id = !is_zero(judge->item.domain_id, 16);
	bool is_domain_free;

	if (family == NULL || pub.from_version == 0 || pub.to_version < pub.from_version)
		return EMR_RESULT_FORMAT;
	is_domain_free =
		family->row.keyed == KEYED_BY_SIGNER || family->row.keyed == KEYED_BY_OBJECT;
	if (is_domain_free && has_domain_id)
		return EMR_RESULT_FORMAT;
	if (!is_domain_free && !has_domain_id && pub.family != EMR_FAMILY_REQUEST)
		return EMR_RESULT_FORMAT;
	if (family->row.keyed == KEYED_BY_SIGNER &&
		memcmp(judge->item.object_id, judge->signer_id, 16) != 0)
		return EMR_RESULT_FORMAT;
	if (family->row.keyed == KEYED_BY_DOMAIN &&
		memcmp(judge->item.object_id, judge->item.domain_id, 16) != 0)
		return EMR_RESULT_FORMAT;
	return EMR_RESULT_APPLIED;
}

/* A follower of the ledger from its beginning judges a registration by the certificate in its part.
 * Without it nobody who joins later could: his copy would stop at that entry. */
static bool is_judged_by_its_part(struct judge *judge)
{
	emr_row_key key;

	return !emr_judge_key(judge, judge->signer_id, &key) || key.how == EMR_HOW_CERTIFICATE ||
	       !is_zero(key.next, sizeof key.next);
}

static bool row_names_signer(struct judge *judge, const struct part_family *family)
{
	if (!judge->is_row_present)
		return false;
	if (family->row.keyed == KEYED_BY_SIGNER)
		return !is_judged_by_its_part(judge);
	return family->named_at != NOBODY && judge->row.len >= (size_t)family->named_at + 32 &&
	       memcmp(judge->row.data + family->named_at, judge->signer_id, 32) == 0;
}

static emr_result erase_authority(struct judge *judge)
{
	uint8_t family = emr_pub_erase_of(judge->pub).family;
	bool may;

	if (family == EMR_FAMILY_OBJECT)
		may = judge->is_manager;
	else if (!judge->is_row_present && !judge->has_domain)
		may = true; /* nobody's: erase_state says GONE */
	else
		may = judge->is_owner || row_names_signer(judge, family_of(family));
	return may ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result erase_state(struct judge *judge)
{
	bool is_erased = emr_pub_erase_of(judge->pub).family == EMR_FAMILY_OBJECT &&
			 judge->head.state == EMR_OBJECT_ERASED;

	return judge->is_row_present && !is_erased ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

static emr_result erase_last(struct judge *judge)
{
	emr_pub_erase pub = emr_pub_erase_of(judge->pub);

	EMR_JUDGE_TRY(emr_judge_signer_in_force(judge));
	if (pub.to_version - pub.from_version >= ERASE_SPAN)
		return EMR_RESULT_LIMIT;
	if (pub.family == EMR_FAMILY_OBJECT && pub.to_version > judge->head.version)
		return EMR_RESULT_LIMIT;
	return EMR_RESULT_APPLIED;
}

static void erase_write(struct judge *judge)
{
	emr_pub_erase pub = emr_pub_erase_of(judge->pub);
	uint8_t value[EMR_ROW_OBJECT_BYTES];
	emr_row_object row;
	uint8_t state;

	if (pub.family == EMR_FAMILY_OBJECT) {
		row = emr_judge_object(judge);
		state = pub.to_version == row.head.version ? EMR_OBJECT_ERASED : row.head.state;
		row.head = emr_judge_head(
			judge, EMR_FAMILY_OBJECT, state, row.head.flags, row.head.epoch);
		emr_row_object_encode(&row, value);
		emr_judge_put_own(judge, value, sizeof value);
	}
	emr_judge_purge(judge, pub.family, pub.from_version, pub.to_version);
}

static bool erase_place(const struct judge *judge, uint8_t *out_family, uint64_t *out_version)
{
	*out_family = emr_pub_erase_of(judge->pub).family;
	*out_version = judge->item.version;
	return true;
}

static emr_result restore_form(struct judge *judge)
{
	return family_of(emr_pub_restore_of(judge->pub).family) != NULL ? EMR_RESULT_APPLIED
									: EMR_RESULT_FORMAT;
}

static emr_result restore_authority(struct judge *judge)
{
	emr_row_key key;

	return emr_judge_key(judge, judge->signer_id, &key) ? EMR_RESULT_APPLIED
							    : EMR_RESULT_NOT_AUTHORISED;
}

/* An earlier item of this batch: what the host answered is of the time before it. */
static bool is_purged_in_this_batch(const struct judge *judge, const emr_pub_restore *pub)
{
	for (size_t i = 0; i < judge->writes_count; i++) {
		const emr_write *write = &judge->writes[i];

		if (write->kind == EMR_WRITE_PURGE_PARTS && write->family == pub->family &&
			pub->version >= write->first_version &&
			pub->version <= write->last_version &&
			memcmp(write->domain_id, judge->item.domain_id, 16) == 0 &&
			memcmp(write->object_id, judge->item.object_id, 16) == 0)
			return true;
	}
	return false;
}

/* Only the part that the item at that place commits to may come back there, and only while nobody
 * purged it.  Nothing that the bringer says is believed, in a replay neither. */
static bool is_the_lost_part(struct judge *judge)
{
	emr_pub_restore pub = emr_pub_restore_of(judge->pub);
	emr_key_text key;
	emr_span expected;

	emr_key_part(pub.family, judge->item.domain_id, judge->item.object_id, pub.version, &key);
	return emr_judge_get(judge, key.text, &expected) && expected.len == 32 &&
	       memcmp(judge->item.priv_hash, expected.data, 32) == 0 &&
	       !is_purged_in_this_batch(judge, &pub);
}

static emr_result restore_last(struct judge *judge)
{
	if (!emr_judge_signer_is_active(judge))
		return EMR_RESULT_KEY_DEAD;
	return is_the_lost_part(judge) ? EMR_RESULT_APPLIED : EMR_RESULT_PRIVATE_PART;
}

static void restore_write(struct judge *judge)
{
	emr_pub_restore pub = emr_pub_restore_of(judge->pub);

	emr_judge_put_part(judge, pub.family, pub.version);
}

static bool restore_place(const struct judge *judge, uint8_t *out_family, uint64_t *out_version)
{
	(void)judge;
	(void)out_family;
	(void)out_version;
	return false;
}

const op_rule emr_rules_part[2] = {
	{
		.op = EMR_OP_ERASE,
		.domain = DOMAIN_EITHER,
		.reserved_at = 1,
		.reserved_len = 7,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row_key = erase_row,
		.form = erase_form,
		.authority = erase_authority,
		.state = erase_state,
		.last = erase_last,
		.write = erase_write,
		.place = erase_place,
	},
	{
		.op = EMR_OP_RESTORE_PART,
		.domain = DOMAIN_EITHER,
		.part_min = 32 + 1,
		.part_max = EMR_BATCH_BYTES_MAX,
		.part_step = 1,
		.reserved_at = 1,
		.reserved_len = 7,
		.needs = NEED_DOMAIN | NEED_SIGNER | NEED_PART_HASH,
		.form = restore_form,
		.authority = restore_authority,
		.last = restore_last,
		.write = restore_write,
		.place = restore_place,
	},
};
