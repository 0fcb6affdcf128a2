/* The descriptor is entry 0 of a ledger: it names the network and its first organisations. This
 * file writes and reads it, in one form only. */
#include "contract/item.h"

#include "crypto/hashsig.h"

#include "bytes.h"

#define FIXED_BYTES 33 /* up to and with name_len */

/* Cuts LEN bytes off the front of REST. */
static bool span_take(emr_span *rest, size_t len, emr_span *out)
{
	if (rest->len < len)
		return false;
	*out = (emr_span){rest->data, len};
	rest->data += len;
	rest->len -= len;
	return true;
}

/* Cuts off a run whose length stands before it in WIDTH bytes (1 or 2). */
static bool take_counted(emr_span *rest, size_t width, emr_span *out)
{
	emr_span len;

	if (!span_take(rest, width, &len))
		return false;
	return span_take(rest, width == 1 ? len.data[0] : get_u16(len.data), out);
}

static bool take_org(emr_span *rest, emr_descriptor_org *out_org)
{
	emr_span fixed;

	if (!span_take(rest, 48, &fixed))
		return false;
	memcpy(out_org->org, fixed.data, 16);
	memcpy(out_org->admin_pk, fixed.data + 16, 32);
	return take_counted(rest, 1, &out_org->name) && take_counted(rest, 1, &out_org->msp) &&
	       take_counted(rest, 2, &out_org->ca_der);
}

static bool find_before(
	const emr_descriptor *descriptor, size_t n, const uint8_t id[16], emr_descriptor_org *out)
{
	emr_span rest = descriptor->orgs_bytes;

	for (size_t i = 0; i < n && take_org(&rest, out); i++)
		if (memcmp(out->org, id, 16) == 0)
			return true;
	return false;
}

emr_contract_status emr_descriptor_parse(emr_span bytes, emr_descriptor *out_descriptor)
{
	emr_descriptor descriptor = {0};
	emr_descriptor_org org, other;
	const uint8_t *p = bytes.data;
	emr_span rest;

	if (bytes.len < FIXED_BYTES || bytes.len > EMR_DESCRIPTOR_BYTES_MAX ||
		memcmp(p, "EMNW\1", 5) != 0)
		return EMR_CONTRACT_FORMAT;
	descriptor.norg = p[5];
	descriptor.quorum = p[6];
	if (descriptor.norg == 0 || descriptor.quorum > descriptor.norg || p[7] != 0)
		return EMR_CONTRACT_FORMAT;
	descriptor.created_unix_s = get_u64(p + 8);
	memcpy(descriptor.nonce, p + 16, 16);
	rest = (emr_span){p + 32, bytes.len - 32};
	if (!take_counted(&rest, 1, &descriptor.name))
		return EMR_CONTRACT_FORMAT;
	descriptor.orgs_bytes = rest;
	for (size_t i = 0; i < descriptor.norg; i++)
		if (!take_org(&rest, &org) || find_before(&descriptor, i, org.org, &other))
			return EMR_CONTRACT_FORMAT;
	if (rest.len != 0)
		return EMR_CONTRACT_FORMAT;
	*out_descriptor = descriptor;
	return EMR_CONTRACT_OK;
}

emr_contract_status emr_descriptor_org_at(
	const emr_descriptor *descriptor, size_t i, emr_descriptor_org *out_org)
{
	emr_span rest = descriptor->orgs_bytes;
	emr_descriptor_org org;

	if (i >= descriptor->norg)
		return EMR_CONTRACT_ARGUMENT;
	for (size_t n = 0; n <= i; n++)
		if (!take_org(&rest, &org))
			return EMR_CONTRACT_ARGUMENT;
	*out_org = org;
	return EMR_CONTRACT_OK;
}

bool emr_descriptor_find(
	const emr_descriptor *descriptor, const uint8_t id[16], emr_descriptor_org *out_org)
{
	return find_before(descriptor, descriptor->norg, id, out_org);
}

static bool lengths_fit(
	const emr_descriptor *descriptor, const emr_descriptor_org *orgs, size_t *out_len)
{
	size_t len = FIXED_BYTES + descriptor->name.len;

	if (descriptor->norg == 0 || descriptor->quorum > descriptor->norg ||
		descriptor->name.len > 255)
		return false;
	for (size_t i = 0; i < descriptor->norg; i++) {
		if (orgs[i].name.len > 255 || orgs[i].msp.len > 255 || orgs[i].ca_der.len > 65535)
			return false;
		len += 48 + 1 + orgs[i].name.len + 1 + orgs[i].msp.len + 2 + orgs[i].ca_der.len;
	}
	*out_len = len;
	return len <= EMR_DESCRIPTOR_BYTES_MAX;
}

static uint8_t *put_bytes(uint8_t *p, const void *data, size_t len)
{
	if (len > 0)
		memcpy(p, data, len);
	return p + len;
}

static uint8_t *put_counted(uint8_t *p, emr_span run)
{
	*p = (uint8_t)run.len;
	return put_bytes(p + 1, run.data, run.len);
}

emr_contract_status emr_descriptor_encode(const emr_descriptor *descriptor,
	const emr_descriptor_org *orgs, uint8_t *out, size_t cap, size_t *out_len)
{
	uint8_t *p = out;
	size_t len;

	if (!lengths_fit(descriptor, orgs, &len))
		return EMR_CONTRACT_ARGUMENT;
	if (cap < len)
		return EMR_CONTRACT_NO_ROOM;
	memcpy(p, "EMNW\1", 5);
	p[5] = descriptor->norg;
	p[6] = descriptor->quorum;
	p[7] = 0;
	put_u64(p + 8, descriptor->created_unix_s);
	memcpy(p + 16, descriptor->nonce, 16);
	p = put_counted(p + 32, descriptor->name);
	for (size_t i = 0; i < descriptor->norg; i++) {
		p = put_bytes(p, orgs[i].org, 16);
		p = put_bytes(p, orgs[i].admin_pk, 32);
		p = put_counted(p, orgs[i].name);
		p = put_counted(p, orgs[i].msp);
		put_u16(p, (uint16_t)orgs[i].ca_der.len);
		p = put_bytes(p + 2, orgs[i].ca_der.data, orgs[i].ca_der.len);
	}
	*out_len = len;
	return EMR_CONTRACT_OK;
}

enum emr_host emr_descriptor_host(emr_span descriptor)
{
	emr_descriptor network;
	emr_descriptor_org org;

	if (emr_descriptor_parse(descriptor, &network) != EMR_CONTRACT_OK)
		return EMR_HOST_EMBEDDED;
	return emr_descriptor_org_at(&network, 0, &org) == EMR_CONTRACT_OK && org.msp.len > 0
		       ? EMR_HOST_FABRIC
		       : EMR_HOST_EMBEDDED;
}

void emr_descriptor_net_id(emr_span descriptor, uint8_t out_net_id[16])
{
	emr_sha256_ctx ctx;
	uint8_t hash[32];

	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, "emrfs/v1/net", 13); /* with its NUL */
	emr_sha256_update(&ctx, descriptor.data, descriptor.len);
	emr_sha256_final(&ctx, hash);
	memcpy(out_net_id, hash, 16);
}
