/* This fuzz target reads any bytes as an invitation, as a reply to one, and as a certificate
 * request: what is accepted stays within its limits. */
#include "share_input.h"

#include "keyring/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	share_input in = share_input_of(data, size);
	emr_invitation invitation;
	emr_invite_reply reply;
	char handle[EMR_CERT_HANDLE_MAX + 1];
	uint8_t spki[EMR_P256_SPKI_BYTES];
	uint8_t secret[32] = {1};

	switch (in.which % 3) {
	case 0:
		if (emr_invitation_read(in.bytes, &invitation) == EMR_OK &&
			(strlen(invitation.network) > EMR_INVITE_NAME_MAX ||
				invitation.descriptor.len > in.bytes.len))
			abort();
		break;
	case 1:
		if (emr_invite_reply_read(in.bytes, secret, &reply) == EMR_OK &&
			reply.csr.len > in.bytes.len)
			abort();
		break;
	case 2:
		if (emr_csr_read(in.bytes, handle, spki) == EMR_OK && handle[0] == '\0')
			abort();
		break;
	}
	return 0;
}
