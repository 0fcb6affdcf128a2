/* This program does what a person's own program does with a certificate: come_again PASSPHRASE-FILE
 * NETWORK-DIR makes another key and registers it with the certificate of the keyring, in the same
 * roles and under the same handle. It prints what the ledger says: "applied", or why not. */
#include <string.h>

#include "own_session.h"

#include "base/clock.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "keyring/cert.h"
#include "ledger/act_send.h"
#include "ledger/register.h"
#include "replica/people.h"

/* KEY_REG of AGAIN, bound by the certificate's key, which is in one's own keyring. */
static emr_act registration(const emr_keyring *again, emr_buf *out_part)
{
	emr_register who = {.keyring = session.keyring, .name = "again"};
	uint8_t message[EMR_BIND_MESSAGE_BYTES];
	const size_t label = sizeof message - 80; /* emr_keyring_sign puts it there itself */
	EMR_AUTO_BUF der = {0};
	emr_pub_key_reg own, pub;
	emr_known_person me;
	emr_public public;
	emr_act act;

	must(emr_keyring_public(session.keyring, &public), "own key");
	must(emr_replica_person(session.replica, public.signer_id, &me), "own row");
	memcpy(who.org.b, me.row.org, 16);
	who.roles = me.row.roles;
	who.net_id = emr_ledger_net_id(session.ledger);
	must(emr_keyring_tlv_get(session.keyring, EMR_KEYRING_CERTIFICATE, &der), "certificate");
	must(emr_register_certified(&who, emr_buf_view(&der), &act, out_part), "registration");
	(void)emr_pub_key_reg_parse((emr_span){act.pub, 288}, &own);
	who.keyring = again;
	must(emr_register_describe(&who, act.pub), "the other key");
	(void)emr_pub_key_reg_parse((emr_span){act.pub, 288}, &pub);
	memcpy(pub.ref, own.ref, 32);
	pub.not_after_unix_s = own.not_after_unix_s;
	emr_pub_key_reg_encode(&pub, act.pub);
	must(emr_keyring_public(again, &public), "the other key");
	if (emr_bind_message(who.net_id.b, public.signer_id.b, (emr_span){act.pub, 288}, message) !=
		EMR_CONTRACT_OK)
		must(EMR_INVALID, "the binding");
	must(emr_keyring_sign(session.keyring, emr_signer_certificate(), EMR_SIGN_BIND,
		     emr_bytes_of(message + label, 80), pub.bind_sig),
		"the binding");
	emr_pub_key_reg_encode(&pub, act.pub);
	memcpy(act.object.b, public.signer_id.b, 16);
	return act;
}

int main(int argc, char **argv)
{
	emr_keyring *again = NULL;
	EMR_AUTO_LEDGER ledger = NULL;
	EMR_AUTO_BUF part = {0};
	emr_ledger_options options;
	uint8_t code = 0;
	emr_act act;

	if (argc != 3)
		return 2;
	open_own(argv[1]);
	must(emr_keyring_create(EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &again),
		"another key");
	act = registration(again, &part);
	options = (emr_ledger_options){.path = argv[2], .submitter = again};
	must(emr_ledger_open(&options, &ledger), argv[2]);
	must(emr_act_send(again, ledger, &act, emr_buf_view(&part), NULL, &code), "not sent");
	puts(emr_result_text(code));
	emr_keyring_free(again);
	emr_session_close(&session);
	return 0;
}
