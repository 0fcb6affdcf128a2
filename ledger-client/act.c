/* This file makes the operations of people and organisations (keys, members, grants, requests,
 * releases, teams) in the form that the ledger takes, each bound to the one that it follows. */
#include "ledger/act.h"

#include <string.h>

#include "base/codec.h"
#include "contract/contract.h"
#include "ledger/hash.h"

static emr_id16 zero16(void)
{
	return (emr_id16){{0}};
}

static emr_act act_of(uint8_t op, emr_id16 domain, emr_id16 object)
{
	return (emr_act){.op = op, .domain = domain, .object = object, .version = 1};
}

/* The public part, as the AAD of letters has it behind head124; borrowed. */
static emr_bytes act_pub(const emr_act *act)
{
	int len = emr_op_pub_len(act->op);

	return emr_bytes_of(act->pub, len < 0 ? 0 : (size_t)len);
}

emr_operation emr_act_operation(const emr_act *act, uint64_t time_unix_s, emr_bytes priv)
{
	return (emr_operation){.op = act->op,
		.flags = act->flags,
		.domain = act->domain,
		.object = act->object,
		.version = act->version,
		.prev = act->prev,
		.time = act->time_unix_s != 0 ? act->time_unix_s : time_unix_s,
		.epoch = act->epoch,
		.pub = act_pub(act),
		.priv = priv};
}

static emr_item item_of(const emr_act *act, emr_id32 signer)
{
	emr_item item = {
		.op = act->op, .flags = act->flags, .version = act->version, .epoch = act->epoch};

	memcpy(item.domain_id, act->domain.b, 16);
	memcpy(item.object_id, act->object.b, 16);
	memcpy(item.prev, act->prev.b, 32);
	memcpy(item.signer_id, signer.b, 32);
	return item;
}

emr_status emr_act_item(emr_act *act, emr_id32 signer, uint64_t time_unix_s, emr_buf *out_item)
{
	emr_item item = item_of(act, signer);
	emr_bytes pub = act_pub(act);
	size_t len = 0;

	EMR_TRY(emr_buf_reserve(out_item, EMR_ITEM_BYTES + EMR_PUB_MAX));
	item.time_unix_s = act->time_unix_s = time_unix_s;
	if (emr_item_encode(&item, (emr_span){pub.data, pub.len}, out_item->data + out_item->len,
		    EMR_ITEM_BYTES + EMR_PUB_MAX, &len) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	out_item->len += len;
	return EMR_OK;
}

emr_status emr_act_row_key(const emr_act *act, emr_id32 signer, emr_key_text *out_key)
{
	emr_item item = item_of(act, signer);
	emr_bytes pub = act_pub(act);

	return emr_contract_row_key(&item, (emr_span){pub.data, pub.len}, out_key) ? EMR_OK
										   : EMR_NOT_FOUND;
}

emr_status emr_act_follow(emr_act *act, emr_bytes row)
{
	return emr_contract_follow(act->op, (emr_span){row.data, row.len}, &act->version,
		       act->prev.b) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* ---- keys ---- */

emr_act emr_act_key_revoke(emr_id32 target, uint64_t invalid_since_unix_s, uint8_t reason)
{
	emr_act act = act_of(EMR_OP_KEY_REVOKE, zero16(), EMR_ID16_AT(target.b));
	emr_pub_key_revoke pub = {.invalid_since_unix_s = invalid_since_unix_s, .reason = reason};

	memcpy(pub.target, target.b, 32);
	emr_pub_key_revoke_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_device_revoke(
	emr_id32 device, const emr_row_key *row, uint64_t invalid_since_unix_s)
{
	emr_act act = act_of(EMR_OP_KEY_REVOKE, zero16(), EMR_ID16_AT(device.b));
	emr_pub_key_revoke pub = {.invalid_since_unix_s = invalid_since_unix_s,
		.certificate = !emr_id32_is_zero(EMR_ID32_AT(row->next))};

	memcpy(pub.target, device.b, 32);
	emr_pub_key_revoke_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_cert_revoke(emr_id16 org, const uint8_t ref[32])
{
	emr_pub_cert_revoke pub;
	emr_id32 id;
	emr_act act;

	memcpy(id.b, ref, sizeof id.b);
	memcpy(pub.org, org.b, sizeof pub.org);
	memcpy(pub.ref, ref, sizeof pub.ref);
	act = act_of(EMR_OP_CERT_REVOKE, zero16(), EMR_ID16_AT(id.b));
	emr_pub_cert_revoke_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_enrol_revoke(emr_id16 org, const char *name, uint64_t through_unix_s)
{
	emr_pub_enrol_revoke pub = {.through_unix_s = through_unix_s};
	emr_id32 id;
	emr_act act;

	memcpy(pub.org, org.b, sizeof pub.org);
	emr_enrolment_id(org.b, name, pub.enrolment);
	memcpy(id.b, pub.enrolment, sizeof id.b);
	act = act_of(EMR_OP_ENROL_REVOKE, zero16(), EMR_ID16_AT(id.b));
	emr_pub_enrol_revoke_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_host_key(emr_id16 org, emr_id32 key)
{
	emr_pub_host_key pub;
	emr_act act = act_of(EMR_OP_HOST_KEY, zero16(), org);

	memcpy(pub.org, org.b, sizeof pub.org);
	memcpy(pub.key, key.b, sizeof pub.key);
	emr_pub_host_key_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_key_kx(emr_id32 signer, const uint8_t x25519[32])
{
	emr_act act = act_of(EMR_OP_KEY_KX, zero16(), EMR_ID16_AT(signer.b));

	memcpy(act.pub, x25519, 32);
	return act;
}

/* ---- organisations ---- */

emr_act emr_act_propose(emr_id16 proposal, const emr_pub_org_propose *what)
{
	emr_act act = act_of(EMR_OP_ORG_PROPOSE, zero16(), proposal);

	emr_pub_org_propose_encode(what, act.pub);
	return act;
}

emr_pub_org_propose emr_proposal_admit(
	emr_id16 org, emr_id32 admin, emr_bytes ca_der, uint64_t not_after_unix_s)
{
	emr_pub_org_propose what = {
		.kind = EMR_PROPOSAL_ADMIT, .not_after_unix_s = not_after_unix_s};
	emr_id32 hash = emr_sha256_of(&ca_der, 1);

	memcpy(what.org, org.b, 16);
	memcpy(what.subject, admin.b, 32);
	memcpy(what.aux, hash.b, 32);
	return what;
}

emr_status emr_proposal_admit_part(
	const char *name, const char *url, emr_bytes ca_der, emr_buf *out_part)
{
	size_t name_len = strlen(name), url_len = strlen(url);
	emr_id32 salt = emr_id32_random();
	emr_writer w = emr_writer_of(out_part);

	if (name_len == 0 || name_len > UINT8_MAX || url_len > UINT16_MAX ||
		ca_der.len > UINT16_MAX)
		return EMR_INVALID;
	emr_write_bytes(&w, salt.b, sizeof salt.b);
	emr_write_u8(&w, (uint8_t)name_len);
	emr_write_bytes(&w, name, name_len);
	emr_write_u16(&w, (uint16_t)url_len);
	emr_write_bytes(&w, url, url_len);
	emr_write_u16(&w, (uint16_t)ca_der.len);
	emr_write_bytes(&w, ca_der.data, ca_der.len);
	return w.status;
}

emr_status emr_proposal_admit_read(emr_bytes part, emr_bytes *out_name, emr_bytes *out_ca_der)
{
	emr_reader r = emr_reader_of(part);
	emr_bytes name, ca;

	(void)emr_read_bytes(&r, 32);
	name = emr_read_bytes(&r, emr_read_u8(&r));
	(void)emr_read_bytes(&r, emr_read_u16(&r));
	ca = emr_read_bytes(&r, emr_read_u16(&r));
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	*out_name = name;
	*out_ca_der = ca;
	return EMR_OK;
}

emr_status emr_proposal_admit_ca(emr_bytes part, emr_bytes *out_ca_der)
{
	emr_bytes name;

	return emr_proposal_admit_read(part, &name, out_ca_der);
}

emr_act emr_act_approve_proposal(emr_id16 proposal, emr_id16 org)
{
	emr_act act = act_of(EMR_OP_ORG_APPROVE, zero16(), proposal);

	memcpy(act.pub, org.b, 16);
	return act;
}

/* ---- domains, writers ---- */

emr_act emr_act_writer_add(
	emr_id16 domain, emr_id32 writer, uint16_t rights, uint64_t not_after_unix_s)
{
	emr_act act = act_of(EMR_OP_WRITER_ADD, domain, EMR_ID16_AT(writer.b));
	emr_pub_writer_add pub = {.rights = rights, .not_after_unix_s = not_after_unix_s};

	memcpy(pub.writer, writer.b, 32);
	emr_pub_writer_add_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_writer_del(emr_id16 domain, emr_id32 writer)
{
	return act_of(EMR_OP_WRITER_DEL, domain, EMR_ID16_AT(writer.b));
}

/* ---- grants ---- */

emr_act emr_act_grant(emr_id16 domain, emr_id16 grant, uint32_t epoch, const emr_pub_grant *terms)
{
	emr_act act = act_of(EMR_OP_GRANT, domain, grant);

	act.epoch = epoch;
	emr_pub_grant_encode(terms, act.pub);
	return act;
}

emr_act emr_act_revoke(emr_id16 domain, emr_id16 grant, uint8_t reason)
{
	emr_act act = act_of(EMR_OP_REVOKE, domain, grant);

	act.pub[0] = reason;
	return act;
}

emr_act emr_act_kfrags(emr_id16 domain, emr_id16 grant, uint32_t epoch)
{
	emr_act act = act_of(EMR_OP_KFRAGS, domain, grant);

	act.epoch = epoch;
	return act;
}

emr_act emr_act_agent_ack(
	emr_id16 domain, emr_id32 signer, emr_id32 subject, enum emr_ack_what what)
{
	emr_act act = act_of(EMR_OP_AGENT_ACK, domain, zero16());
	emr_pub_agent_ack pub = {.what = (uint8_t)what};

	memcpy(pub.subject, subject.b, 32);
	emr_pub_agent_ack_encode(&pub, act.pub);
	emr_object_ack(subject.b, pub.what, signer.b, act.object.b);
	return act;
}

/* ---- requests ---- */

emr_act emr_act_request(emr_id16 domain, emr_id32 asker, emr_id32 to)
{
	emr_act act = act_of(EMR_OP_REQUEST, domain, zero16());

	memcpy(act.pub, to.b, 32);
	emr_object_request(to.b, asker.b, act.object.b);
	return act;
}

emr_act emr_act_approve(emr_id16 domain, emr_id16 request, emr_id16 grant_domain, emr_id16 grant)
{
	emr_act act = act_of(EMR_OP_APPROVE, domain, request);
	emr_pub_approve pub;

	memcpy(pub.grant_domain, grant_domain.b, 16);
	memcpy(pub.grant, grant.b, 16);
	emr_pub_approve_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_deny(emr_id16 domain, emr_id16 request, emr_id32 rsalt)
{
	emr_act act = act_of(EMR_OP_DENY, domain, request);

	memcpy(act.pub, rsalt.b, 32);
	return act;
}

emr_act emr_act_withdraw(emr_id16 domain, emr_id16 request)
{
	return act_of(EMR_OP_WITHDRAW, domain, request);
}

/* ---- releases ---- */

emr_act emr_act_access(emr_id16 domain, emr_id16 access, emr_id16 grant, emr_id16 via,
	uint16_t count, uint16_t names)
{
	emr_act act = act_of(EMR_OP_ACCESS_REQ, domain, access);
	emr_pub_access_req pub = {.count = count, .names = names};

	memcpy(pub.grant, grant.b, 16);
	memcpy(pub.via, via.b, 16);
	emr_pub_access_req_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_served(emr_id16 domain, emr_id32 signer, emr_id32 req, emr_id16 access,
	enum emr_served_mode mode, uint16_t count, uint8_t reason)
{
	emr_act act = act_of(EMR_OP_ACCESS_SERVED, domain, zero16());
	emr_pub_access_served pub = {.mode = (uint8_t)mode, .reason = reason, .count = count};

	memcpy(pub.req, req.b, 32);
	memcpy(pub.req_object, access.b, 16);
	emr_pub_access_served_encode(&pub, act.pub);
	emr_object_served(req.b, signer.b, act.object.b);
	return act;
}

emr_act emr_act_report(emr_id16 domain, emr_id16 report, emr_id16 grant, emr_id16 via)
{
	emr_act act = act_of(EMR_OP_READ_REPORT, domain, report);
	emr_pub_read_report pub;

	memcpy(pub.grant, grant.b, 16);
	memcpy(pub.via, via.b, 16);
	emr_pub_read_report_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_emergency(
	emr_id16 domain, emr_id16 grant, emr_id16 via, emr_id16 word, uint8_t hours)
{
	emr_act act = act_of(EMR_OP_EMERGENCY, domain, grant);
	emr_pub_emergency pub = {.hours = hours};

	memcpy(pub.grant, grant.b, 16);
	memcpy(pub.via, via.b, 16);
	memcpy(pub.word, word.b, 16);
	emr_pub_emergency_encode(&pub, act.pub);
	return act;
}

/* ---- teams, trustees ---- */

emr_act emr_act_dataset(emr_id16 dataset, const emr_pub_dataset_new *what)
{
	emr_act act = act_of(EMR_OP_DATASET_NEW, zero16(), dataset);

	emr_pub_dataset_new_encode(what, act.pub);
	return act;
}

emr_act emr_act_dataset_close(emr_id16 dataset)
{
	return act_of(EMR_OP_DATASET_CLOSE, zero16(), dataset);
}

static emr_act member_act(uint8_t op, emr_id16 dataset, emr_id32 member)
{
	emr_act act = act_of(op, zero16(), zero16());

	emr_object_member(dataset.b, member.b, act.object.b);
	return act;
}

emr_act emr_act_admit(emr_id16 dataset, emr_id32 member, uint64_t not_after_unix_s)
{
	emr_act act = member_act(EMR_OP_DATASET_ADMIT, dataset, member);
	emr_pub_dataset_admit pub = {.not_after_unix_s = not_after_unix_s};

	memcpy(pub.dataset, dataset.b, 16);
	memcpy(pub.member, member.b, 32);
	emr_pub_dataset_admit_encode(&pub, act.pub);
	return act;
}

emr_act emr_act_drop(emr_id16 dataset, emr_id32 member)
{
	return member_act(EMR_OP_DATASET_DROP, dataset, member);
}

emr_act emr_act_join(emr_id16 domain, emr_id16 dataset, const emr_pub_dataset_join *how)
{
	emr_act act = act_of(EMR_OP_DATASET_JOIN, domain, dataset);

	emr_pub_dataset_join_encode(how, act.pub);
	return act;
}

emr_act emr_act_leave(emr_id16 domain, emr_id16 dataset)
{
	return act_of(EMR_OP_DATASET_LEAVE, domain, dataset);
}

emr_act emr_act_snapshot(emr_id16 snapshot, const emr_pub_dataset_snapshot *what)
{
	emr_act act = act_of(EMR_OP_DATASET_SNAPSHOT, zero16(), snapshot);

	emr_pub_dataset_snapshot_encode(what, act.pub);
	return act;
}

/* ---- points ---- */

emr_act emr_act_mint(const emr_pub_mint *what)
{
	emr_act act = act_of(EMR_OP_MINT, zero16(), EMR_ID16_AT(what->proposal));

	emr_pub_mint_encode(what, act.pub);
	return act;
}

emr_id32 emr_fund_of(emr_id16 dataset)
{
	emr_id32 fund;

	emr_account_of_dataset(dataset.b, fund.b);
	return fund;
}

emr_act emr_act_transfer(emr_id32 from, emr_id32 to, uint64_t points)
{
	emr_act act = act_of(EMR_OP_TRANSFER, zero16(), emr_id16_random());
	emr_pub_transfer what = {.amount = points};

	memcpy(what.from, from.b, sizeof what.from);
	memcpy(what.to, to.b, sizeof what.to);
	emr_pub_transfer_encode(&what, act.pub);
	return act;
}
