/* This file is what the rules see while they judge an operation: rows of the state with earlier
 * operations of the batch applied, the standing of the signer, and a list for what is to be
 * written. */
#include "judge.h"

#include "bytes.h"

static void fail(struct judge *judge, emr_contract_status status)
{
	if (judge->failed == EMR_CONTRACT_OK)
		judge->failed = status;
}

bool emr_judge_parsed(struct judge *judge, emr_contract_status status)
{
	if (status != EMR_CONTRACT_OK)
		fail(judge, status);
	return status == EMR_CONTRACT_OK;
}

bool emr_judge_get(struct judge *judge, const char *key, emr_span *out_value)
{
	const table_row *row = emr_table_find(&judge->rows, key);

	if (row == NULL) {
		fail(judge, EMR_CONTRACT_UNDECLARED);
		return false;
	}
	*out_value = row->value;
	return row->is_present;
}

bool emr_judge_key(struct judge *judge, const uint8_t signer[32], emr_row_key *out_key)
{
	emr_key_text key;
	emr_span value;

	emr_key_signer(signer, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_key_parse(value, out_key));
}

bool emr_judge_org(struct judge *judge, const uint8_t org[16], emr_row_org *out_org)
{
	emr_key_text key;
	emr_span value;

	emr_key_org(org, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_org_parse(value, out_org));
}

bool emr_judge_org_is_member(struct judge *judge, const uint8_t org[16])
{
	emr_row_org row;

	return emr_judge_org(judge, org, &row) && row.head.state == EMR_ORG_MEMBER;
}

bool emr_judge_key_is_active(struct judge *judge, const emr_row_key *key)
{
	return key->head.state == EMR_KEY_ACTIVE && judge->now < key->not_after_unix_s &&
	       emr_judge_org_is_member(judge, key->org);
}

bool emr_judge_is_of_chain(struct judge *judge, const uint8_t root[32])
{
	emr_row_key key;

	return emr_judge_key(judge, judge->signer_id, &key) && memcmp(key.root, root, 32) == 0;
}

bool emr_judge_signer_is_active(struct judge *judge)
{
	emr_row_key key;

	return emr_judge_key(judge, judge->signer_id, &key) && emr_judge_key_is_active(judge, &key);
}

emr_result emr_judge_signer_in_force(struct judge *judge)
{
	if (judge->is_owner || emr_judge_signer_is_active(judge))
		return EMR_RESULT_APPLIED;
	return EMR_RESULT_KEY_DEAD;
}

bool emr_judge_writer(struct judge *judge, const uint8_t domain[16], emr_row_writer *out_row)
{
	emr_key_text key;
	emr_span value;

	emr_key_writer(domain, judge->signer_id, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_writer_parse(value, out_row)) &&
	       out_row->head.state == EMR_WRITER_ACTIVE && judge->now < out_row->not_after_unix_s &&
	       memcmp(out_row->writer, judge->signer_id, 32) == 0;
}

/* His rights as a writer of DOMAIN; 0 when he is none. */
static uint16_t judge_writer_rights(struct judge *judge, const uint8_t domain[16])
{
	emr_row_writer row;

	return emr_judge_writer(judge, domain, &row) ? row.rights : 0;
}

emr_result emr_judge_registered(struct judge *judge, uint16_t roles)
{
	emr_row_key key;

	if (!emr_judge_key(judge, judge->signer_id, &key))
		return EMR_RESULT_NOT_AUTHORISED;
	return roles == 0 || (key.roles & roles) != 0 ? EMR_RESULT_APPLIED
						      : EMR_RESULT_NOT_AUTHORISED;
}

emr_result emr_judge_key_in_force(struct judge *judge)
{
	return emr_judge_signer_is_active(judge) ? EMR_RESULT_APPLIED : EMR_RESULT_KEY_DEAD;
}

emr_result emr_judge_manager(struct judge *judge)
{
	return judge->is_manager ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

emr_result emr_judge_is_new(struct judge *judge)
{
	return judge->is_row_present ? EMR_RESULT_EXISTS : EMR_RESULT_APPLIED;
}

bool emr_judge_manages(struct judge *judge, const uint8_t domain[16])
{
	emr_row_domain row;
	emr_key_text key;
	emr_span value;

	emr_key_domain(domain, &key);
	if (!emr_judge_get(judge, key.text, &value) ||
		!emr_judge_parsed(judge, emr_row_domain_parse(value, &row)))
		return false;
	return memcmp(row.owner_pk, judge->header.signer_pk, 32) == 0 ||
	       (judge_writer_rights(judge, domain) & EMR_RIGHT_MANAGE) != 0;
}

emr_row_object emr_judge_object(struct judge *judge)
{
	emr_row_object row = {0};

	if (judge->is_row_present)
		(void)emr_judge_parsed(judge, emr_row_object_parse(judge->row, &row));
	return row;
}

static void load_row(struct judge *judge)
{
	emr_key_text key;

	judge->is_row_present = false;
	judge->head = (emr_row_head){0};
	judge->has_row = emr_rule_row_key(judge->rule, &judge->item, judge->pub, &key);
	if (!judge->has_row || !emr_judge_get(judge, key.text, &judge->row))
		return;
	judge->is_row_present =
		emr_judge_parsed(judge, emr_row_head_parse(judge->row, &judge->head));
}

static void load_domain(struct judge *judge)
{
	emr_key_text key;
	emr_span value;

	judge->has_domain = false;
	judge->is_owner = false;
	if ((judge->rule->needs & NEED_DOMAIN) == 0 || is_zero(judge->item.domain_id, 16))
		return;
	emr_key_domain(judge->item.domain_id, &key);
	if (!emr_judge_get(judge, key.text, &value))
		return;
	judge->has_domain = emr_judge_parsed(judge, emr_row_domain_parse(value, &judge->domain));
	judge->is_owner = judge->has_domain &&
			  memcmp(judge->domain.owner_pk, judge->header.signer_pk, 32) == 0;
}

static void load_standing(struct judge *judge)
{
	emr_row_key key;

	judge->rights = 0;
	judge->is_depositor = false;
	if (judge->has_domain && (judge->rule->needs & NEED_SIGNER) != 0) {
		judge->rights = judge_writer_rights(judge, judge->item.domain_id);
		judge->is_depositor = (judge->domain.head.flags & EMR_ITEM_INBOX) != 0 &&
				      emr_judge_key(judge, judge->signer_id, &key) &&
				      (key.roles & (EMR_ROLE_HOSPITAL | EMR_ROLE_CLINICIAN)) != 0;
	}
	judge->is_manager = judge->is_owner || (judge->rights & EMR_RIGHT_MANAGE) != 0;
}

void emr_judge_load(struct judge *judge)
{
	load_row(judge);
	if (judge->is_row_present && judge->rule->chain != NULL)
		judge->rule->chain(judge);
	load_domain(judge);
	load_standing(judge);
}

emr_row_head emr_judge_head(
	const struct judge *judge, uint8_t family, uint8_t state, uint16_t flags, uint32_t epoch)
{
	emr_row_head head = {.family = family,
		.state = state,
		.flags = flags,
		.epoch = epoch,
		.version = judge->item.version};

	memcpy(head.item, judge->id, 32);
	return head;
}

static emr_write *new_write(struct judge *judge, emr_write_kind kind, const char *key)
{
	emr_write *write;

	if (key == NULL || judge->writes_count == judge->writes_cap) {
		fail(judge, EMR_CONTRACT_NO_ROOM);
		return NULL;
	}
	write = &judge->writes[judge->writes_count++];
	write->kind = kind;
	write->key = key;
	return write;
}

void emr_judge_put(struct judge *judge, const char *key, const uint8_t *value, size_t len)
{
	emr_judge_put_owned(judge, key, (emr_span){emr_arena_copy(judge->arena, value, len), len});
}

/* The one write of ROW in this batch, made if need be; NULL when there is no room. */
static emr_write *write_of_row(struct judge *judge, table_row *row)
{
	if (row->write == 0) {
		if (new_write(judge, EMR_WRITE_PUT, row->key) == NULL)
			return NULL;
		row->write = judge->writes_count;
	}
	return &judge->writes[row->write - 1];
}

void emr_judge_put_own(struct judge *judge, const uint8_t *value, size_t len)
{
	emr_key_text key;

	if (emr_rule_row_key(judge->rule, &judge->item, judge->pub, &key))
		emr_judge_put(judge, key.text, value, len);
}

void emr_judge_put_owned(struct judge *judge, const char *key, emr_span copy)
{
	emr_write *write;

	table_row *row = emr_table_find(&judge->rows, key);

	if (row == NULL) { /* written blindly: i, c, gx rows */
		const char *own = emr_arena_text(judge->arena, key);

		row = own == NULL ? NULL : emr_table_add(&judge->rows, own);
	}
	if (row == NULL || copy.data == NULL) {
		fail(judge, EMR_CONTRACT_NO_ROOM);
		return;
	}
	write = write_of_row(judge, row);
	if (write == NULL)
		return;
	row->is_present = true;
	row->value = copy;
	write->value = copy;
}

static emr_write *new_part_write(struct judge *judge, emr_write_kind kind, uint8_t family,
	const uint8_t object[16], uint64_t first, uint64_t last)
{
	emr_key_text key;
	emr_write *write;

	emr_key_part(family, judge->item.domain_id, object, first, &key);
	write = new_write(judge, kind, emr_arena_text(judge->arena, key.text));
	if (write == NULL)
		return NULL;
	write->family = family;
	memcpy(write->domain_id, judge->item.domain_id, 16);
	memcpy(write->object_id, object, 16);
	write->first_version = first;
	write->last_version = last;
	return write;
}

void emr_judge_put_part(struct judge *judge, uint8_t family, uint64_t version)
{
	emr_write *write;

	if (judge->part.len == 0) /* no part, or a replay that has it no more */
		return;
	write = new_part_write(
		judge, EMR_WRITE_PUT_PART, family, judge->item.object_id, version, version);
	if (write != NULL)
		write->value = judge->part;
}

void emr_judge_purge(struct judge *judge, uint8_t family, uint64_t first, uint64_t last)
{
	emr_judge_purge_of(judge, family, judge->item.object_id, first, last);
}

void emr_judge_purge_of(struct judge *judge, uint8_t family, const uint8_t object[16],
	uint64_t first, uint64_t last)
{
	(void)new_part_write(judge, EMR_WRITE_PURGE_PARTS, family, object, first, last);
}

void emr_judge_put_place(
	struct judge *judge, uint8_t family, const uint8_t object[16], uint64_t version)
{
	uint8_t place[EMR_ROW_PLACE_BYTES];
	emr_key_text key;

	memcpy(place, judge->batch_id, 32);
	put_u16(place + 32, (uint16_t)judge->index);
	emr_key_place(family, judge->item.domain_id, object, version, &key);
	emr_judge_put(judge, key.text, place, sizeof place);
}

void emr_write_part_key(const emr_write *write, uint64_t version, emr_key_text *out)
{
	emr_key_part(write->family, write->domain_id, write->object_id, version, out);
}
