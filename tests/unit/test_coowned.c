/* A device opens and wraps in its owner's domain with keys that came by letter, and signs as
 * itself. */
#include "emr_test.h"

#include "keyring/content.h"
#include "keyring/coowned.h"

static emr_keyring *owner, *device;
static const emr_id16 domain = {{7, 7, 7}};

AROUND(begin)
{
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &owner));
	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, 1, &device));
}

AROUND(end)
{
	emr_keyring_free(owner);
	emr_keyring_free(device);
}

static void pass(uint32_t epoch)
{
	emr_epoch_key *key = NULL;

	assert_ok(emr_keyring_epoch_key(owner, domain, epoch, &key));
	assert_ok(emr_keyring_coown_key(device, key));
	emr_epoch_key_free(key);
}

/* READER opens what WRITER wraps. */
static emr_status opens(const emr_keyring *writer, const emr_keyring *reader, uint32_t epoch)
{
	uint8_t ctx[32] = {1}, capsule[EMR_CAPSULE_BYTES], wdek[EMR_WDEK_BYTES];
	emr_content_key *key = NULL, *again = NULL;
	emr_domain_public public;
	emr_status status;

	assert_ok(emr_keyring_domain_public(writer, domain, 1, epoch, &public));
	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_wrap(writer, public.A, ctx, key, capsule, wdek));
	status = emr_content_key_unwrap(reader, domain, epoch, ctx, capsule, wdek, &again);
	emr_content_key_free(key);
	emr_content_key_free(again);
	return status;
}

TEST_IN(begin, end, an_epoch_whose_key_has_not_come_is_waited_for)
{
	pass(1);
	assert_status(EMR_AWAITED, opens(owner, device, 2));
	pass(2);
	pass(2);
	assert_ok(opens(owner, device, 2));
	assert_ok(opens(owner, device, 1));
}

TEST_IN(begin, end, a_device_signs_as_itself_and_never_as_the_owner)
{
	uint8_t message[144] = {0}, sig[64];
	emr_domain_public public;
	emr_public identity;
	emr_signer who;

	assert_int_equal(emr_keyring_signer_of(owner, domain).kind, EMR_SIGNER_DOMAIN);
	pass(1);
	who = emr_keyring_signer_of(device, domain);
	assert_int_equal(who.kind, EMR_SIGNER_IDENTITY);
	assert_ok(emr_keyring_public(device, &identity));
	assert_ok(emr_keyring_domain_public(device, domain, 1, 1, &public));
	assert_memory_equal(public.signer_id.b, identity.signer_id.b, 32);
	assert_ok(emr_keyring_sign(device, who, EMR_SIGN_BATCH, emr_bytes_of(message, 144), sig));
	assert_ok(emr_sign_verify(identity.pk, EMR_SIGN_BATCH, emr_bytes_of(message, 144), sig));
	assert_status(EMR_DENIED, emr_keyring_sign(device, emr_signer_domain(domain, 1),
					  EMR_SIGN_BATCH, emr_bytes_of(message, 144), sig));
}

TEST_IN(begin, end, a_device_knows_whose_it_is)
{
	uint8_t pk[32], of_device[32];
	emr_public identity;

	assert_ok(emr_keyring_public(owner, &identity));
	assert_ok(emr_keyring_person_pk(owner, pk));
	assert_memory_equal(pk, identity.pk, 32);
	assert_ok(emr_keyring_tlv_set(device, EMR_KEYRING_OWNER, emr_bytes_of(pk, 32)));
	assert_ok(emr_keyring_person_pk(device, of_device));
	assert_memory_equal(of_device, pk, 32);
	assert_ok(emr_keyring_tlv_set(device, EMR_KEYRING_OWNER, emr_bytes_of(pk, 31)));
	assert_status(EMR_DAMAGED, emr_keyring_person_pk(device, of_device));
}

TESTS(NULL, NULL)
