/* Before a batch is judged, this file finds out who brings it: whether the certificate in it was
 * signed by an organisation that is a member of the network now. */
#include "chain_private.h"

#include <stdlib.h>

#include "base/codec.h"
#include "contract/pubs_share.h"
#include "keyring/cert.h"
#include "ledger/act.h"
#include "ledger/hash.h"

/* The key borrows from DER, where the SubjectPublicKeyInfo stands as it is (RFC 5280 §4.1), in the
 * first certificate. */
static void fill_cert(
	emr_bytes der, const emr_cert_facts *facts, const uint8_t org[16], emr_caller_cert *out)
{
	*out = (emr_caller_cert){.is_present = true,
		.roles = facts->roles,
		.not_after_unix_s = facts->not_after,
		.key_alg = 2};
	memcpy(out->ref, facts->ref.b, 32);
	memcpy(out->org, org, 16);
	emr_enrolment_id(org, facts->handle, out->enrolment);
	out->key.data = memmem(der.data, der.len, facts->spki, EMR_P256_SPKI_BYTES);
	out->key.len = out->key.data ? EMR_P256_SPKI_BYTES : 0;
}

/* CA_DER counts for ORG when it is the one that the M row says now. */
static bool is_ca_of(const emr_row_org *row, emr_bytes ca_der)
{
	emr_id32 hash = emr_sha256_of(&ca_der, 1);

	return ca_der.len > 0 && memcmp(hash.b, row->ca_hash, 32) == 0;
}

emr_status emr_chain_org_row(
	emr_chain *chain, const uint8_t org[16], emr_row_org *out_row, uint64_t *out_seq)
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;

	emr_key_org(org, &key);
	EMR_TRY(emr_chain_row(chain, key.text, &value, out_seq, NULL));
	return chain_contract_status(emr_row_org_parse(emr_span_of(emr_buf_view(&value)), out_row));
}

emr_status emr_chain_key_row(
	emr_chain *chain, const uint8_t id[32], emr_row_key *out_row, uint64_t *out_seq)
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;

	emr_key_signer(id, &key);
	EMR_TRY(emr_chain_row(chain, key.text, &value, out_seq, NULL));
	return chain_contract_status(emr_row_key_parse(emr_span_of(emr_buf_view(&value)), out_row));
}

/* The CA that an ADMIT brought: the M row names the approval that completed it, the approval its
 * proposal, and the proposal's private part has the certificate. */
static emr_status admitted_ca(
	emr_chain *chain, const emr_row_org *row, emr_buf *part, emr_bytes *ca)
{
	EMR_AUTO_OPENED approval = NULL;
	emr_part_key key = {.family = EMR_FAMILY_ORG, .version = 1};
	emr_item item;
	emr_span pub;
	uint16_t index;
	uint64_t seq;

	EMR_TRY(emr_required(emr_chain_find_item(chain, row->head.item, &seq, &index)));
	EMR_TRY(chain_item_at(chain, seq, index, &approval, &item, &pub));
	memcpy(key.object.b, item.object_id, 16);
	EMR_TRY(emr_chain_part(chain, &key, part));
	if (emr_proposal_admit_ca(emr_buf_view(part), ca) != EMR_OK)
		return EMR_NOT_FOUND; /* its author's affair: nobody gets in by it */
	return EMR_OK;
}

emr_status emr_chain_authority(emr_chain *chain, emr_id16 org, emr_buf *out)
{
	EMR_AUTO_BUF part = {0};
	emr_row_org row;
	emr_bytes ca;

	EMR_TRY(emr_chain_org_row(chain, org.b, &row, NULL));
	EMR_TRY(row.head.version > 0 ? admitted_ca(chain, &row, &part, &ca) : EMR_NOT_FOUND);
	if (!is_ca_of(&row, ca))
		return EMR_NOT_FOUND;
	return emr_buf_append(out, ca.data, ca.len);
}

/* Appends the CA that ORG has by its M row: the one that it was admitted with, or has got, since,
 * or the descriptor's.  EMR_NOT_FOUND. */
static emr_status find_ca(emr_chain *chain, emr_bytes descriptor, emr_id16 org, emr_buf *out)
{
	emr_status status = emr_chain_authority(chain, org, out);
	emr_descriptor network;
	emr_descriptor_org one;
	emr_row_org row;

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_chain_org_row(chain, org.b, &row, NULL));
	EMR_TRY(chain_contract_status(emr_descriptor_parse(emr_span_of(descriptor), &network)));
	if (!emr_descriptor_find(&network, org.b, &one) || !is_ca_of(&row, bytes_of(one.ca_der)))
		return EMR_NOT_FOUND;
	return emr_buf_append(out, one.ca_der.data, one.ca_der.len);
}

emr_status emr_chain_certified_by(emr_chain *chain, const emr_batch *batch, emr_id16 *out_org)
{
	EMR_AUTO_BUF signer = {0};
	emr_header header;
	emr_key_text key;
	emr_id32 id;
	emr_status status;

	EMR_TRY(chain_contract_status(emr_header_parse(batch->header, &header)));
	emr_signer_id(header.signer_pk, id.b);
	emr_key_signer(id.b, &key);
	status = emr_chain_row(chain, key.text, &signer, NULL, NULL);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	return emr_batch_certified_by(batch, emr_span_of(emr_buf_view(&signer)), out_org->b)
		       ? EMR_OK
		       : EMR_NOT_FOUND;
}

static emr_status find_certificate(emr_chain *chain, emr_bytes descriptor, const emr_batch *batch,
	uint64_t now, emr_caller_cert *out)
{
	const emr_bytes der = bytes_of(emr_batch_certificate(batch));
	EMR_AUTO_BUF ca = {0};
	emr_cert_facts facts;
	emr_id16 org;
	emr_status status = emr_chain_certified_by(chain, batch, &org);

	if (status == EMR_OK)
		status = find_ca(chain, descriptor, org, &ca);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_cert_verify(der, emr_buf_view(&ca), now, &facts) == EMR_OK &&
		emr_cert_is_of(&facts, org.b))
		fill_cert(der, &facts, org.b, out);
	return EMR_OK;
}

static emr_status judge_seen(emr_chain *chain, const emr_batch *batch, emr_seen *out)
{
	emr_header header;
	uint8_t leaf[32];
	emr_status status;

	EMR_TRY(chain_contract_status(emr_header_parse(batch->header, &header)));
	if (header.seen_seq == 0) {
		*out = EMR_SEEN_IN_LOG;
		return EMR_OK;
	}
	status = header.seen_seq > INT64_MAX ? EMR_NOT_FOUND
					     : emr_chain_leaf(chain, header.seen_seq, leaf);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	*out = status == EMR_OK && memcmp(leaf, header.seen_leaf, 32) == 0 ? EMR_SEEN_IN_LOG
									   : EMR_SEEN_NOT_IN_LOG;
	return EMR_OK;
}

emr_status emr_chain_caller(emr_chain *chain, enum emr_host host, emr_bytes descriptor,
	const emr_batch *batch, emr_id32 submitter_id, uint64_t now, emr_caller *out_caller)
{
	emr_caller caller = {.host = host};

	emr_descriptor_net_id(emr_span_of(descriptor), caller.net_id);
	memcpy(caller.submitter_id, submitter_id.b, 32);
	if (host == EMR_HOST_EMBEDDED) /* a chaincode cannot look into the log */
		EMR_TRY(judge_seen(chain, batch, &caller.seen));
	EMR_TRY(find_certificate(chain, descriptor, batch, now, &caller.cert));
	*out_caller = caller;
	return EMR_OK;
}
