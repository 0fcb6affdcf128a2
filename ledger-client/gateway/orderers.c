/* This file finds out who has ordered a block: whether its signatures are of the channel's
 * orderers, and those of organisations that are known here.  It refuses to take a channel's word
 * for who its orderers are: their certificates lead to the authorities that the gateway was opened
 * with.
 *
 * Source: Fabric v3.1.5, protoutil/blockutils.go (what is signed) and common/policies/bft.go (how
 * many must).  Fabric lets any member of an orderers' organisation sign by Raft; here it is an
 * orderer, where units say so. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "gateway_private.h"

#define METADATA_SIGNED 0 /* common/common.proto, BlockMetadataIndex: SIGNATURES */
#define CONSENTERS_MAX 64
#define ANCHORS_MAX 64
#define ORGANISATIONS_MAX 64
#define SIGNATURES_MAX 256
#define MAP_MAX 256 /* entries of one group of a configuration */

#define AUTO_CERTIFICATE __attribute__((cleanup(certificate_free))) X509 *

typedef struct consenter {
	uint64_t id;
	emr_bytes msp_id, pem;
} consenter;

struct emr_gateway_orderers {
	emr_buf first; /* the block that has the configuration, which all below borrow */
	bool is_bft;
	emr_bytes organisations[ORGANISATIONS_MAX]; /* by Raft: whose orderers may sign, by MSP */
	size_t organisation_count;
	consenter consenters[CONSENTERS_MAX];
	size_t count;
	bool has_unknown; /* some block was signed by somebody of whom nothing is known here */
};

emr_gateway_orderers *emr_gateway_orderers_new(void)
{
	return calloc(1, sizeof(emr_gateway_orderers));
}

void emr_gateway_orderers_free(emr_gateway_orderers *orderers)
{
	if (orderers == NULL)
		return;
	emr_buf_free(&orderers->first);
	free(orderers);
}

bool emr_gateway_orderers_have_signed(const emr_gateway_orderers *orderers)
{
	return !orderers->has_unknown;
}

/* ---- The configuration ---- */

/* Refuses a list that had more values than were asked for. */
static emr_status list_whole(const proto_list *list, emr_status status)
{
	return status == EMR_OK && list->total > list->max ? EMR_LIMIT : status;
}

/* The value of KEY in the map FIELD of a group, the last where it stands several times;
 * EMR_NOT_FOUND. */
static emr_status map_get(emr_bytes group, uint32_t field, const char *key, emr_bytes *out)
{
	emr_bytes entries[MAP_MAX];
	proto_list list = {.items = entries, .max = MAP_MAX};
	const proto_want of_group[] = {{field, PROTO_REPEATED, &list}};
	emr_status status = list_whole(&list, proto_read(group, of_group, 1));
	bool is_found = false;

	for (size_t i = 0; i < list.count && status == EMR_OK; i++) {
		emr_bytes name = {0}, value = {0};
		const proto_want of_entry[] = {
			{MAP_KEY, PROTO_BYTES, &name}, {MAP_VALUE, PROTO_BYTES, &value}};

		status = proto_read(entries[i], of_entry, 2);
		if (status != EMR_OK || !emr_bytes_equal(name, emr_bytes_of(key, strlen(key))))
			continue;
		*out = value;
		is_found = true;
	}
	return status == EMR_OK && !is_found ? EMR_NOT_FOUND : status;
}

static emr_status value_get(emr_bytes group, const char *key, emr_bytes *out)
{
	emr_bytes entry = {0};
	const proto_want of_value[] = {{CONFIG_VALUE_VALUE, PROTO_BYTES, out}};

	EMR_TRY(map_get(group, CONFIG_GROUP_VALUES, key, &entry));
	return proto_read(entry, of_value, 1);
}

static emr_status read_consenters(emr_bytes value, emr_gateway_orderers *out)
{
	emr_bytes items[CONSENTERS_MAX];
	proto_list list = {.items = items, .max = CONSENTERS_MAX};
	const proto_want of_orderers[] = {{ORDERERS_CONSENTERS, PROTO_REPEATED, &list}};
	emr_status status = list_whole(&list, proto_read(value, of_orderers, 1));

	out->count = 0;
	for (size_t i = 0; i < list.count && status == EMR_OK; i++) {
		consenter *c = &out->consenters[i];
		const proto_want of_consenter[] = {{CONSENTER_ID, PROTO_NUMBER, &c->id},
			{CONSENTER_MSP_ID, PROTO_BYTES, &c->msp_id},
			{CONSENTER_IDENTITY, PROTO_BYTES, &c->pem}};

		*c = (consenter){.id = 0};
		status = proto_read(items[i], of_consenter, 3);
		for (size_t j = 0; j < i && status == EMR_OK; j++)
			if (out->consenters[j].id == c->id)
				status = EMR_DAMAGED;
		out->count = i + 1;
	}
	return status == EMR_OK && out->count == 0 ? EMR_NOT_FOUND : status;
}

/* The MSP of an organisation's group. */
static emr_status read_msp_name(emr_bytes group, emr_bytes *out)
{
	emr_bytes msp = {0}, config = {0};
	const proto_want of_msp[] = {{MSP_CONFIG_CONFIG, PROTO_BYTES, &config}};
	const proto_want of_config[] = {{FABRIC_MSP_CONFIG_NAME, PROTO_BYTES, out}};

	EMR_TRY(value_get(group, "MSP", &msp));
	EMR_TRY(proto_read(msp, of_msp, 1));
	return proto_read(config, of_config, 1);
}

static emr_status has_anchor(emr_bytes group)
{
	emr_bytes value = {0}, peers[ANCHORS_MAX];
	proto_list list = {.items = peers, .max = ANCHORS_MAX};
	const proto_want of_peers[] = {{ANCHOR_PEERS_ANCHOR_PEERS, PROTO_REPEATED, &list}};

	EMR_TRY(value_get(group, "AnchorPeers", &value));
	EMR_TRY(list_whole(&list, proto_read(value, of_peers, 1)));
	return list.count == 0 ? EMR_NOT_FOUND : EMR_OK;
}

emr_status config_has_anchor(emr_bytes config, const char *msp)
{
	emr_bytes channel = {0}, application = {0}, entries[ORGANISATIONS_MAX];
	proto_list list = {.items = entries, .max = ORGANISATIONS_MAX};
	const proto_want of_config[] = {{CONFIG_CHANNEL_GROUP, PROTO_BYTES, &channel}};
	const proto_want of_application[] = {{CONFIG_GROUP_GROUPS, PROTO_REPEATED, &list}};

	EMR_TRY(proto_read(config, of_config, 1));
	EMR_TRY(map_get(channel, CONFIG_GROUP_GROUPS, "Application", &application));
	EMR_TRY(list_whole(&list, proto_read(application, of_application, 1)));
	for (size_t i = 0; i < list.count; i++) {
		emr_bytes one = {0}, name = {0};
		const proto_want of_entry[] = {{MAP_VALUE, PROTO_BYTES, &one}};

		EMR_TRY(proto_read(entries[i], of_entry, 1));
		EMR_TRY(read_msp_name(one, &name));
		if (emr_bytes_equal(name, emr_bytes_of(msp, strlen(msp))))
			return has_anchor(one);
	}
	return EMR_NOT_FOUND;
}

/* Into OUT by whose MSP orderers are known: that of each group in GROUP. */
static emr_status read_organisations(emr_bytes group, emr_gateway_orderers *out)
{
	emr_bytes entries[ORGANISATIONS_MAX];
	proto_list list = {.items = entries, .max = ORGANISATIONS_MAX};
	const proto_want of_group[] = {{CONFIG_GROUP_GROUPS, PROTO_REPEATED, &list}};
	emr_status status = list_whole(&list, proto_read(group, of_group, 1));

	out->organisation_count = 0;
	for (size_t i = 0; i < list.count && status == EMR_OK; i++) {
		emr_bytes one = {0}, name = {0};
		const proto_want of_entry[] = {{MAP_VALUE, PROTO_BYTES, &one}};

		status = proto_read(entries[i], of_entry, 1);
		if (status == EMR_OK)
			status = read_msp_name(one, &name);
		out->organisations[out->organisation_count++] = name;
	}
	return status == EMR_OK && out->organisation_count == 0 ? EMR_NOT_FOUND : status;
}

/* DATA is of a payload of type CONFIG. */
static emr_status read_configuration(emr_bytes data, emr_gateway_orderers *out)
{
	emr_bytes channel = {0}, group = {0}, value = {0}, type = {0};
	const proto_want of_config[] = {{CONFIG_CHANNEL_GROUP, PROTO_BYTES, &channel}};
	const proto_want of_envelope[] = {
		{CONFIG_ENVELOPE_CONFIG, PROTO_MESSAGE, PROTO_INSIDE(of_config)}};
	const proto_want of_type[] = {{CONSENSUS_TYPE_TYPE, PROTO_BYTES, &type}};
	emr_status status = proto_read(data, of_envelope, 1);

	if (status == EMR_OK)
		status = map_get(channel, CONFIG_GROUP_GROUPS, "Orderer", &group);
	if (status == EMR_OK)
		status = value_get(group, "ConsensusType", &value);
	if (status == EMR_OK)
		status = proto_read(value, of_type, 1);
	out->is_bft = emr_bytes_equal(type, emr_bytes_of("BFT", 3));
	if (status == EMR_OK && !out->is_bft)
		return read_organisations(group, out);
	if (status == EMR_OK)
		status = value_get(group, "Orderers", &value);
	return status == EMR_OK ? read_consenters(value, out) : status;
}

/* EMR_NOT_FOUND: the block is no configuration.  Another error: it cannot be read, and so is none
 * that orderers have written. */
static emr_status find_configuration(emr_bytes transaction, emr_bytes *out_data)
{
	emr_bytes payload = {0}, channel_header = {0};
	uint64_t type = 0;
	const proto_want of_envelope[] = {{ENVELOPE_PAYLOAD, PROTO_BYTES, &payload}};
	const proto_want of_header[] = {{HEADER_CHANNEL_HEADER, PROTO_BYTES, &channel_header}};
	const proto_want of_payload[] = {{PAYLOAD_HEADER, PROTO_MESSAGE, PROTO_INSIDE(of_header)},
		{PAYLOAD_DATA, PROTO_BYTES, out_data}};
	const proto_want of_channel[] = {{CHANNEL_HEADER_TYPE, PROTO_NUMBER, &type}};

	EMR_TRY(proto_read(transaction, of_envelope, 1));
	EMR_TRY(proto_read(payload, of_payload, 2));
	EMR_TRY(proto_read(channel_header, of_channel, 1));
	return (uint32_t)type != HEADER_TYPE_CONFIG ? EMR_NOT_FOUND : EMR_OK;
}

/* ---- Signatures ---- */

typedef struct signed_block {
	emr_bytes number_and_hashes; /* as it is signed */
	emr_bytes value, *signatures;
	size_t count;
} signed_block;

typedef struct one_signature {
	emr_bytes header, signature, identifier;
} one_signature;

static emr_status read_signature(emr_bytes bytes, one_signature *out)
{
	const proto_want of_signature[] = {{METADATA_SIGNATURE_HEADER, PROTO_BYTES, &out->header},
		{METADATA_SIGNATURE_SIGNATURE, PROTO_BYTES, &out->signature},
		{METADATA_SIGNATURE_IDENTIFIER, PROTO_BYTES, &out->identifier}};

	*out = (one_signature){.header = {0}};
	return proto_read(bytes, of_signature, 3);
}

static bool may_order(const emr_gateway_orderers *orderers, emr_bytes msp_id)
{
	for (size_t i = 0; i < orderers->organisation_count; i++)
		if (emr_bytes_equal(msp_id, orderers->organisations[i]))
			return true;
	return false;
}

/* HEADER is of SIGNATURE: that of who has signed, or what says who he is. */
static bool has_signed(const emr_gateway *gateway, const signed_block *b, emr_bytes header,
	emr_bytes signature, const consenter *who)
{
	AUTO_CERTIFICATE certificate = gateway_certificate_of(who->pem);
	EMR_AUTO_BUF message = {0};
	bool is_fine = certificate != NULL && gateway_is_role(certificate, "orderer") &&
		       gateway_is_by_authority(gateway, who->msp_id, certificate) &&
		       emr_buf_append(&message, b->value.data, b->value.len) == EMR_OK &&
		       emr_buf_append(&message, header.data, header.len) == EMR_OK &&
		       gateway_is_signed_by(certificate, signature, emr_buf_view(&message),
			       b->number_and_hashes);

	ERR_clear_error();
	return is_fine;
}

/* By Raft the orderer that leads signs.  A signature of somebody who orders nothing says nothing,
 * not even that its organisation is unknown here. */
static const char *raft_wrong(
	const emr_gateway *gateway, emr_gateway_orderers *orderers, const signed_block *b)
{
	bool has_unknown = false;

	for (size_t i = 0; i < b->count; i++) {
		one_signature one;
		consenter who = {.id = 0};
		emr_bytes creator = {0};
		const proto_want of_header[] = {{SIGNATURE_HEADER_CREATOR, PROTO_BYTES, &creator}};
		const proto_want of_identity[] = {
			{SERIALIZED_IDENTITY_MSPID, PROTO_BYTES, &who.msp_id},
			{SERIALIZED_IDENTITY_ID_BYTES, PROTO_BYTES, &who.pem}};

		if (read_signature(b->signatures[i], &one) != EMR_OK ||
			proto_read(one.header, of_header, 1) != EMR_OK ||
			proto_read(creator, of_identity, 2) != EMR_OK ||
			!may_order(orderers, who.msp_id))
			continue;
		if (has_signed(gateway, b, one.header, one.signature, &who))
			return NULL;
		has_unknown = has_unknown || !gateway_knows(gateway, who.msp_id);
	}
	orderers->has_unknown = orderers->has_unknown || has_unknown;
	return has_unknown ? NULL : "a block that no orderer has signed";
}

static const char *bft_wrong(
	const emr_gateway *gateway, emr_gateway_orderers *orderers, const signed_block *b)
{
	const size_t n = orderers->count, quorum = (n + (n - 1) / 3 + 2) / 2;
	bool have[CONSENTERS_MAX] = {false};
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (!gateway_knows(gateway, orderers->consenters[i].msp_id))
			orderers->has_unknown = true;
	if (orderers->has_unknown)
		return NULL;
	for (size_t i = 0; i < b->count; i++) {
		one_signature one;
		uint64_t id = 0;
		size_t at = 0;
		const proto_want of_identifier[] = {
			{IDENTIFIER_HEADER_IDENTIFIER, PROTO_NUMBER, &id}};

		if (read_signature(b->signatures[i], &one) != EMR_OK || one.header.len != 0 ||
			proto_read(one.identifier, of_identifier, 1) != EMR_OK)
			continue;
		while (at < n && orderers->consenters[at].id != id)
			at++;
		if (at == n || have[at] ||
			!has_signed(gateway, b, one.identifier, one.signature,
				&orderers->consenters[at]))
			continue;
		have[at] = true;
		count++;
	}
	return count < quorum ? "a block that fewer orderers have signed than must" : NULL;
}

/* ---- A block ---- */

typedef struct looked_at {
	uint64_t number;
	emr_bytes previous, data_hash;
	emr_bytes transaction; /* the last, which is the only one of a configuration */
	emr_bytes signatures;  /* Metadata */
} looked_at;

static emr_status read_looked_at(emr_bytes bytes, looked_at *out)
{
	emr_bytes values[METADATA_MAX];
	proto_list all = {.items = values, .max = METADATA_MAX};
	const proto_want of_header[] = {{BLOCK_HEADER_NUMBER, PROTO_NUMBER, &out->number},
		{BLOCK_HEADER_PREVIOUS_HASH, PROTO_BYTES, &out->previous},
		{BLOCK_HEADER_DATA_HASH, PROTO_BYTES, &out->data_hash}};
	const proto_want of_data[] = {{BLOCK_DATA_DATA, PROTO_BYTES, &out->transaction}};
	const proto_want of_metadata[] = {{BLOCK_METADATA_METADATA, PROTO_REPEATED, &all}};
	const proto_want of_block[] = {{BLOCK_HEADER, PROTO_MESSAGE, PROTO_INSIDE(of_header)},
		{BLOCK_DATA, PROTO_MESSAGE, PROTO_INSIDE(of_data)},
		{BLOCK_METADATA, PROTO_MESSAGE, PROTO_INSIDE(of_metadata)}};

	EMR_TRY(proto_read(bytes, of_block, 3));
	if (out->previous.len > HASH_BYTES || out->data_hash.len != HASH_BYTES)
		return EMR_DAMAGED;
	if (all.count > METADATA_SIGNED)
		out->signatures = values[METADATA_SIGNED];
	return EMR_OK;
}

static const char *signatures_wrong(
	const emr_gateway *gateway, emr_gateway_orderers *orderers, const looked_at *block)
{
	emr_bytes signatures[SIGNATURES_MAX];
	proto_list list = {.items = signatures, .max = SIGNATURES_MAX};
	uint8_t der[BLOCK_HEADER_DER_MAX];
	signed_block b = {.signatures = signatures};
	const proto_want of_metadata[] = {{METADATA_VALUE, PROTO_BYTES, &b.value},
		{METADATA_SIGNATURES, PROTO_REPEATED, &list}};

	if (orderers->has_unknown)
		return NULL; /* it is said once */
	if (proto_read(block->signatures, of_metadata, 2) != EMR_OK)
		return "a block whose signatures cannot be read";
	b.count = list.count;
	b.number_and_hashes = emr_bytes_of(
		der, block_header_der(block->number, block->previous, block->data_hash, der));
	return orderers->is_bft ? bft_wrong(gateway, orderers, &b)
				: raft_wrong(gateway, orderers, &b);
}

/* Its borrowed bytes are copied first. EMR_NOT_FOUND: there is none. */
static emr_status take_configuration(emr_gateway_orderers *orderers, emr_bytes transaction)
{
	EMR_AUTO_BUF kept = {0};
	emr_bytes data = {0};
	emr_status status = find_configuration(transaction, &data);

	if (status != EMR_OK)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_buf_append(&kept, data.data, data.len));
	emr_buf_free(&orderers->first);
	orderers->first = kept;
	kept = (emr_buf){0};
	status = read_configuration(emr_buf_view(&orderers->first), orderers);
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

emr_status orderers_look(const emr_gateway *gateway, emr_gateway_orderers *orderers,
	emr_bytes bytes, const char **out_wrong)
{
	looked_at block = {.number = 0};
	emr_status status = read_looked_at(bytes, &block);

	*out_wrong = NULL;
	if (status != EMR_OK)
		*out_wrong = "a block that cannot be read";
	else if (block.number > 0)
		*out_wrong = signatures_wrong(gateway, orderers, &block);
	if (*out_wrong != NULL)
		return EMR_DAMAGED;
	status = take_configuration(orderers, block.transaction);
	if (status == EMR_NO_MEMORY)
		return status;
	/* One that says nothing of orderers that can be read here leaves nobody who is known. */
	if (status != EMR_OK && (block.number == 0 || status != EMR_NOT_FOUND))
		orderers->has_unknown = true;
	return EMR_OK;
}
