/* With these, a test invites and certifies as the administrator of a network's first organisation,
 * which the network's descriptor names. */
#pragma once

#include "contract/item.h"
#include "emr_test.h"
#include "ledger/welcome.h"

static inline emr_descriptor_org first_org(emr_bytes descriptor)
{
	emr_descriptor network;
	emr_descriptor_org org;

	assert_int_equal(
		emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &network), 0);
	assert_int_equal(emr_descriptor_org_at(&network, 0, &org), 0);
	return org;
}

static inline emr_status invite_by_first(const emr_keyring *admin, emr_bytes descriptor,
	uint16_t roles, uint64_t expires_unix_s, emr_buf *out_bytes, emr_invitation *out)
{
	emr_descriptor_org org = first_org(descriptor);
	emr_id16 id;

	memcpy(id.b, org.org, sizeof id.b);
	return emr_welcome_invite(admin, id, descriptor, "file:/somewhere", NULL, roles,
		expires_unix_s, out_bytes, out);
}

static inline emr_status certify_by_first(const emr_keyring *admin,
	const emr_invitation *invitation, emr_bytes reply, const char *handle, uint64_t now_unix_s,
	uint64_t valid_s, emr_buf *out_cert, emr_id32 *out_signer_id)
{
	emr_descriptor_org org = first_org(invitation->descriptor);

	return emr_welcome_certify(admin, emr_bytes_of(org.ca_der.data, org.ca_der.len), invitation,
		reply, handle, now_unix_s, valid_s, out_cert, out_signer_id);
}
