#include "session/own_cert.h"

#include "keyring/cert.h"

bool emr_own_cert_has_ended(const emr_session *session, uint64_t now_unix_s)
{
	EMR_AUTO_BUF der = {0};
	emr_cert_facts facts;

	return emr_keyring_tlv_get(session->keyring, EMR_KEYRING_CERTIFICATE, &der) == EMR_OK &&
		emr_cert_read(emr_buf_view(&der), &facts) == EMR_OK && facts.not_after < now_unix_s;
}
