/* This file reads and writes the public parts of operations between people and organisations:
 * grants, requests, releases, members, teams. It refuses lengths and values that are not
 * possible. */
#include "contract/pubs_share.h"

#include "crypto/hashsig.h"

#include "fields.h"

#define NEW_SIG_AT 32 /* in both rotations */
#define OWNER_SIG_AT 96

PUB(key_rotate, 256, F(0, new_pk), F(NEW_SIG_AT, new_sig), F(96, x25519), F(128, B), F(160, pop),
	F(224, log_pk))

PUB(key_revoke, 48, F(0, target), F(32, invalid_since_unix_s), F(40, reason), F(41, certificate))

PUB(cert_revoke, 48, F(0, org), F(16, ref))

PUB(enrol_revoke, 56, F(0, org), F(16, enrolment), F(48, through_unix_s))

PUB(host_key, 48, F(0, org), F(16, key))

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

PUB(org_propose, 96, F(0, kind), F(1, quorum), F(8, not_after_unix_s), F(16, org), F(32, subject),
	F(64, aux))

PUB(domain_rotate, 224, F(0, new_pk), F(NEW_SIG_AT, new_sig), F(OWNER_SIG_AT, owner_sig),
	F(160, box), F(192, A))

PUB(writer_add, 48, F(0, writer), F(32, rights), F(40, not_after_unix_s))

PUB(grant, 64, F(0, grantee), F(32, not_before_unix_s), F(40, not_after_unix_s),
	F(48, from_time_unix_s), F(56, purposes), F(60, rights), F(62, t), F(63, n))

PUB(agent_ack, 40, F(0, subject), F(32, what))

PUB(approve, 32, F(0, grant_domain), F(16, grant))

PUB(access_req, 40, F(0, grant), F(16, via), F(32, count), F(34, names))

PUB(access_served, 56, F(0, req), F(32, req_object), F(48, mode), F(49, reason), F(50, count))

PUB(read_report, 32, F(0, grant), F(16, via))

PUB(dataset_new, 152, F(0, B), F(32, pop), F(96, price), F(104, not_after_unix_s), F(112, purposes),
	F(120, terms))

PUB(dataset_admit, 64, F(0, dataset), F(16, member), F(48, not_after_unix_s))

PUB(mint, 56, F(0, proposal), F(16, account), F(48, amount))

PUB(transfer, 72, F(0, from), F(32, to), F(64, amount))

PUB(dataset_join, 48, F(0, grant), F(16, account))

PUB(dataset_snapshot, 64, F(0, dataset), F(16, log_size), F(24, n), F(32, root))

PUB(trustee_set, 8, F(0, t), F(1, n), F(2, agents_t), F(3, agents), F(4, delay_s))

PUB(emergency, 49, F(0, grant), F(16, via), F(32, word), F(48, hours))

PUB(recover_req, 48, F(0, trustees), F(16, box))

PUB(recover_cancel, 32, F(0, person))

PUB(recover_share, 16, F(0, request))

static const char rotate_label[16] = "emrfs/v1/rotate"; /* with its NUL */

emr_contract_status emr_rotate_message(const uint8_t net_id[16], const uint8_t signer_id[32],
	emr_span pub, uint8_t out[EMR_ROTATE_MESSAGE_BYTES])
{
	emr_sha256_ctx ctx;

	if (pub.len != 256)
		return EMR_CONTRACT_ARGUMENT;
	memcpy(out, rotate_label, sizeof rotate_label);
	memcpy(out + 16, net_id, 16);
	memcpy(out + 32, signer_id, 32);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, pub.data, NEW_SIG_AT);
	emr_sha256_update(&ctx, pub.data + NEW_SIG_AT + 64, pub.len - NEW_SIG_AT - 64);
	emr_sha256_final(&ctx, out + 64);
	return EMR_CONTRACT_OK;
}

emr_contract_status emr_handover_message(const uint8_t net_id[16], const emr_item *item,
	emr_span pub, uint8_t out[EMR_HANDOVER_MESSAGE_BYTES])
{
	emr_sha256_ctx ctx;

	if (pub.len != 224)
		return EMR_CONTRACT_ARGUMENT;
	memcpy(out, rotate_label, sizeof rotate_label);
	memcpy(out + 16, net_id, 16);
	memcpy(out + 32, item->domain_id, 16);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, item->signer_id, 32);
	emr_sha256_update(&ctx, item->prev, 32);
	emr_sha256_update(&ctx, pub.data, NEW_SIG_AT);
	emr_sha256_update(&ctx, pub.data + OWNER_SIG_AT + 64, pub.len - OWNER_SIG_AT - 64);
	emr_sha256_final(&ctx, out + 48);
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

/* The same, cut to the length of an object's id. */
static void named(const char *label, const emr_span *pieces, size_t n, uint8_t out[16])
{
	uint8_t hash[32];

	labelled(label, pieces, n, hash);
	memcpy(out, hash, 16);
}

void emr_object_ack(
	const uint8_t subject[32], uint8_t what, const uint8_t signer_id[32], uint8_t out[16])
{
	const emr_span pieces[] = {{subject, 32}, {&what, 1}, {signer_id, 32}};

	named("ack", pieces, 3, out);
}

void emr_object_served(const uint8_t req[32], const uint8_t signer_id[32], uint8_t out[16])
{
	const emr_span pieces[] = {{req, 32}, {signer_id, 32}};

	named("served", pieces, 2, out);
}

void emr_object_request(const uint8_t to[32], const uint8_t signer_id[32], uint8_t out[16])
{
	const emr_span pieces[] = {{to, 32}, {signer_id, 32}};

	named("request", pieces, 2, out);
}

void emr_object_member(const uint8_t dataset[16], const uint8_t member[32], uint8_t out[16])
{
	const emr_span pieces[] = {{dataset, 16}, {member, 32}};

	named("member", pieces, 2, out);
}

void emr_object_emergency(const uint8_t word[16], const uint8_t via[16], const uint8_t domain[16],
	uint8_t hours, uint8_t out[16])
{
	const emr_span pieces[] = {{word, 16}, {via, 16}, {domain, 16}, {&hours, 1}};

	named("emergency", pieces, 4, out);
}

void emr_object_recovery(const uint8_t request[16], const uint8_t agent[32], uint8_t out[16])
{
	const emr_span pieces[] = {{request, 16}, {agent, 32}};

	named("recovery", pieces, 2, out);
}

void emr_grantee_dataset(const uint8_t dataset[16], uint8_t out_grantee[32])
{
	const emr_span pieces[] = {{dataset, 16}};

	labelled("dataset", pieces, 1, out_grantee);
}

void emr_account_of_dataset(const uint8_t dataset[16], uint8_t out_account[32])
{
	memset(out_account, 0, 16);
	memcpy(out_account + 16, dataset, 16);
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
