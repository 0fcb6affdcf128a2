/* This file reads and writes the public parts of operations between people and organisations:
 * grants, requests, releases, members, teams. It refuses lengths and values that are not
 * possible. */
#include "contract/pubs_share.h"

#include "crypto/hashsig.h"

#include "bytes.h"

#define NEW_SIG_AT 32 /* in both rotations */

void emr_pub_key_rotate_encode(const emr_pub_key_rotate *pub, uint8_t out[256])
{
	memcpy(out, pub->new_pk, 32);
	memcpy(out + NEW_SIG_AT, pub->new_sig, 64);
	memcpy(out + 96, pub->x25519, 32);
	memcpy(out + 128, pub->B, 32);
	memcpy(out + 160, pub->pop, 64);
	memcpy(out + 224, pub->log_pk, 32);
}

bool emr_pub_key_rotate_parse(emr_span bytes, emr_pub_key_rotate *out_pub)
{
	if (bytes.len != 256)
		return false;
	memcpy(out_pub->new_pk, bytes.data, 32);
	memcpy(out_pub->new_sig, bytes.data + NEW_SIG_AT, 64);
	memcpy(out_pub->x25519, bytes.data + 96, 32);
	memcpy(out_pub->B, bytes.data + 128, 32);
	memcpy(out_pub->pop, bytes.data + 160, 64);
	memcpy(out_pub->log_pk, bytes.data + 224, 32);
	return true;
}

void emr_pub_key_revoke_encode(const emr_pub_key_revoke *pub, uint8_t out[48])
{
	memset(out, 0, 48);
	memcpy(out, pub->target, 32);
	put_u64(out + 32, pub->invalid_since_unix_s);
	out[40] = pub->reason;
	out[41] = pub->certificate;
}

bool emr_pub_key_revoke_parse(emr_span bytes, emr_pub_key_revoke *out_pub)
{
	if (bytes.len != 48)
		return false;
	memcpy(out_pub->target, bytes.data, 32);
	out_pub->invalid_since_unix_s = get_u64(bytes.data + 32);
	out_pub->reason = bytes.data[40];
	out_pub->certificate = bytes.data[41];
	return true;
}

void emr_pub_cert_revoke_encode(const emr_pub_cert_revoke *pub, uint8_t out[48])
{
	memcpy(out, pub->org, 16);
	memcpy(out + 16, pub->ref, 32);
}

bool emr_pub_cert_revoke_parse(emr_span bytes, emr_pub_cert_revoke *out_pub)
{
	if (bytes.len != 48)
		return false;
	memcpy(out_pub->org, bytes.data, 16);
	memcpy(out_pub->ref, bytes.data + 16, 32);
	return true;
}

void emr_pub_enrol_revoke_encode(const emr_pub_enrol_revoke *pub, uint8_t out[56])
{
	memcpy(out, pub->org, 16);
	memcpy(out + 16, pub->enrolment, 32);
	put_u64(out + 48, pub->through_unix_s);
}

bool emr_pub_enrol_revoke_parse(emr_span bytes, emr_pub_enrol_revoke *out_pub)
{
	if (bytes.len != 56)
		return false;
	memcpy(out_pub->org, bytes.data, 16);
	memcpy(out_pub->enrolment, bytes.data + 16, 32);
	out_pub->through_unix_s = get_u64(bytes.data + 48);
	return true;
}

void emr_enrolment_id(const uint8_t org[16], const char *name, uint8_t out[32])
{
	emr_sha256_ctx ctx;

	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, "emrfs/v1/enrol", 15); /* with its NUL */
	emr_sha256_update(&ctx, org, 16);
	for (; *name != '\0'; name++) {
		char small = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;

		emr_sha256_update(&ctx, &small, 1);
	}
	emr_sha256_final(&ctx, out);
}

void emr_pub_org_propose_encode(const emr_pub_org_propose *pub, uint8_t out[96])
{
	memset(out, 0, 8);
	out[0] = pub->kind;
	out[1] = pub->quorum;
	put_u64(out + 8, pub->not_after_unix_s);
	memcpy(out + 16, pub->org, 16);
	memcpy(out + 32, pub->subject, 32);
	memcpy(out + 64, pub->aux, 32);
}

bool emr_pub_org_propose_parse(emr_span bytes, emr_pub_org_propose *out_pub)
{
	if (bytes.len != 96)
		return false;
	out_pub->kind = bytes.data[0];
	out_pub->quorum = bytes.data[1];
	out_pub->not_after_unix_s = get_u64(bytes.data + 8);
	memcpy(out_pub->org, bytes.data + 16, 16);
	memcpy(out_pub->subject, bytes.data + 32, 32);
	memcpy(out_pub->aux, bytes.data + 64, 32);
	return true;
}

void emr_pub_domain_rotate_encode(const emr_pub_domain_rotate *pub, uint8_t out[96])
{
	memcpy(out, pub->new_pk, 32);
	memcpy(out + NEW_SIG_AT, pub->new_sig, 64);
}

bool emr_pub_domain_rotate_parse(emr_span bytes, emr_pub_domain_rotate *out_pub)
{
	if (bytes.len != 96)
		return false;
	memcpy(out_pub->new_pk, bytes.data, 32);
	memcpy(out_pub->new_sig, bytes.data + NEW_SIG_AT, 64);
	return true;
}

void emr_pub_writer_add_encode(const emr_pub_writer_add *pub, uint8_t out[48])
{
	memset(out, 0, 48);
	memcpy(out, pub->writer, 32);
	put_u16(out + 32, pub->rights);
	put_u64(out + 40, pub->not_after_unix_s);
}

bool emr_pub_writer_add_parse(emr_span bytes, emr_pub_writer_add *out_pub)
{
	if (bytes.len != 48)
		return false;
	memcpy(out_pub->writer, bytes.data, 32);
	out_pub->rights = get_u16(bytes.data + 32);
	out_pub->not_after_unix_s = get_u64(bytes.data + 40);
	return true;
}

void emr_pub_grant_encode(const emr_pub_grant *pub, uint8_t out[64])
{
	memcpy(out, pub->grantee, 32);
	put_u64(out + 32, pub->not_before_unix_s);
	put_u64(out + 40, pub->not_after_unix_s);
	put_u64(out + 48, pub->from_time_unix_s);
	put_u32(out + 56, pub->purposes);
	put_u16(out + 60, pub->rights);
	out[62] = pub->t;
	out[63] = pub->n;
}

bool emr_pub_grant_parse(emr_span bytes, emr_pub_grant *out_pub)
{
	if (bytes.len != 64)
		return false;
	memcpy(out_pub->grantee, bytes.data, 32);
	out_pub->not_before_unix_s = get_u64(bytes.data + 32);
	out_pub->not_after_unix_s = get_u64(bytes.data + 40);
	out_pub->from_time_unix_s = get_u64(bytes.data + 48);
	out_pub->purposes = get_u32(bytes.data + 56);
	out_pub->rights = get_u16(bytes.data + 60);
	out_pub->t = bytes.data[62];
	out_pub->n = bytes.data[63];
	return true;
}

void emr_pub_agent_ack_encode(const emr_pub_agent_ack *pub, uint8_t out[40])
{
	memset(out, 0, 40);
	memcpy(out, pub->subject, 32);
	out[32] = pub->what;
}

bool emr_pub_agent_ack_parse(emr_span bytes, emr_pub_agent_ack *out_pub)
{
	if (bytes.len != 40)
		return false;
	memcpy(out_pub->subject, bytes.data, 32);
	out_pub->what = bytes.data[32];
	return true;
}

void emr_pub_approve_encode(const emr_pub_approve *pub, uint8_t out[32])
{
	memcpy(out, pub->grant_domain, 16);
	memcpy(out + 16, pub->grant, 16);
}

bool emr_pub_approve_parse(emr_span bytes, emr_pub_approve *out_pub)
{
	if (bytes.len != 32)
		return false;
	memcpy(out_pub->grant_domain, bytes.data, 16);
	memcpy(out_pub->grant, bytes.data + 16, 16);
	return true;
}

void emr_pub_access_req_encode(const emr_pub_access_req *pub, uint8_t out[40])
{
	memset(out, 0, 40);
	memcpy(out, pub->grant, 16);
	memcpy(out + 16, pub->via, 16);
	put_u16(out + 32, pub->count);
}

bool emr_pub_access_req_parse(emr_span bytes, emr_pub_access_req *out_pub)
{
	if (bytes.len != 40)
		return false;
	memcpy(out_pub->grant, bytes.data, 16);
	memcpy(out_pub->via, bytes.data + 16, 16);
	out_pub->count = get_u16(bytes.data + 32);
	return true;
}

void emr_pub_access_served_encode(const emr_pub_access_served *pub, uint8_t out[56])
{
	memset(out, 0, 56);
	memcpy(out, pub->req, 32);
	memcpy(out + 32, pub->req_object, 16);
	out[48] = pub->mode;
	out[49] = pub->reason;
	put_u16(out + 50, pub->count);
}

bool emr_pub_access_served_parse(emr_span bytes, emr_pub_access_served *out_pub)
{
	if (bytes.len != 56)
		return false;
	memcpy(out_pub->req, bytes.data, 32);
	memcpy(out_pub->req_object, bytes.data + 32, 16);
	out_pub->mode = bytes.data[48];
	out_pub->reason = bytes.data[49];
	out_pub->count = get_u16(bytes.data + 50);
	return true;
}

void emr_pub_read_report_encode(const emr_pub_read_report *pub, uint8_t out[32])
{
	memcpy(out, pub->grant, 16);
	memcpy(out + 16, pub->via, 16);
}

bool emr_pub_read_report_parse(emr_span bytes, emr_pub_read_report *out_pub)
{
	if (bytes.len != 32)
		return false;
	memcpy(out_pub->grant, bytes.data, 16);
	memcpy(out_pub->via, bytes.data + 16, 16);
	return true;
}

void emr_pub_dataset_new_encode(const emr_pub_dataset_new *pub, uint8_t out[152])
{
	memset(out, 0, 152);
	memcpy(out, pub->B, 32);
	memcpy(out + 32, pub->pop, 64);
	put_u64(out + 96, pub->price);
	put_u64(out + 104, pub->not_after_unix_s);
	put_u32(out + 112, pub->purposes);
	memcpy(out + 120, pub->terms, 32);
}

bool emr_pub_dataset_new_parse(emr_span bytes, emr_pub_dataset_new *out_pub)
{
	if (bytes.len != 152)
		return false;
	memcpy(out_pub->B, bytes.data, 32);
	memcpy(out_pub->pop, bytes.data + 32, 64);
	out_pub->price = get_u64(bytes.data + 96);
	out_pub->not_after_unix_s = get_u64(bytes.data + 104);
	out_pub->purposes = get_u32(bytes.data + 112);
	memcpy(out_pub->terms, bytes.data + 120, 32);
	return true;
}

void emr_pub_dataset_admit_encode(const emr_pub_dataset_admit *pub, uint8_t out[64])
{
	memset(out, 0, 64);
	memcpy(out, pub->dataset, 16);
	memcpy(out + 16, pub->member, 32);
	put_u64(out + 48, pub->not_after_unix_s);
}

bool emr_pub_dataset_admit_parse(emr_span bytes, emr_pub_dataset_admit *out_pub)
{
	if (bytes.len != 64)
		return false;
	memcpy(out_pub->dataset, bytes.data, 16);
	memcpy(out_pub->member, bytes.data + 16, 32);
	out_pub->not_after_unix_s = get_u64(bytes.data + 48);
	return true;
}

void emr_pub_dataset_fund_encode(const emr_pub_dataset_fund *pub, uint8_t out[88])
{
	memset(out, 0, 88);
	memcpy(out, pub->dataset, 16);
	put_u16(out + 16, pub->n);
	out[18] = pub->inputs;
	memcpy(out + 24, pub->tokens, sizeof pub->tokens);
}

bool emr_pub_dataset_fund_parse(emr_span bytes, emr_pub_dataset_fund *out_pub)
{
	if (bytes.len != 88)
		return false;
	memcpy(out_pub->dataset, bytes.data, 16);
	out_pub->n = get_u16(bytes.data + 16);
	out_pub->inputs = bytes.data[18];
	memcpy(out_pub->tokens, bytes.data + 24, sizeof out_pub->tokens);
	return true;
}

void emr_pub_dataset_refund_encode(const emr_pub_dataset_refund *pub, uint8_t out[8])
{
	memset(out, 0, 8);
	put_u32(out, pub->index);
}

bool emr_pub_dataset_refund_parse(emr_span bytes, emr_pub_dataset_refund *out_pub)
{
	if (bytes.len != 8)
		return false;
	out_pub->index = get_u32(bytes.data);
	return true;
}

void emr_pub_mint_encode(const emr_pub_mint *pub, uint8_t out[56])
{
	memcpy(out, pub->proposal, 16);
	memcpy(out + 16, pub->account, 32);
	put_u64(out + 48, pub->amount);
}

bool emr_pub_mint_parse(emr_span bytes, emr_pub_mint *out_pub)
{
	if (bytes.len != 56)
		return false;
	memcpy(out_pub->proposal, bytes.data, 16);
	memcpy(out_pub->account, bytes.data + 16, 32);
	out_pub->amount = get_u64(bytes.data + 48);
	return true;
}

void emr_pub_transfer_encode(const emr_pub_transfer *pub, uint8_t out[144])
{
	memcpy(out, pub->tokens, sizeof pub->tokens);
	for (size_t i = 0; i < EMR_TOKENS_OUT; i++) {
		memcpy(out + 64 + 40 * i, pub->out[i].account, 32);
		put_u64(out + 96 + 40 * i, pub->out[i].amount);
	}
}

bool emr_pub_transfer_parse(emr_span bytes, emr_pub_transfer *out_pub)
{
	if (bytes.len != 144)
		return false;
	memcpy(out_pub->tokens, bytes.data, sizeof out_pub->tokens);
	for (size_t i = 0; i < EMR_TOKENS_OUT; i++) {
		memcpy(out_pub->out[i].account, bytes.data + 64 + 40 * i, 32);
		out_pub->out[i].amount = get_u64(bytes.data + 96 + 40 * i);
	}
	return true;
}

void emr_pub_dataset_join_encode(const emr_pub_dataset_join *pub, uint8_t out[40])
{
	memset(out, 0, 40);
	memcpy(out, pub->grant, 16);
	memcpy(out + 16, pub->fund, 16);
	put_u32(out + 32, pub->index);
}

bool emr_pub_dataset_join_parse(emr_span bytes, emr_pub_dataset_join *out_pub)
{
	if (bytes.len != 40)
		return false;
	memcpy(out_pub->grant, bytes.data, 16);
	memcpy(out_pub->fund, bytes.data + 16, 16);
	out_pub->index = get_u32(bytes.data + 32);
	return true;
}

void emr_pub_dataset_snapshot_encode(const emr_pub_dataset_snapshot *pub, uint8_t out[64])
{
	memset(out, 0, 64);
	memcpy(out, pub->dataset, 16);
	put_u64(out + 16, pub->log_size);
	put_u32(out + 24, pub->n);
	memcpy(out + 32, pub->root, 32);
}

bool emr_pub_dataset_snapshot_parse(emr_span bytes, emr_pub_dataset_snapshot *out_pub)
{
	if (bytes.len != 64)
		return false;
	memcpy(out_pub->dataset, bytes.data, 16);
	out_pub->log_size = get_u64(bytes.data + 16);
	out_pub->n = get_u32(bytes.data + 24);
	memcpy(out_pub->root, bytes.data + 32, 32);
	return true;
}

void emr_pub_trustee_set_encode(const emr_pub_trustee_set *pub, uint8_t out[8])
{
	memset(out, 0, 8);
	out[0] = pub->t;
	out[1] = pub->n;
	put_u32(out + 4, pub->delay_s);
}

bool emr_pub_trustee_set_parse(emr_span bytes, emr_pub_trustee_set *out_pub)
{
	if (bytes.len != 8)
		return false;
	out_pub->t = bytes.data[0];
	out_pub->n = bytes.data[1];
	out_pub->delay_s = get_u32(bytes.data + 4);
	return true;
}

emr_contract_status emr_rotate_message(const uint8_t net_id[16], emr_span old_id, emr_span pub,
	uint8_t out[EMR_ROTATE_MESSAGE_MAX], size_t *out_len)
{
	static const char label[16] = "emrfs/v1/rotate"; /* with its NUL */
	emr_sha256_ctx ctx;

	if ((pub.len != 256 || old_id.len != 32) && (pub.len != 96 || old_id.len != 16))
		return EMR_CONTRACT_ARGUMENT;
	memcpy(out, label, sizeof label);
	memcpy(out + 16, net_id, 16);
	memcpy(out + 32, old_id.data, old_id.len);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, pub.data, NEW_SIG_AT);
	emr_sha256_update(&ctx, pub.data + NEW_SIG_AT + 64, pub.len - NEW_SIG_AT - 64);
	emr_sha256_final(&ctx, out + 32 + old_id.len);
	*out_len = 64 + old_id.len;
	return EMR_CONTRACT_OK;
}

/* SHA-256("emrfs/v1/" || label with its NUL || pieces). */
static void labelled(const char *label, const emr_span *pieces, size_t n, uint8_t out[32])
{
	emr_sha256_ctx ctx;

	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, "emrfs/v1/", 9);
	emr_sha256_update(&ctx, label, strlen(label) + 1);
	for (size_t i = 0; i < n; i++)
		emr_sha256_update(&ctx, pieces[i].data, pieces[i].len);
	emr_sha256_final(&ctx, out);
}

void emr_object_ack(
	const uint8_t subject[32], uint8_t what, const uint8_t signer_id[32], uint8_t out[16])
{
	const emr_span pieces[] = {{subject, 32}, {&what, 1}, {signer_id, 32}};
	uint8_t hash[32];

	labelled("ack", pieces, 3, hash);
	memcpy(out, hash, 16);
}

void emr_object_served(const uint8_t req[32], const uint8_t signer_id[32], uint8_t out[16])
{
	const emr_span pieces[] = {{req, 32}, {signer_id, 32}};
	uint8_t hash[32];

	labelled("served", pieces, 2, hash);
	memcpy(out, hash, 16);
}

void emr_object_request(const uint8_t to[32], const uint8_t signer_id[32], uint8_t out[16])
{
	const emr_span pieces[] = {{to, 32}, {signer_id, 32}};
	uint8_t hash[32];

	labelled("request", pieces, 2, hash);
	memcpy(out, hash, 16);
}

void emr_object_member(const uint8_t dataset[16], const uint8_t member[32], uint8_t out[16])
{
	const emr_span pieces[] = {{dataset, 16}, {member, 32}};
	uint8_t hash[32];

	labelled("member", pieces, 2, hash);
	memcpy(out, hash, 16);
}

void emr_grantee_dataset(const uint8_t dataset[16], uint8_t out_grantee[32])
{
	const emr_span pieces[] = {{dataset, 16}};

	labelled("dataset", pieces, 1, out_grantee);
}

void emr_token_of(const uint8_t item_id[32], uint8_t index, uint8_t out_token[16])
{
	memcpy(out_token, item_id, 15);
	out_token[15] = index;
}

void emr_mint_subject(const uint8_t account[32], uint64_t amount, uint8_t out_subject[32])
{
	uint8_t bytes[40];

	memcpy(bytes, account, 32);
	put_u64(bytes + 32, amount);
	emr_sha256(bytes, sizeof bytes, out_subject);
}

void emr_request_to(const uint8_t rsalt[32], const uint8_t signer_id[32], uint8_t out_to[32])
{
	const emr_span pieces[] = {{rsalt, 32}, {signer_id, 32}};

	labelled("to", pieces, 2, out_to);
}
