/* This part of checking a proof is about organisations: those of the network's description, and
 * those that were admitted later. */
#include <string.h>

#include "check_private.h"
#include "crypto/hashsig.h"
#include "ledger/act.h"

#define PROPOSE_BYTES (EMR_ITEM_BYTES + 96)
#define APPROVE_BYTES (EMR_ITEM_BYTES + 16)

/* ---- the network's description ---- */

static bool in_description(
	const checking *c, const uint8_t org[16], emr_descriptor *out, emr_descriptor_org *out_org)
{
	emr_bytes bytes = emr_proof_part_of(c->proof, EMR_PROOF_DESCRIPTOR, 0);

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, out) != EMR_CONTRACT_OK)
		return false;
	for (size_t i = 0; i < out->norg; i++)
		if (emr_descriptor_org_at(out, i, out_org) == EMR_CONTRACT_OK &&
			memcmp(out_org->org, org, 16) == 0)
			return true;
	return false;
}

/* So many members must approve, by the network's description. */
static size_t approvals_at_least(const checking *c)
{
	static const uint8_t nobody[16];
	emr_descriptor d = {.norg = 1};
	emr_descriptor_org ignored;

	(void)in_description(c, nobody, &d, &ignored);
	if (d.quorum == 0)
		return d.norg / 2u + 1;
	return d.quorum < d.norg ? d.quorum : d.norg;
}

/* ---- admissions ---- */

/* The name in front of the CA: salt, length, name. */
static bool read_admission(nested *n, admitted *out)
{
	emr_pub_org_propose pub;
	uint8_t hash[32];
	emr_bytes part = n->proof.priv;

	if (n->item.op != EMR_OP_ORG_PROPOSE || !emr_pub_org_propose_parse(nested_pub(n), &pub) ||
		pub.kind != EMR_PROPOSAL_ADMIT || !priv_fits(&n->item, part) ||
		emr_buf_append(&out->part, part.data, part.len) != EMR_OK)
		return false;
	part = emr_buf_view(&out->part);
	if (emr_proposal_admit_ca(part, &out->ca) != EMR_OK)
		return false;
	out->name = emr_bytes_of(part.data + 33, part.data[32]);
	memcpy(out->org, pub.org, 16);
	emr_sha256(out->ca.data, out->ca.len, hash);
	return memcmp(hash, pub.aux, 32) == 0;
}

/* Approvals of PROPOSAL by different organisations, each behind the proposal; OUT_SEQ is the last
 * one's entry. */
static const char *count_approvals(
	checking *c, const uint8_t proposal[16], uint64_t after, size_t *out_n, uint64_t *out_seq)
{
	uint8_t orgs[EMR_PROOF_APPROVALS_MAX][16];
	emr_bytes file;

	*out_n = 0;
	*out_seq = after;
	for (size_t i = 0; (file = emr_proof_part_of(c->proof, EMR_PROOF_APPROVAL, i)).data != NULL;
		i++) {
		AUTO_NESTED n = {.is_out_of_memory = false};
		const char *why = read_nested(c, file, APPROVE_BYTES, &n);
		const uint8_t *org;

		if (n.is_out_of_memory)
			c->status = EMR_NO_MEMORY;
		if (why != NULL || n.item.op != EMR_OP_ORG_APPROVE || n.proof.priv.len != 0)
			return "an approval is not on this ledger";
		if (memcmp(n.item.object_id, proposal, 16) != 0)
			continue;
		org = nested_pub(&n).data;
		for (size_t k = 0; k < *out_n; k++)
			if (memcmp(orgs[k], org, 16) == 0)
				return "an organisation is counted twice";
		if (n.entry.seq < after)
			return "an approval is older than what it approves";
		if (n.entry.seq > *out_seq)
			*out_seq = n.entry.seq;
		memcpy(orgs[(*out_n)++], org, 16);
	}
	return NULL;
}

/* The CA stays in OUT, whose buffer the caller frees. */
static const char *check_admission(checking *c, emr_bytes file, admitted *out)
{
	AUTO_NESTED n = {.is_out_of_memory = false};
	const char *why = read_nested(c, file, PROPOSE_BYTES, &n);
	size_t approvals = 0;

	if (n.is_out_of_memory)
		c->status = EMR_NO_MEMORY;
	if (why != NULL)
		return "an admission is not on this ledger";
	if (!read_admission(&n, out))
		return "an admission cannot be read, or is not what was proposed";
	why = count_approvals(c, n.item.object_id, n.entry.seq, &approvals, &out->seq);
	if (why == NULL && approvals < approvals_at_least(c))
		why = "an admission has not the approvals that the network asks for";
	return why;
}

bool check_admissions(checking *c)
{
	emr_bytes file;

	if (emr_proof_part_of(c->proof, EMR_PROOF_ADMISSION, 0).data == NULL &&
		emr_proof_part_of(c->proof, EMR_PROOF_APPROVAL, 0).data != NULL)
		return fail(c, EMR_PROOF_BAD_ADMISSION, "there are approvals of nothing");
	while (c->n_admissions < EMR_PROOF_ADMISSIONS_MAX &&
		(file = emr_proof_part_of(c->proof, EMR_PROOF_ADMISSION, c->n_admissions)).data !=
			NULL) {
		const char *why = check_admission(c, file, &c->admissions[c->n_admissions++]);

		if (c->status != EMR_OK)
			return false;
		if (why != NULL)
			return fail(c, EMR_PROOF_BAD_ADMISSION, why);
	}
	return true;
}

/* ---- what the others ask ---- */

bool is_ca_of(const checking *c, emr_bytes der, const uint8_t org[16], uint64_t seq,
	const admitted **out_by)
{
	emr_descriptor d;
	emr_descriptor_org row;

	*out_by = NULL;
	if (in_description(c, org, &d, &row) &&
		emr_bytes_equal(der, emr_bytes_of(row.ca_der.data, row.ca_der.len)))
		return true;
	for (size_t i = 0; i < c->n_admissions; i++)
		if (memcmp(c->admissions[i].org, org, 16) == 0 && c->admissions[i].seq <= seq &&
			emr_bytes_equal(der, c->admissions[i].ca)) {
			*out_by = &c->admissions[i];
			return true;
		}
	return false;
}

void organisation_name(const checking *c, const known_key *key, char out[EMR_PROOF_NAME_BYTES])
{
	emr_descriptor d;
	emr_descriptor_org row;
	emr_bytes name = {0};

	if (in_description(c, key->pub.org, &d, &row))
		name = emr_bytes_of(row.name.data, row.name.len);
	if (name.len == 0 && key->by != NULL)
		name = key->by->name;
	if (name.len > 0)
		memcpy(out, name.data, name.len);
	out[name.len] = '\0';
	for (size_t i = 0; i < name.len; i++)
		if ((uint8_t)out[i] < 0x20 || out[i] == 0x7f)
			out[i] = '?';
}
