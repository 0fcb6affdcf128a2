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

/* A certificate in search of the member whose CA signed it. */
typedef struct search {
	emr_chain *chain;
	emr_bytes descriptor;
	emr_bytes der;
	uint64_t now;
	emr_caller_cert *out;
} search;

/* CA_DER counts for ORG when it is the one that the M row says now. */
static bool is_ca_of(const emr_row_org *row, emr_bytes ca_der)
{
	emr_id32 hash = emr_sha256_of(&ca_der, 1);

	return ca_der.len > 0 && memcmp(hash.b, row->ca_hash, 32) == 0;
}

static bool try_ca(const search *s, const uint8_t org[16], emr_bytes ca_der)
{
	emr_cert_facts facts;

	if (emr_cert_verify(s->der, ca_der, s->now, &facts) != EMR_OK ||
		!emr_cert_is_of(&facts, org))
		return false;
	fill_cert(s->der, &facts, org, s->out);
	return true;
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

/* Of the organisations that the network began with. */
static emr_status search_descriptor(const search *s)
{
	emr_descriptor network;
	emr_descriptor_org org;
	emr_row_org row;

	EMR_TRY(chain_contract_status(emr_descriptor_parse(emr_span_of(s->descriptor), &network)));
	for (size_t i = 0; !s->out->is_present && i < network.norg; i++) {
		EMR_TRY(chain_contract_status(emr_descriptor_org_at(&network, i, &org)));
		EMR_TRY(emr_required(emr_chain_org_row(s->chain, org.org, &row, NULL)));
		if (is_ca_of(&row, bytes_of(org.ca_der)))
			(void)try_ca(s, org.org, bytes_of(org.ca_der));
	}
	return EMR_OK;
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

/* Of those that were admitted, or got another CA, since. The part of a proposal counts only if it
 * has the hash that the members approved. */
static emr_status try_admitted(const search *s, const char *key, emr_bytes value)
{
	EMR_AUTO_BUF part = {0};
	emr_row_org row;
	uint8_t org[16];
	emr_bytes ca;
	emr_status status;

	if (emr_row_org_parse(emr_span_of(value), &row) != EMR_CONTRACT_OK ||
		emr_unhex(key + 2, org, sizeof org) != EMR_OK)
		return EMR_DAMAGED;
	if (row.head.version == 0 || row.head.state != EMR_ORG_MEMBER || s->out->is_present)
		return EMR_OK;
	status = admitted_ca(s->chain, &row, &part, &ca);
	if (status == EMR_OK && is_ca_of(&row, ca))
		(void)try_ca(s, org, ca);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status find_certificate(
	emr_chain *chain, emr_bytes descriptor, emr_bytes der, uint64_t now, emr_caller_cert *out)
{
	search s = {.chain = chain, .descriptor = descriptor, .der = der, .now = now, .out = out};
	EMR_AUTO_CHAIN_ROWS rows = {.chain = chain, .prefix = "M/"};

	EMR_TRY(search_descriptor(&s));
	if (out->is_present)
		return EMR_OK;
	while (emr_chain_next_row(&rows))
		EMR_TRY(try_admitted(&s, rows.key, rows.value));
	return rows.status;
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

/* On Fabric a batch counts when its bringer's key names the certificate that signed the
 * transaction.  That it did is checked where blocks are read; here it is the one that his row
 * names. */
static emr_status registered_certificate(
	emr_chain *chain, const uint8_t submitter[32], emr_caller_cert *out)
{
	emr_row_key row;
	emr_status status = emr_chain_key_row(chain, submitter, &row, NULL);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	*out = (emr_caller_cert){
		.is_present = true, .roles = row.roles, .not_after_unix_s = row.not_after_unix_s};
	memcpy(out->ref, row.how == EMR_HOW_DEVICE ? row.next : row.ref, sizeof out->ref);
	memcpy(out->org, row.org, sizeof out->org);
	return EMR_OK;
}

static emr_status fabric_caller(emr_chain *chain, emr_bytes descriptor, const emr_batch *batch,
	emr_id32 submitter_id, uint64_t now, emr_caller *out_caller)
{
	emr_caller caller = {.host = EMR_HOST_FABRIC};
	emr_bytes der = bytes_of(emr_batch_certificate(batch));

	emr_descriptor_net_id(emr_span_of(descriptor), caller.net_id);
	memcpy(caller.submitter_id, submitter_id.b, 32);
	EMR_TRY(der.len > 0 ? find_certificate(chain, descriptor, der, now, &caller.cert)
			    : registered_certificate(chain, submitter_id.b, &caller.cert));
	*out_caller = caller;
	return EMR_OK;
}

emr_status emr_chain_host(emr_chain *chain, enum emr_host *out_host)
{
	EMR_AUTO_BUF descriptor = {0};
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_status status;

	EMR_TRY(emr_required(emr_chain_entry(chain, 0, &descriptor, NULL)));
	*out_host = emr_descriptor_host(emr_span_of(emr_buf_view(&descriptor)));
	if (*out_host == EMR_HOST_FABRIC)
		return EMR_OK;
	emr_key_channel(&key);
	status = emr_chain_row(chain, key.text, &row, NULL, NULL);
	if (status == EMR_OK)
		*out_host = EMR_HOST_FABRIC;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_chain_caller(emr_chain *chain, enum emr_host host, emr_bytes descriptor,
	const emr_batch *batch, emr_id32 submitter_id, uint64_t now, emr_caller *out_caller)
{
	emr_caller caller = {.host = EMR_HOST_EMBEDDED};
	emr_bytes der = bytes_of(emr_batch_certificate(batch));

	if (host == EMR_HOST_FABRIC)
		return fabric_caller(chain, descriptor, batch, submitter_id, now, out_caller);
	emr_descriptor_net_id(emr_span_of(descriptor), caller.net_id);
	memcpy(caller.submitter_id, submitter_id.b, 32);
	EMR_TRY(judge_seen(chain, batch, &caller.seen));
	if (der.len > 0)
		EMR_TRY(find_certificate(chain, descriptor, der, now, &caller.cert));
	*out_caller = caller;
	return EMR_OK;
}
